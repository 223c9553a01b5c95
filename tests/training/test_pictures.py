"""A picture at each validation, of the same stretch of an unseen take, from curves that were made for the scores."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao import drawing as drawing_module
from koekao.animation import animate
from koekao.arkit import INDEX, NAMES
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.takes.synthetic.making import make_take, make_takes
from koekao.training import Trainer, pictures
from koekao.training import trainer as trainer_module
from koekao.training.log import TensorBoard
from koekao.training.metrics import pearson
from koekao.training.pictures import Stretch, draw, labels_of, stretch_of

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
EACH_EPOCH: dict[str, Any] = {"epochs": 2, "validations": 1000, "stride": "sparse", "plots": True}


@pytest.fixture
def drawing() -> None:
    pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def unseen(spoken: Corpus) -> Corpus:
    return spoken.select(split="val")


@pytest.fixture(scope="module")
def stretch(unseen: Corpus) -> Stretch:
    found = stretch_of(unseen)
    assert found is not None
    return found


def pixels(png: bytes) -> np.ndarray:
    """``[height, width, 3]`` in 0..255."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def orange(png: bytes) -> np.ndarray:
    """Which pixels are of the prediction's colour, ``[height, width]``, right of the labels and below the head."""
    seen = pixels(png)
    near = np.abs(seen - (0xE8, 0x59, 0x0C)).sum(2) < 30
    near[: int(pictures._TOP_INCHES * pictures.DOTS_PER_INCH)] = False
    near[:, : int(pictures._LEFT * pictures.WIDTH)] = False
    return near


def take_of(curves: np.ndarray, *, seed: int = 0, **more: Any) -> Any:
    """A take of these curves ``[F, 52]``, with sound of that length."""
    made = make_take(seed, seconds=len(curves) / 30)
    return type(made)(**vars(made) | {"curves": curves.astype(np.float32), "valid": np.ones(len(curves), bool)} | more)


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Corpus]:
    """``packed(curves, ...)``: a corpus of takes of these curves, all of them for training."""

    def pack(*curves: np.ndarray, **more: Any) -> Corpus:
        takes = [take_of(each, seed=i, name=f"take_{i}", **more) for i, each in enumerate(curves)]
        pack_takes(takes, tmp_path / "packed", PackConfig(val=0.0))
        return Corpus.open(tmp_path / "packed")

    return pack


def swinging(n_frames: int, *moving: str, first: int = 0, end: int | None = None, high: float = 0.5) -> np.ndarray:
    """Curves that go up and down from frame ``first`` to ``end``, each at its own rate, and are still elsewhere."""
    curves = np.zeros((n_frames, 52))
    for i, name in enumerate(moving):
        curves[first:end, INDEX[name]] = high * (1 + np.sin(np.arange(n_frames)[first:end] / (2 + i))) / 2
    return curves


def test_a_picture_at_each_validation(
    drawing: None, start: Start, events: Events, stretch: Stretch, monkeypatch: pytest.MonkeyPatch
) -> None:
    animated: list[int] = []
    monkeypatch.setattr(
        trainer_module, "animate", lambda model, audio: (animated.append(len(audio)), animate(model, audio))[1]
    )
    trainer = start(**EACH_EPOCH)
    trainer.fit()
    told, run = events("validation"), trainer.run.path
    assert len(told) == 2 and animated == [len(stretch.sound)] * 2, "no take is animated for the picture alone"
    files = [f"curves/step_{line['step']:06d}.png" for line in told]
    assert [line["picture"] for line in told] == files
    assert sorted(file.relative_to(run).as_posix() for file in run.rglob("*.png")) == ["curves.png", *files]
    assert (run / "curves.png").read_bytes() == (run / files[-1]).read_bytes()
    for file in files:
        height, width, _ = (seen := pixels((run / file).read_bytes())).shape
        inches = pictures._TOP_INCHES + pictures._BOTTOM_INCHES + pictures._LANE_INCHES * (1 + len(stretch.lanes))
        assert (width, height) == (pictures.WIDTH, pytest.approx(inches * pictures.DOTS_PER_INCH, abs=1))
        assert (seen[0, 0] == 255).all() and 0.02 < (seen < 250).any(2).mean() < 0.5, "a light page with ink on it"
        assert orange((run / file).read_bytes()).sum() > 500
    assert (
        "![Truth and prediction on an unseen take, at the last validation](curves.png)" in trainer.run.card.read_text()
    )


def test_a_resumed_run_draws_the_same_stretch(
    drawing: None, start: Start, events: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        pictures,
        "draw",
        lambda stretch, curves, **said: (
            drawn.append((stretch.name, stretch.first_frame, stretch.lanes, labels_of(stretch, curves), said)),
            b"png",
        )[1],
    )
    start(run=tmp_path / "one", **EACH_EPOCH).fit()
    straight, drawn[:] = [*drawn], []
    half = events("validation", run=tmp_path / "one")[0]["step"] + 1
    start(run=tmp_path / "other", stop_at=half, **EACH_EPOCH).fit()
    start(run=tmp_path / "other", resume=True).fit()
    assert len(straight) == 2 and drawn == straight


def test_of_several_takes_the_curves_are_those_of_the_take_that_is_drawn(
    drawing: None, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Stretch, np.ndarray]] = []
    monkeypatch.setattr(pictures, "draw", lambda stretch, curves, **_: (drawn.append((stretch, curves)), b"png")[1])
    pack_takes(make_takes(7, seconds=(2, 3), seed=1), tmp_path / "corpus", PackConfig(val=("ken_*", "aoi_*")))
    trainer = start(corpus=Corpus.open(tmp_path / "corpus"), max_steps=2, plots=True)
    trainer.fit()
    ((stretch, curves),) = drawn
    assert stretch.name != trainer.val_takes.names[-1], "else the last take to be animated would do"
    assert np.array_equal(curves, animate(trainer.run.model(), stretch.sound))


@pytest.mark.parametrize("why", ["switched off", "not installed", "nobody to draw", "nothing moves"])
def test_nothing_is_drawn(
    start: Start, events: Events, spoken: Corpus, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    more: dict[str, Any] = EACH_EPOCH | {"max_steps": 3}
    if why == "switched off":
        more["plots"] = False
    elif why == "not installed":
        for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
    elif why == "nobody to draw":
        more["corpus"] = spoken.select(split="train")
    else:
        monkeypatch.setattr(pictures, "MOVING_RANGE", 2.0)
    trainer = start(**more)
    trainer.fit()
    assert [*trainer.run.path.rglob("*.png")] == [] and not trainer.run.curves.exists()
    assert not any("picture" in line for line in events()) and "![" not in trainer.run.card.read_text("utf-8")


def test_the_ten_seconds_in_which_the_mouth_moves_most(packed: Callable[..., Corpus]) -> None:
    lively = swinging(900, "jawOpen", first=500, end=760)
    brows = swinging(900, "browInnerUp", "browDownLeft", "eyeBlinkLeft")
    corpus = packed(brows, lively, swinging(60, "jawOpen"))
    found = stretch_of(corpus)
    assert found is not None and (found.name, found.end_frame - found.first_frame) == ("take_1", 300)
    assert found.first_frame <= 500 and found.end_frame >= 760
    assert np.array_equal(found.truth, lively[found.first_frame : found.end_frame].astype(np.float32))
    assert len(found.heard) == 160_000 and [NAMES[i] for i in found.lanes] == ["jawOpen"]
    again = found.sound[corpus.clock.frame_start(found.first_frame) : corpus.clock.frame_start(found.end_frame)]
    assert np.array_equal(found.heard, again)


def test_frames_without_a_face_are_no_movement(packed: Callable[..., Corpus]) -> None:
    valid = np.ones(900, bool)
    valid[:450] = False
    curves = np.maximum(swinging(900, "jawOpen", end=400), swinging(900, "jawOpen", first=600, high=0.2))
    found = stretch_of(packed(curves, valid=valid))
    assert found is not None and found.first_frame >= 590


def test_the_lanes_are_the_curves_that_move_most_one_of_each_pair(packed: Callable[..., Corpus]) -> None:
    curves = swinging(300, "jawOpen", "mouthFunnel", "mouthPucker", "tongueOut", "mouthRollLower", "mouthClose")
    for i, name in enumerate(("mouthSmile", "browDown", "cheekSquint", "eyeBlink")):
        curves[:, INDEX[name + "Left"]] = (0.6 - 0.1 * i) * curves[:, INDEX["jawOpen"]]
        curves[:, INDEX[name + "Right"]] = 0.7 * curves[:, INDEX["jawOpen"]] * (i == 1)
    curves[:, INDEX["noseSneerLeft"]] = 0.09 * curves[:, INDEX["jawOpen"]]  # spans less than what counts as moving
    found = stretch_of(packed(curves))
    assert found is not None and len(found.lanes) == pictures.MOST_LANES == 8
    names = [NAMES[i] for i in found.lanes]
    assert names[-2:] == ["browDownRight", "mouthSmileLeft"] and set(names[:6]) >= {"jawOpen", "tongueOut"}


def test_a_label_is_the_correlation_of_the_tracked_frames_that_are_seen(unseen: Corpus, stretch: Stretch) -> None:
    rng = np.random.default_rng(1)
    said = np.clip(unseen.curves(0) + rng.normal(0, 0.2, unseen.curves(0).shape), 0, 1).astype(np.float32)[:-1]
    stretch = replace(stretch, valid=rng.random(len(stretch.valid)) > 0.3)
    there = np.flatnonzero(stretch.valid[: len(said) - stretch.first_frame])
    both = (each[stretch.first_frame :][there].astype(float) for each in (said, unseen.curves(0)))
    expected = pearson(*both)
    assert labels_of(stretch, said) == {NAMES[i]: pytest.approx(float(expected[i])) for i in stretch.lanes}
    assert min(labels_of(stretch, said).values()) > 0.1 and max(labels_of(stretch, said).values()) < 0.999


def test_the_line_is_the_prediction(drawing: None, unseen: Corpus, stretch: Stretch) -> None:
    """The same picture from the same curves; a line that lies on the floor of its lane, and one at its top."""
    truth = unseen.curves(0)
    low, high = (draw(stretch, np.full_like(truth, value), step=1, mean_r=None) for value in (0, 1))
    assert draw(stretch, np.zeros_like(truth), step=1, mean_r=None) == low
    lane = pictures._LANE_INCHES * pictures.DOTS_PER_INCH
    lowest, lifted = (np.flatnonzero(orange(png).sum(1) > 500).max() for png in (low, high))
    assert lowest - lifted == pytest.approx(pictures._FULL * lane, abs=3)


def test_any_name_can_be_written(drawing: None, packed: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters without a font, what others read as formulas, a path that is too long, no score, half a second."""
    found = stretch_of(packed(swinging(15, "jawOpen")))
    assert found is not None
    monkeypatch.setattr(drawing_module, "_FONTS", ())
    for name in ("声/テイク_01", "a$b_$", "folder/" * 40 + "take"):
        named = Stretch(**vars(found) | {"name": name})
        png = draw(named, np.zeros((14, 52), np.float32), step=1_234_567, mean_r=None)
        assert pixels(png).shape[1] == pictures.WIDTH


def test_pyplot_is_left_alone(drawing: None, unseen: Corpus, stretch: Stretch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    assert pictures.can_draw() and draw(stretch, unseen.curves(0), step=1, mean_r=0.5)


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TensorBoard]:
    if sys.modules.get("tensorboard", "") is None:  # tests of the command line keep it out
        monkeypatch.delitem(sys.modules, "tensorboard")
    pytest.importorskip("tensorboard")
    made = TensorBoard(tmp_path / "tensorboard")
    yield made
    made.close()


def test_tensorboard_shows_it_too(
    drawing: None, tmp_path: Path, board: TensorBoard, unseen: Corpus, stretch: Stretch
) -> None:
    png = draw(stretch, unseen.curves(0), step=7, mean_r=0.5)
    (tmp_path / "a.png").write_bytes(png)
    written: list[tuple[Any, ...]] = []
    add_image = board._writer.add_image
    board._writer.add_image = lambda name, image, step, **how: (
        written.append((name, (image[..., :3] * 255).round().astype(int), step)),
        add_image(name, image, step, **how),
    )
    board.tell("validation", step=6, r=0.5)
    board.tell("validation", step=7, r=0.5, picture="a.png")
    (name, image, step) = written[0]
    assert len(written) == 1 and (name, step) == ("curves", 7) and np.array_equal(image, pixels(png))

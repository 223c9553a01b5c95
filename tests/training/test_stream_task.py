"""The stream task: frames that count are those of the whole stream, and no word on what was not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from judged_frames import judge, loss

from koekao.animation import animate
from koekao.api.corpora import pack_features
from koekao.batches import Batch, ClipSpec, Loader
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models import StreamModel, build
from koekao.takes.synthetic.making import make_take, make_takes
from koekao.takes.take import as_float
from koekao.training.losses import correlation_by_curve, position_by_curve, velocity_by_curve
from koekao.training.parts import make_parts
from koekao.training.statistics import fit_statistics
from koekao.training.take_mel import TakeMel
from koekao.training.tasks import StreamTask

SPEC = ClipSpec(batch_size=6, window_frames=24, stride_frames=5, columns=("arkit",))
CONTEXT, AHEAD = 8, 3
Made = tuple[StreamModel, StreamTask]


@pytest.fixture(scope="module")
def made(spoken: Corpus) -> Made:
    torch.manual_seed(0)
    settings = {"dim": 8, "channels": 4, "front_frames": 1, "dilations": (1, 2), "look_ahead_frames": AHEAD}
    model = build("stream", settings | {"features": {"n_mels": 20}})
    fit_statistics(model, spoken)
    assert isinstance(model, StreamModel) and model.config.context_frames == CONTEXT
    return model.eval(), StreamTask(model, TakeMel(spoken, model.features), judge(velocity=0.25, correlation=2))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Takes of 72, 24, 21 and 12 frames: the last two are shorter than a window."""
    path = tmp_path_factory.mktemp("short") / "corpus"
    takes = [make_take(30 + i, seconds=s, name=str(i)) for i, s in enumerate((2.4, 0.8, 0.7, 0.4))]
    pack_takes(takes, path, PackConfig(val=0.0))
    return Corpus.open(path)


@torch.no_grad()
@pytest.mark.parametrize("which", ["spoken", "short"])
def test_supervised_frames_are_those_of_the_live_stream(request: pytest.FixtureRequest, made: Made, which: str) -> None:
    """Every frame that counts, in every window of every take, is what an animator says; of those that do not, some are
    not: they lack context or look-ahead."""
    corpus, model = request.getfixturevalue(which), made[0]
    task = StreamTask(model, TakeMel(corpus, model.features), judge())
    live = [torch.from_numpy(animate(model, as_float(corpus.audio(i)))) for i in range(len(corpus))]
    seen, unlike = [torch.zeros(len(curves), dtype=torch.bool) for curves in live], 0
    for batch in Loader(corpus, SPEC):
        predicted, counts = task.predict(model, batch).clamp(0, 1), task.supervised(batch)
        for row in torch.nonzero(batch["valid_frames"]).flatten().tolist():
            take, start, mine = int(batch["file_indices"][row]), int(batch["start_frames"][row]), counts[row]
            there = live[take][start : start + 24]
            told, mine = predicted[row, : len(there)], mine[: len(there)]
            torch.testing.assert_close(told[mine], there[mine], atol=1e-5, rtol=0)
            unlike += int(((told - there).abs().max(1).values[~mine] > 1e-3).sum())
            seen[take][start : start + 24] |= mine
    assert unlike > 10
    for frames in seen:  # from the first frame on; a take longer than a window may lack the rest of the last hop
        assert frames[: -AHEAD - (5 if len(frames) > 24 else 0)].all() and not frames[-AHEAD:].any()


def test_which_frames_count(made: Made) -> None:
    """By hand: a window inside a take, at its start, a short take, with an untracked frame, and a padding row."""
    tracked = torch.ones(5, 24, dtype=torch.bool)
    tracked[3, 12] = False
    batch = {
        "arkit": torch.zeros(5, 24, 52),
        "frame_mask": tracked,
        "start_frames": torch.tensor([7, 0, 0, 7, 0]),
        "valid_frames": torch.tensor([24, 24, 23, 24, 0]),
    }
    ranges = [range(7, 21), range(21), range(20), [*range(7, 12), *range(13, 21)], []]
    expected = torch.tensor([[frame in those for frame in range(24)] for those in ranges])
    assert torch.equal(made[1].supervised(batch), expected)


@torch.no_grad()
def test_the_losses_are_over_the_frames_that_count(spoken: Corpus, made: Made) -> None:
    model, task = made
    batch = Loader(spoken, SPEC).batch(0)
    losses, predicted, mask = task.losses(model, batch), task.predict(model, batch), task.supervised(batch)
    spread, never = model.curve_spread, torch.zeros_like(mask)
    times = {"reset": never, "gap_frames": never.long() + 1}
    velocity = loss(velocity_by_curve(predicted, batch["arkit"], spread, mask, **times))
    assert torch.equal(losses["position"], loss(position_by_curve(predicted, batch["arkit"], spread, mask)))
    assert torch.equal(losses["velocity"], 0.25 * velocity) and velocity > 0
    correlation = loss(correlation_by_curve(predicted, batch["arkit"], spread, mask, reset=never))
    assert torch.equal(losses["correlation"], 2 * correlation)
    bare = StreamTask(model, task.mel, judge())
    assert list(bare.losses(model, batch)) == ["position"]


def test_what_does_not_count_has_no_gradient(spoken: Corpus, made: Made) -> None:
    """Curves that are not there may be anything, not a number included."""
    model, task = made
    batch = Loader(spoken, SPEC).batch(0)
    losses = task.losses(model, batch)
    spoilt: Batch = {**batch, "arkit": batch["arkit"].clone()}
    spoilt["arkit"][~task.supervised(batch)] = float("nan")
    again = task.losses(model, spoilt)
    assert all(torch.equal(losses[name], again[name]) for name in losses)
    sum(again.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in model.parameters())
    model.zero_grad()


def test_packed_mel_trains_as_computed_mel_does(tmp_path: Path, config_of: Any) -> None:
    """The same losses to the bit; the loader reads no sound, and reads the column where there is one."""
    pack_takes(make_takes(3, seconds=(0.6, 2), seed=1), tmp_path / "corpus", PackConfig(val=0.0))
    corpus = Corpus.open(tmp_path / "corpus")
    config = config_of("stream", model={"dim": 8, "channels": 4, "dilations": (1, 2), "features": {"n_mels": 20}})
    model = build("stream", config.model)
    fit_statistics(model, corpus)
    spec, said = config.spec(3, corpus.clock, 1), []
    for columns in (("arkit",), ("mel", "arkit")):
        parts = make_parts(config, corpus, model.eval(), spec)
        assert parts.loader.spec.columns == columns
        said.append([parts.task.losses(model, batch) for batch in parts.loader])
        if len(said) == 1:
            pack_features(corpus, n_mels=20)
            corpus = Corpus.open(tmp_path / "corpus")
    assert len(said[0]) == len(said[1]) > 1
    for one, other in zip(*said, strict=True):
        assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_tasks_are_for_their_own_models(spoken: Corpus, made: Made) -> None:
    batch = Loader(spoken, SPEC).batch(0)
    with pytest.raises(TypeError, match="FrameModel does not predict every frame"):
        made[1].predict(build("frame", {"dim": 8}), batch)
    with pytest.raises(TypeError, match="batches without log-mel"):
        StreamTask(made[0], None, judge()).predict(made[0], batch)

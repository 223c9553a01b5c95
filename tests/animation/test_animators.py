"""Many faces side by side: each row is its own stream, whenever it begins, pauses, ends or begins anew."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch

from koekao.animation import Animators, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ModelError, SoundError
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {"dim": 16, "dilations": (3, 1)},
    "frame": {"dim": 16, "past_frames": 1, "target_frame": 1, "future_frames": 3},
    "stream": {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3), "look_ahead_frames": 3},
    "window": {"dim": 16, "width": 8, "heads": 2, "mel_frames": 5, "emotion_frames": 3, "emotion": {"past_s": 1.0}},
}
EVERY_MODEL = pytest.mark.parametrize("name", SETTINGS)
SPEECH = as_float(make_take(5, seconds=4).audio)


@pytest.fixture(scope="module", params=["30", "60000/1001"])
def model_of(request: pytest.FixtureRequest) -> Any:
    made: dict[str, FaceModel] = {}

    def make(name: str) -> FaceModel:
        if name not in made:
            torch.manual_seed(3)
            model = build(name, SETTINGS[name] | {"features": {"fps": request.param, "n_mels": 24}})
            model.fit_features(lambda: [SPEECH])
            model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 0.3, np.float32))
            made[name] = model.eval()
        return made[name]

    return make


def rows_of(model: FaceModel, n_rows: int) -> Animators:
    return Animators(TorchEngine(model), n_rows)


class Heard:
    """What came of each row, and what each row heard since it began."""

    def __init__(self, animators: Animators) -> None:
        self.animators = animators
        self.curves: list[list[Any]] = [[] for _ in range(animators.n_rows)]
        self.sound: list[list[Any]] = [[] for _ in range(animators.n_rows)]

    def push(self, *pieces: Any) -> None:
        sound = np.zeros((len(pieces), max(map(len, pieces))), np.float32)
        for row, piece in enumerate(pieces):
            sound[row, : len(piece)] = piece
            sound[row, len(piece) :] = np.nan  # nobody may look at what is not the row's
            self.sound[row].append(piece)
        self.keep(self.animators.push(sound, np.array([len(piece) for piece in pieces])))

    def keep(self, ready: Any) -> None:
        for row, curves in enumerate(self.curves):
            assert ready.first_frame[row] == sum(map(len, curves))
            assert not ready.curves[row, ready.n_ready[row] :].any()
            curves.append(ready.of(row))

    def begin_anew(self, rows: Any) -> None:
        self.animators.reset(rows)
        for row in np.flatnonzero(rows):
            self.curves[row], self.sound[row] = [], []

    def expect(self, model: FaceModel) -> None:
        for curves, sound in zip(self.curves, self.sound):
            np.testing.assert_allclose(np.concatenate(curves), animate(model, np.concatenate(sound)), atol=1e-5)


@EVERY_MODEL
@pytest.mark.parametrize("seed", range(3))
def test_rows_at_their_own_pace_are_streams_alone(model_of: Any, name: str, seed: int) -> None:
    """Rows that get sound in other pieces, pause, end early and begin anew are each what they would be alone."""
    model, rng = model_of(name), np.random.default_rng(seed)
    heard, ended = Heard(rows_of(model, 4)), np.zeros(4, bool)
    at = np.array([0, 5000, 9000, 20_000])
    for turn in range(14):
        sizes = rng.choice([0, 1, 266, 533, 534, 3000], 4) * ~ended
        heard.push(*(SPEECH[begin : begin + size] for begin, size in zip(at, sizes)))
        at += sizes
        if turn == 6:
            ended[2] = True
            heard.keep(heard.animators.finish(ended))
        if turn == 9:
            heard.begin_anew(np.array([False, True, False, False]))
    heard.keep(heard.animators.finish())
    assert all(heard.animators.push(np.zeros((4, 0), np.float32)).n_ready == 0)
    heard.expect(model)


@EVERY_MODEL
def test_a_row_that_gets_nothing_stays_as_it_is(model_of: Any, name: str) -> None:
    animators = rows_of(model_of(name), 3)
    animators.push(np.stack([SPEECH[:9000], SPEECH[9000:18_000], SPEECH[500:9500]]))
    before = animators.state_dict()
    for size in (100, 4000):
        animators.push(np.full((3, size), 0.3, np.float32), np.array([size, 0, size]))
    after = animators.state_dict()
    for key in before.keys() - {"waiting"}:
        np.testing.assert_array_equal(after[key][1], before[key][1])
    assert not np.array_equal(after["engine.sound"], before["engine.sound"])


@EVERY_MODEL
def test_saved_and_restored_is_straight_on(model_of: Any, name: str) -> None:
    """At any moment, also before the first frame and after the end of a row; through a file, without pickle."""
    model = model_of(name)
    sounds = np.stack([SPEECH[:24_000], SPEECH[24_000:48_000]])
    for first in (0, 400, 700, 9000, 20_001):
        straight, saved = rows_of(model, 2), rows_of(model, 2)
        for animators in (straight, saved):
            animators.push(sounds[:, :first], np.array([first, first // 2]))
        straight.finish(np.array([False, first == 9000]))
        saved.finish(np.array([False, first == 9000]))
        file = io.BytesIO()
        np.savez(file, **saved.state_dict())
        file.seek(0)
        restored = rows_of(model, 2)
        restored.push(sounds[:, 3000:7000])  # what it heard before is forgotten
        with np.load(file, allow_pickle=False) as arrays:
            restored.load_state_dict(dict(arrays))
        counts = np.array([3000, 0 if first == 9000 else 3000])
        for _ in range(2):
            one, two = (a.push(sounds[:, 4000:7000], counts) for a in (straight, restored))
            np.testing.assert_array_equal(one.curves, two.curves)
            np.testing.assert_array_equal(one.first_frame, two.first_frame)
        np.testing.assert_array_equal(straight.finish().curves, restored.finish().curves)


def test_a_saved_state_stands_by_itself(model_of: Any) -> None:
    animators = rows_of(model_of("stream"), 1)
    animators.push(SPEECH[None, :9000])
    state = animators.state_dict()
    copies = {name: value.copy() for name, value in state.items()}
    animators.push(SPEECH[None, 9000:12_000])
    other = rows_of(model_of("stream"), 1)
    other.load_state_dict(state)
    other.push(SPEECH[None, 9000:12_000])
    for name, value in copies.items():
        np.testing.assert_array_equal(state[name], value)


def test_the_state_of_others_is_refused(model_of: Any) -> None:
    state = rows_of(model_of("stream"), 2).state_dict()
    for others in (rows_of(model_of("stream"), 3), rows_of(model_of("sequential"), 2)):
        before = others.state_dict()
        with pytest.raises(ModelError, match="of the saved state is") as error:
            others.load_state_dict(state)
        assert "same model" in error.value.do
        np.testing.assert_array_equal(others.state_dict()["engine.sound"], before["engine.sound"])
    with pytest.raises(ModelError, match="'finished' of the saved state is nothing"):
        rows_of(model_of("stream"), 2).load_state_dict({k: v for k, v in state.items() if k != "finished"})


def test_what_is_wrong_in_one_row_is_heard_by_none(model_of: Any) -> None:
    animators = rows_of(model_of("stream"), 3)
    animators.push(np.stack([SPEECH[:3000]] * 3), np.array([3000, 1000, 3000]))
    before = animators.state_dict()
    wrong = np.zeros((3, 700), np.float32)
    wrong[1, 600] = np.nan
    with pytest.raises(SoundError, match="not finite") as error:
        animators.push(wrong)
    assert error.value.where == "row 1, sample 1600"
    after = animators.state_dict()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    animators.push(wrong, np.array([700, 600, 700]))  # it lies after what is the row's
    animators.finish(np.array([True, False, False]))
    with pytest.raises(ModelError, match=r"sound after finish\(\) in row 0"):
        animators.push(np.zeros((3, 10), np.float32))
    animators.push(np.zeros((3, 10), np.float32), np.array([0, 10, 10]))


@pytest.mark.parametrize(
    ("shape", "dtype", "counts"),
    [
        ((800,), np.float32, None),  # one sound is not two streams of half the length
        ((1, 800), np.float32, None),
        ((2, 2, 800), np.float32, None),
        ((2, 800), np.float64, None),
        ((2, 800), np.int16, None),
        ((2, 800), np.float32, [800]),
        ((2, 800), np.float32, [801, 1]),
        ((2, 800), np.float32, [-1, 1]),
    ],
)
def test_sound_of_another_shape_or_kind_is_refused(model_of: Any, shape: Any, dtype: Any, counts: Any) -> None:
    animators = rows_of(model_of("sequential"), 2)
    with pytest.raises(ModelError, match="expected"):
        animators.push(np.zeros(shape, dtype), None if counts is None else np.array(counts))
    assert not animators.heard_samples.any()
    with pytest.raises(ModelError, match=r"expected \[2\] bool"):
        animators.reset(np.array([True]))
    with pytest.raises(ModelError, match="0 streams"):
        rows_of(model_of("sequential"), 0)

"""Law of the live stream: offline is live, whatever the chunks, and nothing is heard before it was said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from koekao.animation import Animator, animate
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

Sound = NDArray[np.float32]
SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {"dim": 16, "dilations": (3, 1)},
    "frame": {"dim": 16, "past_frames": 4, "target_frame": 4, "future_frames": 3},
    "stream": {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3), "look_ahead_frames": 1},
    "window": {"dim": 16, "width": 8, "heads": 2, "mel_frames": 5, "emotion_frames": 3, "emotion": {"past_s": 1.0}},
}
SPREADS = {"sequential": 0.2, "frame": 4.0, "stream": 0.3, "window": 0.2}
"""Of the curves, so that untrained faces move."""
SPEECH: Sound = as_float(make_take(7, seconds=2.4).audio)
EVERY_MODEL = pytest.mark.parametrize("name", SETTINGS)
EVERY_RATE = pytest.mark.parametrize("fps", ["24", "30", "60000/1001"])


@pytest.fixture(scope="module")
def model_of() -> Callable[[str, str], FaceModel]:
    made: dict[tuple[str, str], FaceModel] = {}

    def make(name: str, fps: str) -> FaceModel:
        if (name, fps) not in made:
            torch.manual_seed(3)
            model = build(name, SETTINGS[name] | {"features": {"fps": fps, "n_mels": 24}})
            model.fit_features(lambda: [SPEECH])
            spread = SPREADS[name]
            model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, spread, np.float32))
            made[name, fps] = model.eval()
        return made[name, fps]

    return make


def in_pieces(sound: Sound, sizes: Iterator[int]) -> Iterator[Sound]:
    begin = 0
    while begin < len(sound):
        size = next(sizes)
        yield sound[begin : begin + size]
        begin += size


def live(model: FaceModel, pieces: Iterator[Sound]) -> Sound:
    """Frames as they come, at once and in order."""
    animator = Animator(model)
    frames = [animator.push(piece) for piece in pieces]
    return np.concatenate([*frames, animator.finish()])


def always(size: int) -> Iterator[int]:
    while True:
        yield size


@EVERY_MODEL
@EVERY_RATE
@pytest.mark.parametrize("chunk", [160, 533, 1600, 16000])
def test_live_is_offline_for_any_chunk(model_of: Any, name: str, fps: str, chunk: int) -> None:
    model = model_of(name, fps)
    offline = animate(model, SPEECH)
    assert offline.std(0).max() > 0.02  # a face that moves
    of_chunks = live(model, in_pieces(SPEECH, always(chunk)))
    assert of_chunks.shape == offline.shape
    np.testing.assert_allclose(of_chunks, offline, atol=1e-5)


@EVERY_MODEL
@EVERY_RATE
def test_live_is_offline_sample_by_sample(model_of: Any, name: str, fps: str) -> None:
    model, sound = model_of(name, fps), SPEECH[4000:7000]
    np.testing.assert_allclose(live(model, in_pieces(sound, always(1))), animate(model, sound), atol=1e-5)


@EVERY_MODEL
@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(0, 9000), min_size=1, max_size=12), length=st.integers(0, len(SPEECH)))
def test_live_is_offline_for_chunks_at_random(model_of: Any, name: str, sizes: list[int], length: int) -> None:
    """Empty ones, long ones and any order of them; sound of any length."""
    model, sound = model_of(name, "30"), SPEECH[:length]
    pieces = in_pieces(sound, iter([*sizes, length]))
    np.testing.assert_allclose(live(model, pieces), animate(model, sound), atol=1e-5)


@EVERY_MODEL
@EVERY_RATE
def test_nothing_beyond_the_look_ahead_is_heard(model_of: Any, name: str, fps: str) -> None:
    """What is said after t changes no frame whose own interval and look-ahead end by t, not by a bit."""
    model = model_of(name, fps)
    clock, before = model.clock, animate(model, SPEECH)
    rng = np.random.default_rng(0)
    for t in (1, 533, 9001, 20_000, 31_700):
        changed = SPEECH.copy()
        changed[t:] = rng.uniform(-1, 1, len(SPEECH) - t)
        after = animate(model, changed)
        safe = clock.frame_at(t) - model.look_ahead_frames
        np.testing.assert_array_equal(after[: max(0, safe)], before[: max(0, safe)])
        if safe >= 0:  # and the law is tight: the next frame does hear it
            assert not np.array_equal(after[safe], before[safe])


@EVERY_MODEL
@EVERY_RATE
def test_what_is_said_does_not_depend_on_what_comes(model_of: Any, name: str, fps: str) -> None:
    """Frames given out live stay true: they are the frames of the whole sound, given before it was there."""
    model, animator = model_of(name, fps), Animator(model_of(name, fps))
    early = animator.push(SPEECH[:20_000])
    assert len(early) == model.clock.frame_at(20_000) - model.look_ahead_frames
    np.testing.assert_allclose(early, animate(model, SPEECH)[: len(early)], atol=1e-5)


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"window"}))
def test_silence_before_the_sound_moves_it_and_changes_nothing_else(model_of: Any, name: str) -> None:
    """After a second of silence the face of a sound is the same a second later, as far as the model remembers.

    Not so the window model: to it a pause is something that was heard, and refreshes are counted from the beginning.
    """
    model = model_of(name, "30")
    later = animate(model, np.concatenate([np.zeros(16_000, np.float32), SPEECH]))[30:]
    at_once = animate(model, SPEECH)
    np.testing.assert_allclose(later[20:], at_once[20:], atol=1e-4)


@pytest.mark.parametrize("chunk", [16_000, 0])
def test_live_is_offline_over_ten_minutes(model_of: Any, chunk: int) -> None:
    """Nothing creeps in over 18,000 frames; 0 is chunks at random. ``benchmarks/live.py --pieces`` has 1 to 1600."""
    model, rng = model_of("stream", "30"), np.random.default_rng(chunk)
    sound = np.tile(SPEECH, 1 + 600 * 16_000 // len(SPEECH))[: 600 * 16_000] * np.float32(0.5)
    sound *= 1 + np.sin(np.arange(len(sound), dtype=np.float32) * np.float32(1e-5))  # no two seconds alike
    sizes = always(chunk) if chunk else (int(n) for n in rng.integers(0, 40_000, 100_000))
    of_chunks = live(model, in_pieces(sound, sizes))
    assert of_chunks.shape == (18_000, 52)
    np.testing.assert_allclose(of_chunks, animate(model, sound), atol=1e-5)

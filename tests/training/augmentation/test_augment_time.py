"""Time: sound and curves move together, and a silence is silent and still."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from koekao.arkit import INDEX, N_CURVES
from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.training.augmentation import Silence, TimeShift, Window
from koekao.training.augmentation.silence import LOWER_FACE

CLOCK = Clock(16000, Fraction(30))
RAMP = np.repeat(np.arange(128, dtype=np.float32)[:, None], N_CURVES, axis=1)


def shifted_by(frames: float, sound, curves, tracked=None) -> Window:
    window = Window(CLOCK, sound.copy(), curves.copy(), tracked)
    TimeShift(shift_frames=(frames, frames)).apply(window, np.random.default_rng(0))
    return window


@pytest.mark.parametrize(("frames", "samples"), [(0.5, 267), (-0.5, -267), (0.25, 133), (0.9, 480), (0.0, 0)])
def test_sound_and_curves_move_by_the_same_time(spoken_window, frames: float, samples: int) -> None:
    sound = spoken_window.sound
    moved = shifted_by(frames, sound, RAMP)
    inner = slice(600, -600)
    np.testing.assert_array_equal(moved.sound[inner], np.roll(sound, samples)[inner])
    np.testing.assert_allclose(moved.curves[1:-1], RAMP[1:-1] - samples * 30 / 16000, atol=2e-5)


def test_what_is_missing_at_an_edge_is_mirrored_there(spoken_window) -> None:
    sound = spoken_window.sound
    later, earlier = (shifted_by(frames, sound, RAMP) for frames in (0.5, -0.5))
    np.testing.assert_array_equal(later.sound[:267], sound[:267][::-1])
    np.testing.assert_array_equal(earlier.sound[-267:], sound[-267:][::-1])
    np.testing.assert_array_equal(later.curves[0], RAMP[0])
    np.testing.assert_array_equal(earlier.curves[-1], RAMP[-1])


def test_nothing_is_read_from_frames_that_were_not_tracked(spoken_window) -> None:
    curves, tracked = RAMP.copy(), np.ones(128, bool)
    curves[60], tracked[60] = 1e6, False
    moved = shifted_by(0.5, spoken_window.sound, curves, tracked)
    np.testing.assert_array_equal(moved.curves[60:62], curves[60:62])
    np.testing.assert_allclose(moved.curves[62], 62 - 267 * 30 / 16000, atol=1e-4)


def silenced(spoken_window, seed: int = 0, **more) -> tuple[Window, float, float]:
    """The window with 1 s of silence, and where that begins and ends."""
    window = Window(CLOCK, spoken_window.sound.copy(), spoken_window.curves.copy())
    Silence(length_s=(1, 1), room_db=(-60, -60), **more).apply(window, np.random.default_rng(seed))
    generator = np.random.default_rng(seed)
    begin_s = [generator.random() for _ in range(3)][2] * (128 / 30 - 1)
    return window, begin_s, begin_s + 1


@pytest.mark.parametrize("seed", range(4))
def test_a_silence_has_the_tone_of_a_room_over_a_still_mouth(spoken_window, seed: int) -> None:
    rest = np.linspace(0, 0.3, N_CURVES)
    changed, begin_s, end_s = silenced(spoken_window, seed, rest=tuple(rest))
    quiet = changed.sound[round((begin_s + 0.05) * 16000) : round((end_s - 0.05) * 16000)]
    assert 20 * np.log10(quiet.std()) == pytest.approx(-60, abs=1)
    frames = np.arange(128) / 30
    still = (frames >= begin_s + 0.12) & (frames <= end_s - 0.12)
    np.testing.assert_allclose(changed.curves[still][:, LOWER_FACE], np.tile(rest[list(LOWER_FACE)], (still.sum(), 1)))


def test_outside_a_silence_and_in_the_upper_face_nothing_changes(spoken_window) -> None:
    changed, begin_s, end_s = silenced(spoken_window, rest=(0.1,) * N_CURVES)
    samples, frames = np.arange(len(changed.sound)) / 16000, np.arange(128) / 30
    outside = (samples < begin_s - 1e-4) | (samples > end_s + 1e-4)
    np.testing.assert_array_equal(changed.sound[outside], spoken_window.sound[outside])
    outside = (frames < begin_s) | (frames > end_s)
    np.testing.assert_array_equal(changed.curves[outside], spoken_window.curves[outside])
    upper = [i for i in range(N_CURVES) if i not in LOWER_FACE]
    assert {INDEX["browInnerUp"], INDEX["eyeBlinkLeft"]} <= set(upper)
    np.testing.assert_array_equal(changed.curves[:, upper], spoken_window.curves[:, upper])


def test_the_edges_of_a_silence_are_smooth() -> None:
    talking = Window(CLOCK, np.ones(68352, np.float32), np.ones((128, N_CURVES), np.float32))
    Silence(length_s=(1, 1), room_db=(-160, -160)).apply(talking, np.random.default_rng(0))
    assert np.abs(np.diff(talking.sound)).max() < 1.6 / (0.03 * 16000)  # a smooth step is at most 1.5 times as steep
    assert np.abs(np.diff(talking.curves, axis=0)).max() < 1.6 / (0.12 * 30)
    assert np.abs(np.diff(talking.sound, 2)).max() < 7 / (0.03 * 16000) ** 2  # and has no corners
    assert talking.sound.min() < 1e-4 and talking.curves.min() == 0


def test_a_window_shorter_than_the_silence_stays(spoken_window) -> None:
    short = Window(CLOCK, spoken_window.sound[:8000].copy(), spoken_window.curves[:15].copy())
    Silence(length_s=(1, 1)).apply(short, np.random.default_rng(0))
    np.testing.assert_array_equal(short.sound, spoken_window.sound[:8000])
    np.testing.assert_array_equal(short.curves, spoken_window.curves[:15])


def test_edges_longer_than_the_silence_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"curve_edge_s 0\.3; expected at most half of the shortest stretch, 0\.2 s"):
        Silence(curve_edge_s=0.3)

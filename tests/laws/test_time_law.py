"""Law of time: over ten hours every frame starts within half a sample of the truth, and frames tile the sound."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from koekao.clock import Clock

HOURS = 10
RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001), Fraction(60)]
CLOCKS = [Clock(sample_rate, fps) for fps in RATES for sample_rate in (16_000, 44_100, 48_000)]
Ten = tuple[Clock, NDArray[np.int64]]


@pytest.fixture(scope="module", params=CLOCKS, ids=lambda clock: f"{clock.sample_rate}-{float(clock.fps):.2f}")
def ten_hours(request: pytest.FixtureRequest) -> Ten:
    """A clock, and where each frame of ten hours starts."""
    clock = request.param
    return clock, clock.frame_starts(np.arange(int(HOURS * 3600 * clock.fps) + 2))


def test_every_frame_starts_within_half_a_sample_of_the_truth(ten_hours: Ten) -> None:
    clock, starts = ten_hours
    assert len(starts) * Fraction(1) / clock.fps > HOURS * 3600
    n, d = clock.fps.numerator, clock.fps.denominator
    # start - k * sample_rate / fps, times 2n: whole numbers below 2**53, so this is exact
    twice_error = 2 * (starts * n - np.arange(len(starts)) * (clock.sample_rate * d))
    assert twice_error.min() > -n
    assert twice_error.max() <= n


def test_frames_tile_the_sound_without_gap_or_overlap(ten_hours: Ten) -> None:
    clock, starts = ten_hours
    lengths = np.diff(starts)
    exact = Fraction(clock.sample_rate) / clock.fps
    assert starts[0] == 0
    assert {int(lengths.min()), int(lengths.max())} == {math.floor(exact), math.ceil(exact)}


def test_the_frame_at_a_sample_is_the_one_that_holds_it(ten_hours: Ten) -> None:
    clock, starts = ten_hours
    frames = np.arange(len(starts) - 1)
    # frame_at is whole-number arithmetic, so it takes arrays as well; first and last sample of each frame
    assert np.array_equal(clock.frame_at(starts[:-1]), frames)
    assert np.array_equal(clock.frame_at(starts[1:] - 1), frames)


def test_one_frame_at_a_time_is_the_same(ten_hours: Ten) -> None:
    clock, starts = ten_hours
    for frame in np.random.default_rng(0).integers(0, len(starts), 200).tolist():
        assert clock.frame_start(frame) == starts[frame]
        assert abs(starts[frame] - Fraction(frame * clock.sample_rate) / clock.fps) <= Fraction(1, 2)
        assert clock.frame_at(int(starts[frame])) == frame


def test_an_integer_hop_would_have_lost_seconds() -> None:
    clock = Clock(16_000, Fraction(30))
    n_frames = HOURS * 3600 * 30
    assert clock.frame_start(n_frames) == HOURS * 3600 * 16_000
    assert clock.frame_start(n_frames) - n_frames * 533 == 22.5 * 16_000  # 37.5 ms a minute


@pytest.mark.parametrize(
    ("fps", "n_frames", "n_samples"), [(30, 256, 136576), (60, 512, 136576), (30, 300, 160000), (60, 600, 160000)]
)
def test_windows_hold_the_samples_of_the_seeds(fps: int, n_frames: int, n_samples: int) -> None:
    assert Clock(16_000, Fraction(fps)).window_samples(n_frames) == n_samples

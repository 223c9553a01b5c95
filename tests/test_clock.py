"""Law: every conversion between frames and samples is the exact fraction, rounded once."""

from __future__ import annotations

import math
import pickle
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError

RATES = st.sampled_from(
    [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(24000, 1001), Fraction(30000, 1001)]
) | st.fractions(min_value=Fraction(1, 10), max_value=240, max_denominator=2000)
CLOCKS = st.builds(Clock, st.sampled_from([1, 8000, 16000, 22050, 44100, 48000]), RATES)
FRAMES = st.integers(0, 10**8)


def start_by_fraction(clock: Clock, frame: int) -> int:
    return math.floor(Fraction(frame * clock.sample_rate) / clock.fps + Fraction(1, 2))


def test_numbers_of_the_seeds() -> None:
    clock = Clock(16000, Fraction(30))
    assert [clock.frame_start(k) for k in (0, 1, 2, 3, 30, 1800)] == [0, 533, 1067, 1600, 16000, 960000]
    assert clock.window_samples(256) == 136576
    assert clock.window_samples(300) == 160000
    assert Clock(16000, Fraction(60)).window_samples(512) == 136576
    assert Clock(16000, Fraction(30000, 1001)).window_samples(256) == 136704


def test_a_frame_that_starts_between_two_samples_takes_the_later() -> None:
    clock = Clock(1, Fraction(2))
    assert [clock.frame_start(k) for k in range(6)] == [0, 1, 1, 2, 2, 3]


@settings(deadline=None)
@given(CLOCKS, FRAMES)
def test_frame_start_is_the_rounded_fraction(clock: Clock, frame: int) -> None:
    assert clock.frame_start(frame) == start_by_fraction(clock, frame)


@settings(deadline=None)
@given(CLOCKS, st.lists(st.integers(0, 10**6), max_size=6))
def test_frame_starts_is_frame_start_of_each(clock: Clock, frames: list[int]) -> None:
    starts = clock.frame_starts(np.array([frames, frames], np.int32))
    assert starts.dtype == np.int64
    assert starts.tolist() == [[clock.frame_start(k) for k in frames]] * 2


@settings(deadline=None)
@given(CLOCKS, st.integers(0, 10**9))
def test_frame_at_is_the_last_frame_that_has_started(clock: Clock, sample: int) -> None:
    frame = clock.frame_at(sample)
    assert start_by_fraction(clock, frame) <= sample < start_by_fraction(clock, frame + 1)


@settings(deadline=None)
@given(CLOCKS, st.integers(0, 10**7))
def test_frames_covering_is_the_smallest_number_that_reaches_the_end(clock: Clock, n_samples: int) -> None:
    n_frames = clock.frames_covering(n_samples)
    assert clock.frame_start(n_frames) >= n_samples
    assert n_samples > clock.frame_start(n_frames - 1) if n_samples else n_frames == 0


@settings(deadline=None)
@given(CLOCKS, FRAMES, st.integers(1, 5000))
def test_a_window_holds_the_sound_of_its_frames_wherever_it_starts(clock: Clock, frame: int, n_frames: int) -> None:
    n_samples = clock.window_samples(n_frames)
    exact = Fraction(n_frames * clock.sample_rate) / clock.fps
    assert n_samples % 128 == 0
    assert exact <= n_samples < exact + 128
    assert n_samples >= clock.frame_start(frame + n_frames) - clock.frame_start(frame)


def test_seconds_become_the_nearest_frame_and_back() -> None:
    clock = Clock(16000, Fraction(30000, 1001))
    assert clock.frames_of(10.0) == 300  # 299.7
    assert clock.frames_of(0.01) == 0
    assert clock.time_s(30000) == 1001.0


@pytest.mark.parametrize(
    ("value", "fps"),
    [
        (30, Fraction(30)),
        ("60", Fraction(60)),
        (" 25 ", Fraction(25)),
        (12.5, Fraction(25, 2)),
        (30.0, Fraction(30)),
        (np.float64(29.97), Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("47.952", Fraction(48000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (29.5, Fraction(59, 2)),
        (1000, Fraction(1000)),
    ],
)
def test_frame_rates_in_every_spelling(value: object, fps: Fraction) -> None:
    assert parse_fps(value) == fps
    assert Clock(16000, value).fps == fps


@pytest.mark.parametrize(
    "value",
    [0, -30, 1001, "", "fast", "1/0", "nan", float("inf"), "30fps", "1e2", "3_0", "３０", None, "+30", "30.", "1/2/3"],
)
def test_what_is_no_frame_rate_is_refused_by_name(value: object) -> None:
    with pytest.raises(ConfigError, match="above 0 and up to 1000") as caught:
        parse_fps(value)
    assert f"frame rate {value!r}" in str(caught.value)
    assert "30000/1001" in caught.value.do


def test_an_exponent_is_not_computed() -> None:
    began = time.perf_counter()
    with pytest.raises(ConfigError):
        parse_fps("1e30000000")
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("rate", [0, -1, 16000.0, "16000", 768_001, None])
def test_sample_rates_that_cannot_be(rate: object) -> None:
    with pytest.raises(ConfigError, match=r"whole Hz in 1\.\.768000") as caught:
        Clock(rate, Fraction(30))
    assert repr(rate) in str(caught.value)


def test_the_least_and_the_greatest_sample_rate() -> None:
    assert [Clock(rate, Fraction(1)).frame_start(1) for rate in (1, 768_000)] == [1, 768_000]


def test_a_clock_is_a_value() -> None:
    clock = Clock(16000, "29.97")
    assert clock == Clock(16000, Fraction(30000, 1001)) != Clock(16000, Fraction(30))
    assert len({clock, Clock(16000, 29.97)}) == 1
    assert pickle.loads(pickle.dumps(clock)) == clock  # noqa: S301

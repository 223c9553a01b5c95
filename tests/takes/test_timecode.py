"""The law: FF counts frames of a clock that the file does not state; seconds come out right for every clock."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import CurvesError
from koekao.takes.formats.timecode import CLOCK_RATES, clock_rate, elapsed_s, parse_timecode
from take_files import timecode


def parsed(codes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    times = [parse_timecode(code, "a.csv:2") for code in codes]
    return np.array([s for s, _ in times], np.int64), np.array([f for _, f in times], np.float64)


def seconds_of(codes: list[str], rate: int) -> np.ndarray:
    places = [f"a.csv:{k + 2}" for k in range(len(codes))]
    return elapsed_s(*parsed(codes), Fraction(rate), codes, places)


@pytest.mark.parametrize("clock", CLOCK_RATES)
@pytest.mark.parametrize("step", [1, 2, 0.5, 1.9997, 1.001])
@pytest.mark.parametrize("start", [0, 17.3])
def test_every_clock_is_told_from_its_rows(clock: int, step: float, start: float) -> None:
    codes = [timecode(start + k * step, clock) for k in range(600)]
    rate, note = clock_rate(*parsed(codes), path="a.csv")
    assert (rate, note) == (Fraction(clock), "")
    assert np.abs(seconds_of(codes, clock) - np.arange(600) * step / clock).max() < 2e-3 / clock + 1e-9


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(CLOCK_RATES), st.sampled_from([1, 2]), st.integers(0, 2**32 - 1))
def test_the_clock_is_told_in_spite_of_dropped_rows_and_jitter(clock: int, step: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = np.arange(1200) * step + rng.uniform(-0.1, 0.1, 1200) + 5
    frames = frames[np.sort(rng.choice(1200, 1140, replace=False))]
    assert clock_rate(*parsed([timecode(f, clock) for f in frames]), path="a.csv")[0] == clock


@pytest.mark.parametrize(("frame", "rate"), [(3, 30), (29.9, 30), (30, 60), (59.9, 60), (60, 120), (119, 120)])
def test_rows_within_one_second_give_the_smallest_clock_and_a_note(frame: float, rate: int) -> None:
    got, note = clock_rate(np.array([5, 5]), np.array([1.0, frame]), path="a.csv")
    assert got == rate
    assert f"taken as {rate} frames a second" in note and f"largest frame is {frame:g}" in note


def test_a_row_a_second_cannot_tell_its_clock() -> None:
    rate, note = clock_rate(np.arange(9), np.full(9, 12.0), path="a.csv")
    assert rate == 30 and note


def test_a_stated_clock_wins() -> None:
    assert clock_rate(np.array([5, 5]), np.array([1.0, 2.0]), path="a.csv", stated=60) == (Fraction(60), "")
    ntsc = Fraction(60000, 1001)
    assert clock_rate(np.array([5]), np.array([1.0]), path="a.csv", stated=ntsc)[0] == ntsc
    for wrong in (0, -30, 5000):
        with pytest.raises(CurvesError, match=f"a.csv: timecode_rate {wrong}"):
            clock_rate(np.array([5]), np.array([1.0]), path="a.csv", stated=wrong)


def test_clocks_that_nobody_uses_are_refused_with_what_was_seen() -> None:
    codes = [timecode(k, 72) for k in range(500)]
    with pytest.raises(
        CurvesError, match=r"restart after 72\.00; expected a clock of 24, 25, .*\n  -> .*timecode_rate"
    ):
        clock_rate(*parsed(codes), path="a.csv")
    with pytest.raises(CurvesError, match=r"frame 130 in a timecode"):
        clock_rate(np.array([5, 5]), np.array([1.0, 130.0]), path="a.csv")


def test_frames_that_the_clock_does_not_have_are_refused() -> None:
    with pytest.raises(CurvesError, match=r"a\.csv:3: frame 30 in timecode 00:00:00:30\.000; expected below 30"):
        seconds_of(["00:00:00:29.000", "00:00:00:30.000"], 30)


def test_midnight_is_one_second_like_any_other() -> None:
    codes = [timecode(k * 2, 60, 86399) for k in range(90)]
    assert codes[0].startswith("23:59:59") and codes[-1].startswith("00:00:01")
    assert clock_rate(*parsed(codes), path="a.csv") == (Fraction(60), "")
    assert np.allclose(seconds_of(codes, 60), np.arange(90) / 30, atol=1e-12)
    one = [timecode(k * 2, 60, 86399) for k in range(45)]  # the only change of the second is midnight
    assert clock_rate(*parsed(one), path="a.csv") == (Fraction(60), "")


def test_two_midnights_are_two_days() -> None:
    codes = ["23:59:59:00", "00:00:01:00", "12:00:00:00", "23:59:59:00", "00:00:00:30"]
    assert seconds_of(codes, 60).tolist() == [0, 2, 43201, 86400, 86401.5]


@pytest.mark.parametrize(
    ("second", "how"),
    [
        ("13:00:01:10.500", "repeats"),
        ("13:00:01:10.499", "runs backward"),
        ("13:00:00:59.000", "runs backward"),
        ("12:59:59:00.000", "runs backward"),
        ("00:30:00:00.000", "runs backward"),
    ],
)
def test_time_that_repeats_or_runs_backward_names_both(second: str, how: str) -> None:
    with pytest.raises(CurvesError) as caught:
        seconds_of(["13:00:01:08.000", "13:00:01:10.500", second], 60)
    assert caught.value.where == "a.csv:4"
    assert caught.value.what == f"time {how}: {second} after 13:00:01:10.500"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "13:13:04",
        "13:13:04:",
        "13:13:04.31",
        "24:00:00:00",
        "13:60:00:00",
        "13:13:60:00",
        "13:13:04;31",
        "13:13:04:1",
        "13:13:04:31.",
        "13:13:04:3_1",
        "１３:13:04:31",
        " 13:13:04:31",
        "-1:13:04:31",
        "13:13:04:31,652",
        "nan",
    ],
)
def test_timecodes_that_are_none(text: str) -> None:
    with pytest.raises(CurvesError, match=r"a\.csv:2: timecode .*; expected HH:MM:SS:FF or HH:MM:SS:FF\.fff") as caught:
        parse_timecode(text, "a.csv:2")
    assert ("drop-frame" in str(caught.value)) == (";" in text)


def test_fff_is_a_fraction_of_a_frame() -> None:
    assert parse_timecode("13:13:04:31.652", "") == (13 * 3600 + 13 * 60 + 4, 31.652)
    assert parse_timecode("1:00:00:07", "") == (3600, 7.0)
    assert parse_timecode("00:00:00:119.5", "") == (0, 119.5)

"""The laws: time is what the rows say; a track on the grid stays as it is; no frame is valid without rows near it."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import ConfigError, CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.rates import frame_times, is_on_grid, on_frames
from koekao.takes.take import Source
from take_files import curves

FPS = Fraction(30)


def track(times_s: object, values: np.ndarray | None = None, tracked: object = None, **other: object) -> CurveTrack:
    times = np.asarray(times_s, np.float64)
    return CurveTrack(
        path="a.csv",
        format="test",
        time_s=times,
        values=curves(len(times)) if values is None else values,
        tracked=np.ones(len(times), np.bool_) if tracked is None else np.asarray(tracked, np.bool_),
        stated_clock=None,
        source=Source(path="a.csv", size=1, sha256=""),
        **other,
    )


def ramp(times_s: np.ndarray) -> np.ndarray:
    """Curves that are linear in time, so that interpolation on time is exact and on row number is not."""
    return (times_s[:, None] * np.linspace(0.01, 0.09, 52)).astype(np.float32)


@pytest.mark.parametrize("fps", [Fraction(24), FPS, Fraction(60), Fraction(30000, 1001), Fraction(24000, 1001)])
@pytest.mark.parametrize("decimals", [3, 4, 6, None])
def test_a_track_on_the_grid_comes_back_bit_equal(fps: Fraction, decimals: int | None) -> None:
    times = np.array([float(k / fps) for k in range(2000)])
    given = track(times if decimals is None else np.round(times, decimals))
    assert is_on_grid(given, fps)
    got, valid = on_frames(given, fps, 2000)
    assert got.dtype == np.float32
    assert valid.dtype == np.bool_
    assert got.tobytes() == given.values.tobytes()
    assert valid.all()


def test_frame_times_are_rounded_once() -> None:
    fps = Fraction(30000, 1001)
    assert frame_times(fps, 500_000).tolist()[::977] == [float(k / fps) for k in range(0, 500_000, 977)]


def test_what_is_not_on_the_grid() -> None:
    on = np.arange(90) / 30
    assert is_on_grid(track(on), FPS)
    assert not is_on_grid(track(on), Fraction(60))
    assert not is_on_grid(track(on), Fraction(15))
    assert not is_on_grid(track(np.delete(on, 40)), FPS)
    assert not is_on_grid(track(on * 1.001), FPS)
    assert not is_on_grid(track(on, tracked=on != on[40]), FPS)


@pytest.mark.parametrize("rate", [24, 29.97, 59.904, 60, 100])
def test_interpolation_is_on_time_not_on_row_number(rate: float) -> None:
    times = np.arange(int(rate * 20)) / rate
    n = int((times[-1] + 1 / 30) * 30)
    got, valid = on_frames(track(times, ramp(times)), FPS, n)
    assert valid.all()
    inside = np.arange(n) / 30 <= times[-1]
    assert np.abs(got - ramp(np.arange(n) / 30))[inside].max() < 1e-4


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([24, 30, 60]), st.floats(0, 0.45))
def test_jitter_and_dropped_rows_are_honoured(seed: int, fps: int, jitter: float) -> None:
    rng = np.random.default_rng(seed)
    times = np.arange(300) / 30 + jitter * (rng.random(300) - 0.5) / 30
    times = times[np.sort(rng.choice(300, 250, replace=False))]
    n = fps * 10
    got, valid = on_frames(track(times, ramp(times)), Fraction(fps), n)
    wanted = np.arange(n) / fps
    inside = (wanted >= times[0]) & (wanted <= times[-1])
    assert np.abs(got - ramp(wanted))[inside].max() < 1e-4  # 0.5 ms of the steepest ramp is 5e-5
    after = np.clip(np.searchsorted(times, wanted), 1, len(times) - 1)
    near = times[after] - times[after - 1] <= 0.1
    assert valid[inside & near].all()
    far = times[after] - times[after - 1] > max(0.1, 1.5 * np.median(np.diff(times))) + 1e-6
    on_row = np.abs(times[:, None] - wanted).min(axis=0) <= 0.0005
    assert not valid[inside & far & ~on_row].any()


@pytest.mark.parametrize("missing", [1, 2, 3, 5, 60])
def test_gaps_longer_than_allowed_are_invalid_and_only_they(missing: int) -> None:
    times = np.delete(np.arange(300) / 30, np.arange(100, 100 + missing))
    given = track(times, ramp(times))
    assert given.gaps == [(99, missing, 99 / 30)]
    got, valid = on_frames(given, FPS, 300)
    lost = np.zeros(300, bool)
    lost[100 : 100 + missing] = (missing + 1) / 30 > 0.1 + 1e-6
    assert np.array_equal(valid, ~lost)
    assert np.abs(got - ramp(np.arange(300) / 30)).max() < 1e-4
    assert on_frames(given, FPS, 300, max_gap_s=10)[1].all()


def test_slow_rows_are_no_gaps() -> None:
    times = np.arange(20) / 5
    assert on_frames(track(times), FPS, 115)[1].all()


def test_untracked_rows_are_bridged_not_used() -> None:
    times = np.arange(300) / 30
    values = ramp(times)
    tracked = np.ones(300, bool)
    tracked[50] = tracked[200:230] = False
    values[~tracked] = 0
    given = track(times, values, tracked)
    assert given.n_untracked == 31
    assert given.value_range[0] == 0.0
    got, valid = on_frames(given, FPS, 300)
    assert np.array_equal(np.flatnonzero(~valid), np.arange(200, 230))
    assert np.abs(got - ramp(times)).max() < 1e-4


def test_ends_are_held_and_valid_for_half_a_frame() -> None:
    values = curves(30)
    late = track(np.arange(30) / 30 + 0.016, values)
    got, valid = on_frames(late, FPS, 33)
    assert valid[0] and np.array_equal(got[0], values[0])
    assert valid[29] and not valid[30:].any()
    assert np.array_equal(got[30:], np.broadcast_to(values[29], (3, 52)))
    too_late = track(np.arange(30) / 30 + 0.018, values)
    assert on_frames(too_late, FPS, 33)[1].tolist() == [False] + [True] * 30 + [False] * 2
    early = track(np.arange(30) / 30 - 0.016, values)
    assert on_frames(early, FPS, 32)[1].tolist() == [True] * 30 + [False] * 2
    later = track(np.arange(30) / 30 + 0.051, values)
    got, valid = on_frames(later, FPS, 5)
    assert valid.tolist() == [False, False, True, True, True]
    assert np.array_equal(got[:2], np.broadcast_to(values[0], (2, 52)))


def test_the_row_before_time_0_takes_part() -> None:
    times = np.arange(-2, 30) / 30 + 0.01
    got, valid = on_frames(track(times, ramp(times + 1)), FPS, 30)
    assert valid.all()
    assert np.abs(got[0] - ramp(np.array([1.0]))).max() < 1e-6


def test_one_row_and_no_tracked_row() -> None:
    got, valid = on_frames(track([0.0]), FPS, 3)
    assert valid.tolist() == [True, False, False]
    assert np.isnan(track([0.0]).rate_hz)
    assert track([0.0]).summary()["rate_hz"] is None
    none = track([0.0, 0.1], tracked=[False, False])
    got, valid = on_frames(none, FPS, 3)
    assert not valid.any()
    assert not got.any()
    assert none.moving == ()
    assert none.summary()["min"] is None
    assert on_frames(none, FPS, 0)[0].shape == (0, 52)


def test_the_rate_is_measured_without_bias_from_gaps() -> None:
    times = np.arange(1000) / 29.97
    assert track(times).rate_hz == pytest.approx(29.97, abs=1e-9)
    assert track(np.delete(times, np.arange(100, 400))).rate_hz == pytest.approx(29.97, abs=1e-9)
    jittered = times + np.random.default_rng(0).uniform(-0.002, 0.002, 1000)
    assert track(jittered).rate_hz == pytest.approx(29.97, abs=0.01)
    # The median alone would say 33.3: timestamps in hundredths of a second are 0.03, 0.03, 0.04.
    assert track(np.floor(np.arange(3000) / 30 * 100 + 0.5) / 100).rate_hz == pytest.approx(33.333, abs=0.001)
    assert track([0.0, 1.0, 11.0]).rate_hz > 0


def test_summary_is_plain_and_complete() -> None:
    values = np.zeros((300, 52), np.float32)
    values[:, 24] = np.linspace(-0.25, 1.0625, 300)
    values[:, 3] = np.linspace(0, 0.0099, 300)
    times = np.delete(np.arange(302) / 30, [100, 101])
    summary = track(times, values, notes=("ignored 1 column",)).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary == {
        "rows": 300,
        "duration_s": pytest.approx(301 / 30),
        "rate_hz": pytest.approx(30),
        "clock_fps": None,
        "gaps": 1,
        "longest_gap_s": pytest.approx(0.1),
        "untracked": 0,
        "min": -0.25,
        "max": 1.0625,
        "moving": ["jawOpen"],
        "notes": ["ignored 1 column"],
    }


def test_tracks_and_requests_that_cannot_be() -> None:
    for times in ([0.0, 0.0], [1.0, 0.5], [0.0, np.nan], [np.inf]):
        with pytest.raises(CurvesError, match=r"a\.csv: its times do not increase"):
            track(times)
    with pytest.raises(CurvesError, match=r"expected \[n\], \[n, 52\] and \[n\]"):
        track([0.0], curves(2))
    with pytest.raises(CurvesError, match="n > 0"):
        track([])
    for wanted in ({"n_frames": -1}, {"n_frames": 1, "max_gap_s": -0.1}, {"n_frames": 1, "max_gap_s": np.nan}):
        with pytest.raises(ConfigError, match="no negative numbers"):
            on_frames(track([0.0]), FPS, **wanted)
    with pytest.raises(ConfigError, match="frame rate"):
        on_frames(track([0.0]), Fraction(0), 1)

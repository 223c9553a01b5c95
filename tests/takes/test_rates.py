"""The law: a rate is changed on time; nothing overshoots, and what frames cannot hold does not fold down."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from koekao.errors import ConfigError
from koekao.takes import CurveTrack, Source, rates
from koekao.takes.rates import METHODS, is_filtered, on_frames

FPS = Fraction(30)


def track_of(time_s: NDArray[np.float64], values: NDArray[np.float64]) -> CurveTrack:
    """All 52 curves the same, all rows tracked."""
    return CurveTrack(
        path="a",
        format="jsonl",
        time_s=np.asarray(time_s, np.float64),
        values=np.repeat(np.asarray(values, np.float32)[:, None], 52, axis=1),
        tracked=np.ones(len(time_s), np.bool_),
        stated_clock=None,
        source=Source(path="a", size=1, sha256="0" * 64),
    )


def amplitude(frequency_hz: float, method: str) -> float:
    """How much of a sine at 60 rows a second is left at 30 frames a second, in the middle of ten seconds."""
    time_s = np.arange(600) / 60
    found, _ = on_frames(track_of(time_s, np.sin(2 * np.pi * frequency_hz * time_s + 0.3)), FPS, 300, method=method)
    return float(np.sqrt(2) * found[30:-30, 0].std())


def test_what_thirty_frames_cannot_hold_folds_down_linearly_and_is_taken_out_by_the_filter() -> None:
    assert amplitude(25, "linear") > 0.95
    assert amplitude(18, "cubic") < 0.05
    assert amplitude(25, "cubic") < 0.02
    assert amplitude(5, "cubic") > 0.98
    assert 0.95 < amplitude(8, "cubic") < 1.0


def test_only_more_rows_than_frames_are_filtered() -> None:
    def at(rate: float) -> CurveTrack:
        return track_of(np.arange(100) / rate, np.zeros(100))

    assert is_filtered(at(60), FPS, "cubic") and is_filtered(at(59.94), FPS, "cubic")
    assert not is_filtered(at(30.004), FPS, "cubic") and not is_filtered(at(24), FPS, "cubic")
    assert not is_filtered(at(60), FPS, "linear")
    assert not is_filtered(track_of(np.array([0.0]), np.array([1.0])), FPS, "cubic")


@pytest.mark.parametrize("method", METHODS)
def test_rows_on_the_grid_come_back_bit_equal(method: str) -> None:
    values = np.random.default_rng(0).random(200)
    track = track_of(np.arange(200) / 30, values)
    found, valid = on_frames(track, FPS, 200, method=method)
    assert found.tobytes() == track.values.tobytes() and valid.all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [24.0, 25.0, 30.004, 59.904, 60.0, 120.0])
def test_a_line_stays_the_line_that_it_is_in_time(method: str, rate: float) -> None:
    """Without delay: a filter that looked more one way than the other would shift it."""
    time_s = 0.0123 + np.arange(int(8 * rate)) / rate
    found, valid = on_frames(track_of(time_s, time_s / 8), FPS, 230, method=method)
    inside = slice(6, 225)
    assert (
        np.abs(found[inside, 0] - np.arange(230)[inside] / 30 / 8).max() < 7e-5
    )  # a row within half a millisecond of a frame is that frame
    assert valid[1:].all()


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=2, max_size=60),
    rate=st.sampled_from([24.0, 29.97, 47.3, 60.0, 120.0]),
    method=st.sampled_from(METHODS),
)
def test_no_frame_lies_outside_the_rows_near_it(values: list[float], rate: float, method: str) -> None:
    """A closed mouth stays closed: no method rings below 0 or above 1."""
    time_s = np.arange(len(values)) / rate
    n_frames = int(time_s[-1] * 30) + 1
    found, _ = on_frames(track_of(time_s, np.array(values)), FPS, n_frames, method=method)
    for frame in range(n_frames):
        near = np.abs(time_s - frame / 30) <= 1 / 30 + 1 / rate + 1e-9
        assert np.min(values, where=near, initial=9.0) - 1e-6 <= found[frame, 0]
        assert found[frame, 0] <= np.max(values, where=near, initial=-9.0) + 1e-6


@pytest.mark.parametrize("method", METHODS)
def test_validity_depends_on_the_rows_alone(method: str) -> None:
    time_s = np.r_[np.arange(60), np.arange(90, 150)] / 60
    track = track_of(time_s, np.sin(time_s))
    valid = on_frames(track, FPS, 90, method=method)[1]
    assert np.flatnonzero(~valid).tolist() == [*range(30, 45), *range(76, 90)]


@pytest.mark.parametrize("rate", [60, 30.004])
def test_long_takes_are_made_in_pieces_that_meet(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    time_s = np.arange(1000) / rate
    track = track_of(time_s, np.random.default_rng(1).random(1000))
    whole, _ = on_frames(track, FPS, 480, method="cubic")
    monkeypatch.setattr(rates, "_BLOCK_FRAMES", 7)
    pieces, _ = on_frames(track, FPS, 480, method="cubic")
    assert np.abs(whole - pieces).max() < 1e-6


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="method 'spline'; expected one of linear, cubic"):
        on_frames(track_of(np.arange(3) / 30, np.zeros(3)), FPS, 3, method="spline")

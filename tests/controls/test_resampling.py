"""Another frame rate: frame k belongs to k / fps_out, nothing overshoots, closures survive."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from faces_under_control import Curves, noisy, speech
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from koekao.arkit import INDEX
from koekao.controls import Controls, ControlSettings, controlled
from koekao.lips import CLOSED_BELOW, OPEN_ABOVE, lip_opening

BROW = INDEX["browInnerUp"]
RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001), Fraction(60000, 1001)]
ODD = [Fraction(1000), Fraction(7), Fraction(2987, 100), Fraction(12345678901, 300000001)]


def resampled(curves: Curves, fps: Fraction, fps_out: Fraction) -> Curves:
    return controlled(ControlSettings(), curves, fps, fps_out=fps_out).curves


def wave(hz: float, fps: Fraction, seconds: int = 4) -> Curves:
    """Brows that go up and down."""
    faces = np.zeros((int(seconds * fps), 52), np.float32)
    faces[:, BROW] = 0.5 + 0.4 * np.sin(2 * np.pi * hz * np.arange(len(faces)) / float(fps))
    return faces


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("fps_out", [*RATES, *ODD])
def test_slow_motion_is_where_it_was_in_time(fps: Fraction, fps_out: Fraction) -> None:
    """To half a millisecond of a 1 Hz wave at its steepest; 1000 and 7 fps too."""
    faces = wave(1.0, fps, 10)
    out = resampled(faces, fps, fps_out)
    assert len(out) == -(-len(faces) * fps_out // fps)
    t = np.arange(len(out)) / float(fps_out)
    inside = (t > 1) & (t < 9)
    error = out[inside, BROW] - (0.5 + 0.4 * np.sin(2 * np.pi * t[inside]))
    assert np.abs(error).max() < (0.05 if fps_out < 10 else 0.012)
    slope = np.cos(2 * np.pi * t[inside])
    assert abs(np.dot(error, slope) / np.dot(slope, slope)) < 0.4 * 2 * np.pi * 0.0005


@pytest.mark.parametrize("fps", RATES)
def test_the_same_rate_is_no_resampling(take: Curves, fps: Fraction) -> None:
    np.testing.assert_array_equal(resampled(take, fps, fps), take)
    assert Controls(ControlSettings(), fps, fps_out=fps).latency_s == 0


def test_upwards_it_is_the_monotone_cubic_and_keeps_every_frame(take: Curves) -> None:
    out = resampled(take, Fraction(30), Fraction(60))
    np.testing.assert_array_equal(out[::2], take)
    cubic = PchipInterpolator(np.arange(len(take)), take.astype(np.float64), axis=0)(np.arange(4, 300) / 2)
    upper = [i for i in range(52) if not 22 <= i < 49]  # jaw and mouth may keep a closure
    np.testing.assert_allclose(out[4:300, upper], cubic[:, upper], atol=1e-6)


@pytest.mark.parametrize(("fps", "fps_out"), [(24, 60), (60, 24), (30, 25), (60, 59)])
def test_nothing_overshoots(fps: int, fps_out: int) -> None:
    """A face that jumps between 0.2 and 0.9 has no value outside, at any rate; and both are reached."""
    jumps = np.repeat(np.random.default_rng(1).choice([0.2, 0.9], 60), 5)
    faces = np.repeat(jumps[:, None], 52, 1).astype(np.float32)
    out = resampled(faces, Fraction(fps), Fraction(fps_out))
    assert out.min() >= np.float32(0.2)
    assert out.max() <= np.float32(0.9)
    assert out.min() < 0.21
    assert out.max() > 0.89


def strength(curves: Curves) -> float:
    return float(np.std(curves[20:-20, BROW])) * np.sqrt(2) / 0.4


@pytest.mark.parametrize(("fps", "fps_out"), [(60, 24), (60, 30), (60, 25), (30, 24)])
def test_downwards_fast_motion_is_taken_out_and_slow_motion_kept(fps: int, fps_out: int) -> None:
    nyquist = fps_out / 2
    for share, least, most in ((0.25, 0.95, 1.02), (0.5, 0.87, 1.02), (1.6, 0.0, 0.12)):
        hz = share * nyquist
        if hz < fps / 2:
            left = strength(resampled(wave(hz, Fraction(fps)), Fraction(fps), Fraction(fps_out)))
            assert least <= left <= most, f"{share} of half the rate: {left}"


def closures_of(opening: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Runs of closed frames, first and last."""
    closed = np.flatnonzero(opening <= CLOSED_BELOW)
    runs = np.split(closed, np.flatnonzero(np.diff(closed) > 1) + 1)
    return [(int(run[0]), int(run[-1])) for run in runs if len(run)]


@pytest.mark.parametrize(("fps", "fps_out"), [(60, 24), (60, 25), (30, 24), (60, 30), (24, 60), (30, 60)])
def test_every_closure_survives(fps: int, fps_out: int) -> None:
    """Even one of a single frame has a frame that is closed within half a frame of it, in what comes out."""
    faces = noisy(speech(20.0, fps), 0.01)
    faces[::17, INDEX["mouthClose"]] = faces[::17, INDEX["jawOpen"]]
    faces[::17, [INDEX[f"mouth{lip}{side}"] for lip in ("LowerDown", "UpperUp") for side in ("Left", "Right")]] = 0
    opening = lip_opening(faces.astype(np.float64))
    out = lip_opening(resampled(faces, Fraction(fps), Fraction(fps_out)).astype(np.float64))
    runs = closures_of(opening)
    assert len(runs) > 40
    assert sum(a == b for a, b in runs) > 10
    reach = Fraction(1, 2 * fps_out) if fps > fps_out else Fraction(1, 2 * fps)
    for first, last in runs:
        begin, end = Fraction(first, fps) - reach, Fraction(last, fps) + reach
        here = [k for k in range(int(begin * fps_out), int(end * fps_out) + 2) if begin <= k / Fraction(fps_out) <= end]
        here = [k for k in here if 0 <= k < len(out)]
        assert out[here].min() <= CLOSED_BELOW + 1e-6
    open_frames = lip_opening(faces.astype(np.float64)) > OPEN_ABOVE
    assert (out > OPEN_ABOVE).mean() > 0.8 * open_frames.mean()  # and nothing else is closed


def test_how_late_it_comes() -> None:
    def latency(fps: int, fps_out: int) -> Fraction:
        return Controls(ControlSettings(), Fraction(fps), fps_out=Fraction(fps_out)).latency_s

    assert latency(30, 60) == Fraction(3, 2) / 30
    assert latency(60, 24) == Fraction(9, 2) / 60
    assert latency(60, 30) == Fraction(3, 60)

"""Sines have A²/2; what is slower than 8 Hz has nothing to do with it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scored_takes import curves, scored, take_of

from koekao.arkit import INDEX
from koekao.training.metrics.jitter import energy_above, fast_energy

JAW = INDEX["jawOpen"]


def sine(hz: float, amplitude: float, n_frames: int = 150, fps: float = 30) -> Any:
    return 0.5 + amplitude * np.sin(2 * np.pi * hz * np.arange(n_frames) / fps + 0.3)


def test_a_sine_has_half_its_squared_amplitude() -> None:
    """At 10 Hz, a bin of 2 s; 3 Hz and a constant have nothing above 8 Hz."""
    both = np.stack([sine(10, 0.2, 60), sine(3, 0.2, 60), np.full(60, 0.7)], 1)
    np.testing.assert_allclose(energy_above(both, Fraction(30)), [0.02, 0, 0], atol=1e-12)


def test_the_highest_frequency_counts_once() -> None:
    """Values that alternate by ±0.1 are at 15 Hz of 30 fps: mean square 0.01, for it has no mirror image."""
    alternating = 0.5 + 0.1 * (-1.0) ** np.arange(60)
    np.testing.assert_allclose(energy_above(alternating[:, None], Fraction(30)), [0.01], rtol=1e-9)


def test_the_ratio_by_hand() -> None:
    """(0.1 / 0.2)² = a quarter, whatever the movement below 8 Hz does."""
    slow, fast = sine(2, 0.2), sine(10, 0.2) - 0.5
    s = scored((curves(150, jawOpen=0.5 + fast / 2), curves(150, jawOpen=slow + fast)))
    assert s.average("jitter_ratio") == pytest.approx(0.25, rel=1e-4)


def test_of_several_curves_it_is_of_their_sums() -> None:
    """(0.1² + 0.1²) / (0.2² + 0.1²) = 0.4, and not the mean of 1/4 and 1."""
    truth = curves(150, jawOpen=sine(10, 0.2), eyeBlinkLeft=sine(10, 0.1))
    s = scored((curves(150, jawOpen=sine(10, 0.1), eyeBlinkLeft=sine(10, 0.1)), truth))
    assert s.average("jitter_ratio") == pytest.approx(0.4, rel=1e-4)
    assert s.as_dict()["by_curve"]["eyeBlinkLeft"]["jitter_ratio"] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(("hz", "counts"), [(7.5, False), (8.0, False), (9.0, True), (14.0, True)])
def test_above_8_hz_and_not_at_it(hz: float, counts: bool) -> None:
    """A Hann window spreads a sine over one bin, 0.5 Hz, either way: 1/6 of the energy of 8 Hz lies above it."""
    energy = energy_above(sine(hz, 0.2, 60)[:, None], Fraction(30))[0]
    assert energy == pytest.approx(0.02 if counts else 0.02 / 6 if hz == 8.0 else 0, abs=1e-12)


def test_noise_raises_it_and_smoothing_lowers_it() -> None:
    rng = np.random.default_rng(0)
    truth = sine(3, 0.3, 300) + 0.01 * rng.standard_normal(300)
    noisy = scored((curves(300, jawOpen=truth + 0.02 * rng.standard_normal(300)), curves(300, jawOpen=truth)))
    smooth = scored((curves(300, jawOpen=np.convolve(truth, np.ones(5) / 5, "same")), curves(300, jawOpen=truth)))
    assert (noisy.average("jitter_ratio") or 0) > 3 and (smooth.average("jitter_ratio") or 9) < 0.6


def test_a_still_face_has_0() -> None:
    assert scored((curves(150), curves(150, jawOpen=sine(10, 0.2)))).average("jitter_ratio") == 0


@pytest.mark.parametrize(
    ("truth", "fps", "valid"),
    [
        (sine(10, 0.2, 59), 30, None),
        (sine(10, 0.2, 150), 16, None),
        (sine(10, 0.2, 150), Fraction(1, 4), None),
        (sine(10, 0.2, 150), 30, [i % 60 != 30 for i in range(150)]),
        (np.linspace(0.1, 0.100001, 150) + np.repeat([0.0, 0.3], 75), 1, None),
    ],
    ids=["shorter than a window", "16 fps", "a quarter fps", "only short runs", "nothing fast"],
)
def test_where_it_is_not_defined(truth: Any, fps: Any, valid: Any) -> None:
    given = (curves(len(truth), jawOpen=sine(12, 0.1, len(truth))), curves(len(truth), jawOpen=truth))
    assert scored((*given, valid) if valid else given, fps=fps).average("jitter_ratio") is None


def test_rounding_is_no_energy() -> None:
    """A curve that is slow, or moves from take to take alone, at values that float32 cannot hold, is no divisor."""
    smooth = curves(120, jawOpen=sine(0.5, 0.2, 120))
    assert 0 < energy_above(smooth[:60, [JAW]].astype(np.float64), Fraction(30))[0] < 1e-14
    assert scored((curves(120, jawOpen=sine(10, 0.1, 120)), smooth)).average("jitter_ratio") is None
    slow = 0.1 + 0.3 * np.linspace(0, 1, 120) ** 2
    still = scored(*[(curves(120, jawOpen=sine(10, 0.1, 120)), curves(120, jawOpen=v)) for v in (0.1, 0.3)])
    assert still.moving[JAW] and still.average("jitter_ratio") is None
    energy = fast_energy(take_of(curves(120, jawOpen=slow), curves(120, jawOpen=0.1)), Fraction(30))
    assert energy[0][JAW] > 0 and energy[1][JAW] == 0


def test_a_gap_is_no_jump() -> None:
    """The step over untracked frames is not seen: each run is 2 s and still smooth."""
    truth = np.concatenate([sine(2, 0.1, 60), np.full(10, 9.0), sine(2, 0.1, 60) + 0.4])
    valid = np.r_[np.ones(60, bool), np.zeros(10, bool), np.ones(60, bool)]
    energy, _ = fast_energy(take_of(curves(130, jawOpen=truth), curves(130, jawOpen=truth), valid), Fraction(30))
    assert energy[JAW] < 1e-9
    step, _ = fast_energy(take_of(curves(130, jawOpen=truth), curves(130, jawOpen=truth)), Fraction(30))
    assert step[JAW] > 0.1

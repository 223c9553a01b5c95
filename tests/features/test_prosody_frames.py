"""What single frames say is what was put into them: pitch, noise, level, slopes, resonances; each by its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from koekao.features.formants import Formants
from koekao.features.pitch import Pitch, harmonicity_db, voicing
from koekao.features.spectrum import Shape, equal_loudness, flux_db_per_s

N, N_FFT, RATE = 1024, 2048, 16000
TAPER = torch.hann_window(N, periodic=True, dtype=torch.float64)
TIME_S = torch.arange(N, dtype=torch.float64) / RATE


def power_of(sound: Tensor) -> Tensor:
    """As prosody makes it: bins add up to the mean square."""
    spectrum = torch.fft.rfft((sound - sound.mean(-1, keepdim=True)) * TAPER, N_FFT)
    return torch.atleast_2d(spectrum.abs().square() * (2 / N_FFT / TAPER.square().sum()))


def voice(f0_hz: float, *, resonances_hz: tuple[float, ...] = (), seed: int = 0) -> Tensor:
    """Harmonics with random phases that fall by 6 dB an octave, through two-pole resonances of 80 Hz width."""
    k = torch.arange(1, int(RATE / 2 / f0_hz), dtype=torch.float64)
    phase = 2 * math.pi * torch.rand(len(k), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    height = 1 / k
    for resonance_hz in resonances_hz:
        z = torch.exp(2j * math.pi * k * f0_hz / RATE)
        pole = math.exp(-math.pi * 80 / RATE) * np.exp(2j * math.pi * resonance_hz / RATE)
        height = height / ((1 - pole / z).abs() * (1 - np.conj(pole) / z).abs())
    wave = (height[:, None] * torch.sin(2 * math.pi * f0_hz * k[:, None] * TIME_S + phase[:, None])).sum(0)
    return 0.1 * wave / wave.std()


def noise(seed: int, rows: int = 1) -> Tensor:
    return 0.1 * torch.randn(rows, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def pitch() -> Pitch:
    return Pitch(TAPER, N_FFT, RATE, 60.0, 500.0)


@pytest.mark.parametrize("f0_hz", [62.0, 80.0, 101.3, 150.0, 200.0, 233.1, 320.0, 400.0, 495.0])
@pytest.mark.parametrize("resonances_hz", [(), (300.0, 2300.0), (700.0, 1200.0)])
def test_the_pitch_of_a_voice(pitch: Pitch, f0_hz: float, resonances_hz: tuple[float, ...]) -> None:
    found, periodic = pitch(power_of(voice(f0_hz, resonances_hz=resonances_hz)))
    assert found.item() == pytest.approx(f0_hz, rel=0.005)
    assert periodic.item() > 0.95


def test_a_pure_tone_is_no_sub_harmonic_of_itself(pitch: Pitch) -> None:
    for f0_hz in (125.0, 250.0, 400.0):  # whole periods in samples: every multiple is as periodic
        found, _ = pitch(power_of(torch.sin(2 * math.pi * f0_hz * TIME_S)))
        assert found.item() == pytest.approx(f0_hz, rel=0.001)


def test_noise_is_not_periodic_and_nothing_is_less(pitch: Pitch) -> None:
    _, periodic = pitch(power_of(noise(1, 200)))
    assert periodic.max() < 0.5 and periodic.mean() < 0.3
    for still in (torch.zeros(N, dtype=torch.float64), torch.full((N,), 0.5, dtype=torch.float64)):
        found, periodic = pitch(power_of(still))
        assert periodic.item() < 1e-6 and 60 <= found.item() <= 500 and torch.isfinite(found).all()


def test_a_hum_under_100_db_is_none(pitch: Pitch) -> None:
    """Rounding of a silent converter can be periodic; it is no voice."""
    assert pitch(power_of(1e-6 * voice(150.0)))[1].item() < 0.01
    assert pitch(power_of(1e-3 * voice(150.0)))[1].item() > 0.9


@pytest.mark.parametrize("ratio_db", [0.0, 10.0, 20.0])
def test_clarity_is_the_ratio_of_harmonics_to_noise(pitch: Pitch, ratio_db: float) -> None:
    """The mean over frames comes within 1.5 dB of what was mixed."""
    harmonic = voice(180.0)
    mixed = harmonic + noise(2, 100) * 10 ** (-ratio_db / 20)
    _, periodic = pitch(power_of(mixed))
    assert harmonicity_db(periodic).mean().item() == pytest.approx(ratio_db, abs=1.5)


def test_harmonicity_by_hand() -> None:
    told = harmonicity_db(torch.tensor([0.0, 0.5, 0.75, 1.0], dtype=torch.float64))
    expected = [10 * math.log10(0.01 / 0.99), 0.0, 10 * math.log10(3), 10 * math.log10(0.9999 / 0.0001)]
    assert told.tolist() == pytest.approx(expected)


def test_voicing_is_half_at_its_middles_and_needs_both() -> None:
    sure = voicing(torch.tensor([0.5, 1.0, 1.0, 0.0, 1.0]), torch.tensor([0.0, -60.0, -20.0, -20.0, -90.0]))
    assert sure[0].item() == pytest.approx(0.5, abs=1e-3) and sure[1].item() == pytest.approx(0.5, abs=2e-3)
    assert sure[2] > 0.99 and sure[3] < 0.01 and sure[4] < 0.01


@pytest.fixture(scope="module")
def shape() -> Shape:
    return Shape(N_FFT, RATE)


def test_level_is_that_of_full_scale(shape: Shape) -> None:
    told = shape(power_of(torch.sin(2 * math.pi * 1000 * TIME_S)))
    assert told["level_db"].item() == pytest.approx(10 * math.log10(0.5), abs=0.01)
    assert shape(power_of(torch.zeros(N, dtype=torch.float64)))["level_db"].item() == pytest.approx(-100)


def test_loudness_doubles_with_eight_times_the_power(shape: Shape) -> None:
    power = power_of(noise(3))
    one, eight, none = (shape(gain * power)["loudness"].item() for gain in (1.0, 8.0, 0.0))
    assert eight == pytest.approx(2 * one) and one > 0 and none == 0


def test_the_ear_hears_3_khz_better_than_100_hz() -> None:
    ear = equal_loudness(torch.tensor([100.0, 1000.0, 3000.0], dtype=torch.float64))
    w = (2 * math.pi * 1000) ** 2
    assert ear[1].item() == pytest.approx((w + 56.8e6) * w**2 / ((w + 6.3e6) ** 2 * (w + 0.38e9)))
    assert ear[0] < 0.01 * ear[2]


def test_slopes_are_those_of_a_straight_line(shape: Shape) -> None:
    """A spectrum of -10 dB / kHz below 500 Hz and +4 dB / kHz above."""
    khz = torch.linspace(0, 8, N_FFT // 2 + 1, dtype=torch.float64)
    level_db = torch.where(khz <= 0.5, -10 * khz, 4 * khz - 7) - 60
    told = shape(10 ** (level_db[None] / 10))
    assert told["slope_low_db_per_khz"].item() == pytest.approx(-10, abs=0.01)
    assert told["slope_mid_db_per_khz"].item() == pytest.approx(4, abs=0.1)  # the bin at 500 Hz is the other line's


def test_alpha_is_low_over_high(shape: Shape) -> None:
    low, high = (torch.sin(2 * math.pi * hz * TIME_S) for hz in (500.0, 2000.0))
    assert shape(power_of(low + 0.1 * high))["alpha_db"].item() == pytest.approx(20, abs=0.1)
    assert shape(power_of(0.1 * low + high))["alpha_db"].item() == pytest.approx(-20, abs=0.1)


def test_flux_counts_what_rises_by_hand() -> None:
    before = torch.tensor([-50.0, -50.0, -50.0, -50.0])
    now = torch.tensor([-40.0, -90.0, -50.0, -44.0])
    assert flux_db_per_s(now, before, 30.0).item() == pytest.approx((10 + 6) / 4 * 30)


@pytest.mark.parametrize(
    "resonances_hz",
    [(300.0, 2300.0, 3000.0), (400.0, 2000.0, 2600.0), (700.0, 1200.0, 2600.0), (500.0, 1500.0, 2500.0)],
)
@pytest.mark.parametrize("f0_hz", [110.0, 190.0])
def test_resonances_are_near_the_formants(resonances_hz: tuple[float, ...], f0_hz: float) -> None:
    """Within 8 % of what the voice was made with."""
    found = Formants(N_FFT, RATE)(power_of(voice(f0_hz, resonances_hz=resonances_hz)))[0]
    assert (1000 * found).tolist() == pytest.approx(list(resonances_hz), rel=0.08)


def test_silence_has_places_in_the_middle_and_none_is_missing() -> None:
    found = Formants(N_FFT, RATE)(torch.zeros(1, N_FFT // 2 + 1, dtype=torch.float64))[0]
    assert found.tolist() == pytest.approx([0.6, 1.775, 2.9], abs=0.05)


def test_a_resonance_that_moves_moves_the_place_smoothly() -> None:
    """No jump of more than 60 Hz for steps of 20 Hz, where a picked peak may jump by a formant."""
    formants = Formants(N_FFT, RATE)
    sounds = [voice(120.0, resonances_hz=(500.0, float(hz), 3000.0)) for hz in range(900, 2400, 20)]
    second = torch.stack([formants(power_of(sound))[0, 1] for sound in sounds])
    assert second[-1] - second[0] > 0.9
    assert second.diff().abs().max() < 0.06

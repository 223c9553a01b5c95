"""Gain and noise are what they are in decibels; the mirror is its own inverse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from koekao.arkit import INDEX
from koekao.clock import Clock
from koekao.training.augmentation import Gain, Mirror, Noise, Window
from koekao.training.augmentation.noise import COLOURS, Colour, make_noise


def level_db(sound) -> float:
    return 10 * np.log10(np.square(sound, dtype=np.float64).mean())


def band_level_db(sound, low_hz: float, high_hz: float) -> float:
    """Mean power of the bins between, so that it is level for white noise."""
    spectrum = np.square(np.abs(np.fft.rfft(sound)), dtype=np.float64)
    hz = np.fft.rfftfreq(len(sound), 1 / 16000)
    return 10 * np.log10(spectrum[(hz >= low_hz) & (hz < high_hz)].mean())


@pytest.mark.parametrize("gain_db", [-20.0, -6.0, 0.0, 12.0])
def test_a_gain_is_that_many_decibels(apply, spoken_window, gain_db: float) -> None:
    changed = apply(Gain(gain_db=(gain_db, gain_db)))
    assert level_db(changed.sound) - level_db(spoken_window.sound) == pytest.approx(gain_db, abs=1e-4)
    np.testing.assert_array_equal(changed.curves, spoken_window.curves)


def test_gains_fill_their_range(apply, spoken_window) -> None:
    before = level_db(spoken_window.sound)
    gains = [level_db(apply(Gain(gain_db=(-6, 2)), seed).sound) - before for seed in range(60)]
    assert -6 <= min(gains) < -5 and 1 < max(gains) <= 2 + 1e-5


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 40.0])
def test_noise_is_so_many_decibels_below_the_sound(apply, spoken_window, colour: Colour, snr_db: float) -> None:
    changed = apply(Noise(snr_db=(snr_db, snr_db), colours=(colour,)))
    noise = changed.sound.astype(np.float64) - spoken_window.sound
    assert level_db(spoken_window.sound) - level_db(noise) == pytest.approx(snr_db, abs=0.01)
    np.testing.assert_array_equal(changed.curves, spoken_window.curves)


@pytest.mark.parametrize(("colour", "octave_db"), [("white", 0.0), ("pink", -3.01), ("babble", -9.03)])
def test_noise_has_its_colour(colour: Colour, octave_db: float) -> None:
    noise = make_noise(160000, 16000, colour, np.random.default_rng(0))
    assert noise.dtype == np.float32
    for hz in (1000, 2000, 4000):
        step = band_level_db(noise, hz, hz * 1.1) - band_level_db(noise, hz / 2, hz / 2 * 1.1)
        assert step == pytest.approx(octave_db, abs=0.8)


def test_babble_swells_and_white_noise_does_not() -> None:
    def unevenness(colour: Colour) -> float:
        noise = make_noise(160000, 16000, colour, np.random.default_rng(1))
        return float(np.square(noise).reshape(-1, 800).mean(1).std())

    assert unevenness("babble") > 0.3 > 0.15 > unevenness("white")


def test_noise_below_no_sound_is_none() -> None:
    window = Window(Clock(16000, Fraction(30)), np.zeros(16000, np.float32))
    Noise().apply(window, np.random.default_rng(0))
    assert not window.sound.any()


def test_in_the_mirror_left_is_right_and_twice_is_as_it_was(apply, spoken_window) -> None:
    once = apply(Mirror())
    left, right = INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]
    assert (spoken_window.curves[:, left] != spoken_window.curves[:, right]).any()
    np.testing.assert_array_equal(once.curves[:, left], spoken_window.curves[:, right])
    np.testing.assert_array_equal(once.curves[:, INDEX["jawOpen"]], spoken_window.curves[:, INDEX["jawOpen"]])
    np.testing.assert_array_equal(once.sound, spoken_window.sound)
    np.testing.assert_array_equal(apply(Mirror(), window=once).curves, spoken_window.curves)

"""Voices: pitch and formants move as asked, everything at its time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.training.augmentation import FormantShift, VoiceShift, Window
from koekao.training.augmentation.effect import WindowEffect
from koekao.training.augmentation.formants import with_formants
from koekao.training.augmentation.voice import shifted

RATE = 16000
TAKE = Path(__file__).parents[4] / "shared" / "data" / "takes" / "1114_2_01.wav"
needs_takes = pytest.mark.skipif(not TAKE.is_file(), reason="the real takes are not beside this checkout")
SECONDS = np.arange(3 * RATE) / RATE


def harmonics(pitch_hz: float, formant_hz: float):
    """A steady voice with one formant."""
    multiples = pitch_hz * np.arange(1, int(7600 / pitch_hz))
    levels = 1 / (1 + np.square((multiples - formant_hz) / 300))
    return np.float32(0.1 * (levels[:, None] * np.sin(2 * np.pi * multiples[:, None] * SECONDS)).sum(0))


def pitch_hz(sound) -> float:
    """From the first high peak of the autocorrelation between 60 and 500 Hz."""
    middle = sound[RATE : 2 * RATE].astype(np.float64)
    power = np.square(np.abs(np.fft.rfft(middle, 16 * RATE)))
    similar = np.fft.irfft(power)[: RATE // 60]
    peaks = (similar[1:-1] > similar[:-2]) & (similar[1:-1] >= similar[2:]) & (similar[1:-1] > 0.9 * similar[32:].max())
    lag = 32 + 1 + int(np.flatnonzero(peaks[32:])[0])
    low, top, high = similar[lag - 1 : lag + 2]
    return RATE / (lag + (low - high) / (2 * (low - 2 * top + high)))


def formant_hz(sound) -> float:
    """Centre of the power between 300 and 4000 Hz."""
    power = np.square(np.abs(np.fft.rfft(sound[RATE : 2 * RATE])))
    hz = np.arange(300, 4000)
    return float((power[hz] * hz).sum() / power[hz].sum())


def loudness(sound):
    """Root mean square every 1 ms over 40 ms, longer than a period."""
    return np.sqrt(np.convolve(np.square(sound, dtype=np.float64), np.hanning(640), "same")[::16])


def lag_ms(changed, sound) -> float:
    """By cross-correlation of loudness, above 0 is later."""
    new, old = (loudness(each) - loudness(each).mean() for each in (changed, sound))
    lags = np.arange(-100, 101)
    similar = [np.dot(np.roll(new, -lag), old) for lag in lags]
    best = int(np.argmax(similar))
    low, top, high = similar[best - 1 : best + 2]
    return float(lags[best] + (low - high) / (2 * (low - 2 * top + high)))


@pytest.mark.parametrize("voice_hz", [90.0, 130.0, 220.0])
@pytest.mark.parametrize("semitones", [-4.0, -1.0, 2.0, 6.0])
def test_a_voice_moves_with_its_pitch_and_formants(voice_hz: float, semitones: float) -> None:
    factor = 2 ** (semitones / 12)
    sound = harmonics(voice_hz, 1300)
    changed = shifted(sound, factor, RATE)
    assert (len(changed), changed.dtype) == (len(sound), np.float32)
    assert pitch_hz(changed) / voice_hz == pytest.approx(factor, rel=0.02)
    assert formant_hz(changed) / formant_hz(sound) == pytest.approx(factor, rel=0.04)
    assert changed[RATE:-RATE].std() == pytest.approx(sound[RATE:-RATE].std(), rel=0.1)  # its pieces fit together


@pytest.mark.parametrize("semitones", [-3.0, 3.0])
def test_formants_move_and_pitch_stays(semitones: float) -> None:
    factor = 2 ** (semitones / 12)
    sound = harmonics(120, 1300)
    changed = with_formants(sound, factor, RATE)
    assert pitch_hz(changed) == pytest.approx(120, rel=0.002)
    way = np.log(formant_hz(changed) / formant_hz(sound)) / np.log(factor)
    assert 0.7 < way < 1.2  # bands of 250 Hz blur it


@pytest.mark.parametrize("make", [shifted, with_formants])
def test_a_factor_of_1_changes_next_to_nothing(spoken_window, make) -> None:
    changed = make(spoken_window.sound, 1.0, RATE)
    np.testing.assert_allclose(changed, spoken_window.sound, atol=1e-4)


@pytest.mark.parametrize("effect", [VoiceShift(), FormantShift(), VoiceShift(shift_semitones=(-6, 6))])
def test_speech_is_not_delayed(apply, spoken_window, effect: WindowEffect) -> None:
    lags = [lag_ms(apply(effect, seed).sound, spoken_window.sound) for seed in range(8)]
    assert np.abs(lags).max() < 2
    assert abs(np.mean(lags)) < 0.7


@needs_takes
@pytest.mark.parametrize("semitones", [-4.0, -1.0, 1.0, 4.0])
def test_real_speech_is_not_delayed(semitones: float) -> None:
    sound, rate = soundfile.read(TAKE, frames=12 * RATE, dtype="float32")
    assert rate == RATE
    factor = 2 ** (semitones / 12)
    assert abs(lag_ms(shifted(sound, factor, RATE), sound)) < 1
    product = np.fft.irfft(np.fft.rfft(with_formants(sound, factor, RATE)) * np.conj(np.fft.rfft(sound)))
    assert product.argmax() == 0


@pytest.mark.parametrize("semitones", [-3.0, -1.0, 1.0, 3.0])
def test_hiss_without_periods_does_not_drift_to_one_side(semitones: float) -> None:
    swelling = 1 + np.sin(2 * np.pi * 1.7 * SECONDS)
    sound = np.float32(0.05 * swelling * np.random.default_rng(0).standard_normal(len(SECONDS)))
    assert abs(lag_ms(shifted(sound, 2 ** (semitones / 12), RATE), sound)) < 1


def test_clicks_stay_at_their_times() -> None:
    sound = np.zeros(48000, np.float32)
    clicks = np.arange(4000, 46000, 4000)
    sound[clicks] = 1
    for factor in (0.8, 1.25):
        changed = np.abs(shifted(sound, factor, RATE))
        found = [click - 300 + changed[click - 300 : click + 300].argmax() for click in clicks]
        assert np.abs(found - clicks).max() <= 0.0125 * RATE * 2


@pytest.mark.parametrize("effect", [VoiceShift(), FormantShift()])
@pytest.mark.parametrize("n_samples", [1, 7, 533, 1066])
def test_short_windows_keep_their_length(apply, spoken_window, effect: WindowEffect, n_samples: int) -> None:
    short = Window(spoken_window.clock, spoken_window.sound[:n_samples].copy())
    assert np.isfinite(apply(effect, window=short).sound).all()


@pytest.mark.parametrize("make", [shifted, with_formants])
def test_silence_stays_silence(make) -> None:
    assert not make(np.zeros(20000, np.float32), 1.2, RATE).any()

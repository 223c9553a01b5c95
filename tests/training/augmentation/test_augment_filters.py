"""Filters and rooms do what their curves and responses say, at a delay of 0, all of them in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from koekao.training.augmentation import BandMask, Equaliser, Reverb, Tilt
from koekao.training.augmentation.filters import Filter, octave_grid
from koekao.training.augmentation.spectrum import filtered

RATE = 16000
OCTAVES = octave_grid(RATE)
NO_SOUND = np.zeros(68352, np.float32)


def click(at: int = 30000):
    sound = NO_SOUND.copy()
    sound[at] = 1
    return sound


def sent(sound, curves=(), impulses=()):
    changed = sound.copy()
    filtered(changed, RATE, curves, impulses)
    return changed


def response_db(curve, hz):
    spectrum = np.abs(np.fft.rfft(sent(click(), [curve])))
    return 20 * np.log10(spectrum[np.round(np.asarray(hz) * len(NO_SOUND) / RATE).astype(int)])


def lag_of(changed, sound) -> int:
    """Where the cross-correlation is highest: above 0 is later."""
    product = np.fft.irfft(np.fft.rfft(changed, 2 * len(sound)) * np.conj(np.fft.rfft(sound, 2 * len(sound))))
    return int((product.argmax() + len(sound)) % (2 * len(sound)) - len(sound))


@pytest.mark.parametrize("slope", [-3.0, 1.5, 6.0])
def test_a_tilt_is_so_many_decibels_an_octave_around_1_khz(slope: float) -> None:
    curve = Tilt(slope_db_per_octave=(slope, slope)).curve_db(OCTAVES, np.random.default_rng(0))
    hz = np.array([125, 250, 500, 1000, 2000, 4000, 7900])
    np.testing.assert_allclose(response_db(curve, hz), slope * np.log2(hz / 1000), atol=0.1)


def test_an_equaliser_stays_in_its_range_and_is_smooth(spoken_window) -> None:
    curves = [Equaliser(level_db=(-6, 3)).curve_db(OCTAVES, np.random.default_rng(seed)) for seed in range(50)]
    assert -6 <= np.min(curves) < -5 and 2.5 < np.max(curves) <= 3
    assert np.abs(np.diff(curves, axis=1)).max() < 9 * np.pi / 2 / 64 * 1.01  # a cosine over 64 points at its steepest
    hz = np.geomspace(200, 7000, 40)
    np.testing.assert_allclose(response_db(curves[0], hz), np.interp(np.log2(hz / 1000), OCTAVES, curves[0]), atol=0.2)


def test_a_masked_band_is_gone_and_the_rest_is_there() -> None:
    mask = BandMask(bands=1, width_octaves=(1, 1), depth_db=(30, 30))
    curve = mask.curve_db(OCTAVES, np.random.default_rng(3))
    assert curve.min() == -30 and (curve == 0).mean() > 0.6
    half_deep = OCTAVES[curve <= -15]
    assert half_deep[-1] - half_deep[0] == pytest.approx(1, abs=0.04)
    middle_hz = 1000 * 2 ** half_deep.mean()
    assert response_db(curve, [middle_hz])[0] == pytest.approx(-30, abs=1)
    assert response_db(curve, [middle_hz / 2, min(7900, middle_hz * 2)]) == pytest.approx(0, abs=0.1)


def test_several_bands_are_masked_at_most_as_many_as_asked() -> None:
    for seed in range(30):
        curve = BandMask(bands=3, width_octaves=(0.3, 0.3)).curve_db(OCTAVES, np.random.default_rng(seed))
        edges = np.flatnonzero(np.diff((curve < 0).astype(int)) == 1)
        assert 0 <= len(edges) <= 3
        wide = BandMask(bands=3, width_octaves=(3, 3), depth_db=(30, 30)).curve_db(OCTAVES, np.random.default_rng(seed))
        assert wide.min() == -30  # where bands overlap, too


@pytest.mark.parametrize("effect", [Tilt(), Equaliser(), BandMask()])
def test_filters_have_no_delay(spoken_window, effect: Filter) -> None:
    for seed in range(5):
        changed = sent(spoken_window.sound, [effect.curve_db(OCTAVES, np.random.default_rng(seed))])
        assert lag_of(changed, spoken_window.sound) == 0
        answer = sent(click(), [effect.curve_db(OCTAVES, np.random.default_rng(seed))])
        np.testing.assert_allclose(answer[30000 - 1000 : 30000], answer[30000 + 1000 : 30000 : -1], atol=1e-5)


def test_a_room_is_the_direct_sound_at_delay_0_and_a_tail_that_dies_away() -> None:
    room = Reverb(decay_s=(0.4, 0.4), direct_to_reverb_db=(6, 6), delay_ms=(5, 5))
    impulse = room.impulse(RATE, np.random.default_rng(0))
    assert impulse[0] == 1 and not impulse[1:80].any() and impulse[80:].any()
    tail = impulse[80:].astype(np.float64)
    assert -10 * np.log10(np.square(tail).sum()) == pytest.approx(6, abs=1e-4)
    early, late = (np.square(tail[begin : begin + 1600]).mean() for begin in (0, 3200))
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.2 / 0.4, abs=1.5)


def test_a_room_answers_a_click_with_its_impulse_and_nothing_before_it() -> None:
    impulse = Reverb().impulse(RATE, np.random.default_rng(1))
    answer = sent(click(), impulses=[impulse])
    np.testing.assert_allclose(answer[30000 : 30000 + len(impulse)], impulse, atol=1e-6)
    assert np.abs(answer[:30000]).max() < 1e-6
    assert np.abs(answer[30000 + len(impulse) :]).max() < 1e-6


def test_speech_in_a_room_is_not_late(spoken_window) -> None:
    for seed in range(5):
        room = Reverb(direct_to_reverb_db=(0, 0)).impulse(RATE, np.random.default_rng(seed))
        assert lag_of(sent(spoken_window.sound, impulses=[room]), spoken_window.sound) == 0


def test_one_pass_is_as_one_after_the_other(spoken_window) -> None:
    tilt = Tilt(slope_db_per_octave=(3, 3)).curve_db(OCTAVES, np.random.default_rng(0))
    bands = BandMask(edge_octaves=1).curve_db(OCTAVES, np.random.default_rng(2))
    room = Reverb().impulse(RATE, np.random.default_rng(1))
    together = sent(spoken_window.sound, [tilt, bands], [room])
    apart = sent(sent(sent(spoken_window.sound, [tilt]), impulses=[room]), [bands])
    np.testing.assert_allclose(together, apart, atol=2e-3 * np.abs(together).max())


@pytest.mark.parametrize("n_samples", [1, 2, 533, 4096, 4097])
def test_short_sounds_keep_their_length(n_samples: int) -> None:
    curve = Tilt().curve_db(OCTAVES, np.random.default_rng(0))
    assert np.isfinite(sent(np.ones(n_samples, np.float32), [curve])).all()
    np.testing.assert_allclose(sent(np.ones(n_samples, np.float32), [0 * curve]), 1, atol=1e-6)

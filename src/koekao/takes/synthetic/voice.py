"""The sound of a score: a voice of harmonics under formants, hiss for fricatives, breath, and a quiet room.

Voiced sound is the exact sum of its harmonics, each as loud as the glottal slope and five resonances make it at that
moment; noise is white noise shaped frame by frame in the frequency domain and overlapped. Both are scaled so that a
moment is as loud as the score says in every voice; so loudness, on which the face depends, can be heard.
Formant synthesis after Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980).

What it gives up: jitter, the modulation of hiss by the voice, and harmonics above 8 kHz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError
from koekao.takes.synthetic.score import PHONES, TICK_S, Floats, Score, at_times, smooth

LOUDEST_RMS: Final = 0.20
"""Root mean square of the loudest vowel, of full scale; its peaks are two to five times as high."""
ROOM_RMS: Final = 0.001
"""The noise of the room, -60 dB of full scale, so that silence is not digital zero."""
EFFORT_DB: Final = 18.0
"""How much louder the fullest voice is than the softest."""

_TOP_HZ = 8000.0
_BLOCK = 256
_UPPER_FORMANTS_HZ = (3500.0, 4500.0)
_BANDWIDTHS_HZ = (70.0, 90.0, 130.0, 200.0, 280.0)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """What tells one synthetic speaker from another. It changes the sound and the pace, never the way the face moves.

    Attributes:
        name: the speaker's name.
        pitch_hz: the pitch in the middle of the voice.
        formant_scale: formants against an adult man's; about 1.17 for a woman, 1.3 for a child.
        breath: noise of breath under the voice, 0 (none) to 1 (whispery).
        rate: pace against the usual.
        slope_db: how many dB an octave the harmonics fall before the formants shape them.
    """

    name: str
    pitch_hz: float
    formant_scale: float
    breath: float = 0.2
    rate: float = 1.0
    slope_db: float = 6.0

    def __post_init__(self) -> None:
        limits = {
            "pitch_hz": (50, 500),
            "formant_scale": (0.7, 1.6),
            "breath": (0, 1),
            "rate": (0.5, 2),
            "slope_db": (0, 18),
        }
        for what, (low, high) in limits.items():
            if not low <= getattr(self, what) <= high:
                raise ConfigError(
                    f"{what} {getattr(self, what)!r}", where=f"voice {self.name!r}", expected=f"{low}..{high}"
                )
        if not self.name:
            raise ConfigError("a voice without a name", expected="a name; it becomes the speaker of the take")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moments:
    """The sound's parameters at each frame of ``hop`` samples: arrays ``[n]``, formants ``[n, 5]``."""

    pitch_hz: Floats
    formants_hz: Floats
    slope_db: Floats
    murmur_db: Floats
    voiced: Floats
    puff: Floats
    hiss: Floats
    hiss_hz: Floats


def speak(score: Score, voice: Voice, n_samples: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Say ``score`` in ``voice``: ``[n_samples]`` int16."""
    hop = round(sample_rate * TICK_S)
    n_hops = -(-n_samples // hop)
    moments = _moments(score, voice, np.arange(n_hops + 1) * hop / sample_rate)
    cycles_a_hop = (moments.pitch_hz[:-1] + moments.pitch_hz[1:]) * (hop / sample_rate / 2)
    cycles = np.concatenate([[0.0], np.cumsum(cycles_a_hop)]) % 1.0
    tail = np.zeros(hop)
    out = np.empty(n_hops * hop, np.int16)
    for start in range(0, n_hops, _BLOCK):
        here = slice(start, min(start + _BLOCK, n_hops) + 1)
        sound = _harmonics(moments, here, cycles, hop, sample_rate)
        noise, tail = _noise(moments, here, hop, sample_rate, rng, tail)
        sound += noise
        sound += ROOM_RMS * rng.standard_normal(sound.shape)
        np.clip(sound, -0.99, 0.99, out=sound)
        out[start * hop : start * hop + sound.size] = np.rint(sound * 32767).ravel()
    return out[:n_samples]


def _moments(score: Score, voice: Voice, times_s: Floats) -> _Moments:
    """Let the phones' targets run into each other, as the tongue does (about 40 ms) and the airflow does (about 10)."""
    row = score.phone
    hold = np.array([p.hold for p in PHONES])[row][:, None]
    tongue = {"sigma_s": 0.020}
    formants = np.array([p.formants_hz for p in PHONES], np.float64)[row]
    formants = smooth(formants * hold, **tongue) / smooth(hold, **tongue) * voice.formant_scale
    upper = np.broadcast_to(np.array(_UPPER_FORMANTS_HZ) * voice.formant_scale, (len(times_s), 2))

    effort = smooth(score.effort, sigma_s=0.020)
    loud = LOUDEST_RMS * 10 ** (-EFFORT_DB * (1 - effort) / 20)
    voiced, hiss, puff = (
        smooth(10 ** (np.array([getattr(p, what) for p in PHONES]) / 20)[row], sigma_s=0.006) * loud
        for what in ("voiced_db", "hiss_db", "puff_db")
    )
    pressed = smooth(score.stern, sigma_s=0.020)
    breath = voiced * 10 ** ((-40 + 22 * voice.breath - 8 * pressed) / 20)
    return _Moments(
        pitch_hz=voice.pitch_hz * 2 ** (at_times(score.pitch_semitones, times_s) / 12),
        formants_hz=np.concatenate([at_times(formants, times_s), upper], axis=1),
        slope_db=at_times(voice.slope_db + 5.0 * (1 - effort) - 4.0 * pressed, times_s),
        murmur_db=at_times(smooth(np.array([p.murmur_db for p in PHONES])[row], sigma_s=0.006), times_s),
        voiced=at_times(voiced, times_s),
        puff=at_times(np.hypot(puff, breath), times_s),
        hiss=at_times(hiss, times_s),
        hiss_hz=at_times(smooth(np.array([float(p.hiss_hz) for p in PHONES])[row], sigma_s=0.006), times_s)
        * math.sqrt(voice.formant_scale),
    )


def _resonance(freqs_hz: Floats, formants_hz: Floats) -> Floats:
    """How much the vocal tract passes at ``freqs_hz`` ``[n, m]`` with ``formants_hz`` ``[n, 5]``: the product of the
    resonators' magnitudes F**2 / |F**2 - f**2 + i B f|, each 1 at 0 Hz (Klatt 1980, cascade branch)."""
    square = freqs_hz * freqs_hz
    power = np.ones_like(freqs_hz)
    for formant, bandwidth in zip(formants_hz.T[:, :, None], _BANDWIDTHS_HZ):
        power *= formant**4 / ((formant**2 - square) ** 2 + bandwidth**2 * square)
    return np.sqrt(power)


def _harmonics(moments: _Moments, here: slice, cycles: Floats, hop: int, sample_rate: int) -> Floats:
    """The voiced sound of one block ``[n_hops, hop]``: harmonics by the recurrence sin(hx) = 2 cos x sin((h-1)x) -
    sin((h-2)x), their amplitudes linear from one frame to the next."""
    pitch = moments.pitch_hz[here]
    amplitude = _harmonic_amplitudes(moments, here, min(_TOP_HZ, 0.95 * sample_rate / 2))
    n = np.arange(hop)
    seconds = n / sample_rate
    turn = cycles[here][:-1, None] + pitch[:-1, None] * seconds
    turn += (pitch[1:] - pitch[:-1])[:, None] * (n * seconds / (2 * hop))
    angle = 2 * np.pi * turn
    twice_cos = 2 * np.cos(angle)
    before, wave = np.zeros_like(angle), np.sin(angle)
    at_start, at_end = np.zeros_like(angle), np.zeros_like(angle)
    scratch = np.empty_like(angle)
    for a in amplitude.T[:, :, None]:
        at_start += np.multiply(wave, a[:-1], out=scratch)
        at_end += np.multiply(wave, a[1:], out=scratch)
        np.multiply(twice_cos, wave, out=scratch)
        np.subtract(scratch, before, out=before)
        before, wave = wave, before
    return at_start + (at_end - at_start) * (n / hop)


def _harmonic_amplitudes(moments: _Moments, here: slice, top_hz: float) -> Floats:
    """``[n, n_harmonics]``, scaled so that each moment has the root mean square that the score asks for."""
    pitch = moments.pitch_hz[here][:, None]
    freqs = pitch * np.arange(1, max(2, int(top_hz / pitch.min()) + 1))
    octaves = np.log2(freqs)
    loss_db = moments.slope_db[here][:, None] * octaves
    loss_db += moments.murmur_db[here][:, None] * np.maximum(octaves - math.log2(300.0), 0.0)
    shape = _resonance(freqs, moments.formants_hz[here]) * np.exp(loss_db * (-math.log(10) / 20))
    shape *= np.clip((top_hz - freqs) / 500.0, 0.0, 1.0)
    shape *= (moments.voiced[here] / np.sqrt(0.5 * (shape**2).sum(axis=1)))[:, None]
    return shape


def _noise(
    moments: _Moments, here: slice, hop: int, sample_rate: int, rng: np.random.Generator, tail: Floats
) -> tuple[Floats, Floats]:
    """Hiss and breath of one block ``[n_hops, hop]``, and the half frame that reaches into the next block."""
    n = here.stop - here.start - 1
    spectrum = np.fft.rfft(rng.standard_normal((n, 2 * hop)))
    freqs = np.broadcast_to(np.arange(hop + 1) * (sample_rate / 2 / hop), spectrum.shape)
    now = slice(here.start, here.start + n)
    peak = np.minimum(moments.hiss_hz[now], 0.45 * sample_rate)[:, None]
    hiss = 1.0 / (1.0 + ((freqs - peak) / (0.25 * peak + 250.0)) ** 2)
    breath = _resonance(freqs, moments.formants_hz[now]) * (freqs / (freqs + 1500.0))
    power = np.zeros_like(hiss)
    for shape, level in ((hiss, moments.hiss[now]), (breath, moments.puff[now])):
        power += (level**2 / (shape**2).mean(axis=1))[:, None] * shape**2
    window = np.sin(np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))
    frames = np.fft.irfft(spectrum * np.sqrt(power), 2 * hop) * window
    # Frame i begins with hop i; where two frames overlap their windows' squares add up to one.
    return frames[:, :hop] + np.concatenate([tail[None], frames[:-1, hop:]]), frames[-1, hop:]

"""Noise under the sound at a stated signal-to-noise ratio: white, pink, or a murmur as of many voices.

All of it is made here from random numbers. Other rows of the batch would make better babble, and would make a window
depend on its neighbours.

White noise is samples drawn evenly: white is about the spectrum, which is level. For the other colours real and
imaginary parts of the spectrum are drawn, shaped, and brought to time; each sample is a sum of thousands of them. The
murmur has about the long-term spectrum of speech (level up to 500 Hz, then 9 dB an octave down) and swells at the pace
of syllables (2 to 6 Hz).

What it gives up: the murmur has no voices in it that one could follow; noise that comes and goes (doors, keys); and
coloured noise goes round after 65536 samples (4.1 s at 16 kHz), without a seam.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError
from koekao.training.augmentation.effect import Range, Sound, Window, WindowEffect, amplitude, draw, power

Colour = Literal["white", "pink", "babble"]
COLOURS: tuple[Colour, ...] = get_args(Colour)
LOWEST_HZ = 50.0
"""Below this the spectra stay level: a 1/f spectrum has no end downwards, microphones do."""

_PERIOD_SAMPLES = 65536
_SPEECH_KNEE_HZ = 500.0
_SPEECH_SLOPE = 1.5  # amplitude falls with this power of the frequency: 9 dB an octave
_SWELLS = 4
_SWELL_HZ: Range = (2.0, 6.0)
_SWELL_POINTS_A_S = 50


@dataclass(frozen=True, kw_only=True)
class Noise(WindowEffect):
    """Noise of one colour, added.

    Attributes:
        snr_db: mean square of the window's sound over that of the noise, both over the whole window.
        colours: one of these is drawn: white, pink (3 dB an octave down), babble.

    A window without any sound has no level that noise could be below; it stays as it is.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"snr_db": (-40, 120)}
    snr_db: Range = (10.0, 40.0)
    colours: tuple[Colour, ...] = COLOURS

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "colours", tuple(self.colours))
        if not self.colours or not set(self.colours) <= set(COLOURS):
            raise ConfigError(f"Noise.colours {self.colours!r}", expected="some of " + ", ".join(COLOURS))

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        snr_db, colour = draw(self.snr_db, generator), self.colours[generator.integers(len(self.colours))]
        if window.sound is None:
            return
        level = math.sqrt(power(window.sound)) / amplitude(snr_db)
        if level:
            noise = make_noise(len(window.sound), window.clock.sample_rate, colour, generator)
            window.sound[:] += np.float32(level) * noise


def make_noise(n_samples: int, sample_rate: int, colour: Colour, generator: np.random.Generator) -> Sound:
    """``[n_samples]`` float32 of noise with a mean square of 1 over these samples."""
    if colour == "white":
        noise = generator.random(n_samples, np.float32) - np.float32(0.5)
    else:
        noise = _shaped(n_samples, sample_rate, colour, generator)
    if colour == "babble":
        noise *= _swell(n_samples, sample_rate, generator)
    noise /= np.float32(math.sqrt(power(noise)) or 1.0)
    return noise


def _shaped(n_samples: int, sample_rate: int, colour: Colour, generator: np.random.Generator) -> Sound:
    """Noise with the spectrum of its colour, at no level in particular."""
    from scipy.fft import irfft, next_fast_len

    n_fft = min(next_fast_len(max(n_samples, 2), real=True), _PERIOD_SAMPLES)
    parts = generator.random(2 * (n_fft // 2 + 1), np.float32)
    parts -= np.float32(0.5)
    spectrum = parts.view(np.complex64)
    spectrum *= _shape(n_fft, sample_rate, colour)
    return np.resize(np.asarray(irfft(spectrum, n_fft, overwrite_x=True), np.float32), n_samples)


@lru_cache(maxsize=12)
def _shape(n_fft: int, sample_rate: int, colour: Colour) -> NDArray[np.float32]:
    """Amplitude by frequency, ``[n_fft // 2 + 1]``; no direct current."""
    hz = np.maximum(np.arange(n_fft // 2 + 1) * (sample_rate / n_fft), LOWEST_HZ)
    amplitudes = hz**-0.5 if colour == "pink" else (np.maximum(hz, _SPEECH_KNEE_HZ) / 1000) ** -_SPEECH_SLOPE
    shape: NDArray[np.float32] = amplitudes.astype(np.float32)
    shape[0] = 0
    shape.setflags(write=False)
    return shape


def _swell(n_samples: int, sample_rate: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """The loudness of a few talkers together over time, each at a pace of its own."""
    paces = _SWELL_HZ[0] + (_SWELL_HZ[1] - _SWELL_HZ[0]) * generator.random(_SWELLS)
    phases = 2 * np.pi * generator.random(_SWELLS)
    points_s = np.arange(n_samples * _SWELL_POINTS_A_S // sample_rate + 2) / _SWELL_POINTS_A_S
    talkers = 1 + np.cos(2 * np.pi * paces[:, None] * points_s + phases[:, None])
    together = np.sqrt(talkers.mean(0))
    return np.asarray(np.interp(np.arange(n_samples) / sample_rate, points_s, together), np.float32)

"""Formants moved alone: the resonances of another mouth at the pitch of the same voice.

The sound is cut into overlapping pieces; each piece's spectral envelope, its power in bands of 250 Hz, smoothed, is
read at other frequencies, and its spectrum multiplied by the new envelope over the old. No phase is changed, so the
delay is 0.

What it gives up: voices above 300 Hz, whose harmonics are as far apart as the bands and move a little with them, and
formants from beyond half the sample rate, which are not there to be moved down; the envelope's end stands in for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from koekao.training.augmentation.effect import Range, Sound, Window, WindowEffect, draw

_HOP_S = 0.032
_BAND_HZ = 250.0
_FLOOR = 1e-9
"""Added to a band's power before the logarithm: the rounding of 16-bit sound, not less."""
_MOST = 3.0
"""Largest change of the spectrum in nepers (26 dB): next to nothing is never made into something."""
_AT_ONCE = 48
"""Pieces; few enough to stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class FormantShift(WindowEffect):
    """The envelope of the spectrum, moved by one factor; pitch stays.

    Attributes:
        shift_semitones: above 0 is a smaller mouth.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"shift_semitones": (-9, 9)}
    shift_semitones: Range = (-2.0, 2.0)

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        factor = 2 ** (draw(self.shift_semitones, generator) / 12)
        if window.sound is not None:
            window.sound[:] = with_formants(window.sound, factor, window.clock.sample_rate)


def with_formants(sound: Sound, factor: float, sample_rate: int) -> Sound:
    """``[n]`` samples whose spectral envelope stands at ``factor`` times the frequencies."""
    from scipy.fft import irfft, rfft

    band_bins = max(1, round(2 * _HOP_S * _BAND_HZ))
    hop = band_bins * round(_HOP_S * sample_rate / band_bins)  # so that whole bands make up the spectrum
    taper = _taper(hop)
    n_pieces = -(-len(sound) // hop) + 1
    padded = np.zeros((n_pieces + 1) * hop, np.float32)
    padded[hop : hop + len(sound)] = sound
    cut, out = sliding_window_view(padded, 2 * hop)[::hop], np.zeros((n_pieces + 1, hop), np.float32)
    for first in range(0, n_pieces, _AT_ONCE):
        spectra = rfft(cut[first : first + _AT_ONCE] * taper)
        spectra *= _change(spectra, factor, band_bins)
        pieces = irfft(spectra, 2 * hop, overwrite_x=True)
        pieces *= taper
        out[first : first + len(pieces)] += pieces[:, :hop]
        out[first + 1 : first + 1 + len(pieces)] += pieces[:, hop:]
    return out.reshape(-1)[hop : hop + len(sound)]


def _change(spectra: NDArray[np.complex64], factor: float, band_bins: int) -> NDArray[np.float32]:
    """``[K, F]`` factors that bring the envelope of each spectrum to its place."""
    n_pieces, last = len(spectra), spectra.shape[1] - 1
    parts = spectra[:, :last].view(np.float32)
    powers = np.square(parts).reshape(n_pieces, last // band_bins, 2 * band_bins).sum(2)
    scale = 1 / (band_bins * last)  # of Parseval, so that the floor is a power of samples
    bands = np.log(powers * np.float32(scale) + np.float32(_FLOOR)) / 2
    padded = np.concatenate([bands[:, :1], bands, bands[:, -1:]], axis=1)
    bands = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    middles = np.arange(bands.shape[1])
    change = np.clip(_read(bands, middles / factor - (1 - 1 / factor) / 2) - bands, -_MOST, _MOST)
    return np.asarray(np.exp(_read(change, (np.arange(last + 1) + 0.5) / band_bins - 0.5)), np.float32)


def _read(rows: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """``[K, P]``: each row ``[M]`` at fractional places, in straight lines; the end values beyond the ends."""
    exact = np.clip(places, 0, rows.shape[1] - 1)
    low = np.minimum(exact.astype(np.int64), rows.shape[1] - 2)
    part = (exact - low).astype(np.float32)
    values: NDArray[np.float32] = np.take(np.diff(rows, axis=1), low, axis=1)
    values *= part
    values += np.take(rows, low, axis=1)
    return values


@lru_cache(maxsize=4)
def _taper(hop: int) -> NDArray[np.float32]:
    """The root of Hann's window over two hops, once before and once after: together neighbours add up to 1."""
    taper = np.sin(np.pi * np.arange(2 * hop) / (2 * hop)).astype(np.float32)
    taper.setflags(write=False)
    return taper

"""One pass for everything that is linear and the same all over a window: its filters and its room.

The sound is cut into blocks that go to the frequency domain a few at a time, are multiplied by the filters' curves and
the room's response, come back and are added up where they overlap (overlap-add). Around each block lies silence enough
for the room's tail and for what filters ring before and after it. That is several times faster than one long transform:
a few blocks fit the processor's cache, and it works on them at once.

What it gives up: what a filter rings more than 64 ms away, which is inaudible for curves as smooth as ours, comes out
at the wrong time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from koekao.training.augmentation.effect import Sound
from koekao.training.augmentation.filters import LOWEST_HZ, PIVOT_HZ, Decibels

_RINGING_S = 0.064
"""On either side of a block."""
_AT_ONCE = 4
"""Blocks: as many as vector instructions work on together, and little memory, which is used again and again."""


def filtered(sound: Sound, sample_rate: int, curves_db: Sequence[Decibels], impulses: Sequence[Sound]) -> None:
    """Send ``sound`` through all of the filters and rooms, in place. What comes after its end is cut off.

    Args:
        sound: ``[n]`` float32.
        curves_db: each over :func:`koekao.training.augmentation.filters.octave_grid` of this sample rate.
        impulses: each ``[n_impulse]`` float32, its first sample at delay 0.
    """
    from scipy.fft import irfft, rfft

    ringing, tail = round(_RINGING_S * sample_rate), sum(len(impulse) - 1 for impulse in impulses)
    n_fft = 1 << (8 * ringing + 2 * tail - 1).bit_length()
    hop = n_fft - 2 * ringing - tail
    n_blocks = -(-len(sound) // hop)
    padded = np.zeros((n_blocks, hop), np.float32)
    padded.reshape(-1)[: len(sound)] = sound
    response = _response(n_fft, sample_rate, curves_db, impulses)
    out = np.zeros(ringing + (n_blocks - 1) * hop + n_fft, np.float32)
    for first in range(0, n_blocks, _AT_ONCE):
        spectra = rfft(padded[first : first + _AT_ONCE], n_fft)
        spectra *= response
        for k, block in enumerate(irfft(spectra, n_fft, overwrite_x=True), start=first):
            begin = ringing + k * hop
            out[begin - ringing : begin] += block[n_fft - ringing :]  # what rings before it has come round to its end
            out[begin : begin + n_fft - ringing] += block[: n_fft - ringing]
    sound[:] = out[ringing : ringing + len(sound)]


def _response(
    n_fft: int, sample_rate: int, curves_db: Sequence[Decibels], impulses: Sequence[Sound]
) -> NDArray[np.complex64] | NDArray[np.float32]:
    """``[n_fft // 2 + 1]``: the product of them all."""
    from scipy.fft import rfft

    response: NDArray[np.complex64] | NDArray[np.float32] = np.ones(n_fft // 2 + 1, np.float32)
    if curves_db:
        octaves = _octaves(n_fft, sample_rate)
        curve_db = np.sum(curves_db, axis=0)
        points = np.linspace(octaves[0], octaves[-1], len(curve_db))
        response = np.exp(np.interp(octaves, points, curve_db) * (math.log(10) / 20)).astype(np.float32)
    for impulse in impulses:
        response = response * rfft(impulse, n_fft)
    return response


@lru_cache(maxsize=8)
def _octaves(n_fft: int, sample_rate: int) -> NDArray[np.float64]:
    """Each frequency in octaves above the pivot; those below the lowest one at it."""
    octaves = np.log2(np.maximum(np.arange(n_fft // 2 + 1) * (sample_rate / n_fft), LOWEST_HZ) / PIVOT_HZ)
    octaves.setflags(write=False)
    return np.asarray(octaves)

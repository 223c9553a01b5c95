"""What the mouth should be doing, by the sound alone: the sound side of the search for offset and drift.

The sound becomes log energies in 16 mel bands a hundred times a second, and a small fixed network (weights in
``hearing.npz``, trained by ``benchmarks/hearing.py`` on synthetic takes in random voices and rooms) turns 0.16 s to
each side of a moment into 18 mouth curves at that moment. Windows and context are symmetric about the moment and the
training pairs are exactly in time, so what is heard here has no delay of its own: it is the absolute zero of
:mod:`koekao.takes.doctor.sync`.

What it gives up: it knows babble, not people. Of a real mouth it tells when something moves better than how far; the
user of it fits gains to each take. Against a real face its zero can be off by as much as that face runs ahead of its
sound otherwise than the synthetic one does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX

Floats = NDArray[np.float32]

RATE_HZ: Final = 100
"""Moments a second; moment k lies at k / 100 s of the sound."""
N_BANDS: Final = 16
CONTEXT: Final = (-16, -11, -7, -4, -2, -1, 0, 1, 2, 4, 7, 11, 16)
"""The moments around a moment that the network hears, in hundredths of a second."""
MOUTH: Final = (
    "jawOpen", "jawForward", "mouthClose", "mouthFunnel", "mouthPucker", "mouthPress", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthLowerDown", "mouthUpperUp", "mouthStretch",
    "mouthSmile", "mouthDimple", "cheekPuff", "noseSneer", "tongueOut",
)  # fmt: skip
"""The curves that are heard; of a curve with two sides, the mean."""

FLOOR: Final = 1e-6
"""Energy below -60 dB of the loud moments is not told apart from silence."""
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 7200.0
_WINDOW_S = 0.025
_ACTIVE = 1e-3
_BLOCK = 4096


def mouth_of(values: Floats) -> Floats:
    """The 18 curves of :data:`MOUTH` ``[n, 18]`` from ``values`` ``[n, 52]`` in canonical order."""
    sides = [[INDEX[name]] if name in INDEX else [INDEX[name + "Left"], INDEX[name + "Right"]] for name in MOUTH]
    return np.stack([values[:, side].mean(axis=1, dtype=np.float32) for side in sides], axis=1)


def hear(audio: NDArray[Any], sample_rate: int) -> Floats | None:
    """The mouth that the sound makes likely.

    Args:
        audio: ``[n_samples]`` int16 or float32, mono.
        sample_rate: Hz; below 14 400 Hz the upper bands are passed over.

    Returns:
        ``[n, 18]`` float32 for the moments 0, 1/100, 2/100, ... s up to the end of the sound, each curve in standard
        deviations about its mean over the training takes; None where the sound is digital silence.
    """
    bands = band_energies(audio, sample_rate)
    heard = None if bands is None else normalised(bands)
    return None if heard is None else _network(heard, weights())


def band_energies(audio: NDArray[Any], sample_rate: int) -> Floats | None:
    """Energy ``[n, 16]`` float32 of each moment in each band, in full scale squared; nan in bands that lie above half
    the sample rate. None where there is no sound at all."""
    if not len(audio) or not np.any(audio):
        return None
    half = round(_WINDOW_S * sample_rate / 2)
    window = np.hanning(2 * half + 3)[1:-1].astype(np.float32)
    n_fft = _fft_size(len(window))
    filters = _filters(sample_rate, n_fft) / np.float32((window**2).sum())
    n = int(len(audio) * RATE_HZ // sample_rate) + 1
    centres = (np.arange(n, dtype=np.int64) * sample_rate * 2 + RATE_HZ) // (2 * RATE_HZ)
    scale = np.float32(1 / 32768) if audio.dtype == np.int16 else np.float32(1)
    out = np.empty((n, N_BANDS), np.float32)
    for start in range(0, n, _BLOCK):
        middle = centres[start : start + _BLOCK]
        first, last = int(middle[0]) - half, int(middle[-1]) + half + 1
        piece = np.zeros(last - first, np.float32)
        inside = audio[max(0, first) : max(0, last)]
        piece[max(0, -first) : max(0, -first) + len(inside)] = inside
        piece *= scale
        frames = np.lib.stride_tricks.sliding_window_view(piece, len(window))[middle - middle[0]]
        out[start : start + _BLOCK] = _power(frames * window, n_fft) @ filters.T
    out[:, ~filters.any(axis=1)] = np.nan
    return out


def _power(frames: Floats, n_fft: int) -> Floats:
    from scipy.fft import rfft

    spectrum = rfft(frames, n_fft, axis=1)
    power: Floats = spectrum.real**2 + spectrum.imag**2
    return power


def normalised(bands: Floats) -> Floats | None:
    """Log energies ``[n, 16]`` without the recording's level and colour: 0 is the mean of the moments with sound.

    None where no moment has any sound.
    """
    known = ~np.isnan(bands[0])
    loudness = bands[:, known].sum(axis=1)
    loud = loudness[loudness >= np.quantile(loudness, 0.9)].mean() if len(loudness) else 0.0
    if not loud > 0:
        return None
    logs: Floats = np.log(bands / np.float32(loud) + np.float32(FLOOR))
    logs -= logs[loudness > _ACTIVE * loud].mean(axis=0)
    logs[:, ~known] = 0.0
    logs /= np.float32(3)
    return logs


@cache
def weights() -> Mapping[str, Floats]:
    """The network: ``in`` ``[13, 16, h]``, ``in_bias`` ``[h]``, ``mid`` ``[h, g]``, ``mid_bias``, ``out`` ``[g, 18]``,
    ``out_bias``, all float32."""
    with resources.as_file(resources.files("koekao.takes.doctor") / "hearing.npz") as path, np.load(path) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def _network(heard: Floats, net: Mapping[str, Floats]) -> Floats:
    """Two hidden layers of tanh; before the beginning and after the end the first and last moment are held."""
    n, reach = len(heard), CONTEXT[-1]
    held = np.concatenate([np.repeat(heard[:1], reach, axis=0), heard, np.repeat(heard[-1:], reach, axis=0)])
    out = np.empty((n, len(MOUTH)), np.float32)
    for start in range(0, n, _BLOCK):
        count = min(_BLOCK, n - start)
        first = start + reach
        hidden = np.broadcast_to(net["in_bias"], (count, len(net["in_bias"]))).copy()
        for lag, matrix in zip(CONTEXT, net["in"]):
            hidden += held[first + lag : first + lag + count] @ matrix
        hidden = np.tanh(np.tanh(hidden) @ net["mid"] + net["mid_bias"])
        out[start : start + count] = hidden @ net["out"] + net["out_bias"]
    return out


@cache
def _filters(sample_rate: int, n_fft: int) -> Floats:
    """Triangles ``[16, n_fft // 2 + 1]`` between points evenly spaced in mel = 2595 log10(1 + f / 700), each with unit
    area; a band whose top is above half the sample rate is all 0."""
    lowest, highest = (2595 * math.log10(1 + hz / 700) for hz in (_LOWEST_HZ, _HIGHEST_HZ))
    points = 700 * (10 ** (np.linspace(lowest, highest, N_BANDS + 2) / 2595) - 1)
    freqs = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    low, middle, high = (points[i : i + N_BANDS, None] for i in (0, 1, 2))
    triangles: NDArray[np.float64] = np.maximum(
        0, np.minimum((freqs - low) / (middle - low), (high - freqs) / (high - middle))
    )
    triangles /= triangles.sum(axis=1, keepdims=True) + 1e-12
    triangles[points[2:] > sample_rate / 2] = 0.0
    return triangles.astype(np.float32)


def _fft_size(n: int) -> int:
    from scipy.fft import next_fast_len

    return int(next_fast_len(n + 64, real=True))

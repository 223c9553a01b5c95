"""One row of samples out of several channels, at another rate, in another type: each by a named policy, each said.

A step that changes nothing says nothing and hands on the very samples it was given, so that 16-bit mono sound at the
asked rate stays bit-identical. All between is float64. Resampling is soxr's "VHQ": linear phase, without delay, and of
exactly round(n * wanted / own) samples.

What it gives up: dither. Rounding to 16 bits is to nearest, so that the same file always gives the same samples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import SoundError
from koekao.takes.take import as_float

MONO_POLICIES = ("mix", "left", "right", "refuse")
SOUND_DTYPES = ("int16", "float32")


def check_finite(channels: NDArray[Any], path: Path, *, first_sample: int = 0) -> None:
    """Raise SoundError if a sample of ``[n, channels]`` is NaN, infinite, or beyond float32; naming the first.

    ``first_sample``: where in the file they begin."""
    if channels.dtype == np.int16:
        return
    bad = ~(np.abs(channels) <= np.finfo(np.float32).max)
    if bad.any():
        sample, channel = (int(i) for i in np.argwhere(bad)[0])
        raise SoundError(
            f"{bad.sum()} samples are no numbers, the first is {channels[sample, channel]} in channel {channel}",
            where=f"{path}:sample {first_sample + sample}",
            expected="finite numbers",
            do="export the sound again",
        )


def to_mono(channels: NDArray[Any], policy: str, path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """``[n, channels]`` to ``[n]``, and the repair ``mono``."""
    n = channels.shape[1]
    if n == 1:
        return channels[:, 0], ()
    if policy == "refuse":
        raise SoundError(f"{n} channels", where=path, expected="mono", do="allow a mono policy: mix, left or right")
    if policy == "mix":
        return _as_float64(channels).mean(axis=1), (f"mono: mixed {n} channels",)
    return np.ascontiguousarray(channels[:, int(policy == "right")]), (f"mono: took {policy} of {n} channels",)


def to_rate(samples: NDArray[Any], own_hz: int, wanted_hz: int, path: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    """``[n]`` at ``own_hz`` to ``[round(n * wanted_hz / own_hz)]``, and the repair ``resample``."""
    if own_hz == wanted_hz:
        return samples, ()
    import soxr

    n_wanted = (2 * len(samples) * wanted_hz + own_hz) // (2 * own_hz)
    if not n_wanted:
        raise SoundError(f"{len(samples)} samples at {own_hz} Hz", where=path, expected="more sound than that")
    # The silence appended lets the filter run to the end; the cut makes the length ours and not the resampler's.
    padded = np.pad(_as_float64(samples), (0, 2 + 2 * own_hz // wanted_hz))
    return soxr.resample(padded, own_hz, wanted_hz, quality="VHQ")[:n_wanted], (
        f"resample: {own_hz} -> {wanted_hz} Hz",
    )


def to_dtype(samples: NDArray[Any], dtype: str) -> tuple[NDArray[np.int16] | NDArray[np.float32], tuple[str, ...]]:
    """``[n]`` as int16 or float32, and the repair ``round`` where a sample is no multiple of 1/32768."""
    if dtype == "float32":
        return np.ascontiguousarray(as_float(samples)), ()
    if samples.dtype == np.int16:
        return np.ascontiguousarray(samples), ()
    scaled = samples * 32768.0
    whole = np.rint(scaled)
    rounded = np.clip(whole, -32768, 32767)
    if np.array_equal(rounded, scaled):
        return rounded.astype(np.int16), ()
    clipped = int(np.count_nonzero(rounded != whole))
    return rounded.astype(np.int16), (f"round: to int16, {clipped} samples clipped",)


def _as_float64(samples: NDArray[Any]) -> NDArray[np.float64]:
    return samples / 32768.0 if samples.dtype == np.int16 else samples.astype(np.float64, copy=False)

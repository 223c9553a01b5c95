"""Question: how fast can this machine do it at all?

The least that a loader must do: take the windows in the workload's order out of a warm memory map, and put sound and
curves as float32 into one buffer that is used again and again. Nothing else is done: no order is computed, no memory is
allocated, no keys are added. Two ways: copy float32, or convert int16 in one pass while copying, which reads half as
much. int16 is there twice, compiled by numba and by the C compiler with the machine's own instructions (where there is
one); the faster of the two, in one thread, is *the limit* that ratios are taken of. What two threads reach together is
measured beside it.

What it gives up: it is a limit for this way of storing (uncompressed, mapped) and for windows that are converted one
after the other. koekao converts some together, and may exceed it.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from flat import FlatTakes
from workloads import N_CURVES, PCM_SCALE, Batch, Workload, visits

Fill = Callable[..., None]
"""``fill(sound, curves, sound_begin [B], curves_begin [B], sound_rows [B, N], curve_rows [B, T*52])``, flat inputs."""


_COMPILED: dict[str, Any] = {"nogil": True, "cache": True}


@numba.njit(**_COMPILED)
def _copy_row(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    for i in range(len(target)):
        target[i] = source[i]


@numba.njit(**_COMPILED)
def _convert_row(source: NDArray[np.int16], target: NDArray[np.float32]) -> None:
    for i in range(len(target)):
        target[i] = np.float32(source[i]) * PCM_SCALE


# Four loops, for numba's cache does not tell apart one function compiled in two ways.
# A row is cut out of the map first: with the sums of indices written out inside the loop they were ten times slower.


@numba.njit(**_COMPILED)
def _copy_rows(sound, curves, sound_begin, curves_begin, sound_rows, curve_rows):  # type: ignore[no-untyped-def]
    for row in range(len(sound_begin)):
        _copy_row(sound[sound_begin[row] : sound_begin[row] + sound_rows.shape[1]], sound_rows[row])
        _copy_row(curves[curves_begin[row] : curves_begin[row] + curve_rows.shape[1]], curve_rows[row])


@numba.njit(**_COMPILED)
def _convert_rows(sound, curves, sound_begin, curves_begin, sound_rows, curve_rows):  # type: ignore[no-untyped-def]
    for row in range(len(sound_begin)):
        _convert_row(sound[sound_begin[row] : sound_begin[row] + sound_rows.shape[1]], sound_rows[row])
        _copy_row(curves[curves_begin[row] : curves_begin[row] + curve_rows.shape[1]], curve_rows[row])


@numba.njit(parallel=True, **_COMPILED)
def _copy_rows_in_threads(  # type: ignore[no-untyped-def]
    sound, curves, sound_begin, curves_begin, sound_rows, curve_rows
):
    for row in numba.prange(len(sound_begin)):
        _copy_row(sound[sound_begin[row] : sound_begin[row] + sound_rows.shape[1]], sound_rows[row])
        _copy_row(curves[curves_begin[row] : curves_begin[row] + curve_rows.shape[1]], curve_rows[row])


@numba.njit(parallel=True, **_COMPILED)
def _convert_rows_in_threads(  # type: ignore[no-untyped-def]
    sound, curves, sound_begin, curves_begin, sound_rows, curve_rows
):
    for row in numba.prange(len(sound_begin)):
        _convert_row(sound[sound_begin[row] : sound_begin[row] + sound_rows.shape[1]], sound_rows[row])
        _copy_row(curves[curves_begin[row] : curves_begin[row] + curve_rows.shape[1]], curve_rows[row])


_C_SOURCE = """
#include <stdint.h>
#include <string.h>
void fill(const int16_t *restrict sound, const float *restrict curves, const int64_t *sound_begin,
          const int64_t *curves_begin, float *restrict sound_rows, float *restrict curve_rows,
          int64_t n_rows, int64_t n_samples, int64_t n_values) {
    for (int64_t row = 0; row < n_rows; row++) {
        const int16_t *from = sound + sound_begin[row];
        float *to = sound_rows + row * n_samples;
        for (int64_t i = 0; i < n_samples; i++) to[i] = (float)from[i] * (1.0f / 32768.0f);
        memcpy(curve_rows + row * n_values, curves + curves_begin[row], n_values * sizeof(float));
    }
}
"""


def compiled_c(folder: Path) -> Fill:
    """The C kernel, compiled into ``folder`` for this machine unless it is there.

    Raises:
        RuntimeError: there is no C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler (cc) is on the path; the limit is then numba's alone")
    library = folder / f"limit-{hashlib.sha256(_C_SOURCE.encode()).hexdigest()[:12]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{os.getpid()}")
        how = [compiler, "-O3", "-march=native", "-shared", "-fPIC", "-x", "c", "-", "-o", str(unfinished)]
        subprocess.run(how, input=_C_SOURCE, text=True, check=True)
        unfinished.replace(library)
    function = ctypes.CDLL(str(library)).fill
    function.restype = None

    def fill(sound: NDArray[np.int16], curves: NDArray[np.float32], *rows: NDArray[Any]) -> None:
        arrays: tuple[NDArray[Any], ...] = (sound, curves, *rows)
        addresses = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        sound_rows, curve_rows = rows[2:]
        sizes = [ctypes.c_int64(n) for n in (len(sound_rows), sound_rows.shape[1], curve_rows.shape[1])]
        function(*addresses, *sizes)

    return fill


def filled(stores: Path, workload: Workload, fill: Fill, sound_name: str) -> Iterator[Batch]:
    """Endless batches in the workload's order, all in the same memory: each is stale when the next one is asked for."""
    flat = FlatTakes.open(stores)
    take, start = visits(flat.n_frames, workload)
    size = workload.batch_size
    sound, curves = flat.mapped(sound_name), flat.mapped("curves").reshape(-1)
    sound_begin, curves_begin = flat.audio_begins(take, start), (flat.curves_begin[take] + start) * N_CURVES
    audio, frames = torch.empty(size, workload.n_samples), torch.empty(size, workload.n_frames, N_CURVES)
    sound_rows, curve_rows = audio.numpy(), frames.view(size, -1).numpy()  # torch's memory begins at a cache line
    batch: Batch = {"audio": audio, "curves": frames}
    for first in itertools.chain.from_iterable(itertools.repeat(range(0, len(take) - size + 1, size))):
        rows = slice(first, first + size)
        fill(sound, curves, sound_begin[rows], curves_begin[rows], sound_rows, curve_rows)
        yield {**batch, "file_indices": take[rows], "start_frames": start[rows]}


def float32_copy(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return filled(stores, workload, _copy_rows, "audio_float32")


def float32_copy_two_threads(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    numba.set_num_threads(min(2, os.cpu_count() or 1))
    return filled(stores, workload, _copy_rows_in_threads, "audio_float32")


def int16_numba(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return filled(stores, workload, _convert_rows, "audio_int16")


def int16_two_threads(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    numba.set_num_threads(min(2, os.cpu_count() or 1))
    return filled(stores, workload, _convert_rows_in_threads, "audio_int16")


def int16_c(stores: Path, workload: Workload, workers: int) -> Iterator[Batch]:
    return filled(stores, workload, compiled_c(stores / "c"), "audio_int16")

"""The limits and the adapters that need no other library deliver what the files hold, over more than one epoch."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace

import pytest
import torch
from small_bench import Bench, small_workload

import limits
import peers.dataloader
import peers.koekao
from contestants import BatchesOf
from flat import FlatTakes
from peers.rows import Row, batched, float_sound, windows_of
from recordings import read_recordings
from workloads import visits

LIMITS = [
    limits.float32_copy,
    limits.float32_copy_two_threads,
    limits.int16_numba,
    limits.int16_two_threads,
    pytest.param(limits.int16_c, marks=pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")),
]
PLAIN = [
    peers.dataloader.over_memmap,
    peers.dataloader.over_soundfile,
    peers.koekao.batches,
    peers.koekao.to_keep,
]


def n_batches_of_an_epoch(bench: Bench) -> int:
    take, _ = visits(FlatTakes.open(bench.stores).n_frames, small_workload())
    return len(take) // small_workload().batch_size


@pytest.mark.parametrize("batches", LIMITS + PLAIN)
def test_what_is_delivered_is_what_the_files_hold(bench: Bench, batches: BatchesOf) -> None:
    workload = replace(small_workload(), batch_size=4)  # even, for koekao deals batches to two streams
    for batch in itertools.islice(batches(bench.stores, workload, 0), n_batches_of_an_epoch(bench) + 3):
        bench.reference.refuse_difference(workload, batch)


@pytest.mark.parametrize("batches", LIMITS)
def test_a_limit_uses_one_buffer_again_and_again(bench: Bench, batches: BatchesOf) -> None:
    made = itertools.islice(batches(bench.stores, small_workload(), 0), 4)
    assert len({(batch["audio"].data_ptr(), batch["curves"].data_ptr()) for batch in made}) == 1


def test_a_limit_visits_the_windows_in_the_workload_s_order(bench: Bench) -> None:
    workload = small_workload(stride_frames=1, shuffled=True)
    take, start = visits(FlatTakes.open(bench.stores).n_frames, workload)
    first = next(limits.int16_numba(bench.stores, workload, 0))
    assert (first["file_indices"].tolist(), first["start_frames"].tolist()) == (take[:3].tolist(), start[:3].tolist())


def test_windows_cut_from_whole_takes_are_what_the_files_hold(bench: Bench) -> None:
    workload = small_workload()
    for number, take in enumerate(read_recordings(bench.takes)):
        rows = windows_of(workload, number, float_sound(take.audio), torch.from_numpy(take.curves))
        for batch in batched(rows, workload.batch_size):
            bench.reference.refuse_difference(workload, batch)


def test_clips_that_stay_int16_are_converted_in_their_batch(bench: Bench) -> None:
    workload = small_workload()
    take = next(read_recordings(bench.takes))
    audio, curves = torch.from_numpy(take.audio.copy()), torch.from_numpy(take.curves)
    rows = [Row(audio[: workload.n_samples], curves[: workload.n_frames], 0, 0)] * workload.batch_size
    bench.reference.refuse_difference(workload, next(batched(rows, workload.batch_size)))

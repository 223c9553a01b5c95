"""Fault 1: windows repeated by several workers. Each window comes once, for any threads and worker processes."""

from __future__ import annotations

from typing import Any

import pytest

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, Loader
from koekao.testing.laws import assert_each_window_once, grid_windows
from policies import EPOCH, POLICIES, W, expected_windows, spec_of
from small_loaders import torch_loader, with_worker_processes

pytestmark = with_worker_processes


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_fault_01_for_any_number_of_threads(small: Any, policy: str, num_workers: int) -> None:
    loader = Loader(small.corpus, spec_of(policy), epoch=EPOCH, num_workers=num_workers)
    assert_each_window_once(loader, expected_windows(small.lengths, policy))


@pytest.mark.parametrize("stride_frames", [1, 7])
@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_fault_01_of_clips_for_any_number_of_threads(small: Any, stride_frames: int, num_workers: int) -> None:
    spec = ClipSpec(window_frames=W, stride_frames=stride_frames)
    loader = Loader(small.corpus, spec, epoch=EPOCH, num_workers=num_workers)
    assert_each_window_once(loader, grid_windows(small.lengths, W, stride_frames))


@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
@pytest.mark.parametrize("kind", ["streams", "clips"])
def test_fault_01_for_any_number_of_worker_processes(small: Any, kind: str, num_workers: int) -> None:
    dataset: Any = ClipDataset(small.corpus, window_frames=W, stride_frames=3)
    if kind == "streams":
        dataset = AdaptiveSequentialDataset(small.corpus, spec_of("mixed"))
    dataset.set_epoch(EPOCH)
    expected = grid_windows(small.lengths, W, 3) if kind == "clips" else expected_windows(small.lengths, "mixed")
    assert_each_window_once(torch_loader(dataset, num_workers), expected)

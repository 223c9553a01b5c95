"""Fault 13: more streams, ranks, threads or workers than takes. Where some stay empty one is told; all is covered."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from koekao.batches import AdaptiveSequentialDataset, ClipDataset
from koekao.testing.laws import assert_each_window_once, kept, window_ids
from small_loaders import clips, streams, torch_loader, with_worker_processes

pytestmark = with_worker_processes


@pytest.fixture
def alone(small: Any) -> Any:
    """A corpus of one take, of 61 frames."""
    return small.corpus.select(names=[small.corpus.names[5]])


WINDOWS = [(5, start) for start in range(61 - 8 + 1)]


@pytest.mark.parametrize("num_workers", [0, 4])
def test_fault_13_one_take_in_four_streams_warns_and_is_covered(alone: Any, num_workers: int) -> None:
    with pytest.warns(UserWarning, match="4 streams for 1 takes with windows: 3 streams stay empty"):
        loader = streams(alone, n_streams=4, num_workers=num_workers)
    assert [window_ids(batch) for batch in loader] == [[window] for window in WINDOWS]


def test_fault_13_one_take_on_three_ranks_warns_each_and_is_covered(alone: Any) -> None:
    batches = []
    for rank in range(3):
        with pytest.warns(UserWarning, match="3 streams for 1 takes"):
            loader = streams(alone, n_streams=1, rank=rank, world_size=3)
        batches.append(kept(loader))
    assert len({len(of_rank) for of_rank in batches}) == 1
    assert_each_window_once([batch for of_rank in batches for batch in of_rank], WINDOWS)


@pytest.mark.parametrize("make", [streams, clips])
def test_fault_13_more_threads_than_batches_cover_all(alone: Any, make: Any) -> None:
    shape = {"n_streams": 1} if make is streams else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loader = make(alone, batch_size=40, num_workers=6, **shape)
    assert len(loader) == 2
    assert_each_window_once(loader, WINDOWS)


def test_fault_13_more_worker_processes_than_batches_cover_all(alone: Any) -> None:
    for dataset in (
        AdaptiveSequentialDataset(alone, window_frames=8, batch_size=40, n_streams=1),
        ClipDataset(alone, window_frames=8, batch_size=40),
    ):
        assert_each_window_once(torch_loader(dataset, 4), WINDOWS)

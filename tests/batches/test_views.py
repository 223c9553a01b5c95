"""Law: around either view, a DataLoader with any number of worker processes gives the loader's batches."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import CorpusError
from koekao.testing.laws import assert_same_batches, grid_windows, kept, window_ids
from koekao.windows import StridePolicy
from reference import assert_rows_by_hand
from small_loaders import refusal, torch_loader, with_worker_processes

pytestmark = with_worker_processes
STREAMS = StreamSpec(window_frames=8, stride=StridePolicy(mode="progressive", initial_stride=6, max_epochs=4))
CLIPS = ClipSpec(window_frames=8, batch_size=8, stride_frames=3)


@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_a_dataloader_of_windows_gives_the_batches_of_the_loader(small: Any, num_workers: int) -> None:
    ours = kept(Loader(small.corpus, STREAMS))
    theirs = torch_loader(AdaptiveSequentialDataset(small.corpus, STREAMS), num_workers)
    assert len(theirs) == len(ours)
    assert_same_batches(theirs, ours)


@pytest.mark.parametrize("num_workers", [0, 1, 2, 4])
def test_a_dataloader_of_clips_gives_the_batches_of_the_loader(small: Any, num_workers: int) -> None:
    ours = kept(Loader(small.corpus, CLIPS))
    theirs = list(torch_loader(ClipDataset(small.corpus, CLIPS), num_workers, sampler=None))
    assert len(theirs) == len(ours)
    assert_same_batches(theirs[:-1], ours[:-1])
    assert window_ids(theirs[-1]) == window_ids(ours[-1])  # the loader fills its last batch up
    assert len(theirs[-1]["file_names"]) == 8 - Loader(small.corpus, CLIPS).plan.n_padding < 8


def test_a_fault_in_a_worker_arrives_with_its_type_and_place(small: Any, tmp_path: Path) -> None:
    shutil.copytree(small.corpus.path, tmp_path / "c")
    corpus = Corpus.open(tmp_path / "c")
    (shard,) = (tmp_path / "c").glob("shard-*.arrow")
    shard.unlink()
    for dataset in (AdaptiveSequentialDataset(corpus, STREAMS), ClipDataset(corpus, CLIPS)):
        assert shard.name in refusal(torch_loader(dataset, 1), CorpusError)


def test_ranks_are_those_of_torch_distributed(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    dataset = AdaptiveSequentialDataset(small.corpus, STREAMS)
    assert (dataset.rank, dataset.world_size) == (1, 3)


def test_a_view_is_made_from_settings_too(small: Any) -> None:
    assert AdaptiveSequentialDataset(small.corpus, window_frames=8, seed=3).spec == StreamSpec(window_frames=8, seed=3)
    assert ClipDataset(small.corpus, window_frames=8).spec == ClipSpec(window_frames=8)
    assert AdaptiveSequentialDataset(small.corpus).spec == StreamSpec()


def test_an_item_is_one_row(small: Any) -> None:
    clips = ClipDataset(small.corpus, CLIPS)
    item = clips[2]
    assert (item["wav"].shape, item["arkit"].shape, item["frame_mask"].shape) == ((4352,), (8, 52), (8,))
    assert (item["valid_frames"].shape, type(item["file_names"])) == ((), str)
    item = next(iter(AdaptiveSequentialDataset(small.corpus, STREAMS)))
    assert (item["audio"].shape, item["blendshapes"].shape, item["reset"].shape) == ((4352,), (8, 52), ())


def test_clips_by_number_end_with_the_last(small: Any) -> None:
    clips = ClipDataset(small.corpus, CLIPS)
    assert len(clips) == len(grid_windows(small.lengths, 8, 3))
    assert sorted((int(item["file_indices"]), int(item["start_frames"])) for item in clips) == grid_windows(
        small.lengths, 8, 3
    )
    for number in (-1, len(clips)):
        with pytest.raises(IndexError):
            clips[number]


def test_a_dataloader_may_shuffle_clips_once_more(small: Any) -> None:
    order = torch.Generator().manual_seed(0)
    batches = list(DataLoader(ClipDataset(small.corpus, CLIPS), batch_size=8, shuffle=True, generator=order))
    windows = [window for batch in batches for window in window_ids(batch)]
    assert sorted(windows) == grid_windows(small.lengths, 8, 3) != windows
    assert sum(assert_rows_by_hand(batch, small.takes, "wav", "arkit") for batch in batches) == len(windows)


def test_the_length_counts_the_rows_that_fill_up(small: Any) -> None:
    dataset = AdaptiveSequentialDataset(small.corpus, STREAMS)
    items = list(dataset)
    assert len(items) == len(dataset)
    assert sum(int(item["valid_frames"]) == 0 for item in items) == dataset.plan().n_padding > 0

"""Fault 2: the epoch frozen in lasting workers. It travels with the plan: epochs differ as they do without."""

from __future__ import annotations

from typing import Any

import pytest

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, Loader, StreamSpec
from koekao.testing.laws import assert_same_batches, kept, window_ids
from small_loaders import PROGRESSIVE, gatherers, torch_loader, with_worker_processes

pytestmark = with_worker_processes
STREAMS = StreamSpec(window_frames=8, stride=PROGRESSIVE)
CLIPS = ClipSpec(window_frames=8, batch_size=8, stride_frames=3)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("persistent", [False, True])
def test_fault_02_threads_follow_the_stride_and_the_order(small: Any, num_workers: int, persistent: bool) -> None:
    spec = StreamSpec(window_frames=8, stride=PROGRESSIVE)
    loader = Loader(small.corpus, spec, num_workers=num_workers, persistent_workers=persistent)
    seen = []
    for epoch, stride in enumerate((6, 4, 2, 1)):
        loader.set_epoch(epoch)
        batches = kept(loader)
        gaps = {gap for batch in batches for gap in batch["gap_frames"].tolist()} - {0}
        assert gaps == {stride}
        assert_same_batches(batches, Loader(small.corpus, spec, epoch=epoch))
        seen.append([take for batch in batches for take in batch["file_indices"][batch["reset"]].tolist()])
    assert len({tuple(order) for order in seen}) == 4
    loader.close()
    assert gatherers() == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_fault_02_the_epoch_reaches_lasting_workers(small: Any, num_workers: int) -> None:
    streams, clips = AdaptiveSequentialDataset(small.corpus, STREAMS), ClipDataset(small.corpus, CLIPS)
    lasting = {"persistent_workers": num_workers > 0}
    of_streams, of_clips = torch_loader(streams, num_workers, **lasting), torch_loader(clips, num_workers, **lasting)
    orders = []
    for epoch, stride in ((0, 6), (2, 2), (3, 1), (0, 6)):
        streams.set_epoch(epoch)
        clips.set_epoch(epoch)
        batches = list(of_streams)
        assert {gap for batch in batches for gap in batch["gap_frames"].tolist()} == {0, stride}
        assert_same_batches(batches, Loader(small.corpus, STREAMS, epoch=epoch))
        ids = [window for batch in of_clips for window in window_ids(batch)]
        assert ids == [w for batch in Loader(small.corpus, CLIPS, epoch=epoch) for w in window_ids(batch)]
        orders.append(tuple(ids))
    assert len(set(orders)) == 3 and orders[0] == orders[3]


def test_fault_02_the_epoch_reaches_lasting_workers_after_leaving_early(small: Any) -> None:
    dataset = AdaptiveSequentialDataset(small.corpus, STREAMS)
    theirs = torch_loader(dataset, 2, persistent_workers=True)
    for epoch in range(3):
        dataset.set_epoch(epoch)
        for batch in theirs:
            assert_same_batches([batch], [Loader(small.corpus, STREAMS, epoch=epoch).batch(0)])
            break
    dataset.set_epoch(3)
    assert_same_batches(theirs, Loader(small.corpus, STREAMS, epoch=3))


def test_fault_02_spawned_workers_open_the_corpus_anew_and_follow_the_epoch(small: Any) -> None:
    dataset = AdaptiveSequentialDataset(small.corpus, STREAMS)
    theirs = torch_loader(dataset, 1, context="spawn", persistent_workers=True)
    for epoch in (0, 2):
        dataset.set_epoch(epoch)
        assert_same_batches(theirs, Loader(small.corpus, STREAMS, epoch=epoch))

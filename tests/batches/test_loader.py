"""Laws: the loader delivers its plan, in order, whatever the number of threads; leaving it leaves nothing behind."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from reference import assert_rows_by_hand

import koekao
from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.batches import loader as loader_module
from koekao.errors import ConfigError, CorpusError, PlanError
from koekao.testing.laws import assert_same_batches, window_ids
from koekao.windows import StridePolicy

MIXED = StridePolicy(mode="mixed", initial_stride=4)
PROGRESSIVE = StridePolicy(mode="progressive", initial_stride=6, max_epochs=4)


def streams(corpus: Any, *, num_workers: int = 0, epoch: int = 0, **spec: Any) -> Loader:
    return Loader(corpus, StreamSpec(**{"window_frames": 8, **spec}), num_workers=num_workers, epoch=epoch)


def clips(corpus: Any, *, num_workers: int = 0, epoch: int = 0, **spec: Any) -> Loader:
    return Loader(
        corpus, ClipSpec(**{"window_frames": 8, "batch_size": 5, **spec}), num_workers=num_workers, epoch=epoch
    )


def gatherers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("koekao-gather")]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The name of the thread of every gather."""
    done: list[str] = []
    real = loader_module.gather

    def gather(*args: Any, **more: Any) -> Any:
        done.append(threading.current_thread().name)
        return real(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(loader_module, "gather", gather)
        yield done


@pytest.mark.parametrize("make", [streams, clips])
def test_batches_are_the_same_for_any_number_of_threads(small: Any, make: Any) -> None:
    inline = list(make(small.corpus))
    for num_workers in (1, 2, 4):
        assert_same_batches(make(small.corpus, num_workers=num_workers), inline)
    assert_same_batches([make(small.corpus).batch(number) for number in range(len(inline))], inline)
    assert len(inline) == len(make(small.corpus)) == make(small.corpus).plan.n_batches


@pytest.mark.parametrize("num_workers", [0, 2])
def test_streams_go_on_where_they_stopped(small: Any, num_workers: int) -> None:
    loader = streams(small.corpus, batch_size=6, n_streams=3, stride=MIXED, num_workers=num_workers)
    at: list[tuple[int, int] | None] = [None, None, None]
    for batch in loader:
        columns = (batch[key].tolist() for key in ("file_indices", "start_frames", "reset", "gap_frames"))
        for row, (take, start, reset, gap) in enumerate(zip(*columns, strict=True)):
            stream = row // 2
            if take < 0:
                assert not reset and gap == 0
                continue
            before = at[stream]
            assert reset == (before is None or before[0] != take) == (start == 0)
            if reset:
                assert gap == 0
                if before is not None:  # the take before was left only at its end
                    length = small.takes[before[0]].n_frames
                    assert before[1] + 8 + 4 > length
            else:
                assert before is not None and start == before[1] + gap and 1 <= gap <= 4
            at[stream] = take, start
    assert all(at)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("persistent", [False, True])
def test_an_epoch_brings_its_stride_and_its_order(small: Any, num_workers: int, persistent: bool) -> None:
    spec = StreamSpec(window_frames=8, stride=PROGRESSIVE)
    loader = Loader(small.corpus, spec, num_workers=num_workers, persistent_workers=persistent)
    seen = []
    for epoch, stride in enumerate((6, 4, 2, 1)):
        loader.set_epoch(epoch)
        batches = list(loader)
        gaps = {gap for batch in batches for gap in batch["gap_frames"].tolist()} - {0}
        assert gaps == {stride}
        assert_same_batches(batches, Loader(small.corpus, spec, epoch=epoch))
        seen.append([take for batch in batches for take in batch["file_indices"][batch["reset"]].tolist()])
    assert len({tuple(order) for order in seen}) == 4
    loader.close()
    assert gatherers() == []


@pytest.mark.parametrize("make", [streams, clips])
def test_three_epochs_differ_and_each_is_itself_again(small: Any, make: Any) -> None:
    loader = make(small.corpus, num_workers=2)
    orders = []
    for epoch in (0, 1, 2):
        loader.set_epoch(epoch)
        orders.append([window for batch in loader for window in window_ids(batch)])
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1
    for epoch in (2, 0):
        assert [window for batch in make(small.corpus, epoch=epoch) for window in window_ids(batch)] == orders[epoch]


@pytest.mark.parametrize("make", [streams, clips])
def test_the_seed_decides_the_order_and_without_shuffling_it_is_that_of_the_corpus(small: Any, make: Any) -> None:
    orders = [[w for batch in make(small.corpus, seed=seed) for w in window_ids(batch)] for seed in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1
    plain = {"batch_size": 1, "n_streams": 1} if make is streams else {}
    in_order = [w for batch in make(small.corpus, shuffle=False, **plain) for w in window_ids(batch)]
    assert in_order == sorted(orders[0])


def test_an_epoch_may_be_a_number_of_numpy(small: Any) -> None:
    plain, numpys = clips(small.corpus, epoch=1), clips(small.corpus, epoch=np.int64(1))
    assert_same_batches([plain.batch(0)], [numpys.batch(0)])
    numpys.set_epoch(np.int64(2))
    assert json.loads(json.dumps(numpys.state_dict()))["epoch"] == 2


def test_iterating_again_is_the_same_epoch_again(small: Any) -> None:
    loader = clips(small.corpus)
    assert_same_batches(loader, list(loader))
    for _, _ in zip(range(2), loader, strict=False):
        pass
    assert_same_batches(loader, clips(small.corpus))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_iterator_stays_in_the_epoch_that_it_began(small: Any, num_workers: int) -> None:
    loader = clips(small.corpus, num_workers=num_workers)
    iterator = iter(loader)
    first = next(iterator)
    loader.set_epoch(1)
    assert_same_batches([first, *iterator], clips(small.corpus))
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (1, 0)


@pytest.mark.parametrize("persistent", [False, True])
def test_leaving_early_a_hundred_times_leaves_no_thread(small: Any, persistent: bool) -> None:
    before = threading.active_count()
    loader = Loader(
        small.corpus, StreamSpec(window_frames=8), num_workers=2, prefetch_factor=2, persistent_workers=persistent
    )
    for _ in range(100):
        for _batch in loader:
            break
        assert len(gatherers()) <= 2 * persistent
    if persistent:
        assert len(gatherers()) == 2
        loader.close()
    assert threading.active_count() == before
    assert_same_batches(loader, streams(small.corpus))


def test_a_loader_that_is_forgotten_takes_its_threads_along(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=2, persistent_workers=True)
    list(loader)
    threads = gatherers()
    assert len(threads) == 2
    del loader
    gc.collect()
    for thread in threads:
        thread.join(5)
    assert gatherers() == []


@pytest.mark.parametrize(("num_workers", "prefetch_factor"), [(1, 1), (2, 2), (3, 1)])
def test_threads_run_ahead_by_what_was_allowed_and_no_more(
    small: Any, monkeypatch: pytest.MonkeyPatch, num_workers: int, prefetch_factor: int
) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=num_workers, prefetch_factor=prefetch_factor)
    with counted(monkeypatch) as done:
        for taken, _batch in enumerate(loader, start=1):
            allowed = min(len(loader), taken + num_workers * prefetch_factor)
            until = time.monotonic() + 5
            while len(done) < allowed and time.monotonic() < until:
                time.sleep(0.001)
            assert len(done) == allowed
            if taken == 6:
                time.sleep(0.05)
                assert len(done) == allowed
                break
    assert {name.rpartition("_")[0] for name in done} == {"koekao-gather"}
    assert len(set(done)) <= num_workers


def test_without_threads_nothing_is_gathered_ahead(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted(monkeypatch) as done:
        for taken, _batch in enumerate(streams(small.corpus), start=1):
            assert done == [threading.current_thread().name] * taken


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_fault_in_a_thread_arrives_as_it_was_and_ends_the_threads(
    small: Any, monkeypatch: pytest.MonkeyPatch, num_workers: int
) -> None:
    real, loader = loader_module.gather, streams(small.corpus, num_workers=num_workers)
    damaged = loader.plan.batch(4).start_frame.tolist(), loader.plan.batch(4).take.tolist()

    def gather(corpus: Any, spec: Any, rows: Any, **more: Any) -> Any:
        if (rows.start_frame.tolist(), rows.take.tolist()) == damaged:
            raise CorpusError("damaged", where="shard:3", do="pack again")
        return real(corpus, spec, rows, **more)

    monkeypatch.setattr(loader_module, "gather", gather)
    delivered = 0
    with pytest.raises(CorpusError, match="shard:3: damaged"):
        for _batch in loader:
            delivered += 1
    assert delivered == 4
    assert gatherers() == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_padding_is_counted_and_holds_no_frame(small: Any, num_workers: int) -> None:
    loader = streams(small.corpus, batch_size=8, n_streams=4, num_workers=num_workers)
    batches = list(loader)
    valid = torch.stack([batch["valid_frames"] for batch in batches])
    assert int((valid == 0).sum()) == loader.plan.n_padding > 0
    windows = [small.takes[take].n_frames - start for batch in batches for take, start in window_ids(batch)]
    assert int(valid.sum()) == sum(min(8, left) for left in windows)
    assert sum(assert_rows_by_hand(batch, small.takes, "audio", "blendshapes") for batch in batches) == len(windows)


def test_drop_last_says_what_it_dropped(small: Any) -> None:
    for make in (streams, clips):
        loader = make(small.corpus, drop_last=True, batch_size=6)
        n_windows = [len(window_ids(batch)) for batch in loader]
        assert set(n_windows) == {6}
        assert sum(n_windows) + loader.plan.n_dropped == loader.plan.n_windows
        assert loader.plan.n_dropped > 0


def test_short_takes_are_padded_or_skipped_and_counted(small: Any) -> None:
    short = {i for i, take in enumerate(small.takes) if take.n_frames < 8}
    for make in (streams, clips):
        padded, skipped = make(small.corpus), make(small.corpus, short="skip")
        assert short == {3, 4}
        assert (padded.plan.grid.padded_takes, padded.plan.grid.skipped_takes) == (2, 0)
        assert (skipped.plan.grid.padded_takes, skipped.plan.grid.skipped_takes) == (0, 2)
        ids = [take for batch in padded for take, _ in window_ids(batch)]
        assert [ids.count(take) for take in (3, 4)] == [1, 1]
        assert not short & {take for batch in skipped for take, _ in window_ids(batch)}


def test_one_take_in_four_streams_warns_and_is_covered(small: Any) -> None:
    alone = small.corpus.select(names=[small.corpus.names[5]])
    with pytest.warns(UserWarning, match="4 streams for 1 takes"):
        loader = streams(alone, n_streams=4)
    assert [window_ids(batch) for batch in loader] == [[(5, start)] for start in range(61 - 8 + 1)]


def test_a_batch_by_number_is_one_of_the_epoch(small: Any) -> None:
    loader = clips(small.corpus)
    for number in (-1, len(loader)):
        with pytest.raises(IndexError, match=f"batch {number} of an epoch of {len(loader)}"):
            loader.batch(number)


def test_an_epoch_that_cannot_be_changes_nothing(small: Any) -> None:
    coarse_at_first = StridePolicy(mode="progressive", initial_stride=1, final_stride=50, max_epochs=2)
    loader = streams(small.corpus, batch_size=24, stride=coarse_at_first, drop_last=True)
    before = loader.batch(0)
    for _ in range(2):
        with pytest.raises(PlanError, match="drop_last drops the rest"):
            loader.set_epoch(1)
    assert loader.epoch == 0
    assert_same_batches([loader.batch(0)], [before])
    with pytest.raises(ConfigError, match="epoch -1"):
        loader.set_epoch(-1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"num_workers": -1}, "num_workers -1"),
        ({"prefetch_factor": 0}, "prefetch_factor 0"),
        ({"rank": 2, "world_size": 2}, "rank 2 of 2"),
        ({"rank": -1, "world_size": 2}, "rank -1 of 2"),
        ({"rank": 0, "world_size": 0}, "rank 0 of 0"),
        ({"rank": 1}, "rank 1 of 1"),
        ({"world_size": 2}, "world_size 2 without a rank"),
    ],
)
def test_loaders_that_cannot_be(small: Any, settings: dict[str, int], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Loader(small.corpus, StreamSpec(window_frames=8), **settings)
    assert text in str(caught.value)


def test_ranks_are_those_of_torch_distributed(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    loader = Loader(small.corpus, StreamSpec(window_frames=8))
    assert (loader.rank, loader.world_size) == (1, 3)
    assert_same_batches(loader, Loader(small.corpus, StreamSpec(window_frames=8), rank=1, world_size=3))
    alone = Loader(small.corpus, StreamSpec(window_frames=8), rank=0, world_size=1)
    assert (alone.rank, alone.world_size) == (0, 1)


def test_the_front_door_gives_the_same_batches(picture: Any) -> None:
    corpus = koekao.open(picture.corpus.path)
    stride = {"stride": "progressive", "initial_stride": 50, "final_stride": 5, "max_epochs": 3}
    ours = corpus.streams(**stride, epoch=1, seed=4, num_workers=1)
    policy = StridePolicy(mode="progressive", initial_stride=50, final_stride=5, max_epochs=3)
    assert ours.plan.grid.stride == 27
    assert_same_batches(ours, Loader(picture.corpus, StreamSpec(stride=policy, seed=4), epoch=1))
    ours = corpus.clips(stride_frames=40)
    assert_same_batches(ours, Loader(picture.corpus, ClipSpec(stride_frames=40)))

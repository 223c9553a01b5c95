"""Laws: the loader delivers its plan, in order, whatever the number of threads; leaving it leaves nothing behind."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

import koekao
from koekao.batches import ClipSpec, Loader, StreamSpec, crew, numbering
from koekao.batches import loader as loader_module
from koekao.batches.crew import Ahead
from koekao.errors import ConfigError, PlanError
from koekao.testing.laws import assert_same_batches, kept, window_ids
from koekao.windows import StridePolicy
from small_loaders import clips, gatherers, streams

MIXED = StridePolicy(mode="mixed", initial_stride=4)
PROGRESSIVE = StridePolicy(mode="progressive", initial_stride=6, max_epochs=4)


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Ahead]]:
    """The iterations with threads that are begun."""
    begun: list[Ahead] = []

    class Watched(Ahead):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            begun.append(self)

    with monkeypatch.context() as patch:
        patch.setattr(loader_module, "Ahead", Watched)
        yield begun


@pytest.mark.parametrize("make", [streams, clips])
def test_batches_are_the_same_for_any_number_of_threads(small: Any, make: Any) -> None:
    inline = kept(make(small.corpus))
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
    assert_same_batches(loader, kept(loader))
    for _, _ in zip(range(2), loader, strict=False):
        pass
    assert_same_batches(loader, clips(small.corpus))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_iterator_stays_in_the_epoch_that_it_began(small: Any, num_workers: int) -> None:
    loader = clips(small.corpus, num_workers=num_workers)
    iterator = iter(loader)
    first = kept([next(iterator)])
    loader.set_epoch(1)
    assert_same_batches(chain(first, iterator), clips(small.corpus))
    assert (loader.state_dict()["epoch"], loader.state_dict()["batch"]) == (1, 0)


@pytest.mark.parametrize(("num_workers", "prefetch_factor"), [(1, 1), (2, 2), (3, 1), (1, 5)])
def test_threads_run_ahead_by_what_was_allowed_and_no_more(
    small: Any, monkeypatch: pytest.MonkeyPatch, num_workers: int, prefetch_factor: int
) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=num_workers, prefetch_factor=prefetch_factor)
    with watched(monkeypatch) as begun:
        for taken, _batch in enumerate(loader, start=1):
            made = lambda: begun[0]._n_claimed() / 4  # noqa: E731
            allowed = min(len(loader), taken + prefetch_factor)
            until = time.monotonic() + 5
            while made() < allowed and time.monotonic() < until:
                time.sleep(0.001)
            assert made() == allowed
            if taken == 6:
                time.sleep(0.05)
                assert made() == allowed
                break
    assert len(begun) == 1


@pytest.mark.parametrize(("num_workers", "prefetch_factor"), [(0, None), (0, 0), (0, 2), (1, None), (2, 1), (3, 4)])
@pytest.mark.parametrize("make", [streams, clips])
def test_a_batch_stays_as_it_is_until_the_next_but_prefetch_factor_is_asked_for(
    small: Any, make: Any, num_workers: int, prefetch_factor: int | None
) -> None:
    loader = make(small.corpus, num_workers=num_workers, prefetch_factor=prefetch_factor)
    n_valid = 1 + (prefetch_factor if prefetch_factor is not None else bool(num_workers))
    whole = [*kept(make(small.corpus)), *kept(make(small.corpus))]
    held: list[Any] = []
    for number, batch in enumerate(chain(loader, loader)):  # over the end of an epoch as well
        held = [*held, batch][-n_valid:]
        if num_workers:
            time.sleep(0.0005)  # so that threads come as far as they may
        assert_same_batches(held, whole[max(0, number + 1 - n_valid) : number + 1])
    assert loader.prefetch_factor == n_valid - 1


def test_memory_is_used_again_and_no_more_of_it_than_was_said(small: Any) -> None:
    for num_workers, prefetch_factor, n_places in ((0, 0, 1), (0, 2, 3), (1, 1, 3), (2, 2, 5)):
        loader = streams(small.corpus, num_workers=num_workers, prefetch_factor=prefetch_factor)
        for _epoch in range(2):
            places = [batch["audio"].data_ptr() for batch in loader]
            assert len(set(places)) == n_places
            assert places[n_places:] == places[:-n_places]


@pytest.mark.parametrize("how", [{}, {"prefetch_factor": 1}, {"num_workers": 1}])
def test_who_holds_batches_for_too_long_is_warned_once(small: Any, how: dict[str, int]) -> None:
    with pytest.warns(UserWarning, match="batches are still held .* copy=True") as warned:
        list(streams(small.corpus, **how))
    assert len(warned) == 1
    with pytest.warns(UserWarning, match="are still held"):
        _kept = [batch["wav"] for batch in clips(small.corpus, **how)]
    for _epoch in range(2):
        for _number, _batch in enumerate(streams(small.corpus, **how)):
            pass


@pytest.mark.parametrize("num_workers", [0, 2])
def test_copies_are_owned(small: Any, num_workers: int) -> None:
    batches = list(streams(small.corpus, num_workers=num_workers, copy=True))
    assert_same_batches(batches, streams(small.corpus))
    for batch in batches[1:]:
        for value in batch.values():
            if isinstance(value, torch.Tensor):
                value.zero_()
    assert_same_batches(batches[:1], [streams(small.corpus).batch(0)])


def test_two_iterators_at_once_do_not_meet(small: Any) -> None:
    for num_workers in (0, 2):
        loader = streams(small.corpus, num_workers=num_workers)
        for one, other in zip(loader, loader, strict=True):
            assert one["audio"].data_ptr() != other["audio"].data_ptr()
            assert_same_batches([one], [other])


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
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor 0"),
        ({"prefetch_factor": -1}, "prefetch_factor -1"),
        ({"timeout_s": -1.0}, "timeout_s -1.0"),
        ({"timeout_s": float("nan")}, "timeout_s nan"),
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


def test_a_loader_that_was_closed_makes_threads_anew(small: Any) -> None:
    before = len(gatherers())
    loader = streams(small.corpus, num_workers=2, persistent_workers=True)
    once = kept(loader)
    assert len(gatherers()) == before + 2
    loader.close()
    assert len(gatherers()) == before
    assert_same_batches(loader, once)
    assert len(gatherers()) == before + 2
    loader.close()


def test_what_threads_tell_each_other_lies_in_cache_lines_of_its_own() -> None:
    """Else two cores would take one line from each other at every row."""
    lines = [8 * at // 64 for at in (numbering.PERMITTED, numbering.CLAIMED, numbering.FIRST_MADE)]
    assert len(set(lines)) == 3 and 8 * numbering.APART % 64 == 0


def test_whoever_iterates_holds_the_table_that_he_was_told(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of one batch, threads that are ahead have let go of it; its addresses must stay good."""
    monkeypatch.setattr("koekao.batches.sources._BLOCK_ROWS", 4)
    monkeypatch.setattr("koekao.batches.sources._KEPT_BLOCKS", 1)
    told = 0
    with watched(monkeypatch) as begun:
        for _batch in streams(small.corpus, num_workers=1, prefetch_factor=3):
            order = begun[0]._own_order
            assert order.held is not None or begun[0]._told_until_s == 0.0
            if order.held is not None:
                table = order.held.table
                assert 0 <= order.say[numbering.LINES] - table.ctypes.data < table.nbytes
                told += 1
    assert told


def test_who_finds_a_batch_made_does_nothing_for_later_ones(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their shard may have to come from far away first."""
    helped: list[str] = []
    real = Ahead._help

    def help_and_tell(self: Ahead, order: Any) -> float:
        helped.append(threading.current_thread().name)
        return real(self, order)

    monkeypatch.setattr(Ahead, "_help", help_and_tell)
    with watched(monkeypatch) as begun:
        loader = streams(small.corpus, num_workers=1)
        batches = iter(loader)
        for number in range(6):
            next(batches)
            while begun[0]._n_claimed() < 4 * (number + 2) or not begun[0]._is_made(number + 1):
                time.sleep(0.001)
            time.sleep(0.005)  # longer than what was told holds
            helped.clear()
        next(batches)
        assert threading.main_thread().name not in helped
        batches.close()


@pytest.mark.parametrize("call", ["permit", "look"])
def test_leave_and_answers_do_not_let_go_of_the_interpreter(call: str) -> None:
    """A thread that was just woken would take it and the core, and gather a millisecond before a made batch is seen."""
    signals, order, turns, over = np.zeros(64, np.int64), crew.kernel.Order(), [0], threading.Event()
    order.say[numbering.SIGNALS], order.say[numbering.N_ROWS] = signals.ctypes.data, 1

    def count() -> None:
        while not over.is_set():
            turns[0] += 1

    before = sys.getswitchinterval()
    other = threading.Thread(target=count)
    other.start()
    try:
        while not turns[0]:
            time.sleep(0.001)
        sys.setswitchinterval(0.2)
        time.sleep(0)  # a turn that nobody takes away
        seen = turns[0]
        for _ in range(200):
            getattr(crew.kernel, call)(order.at)
        assert turns[0] == seen
    finally:
        sys.setswitchinterval(before)
        over.set()
        other.join()


def test_who_waits_for_a_batch_never_sleeps_long(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    fill_ahead = crew.kernel.fill_ahead

    def slowly(order: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            crew.kernel.permit(order)
            crew.kernel.look(order)
        else:
            time.sleep(0.02)
            fill_ahead(order)

    monkeypatch.setattr(crew.kernel, "fill_ahead", slowly)
    monkeypatch.setattr(crew, "sleep", lambda pause_s: slept.append(pause_s) or time.sleep(pause_s))
    loader = streams(small.corpus, num_workers=1)
    next(iter(loader))
    loader.close()
    assert len(slept) > 5 and max(slept) == crew._LONGEST_SLEEP_S

"""Law: torchdata's StatefulDataLoader around a view resumes at every step, exactly, and skips nothing one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSampler, ClipSpec, Loader, StreamSpec
from koekao.errors import CorpusError, PlanError
from koekao.testing.laws import AnyBatch, assert_same_batches, kept, resume_law
from koekao.windows import StridePolicy
from small_loaders import refusal, with_worker_processes

pytestmark = [
    *with_worker_processes,
    pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning"),  # torchdata 0.11 with torch 2.13
]
STREAMS = StreamSpec(
    window_frames=8,
    stride=StridePolicy(mode="progressive", initial_stride=16, final_stride=8, max_epochs=2),
    batch_size=6,
    n_streams=3,
)
CLIPS = ClipSpec(window_frames=8, batch_size=8, stride_frames=8)
every_spec = pytest.mark.parametrize("spec", [STREAMS, CLIPS], ids=["streams", "clips"])
every_number = pytest.mark.parametrize("num_workers", [0, 2])


class Stateful:
    """A StatefulDataLoader that has the methods of a loader."""

    def __init__(self, corpus: Any, spec: Any, num_workers: int, *, transform: Any = None, **more: Any) -> None:
        sampler = None
        self.dataset: Any = None
        if isinstance(spec, StreamSpec):
            self.dataset = AdaptiveSequentialDataset(corpus, spec, transform=transform)
        else:
            self.dataset = ClipDataset(corpus, spec, transform=transform)
            sampler = ClipSampler(self.dataset)
        self.loader: StatefulDataLoader[Any] = StatefulDataLoader(
            self.dataset,
            batch_size=spec.batch_size,
            sampler=sampler,
            num_workers=num_workers,
            multiprocessing_context="fork" if num_workers else None,
            **more,
        )

    def set_epoch(self, epoch: int) -> None:
        self.dataset.set_epoch(epoch)

    def __iter__(self) -> Iterator[AnyBatch]:
        return iter(self.loader)

    def state_dict(self) -> dict[str, Any]:
        return self.loader.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.loader.load_state_dict(state)


def whole(corpus: Any, spec: Any, epoch: int, **rank: int) -> list[AnyBatch]:
    return kept(Loader(corpus, spec, epoch=epoch, **rank))


def after(steps: int, loader: Stateful, epoch: int) -> Any:
    """The position after ``steps`` batches of ``epoch``, through JSON; None goes over the end."""
    loader.set_epoch(epoch)
    batches = iter(loader)
    for _ in range(steps):
        next(batches)
    return json.loads(json.dumps(loader.state_dict()))


@every_spec
@pytest.mark.parametrize("how", [(0, {}), (2, {}), (2, {"persistent_workers": True})], ids=["0", "2", "2-lasting"])
def test_from_every_step_of_two_epochs(small: Any, spec: Any, how: tuple[int, dict[str, Any]]) -> None:
    tried = resume_law(lambda: Stateful(small.corpus, spec, how[0], **how[1]))
    assert tried == sum(len(Loader(small.corpus, spec, epoch=epoch)) for epoch in (0, 1)) + 3 > 8


@every_spec
@every_number
def test_twice_in_one_epoch_and_at_once_after_a_resume(small: Any, spec: Any, num_workers: int) -> None:
    batches = whole(small.corpus, spec, 1)
    once, at_once, twice = (Stateful(small.corpus, spec, num_workers) for _ in range(3))
    state = after(1, Stateful(small.corpus, spec, num_workers), 1)
    once.load_state_dict(state)
    at_once.load_state_dict(json.loads(json.dumps(once.state_dict())))
    assert_same_batches(at_once, batches[1:])
    twice.load_state_dict(after(2, once, 1))
    assert_same_batches(twice, batches[3:])


@every_spec
@every_number
def test_a_position_says_its_epoch_whoever_forgets_to_set_it(small: Any, spec: Any, num_workers: int) -> None:
    loader = Stateful(small.corpus, spec, num_workers)
    loader.load_state_dict(after(2, Stateful(small.corpus, spec, num_workers), 1))
    assert_same_batches(loader, whole(small.corpus, spec, 1)[2:])
    assert_same_batches(loader, whole(small.corpus, spec, 1))
    late = Stateful(small.corpus, spec, num_workers)
    late.set_epoch(4)
    late.load_state_dict(after(2, Stateful(small.corpus, spec, num_workers), 1))
    assert_same_batches(late, whole(small.corpus, spec, 1)[2:])


@every_spec
@every_number
def test_an_epoch_that_was_over_is_not_gone_back_to(small: Any, spec: Any, num_workers: int) -> None:
    """Trainers save at the end of an epoch, load, and set the next one before they iterate."""
    first = Stateful(small.corpus, spec, num_workers)
    for _ in first:
        pass
    state = json.loads(json.dumps(first.state_dict()))
    loader = Stateful(small.corpus, spec, num_workers)
    loader.load_state_dict(state)
    loader.set_epoch(1)
    assert_same_batches(loader, whole(small.corpus, spec, 1))


def test_a_position_is_of_the_epoch_that_is_iterated(small: Any) -> None:
    """Whatever is set meanwhile."""
    loader = Stateful(small.corpus, STREAMS, 2, persistent_workers=True)
    loader.set_epoch(1)
    batches = iter(loader)
    next(batches)
    loader.set_epoch(0)
    for _ in range(5):  # those that were made ahead, and at least one that was not
        next(batches)
    state = loader.state_dict()
    rest = whole(small.corpus, STREAMS, 1)[6:]
    assert_same_batches(batches, rest)
    again = Stateful(small.corpus, STREAMS, 2)
    again.load_state_dict(state)
    assert_same_batches(again, rest)


@every_spec
def test_with_a_position_now_and_then(small: Any, spec: Any) -> None:
    """Where workers say only at every third step how far they came, the loader makes the steps since then again."""
    batches = whole(small.corpus, spec, 1)
    for steps in range(len(batches) + 1):
        loader = Stateful(small.corpus, spec, 2, snapshot_every_n_steps=3)
        loader.load_state_dict(after(steps, Stateful(small.corpus, spec, 2, snapshot_every_n_steps=3), 1))
        assert_same_batches(loader, batches[steps:])


@every_spec
@every_number
def test_nothing_is_skipped_one_by_one(small: Any, spec: Any, num_workers: int) -> None:
    spec = replace(spec, **({"stride": StridePolicy()} if spec is STREAMS else {"stride_frames": 1}))
    made = torch.zeros(1, dtype=torch.int64)
    made.share_memory_()

    def count(item: dict[str, Any], _: np.random.Generator) -> dict[str, Any]:
        made.add_(1)
        return item

    steps = len(Loader(small.corpus, spec)) - 8
    assert steps > 12
    state = after(steps, Stateful(small.corpus, spec, num_workers), 0)
    loader = Stateful(small.corpus, spec, num_workers, transform=count)
    loader.load_state_dict(state)
    batches = iter(loader)
    assert_same_batches([next(batches)], [Loader(small.corpus, spec).batch(steps)])
    assert 0 < int(made) <= (1 + 2 * num_workers) * spec.batch_size  # that one, and what was prefetched


def test_in_the_middle_of_a_batch(small: Any) -> None:
    """Whoever iterates over items, or with another batch size, resumes there too."""
    items = list(AdaptiveSequentialDataset(small.corpus, STREAMS))
    for at in range(len(items) + 1):
        dataset = AdaptiveSequentialDataset(small.corpus, STREAMS)
        for _ in islice(dataset, at):
            pass
        again = AdaptiveSequentialDataset(small.corpus, STREAMS)
        again.load_state_dict(json.loads(json.dumps(dataset.state_dict())))
        rest = [int(item["start_frames"]) for item in again]
        assert rest == [int(item["start_frames"]) for item in items[at:]]


class Plain(Stateful):
    """What a trainer has that knows torch alone: a DataLoader without workers, and the states of the views."""

    def __init__(self, corpus: Any, spec: Any) -> None:
        super().__init__(corpus, spec, 0)
        sampler = self.loader.sampler
        self.views = [self.dataset, *([sampler] if spec is CLIPS else [])]
        self.plain: Any = DataLoader(self.dataset, spec.batch_size, sampler=sampler if spec is CLIPS else None)

    def __iter__(self) -> Iterator[AnyBatch]:
        return iter(self.plain)

    def state_dict(self) -> dict[str, Any]:
        return {"views": [view.state_dict() for view in self.views]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for view, saved in zip(self.views, state["views"], strict=True):
            view.load_state_dict(saved)


@every_spec
def test_without_workers_a_plain_dataloader_resumes_by_the_states_of_the_views(small: Any, spec: Any) -> None:
    assert resume_law(lambda: Plain(small.corpus, spec)) > 8


@every_spec
def test_setting_the_epoch_of_the_position_keeps_it_and_another_leaves_it(small: Any, spec: Any) -> None:
    state = after(2, Plain(small.corpus, spec), 1)
    for epoch, done in ((1, 2), (2, 0)):
        loader = Plain(small.corpus, spec)
        loader.load_state_dict(state)
        loader.set_epoch(epoch)
        assert_same_batches(loader, whole(small.corpus, spec, epoch)[done:])


@every_spec
@every_number
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"seed": 3}, "the saved position has spec.seed 0, this loader has 3"),
        ({"window_frames": 9}, "the saved position has spec.window_frames 8, this loader has 9"),
    ],
)
def test_other_batches_are_refused(small: Any, spec: Any, num_workers: int, change: dict[str, int], text: str) -> None:
    loader = Stateful(small.corpus, replace(spec, **change), num_workers)
    loader.load_state_dict(after(2, Stateful(small.corpus, spec, num_workers), 0))
    assert text in refusal(loader, CorpusError)


@every_spec
@every_number
def test_another_corpus_is_refused(small: Any, picture: Any, spec: Any, num_workers: int) -> None:
    loader = Stateful(picture.corpus, spec, num_workers)
    loader.load_state_dict(after(2, Stateful(small.corpus, spec, num_workers), 0))
    assert f"corpus {small.corpus.id!r}, this loader has {picture.corpus.id!r}" in refusal(loader, CorpusError)


@every_spec
@pytest.mark.parametrize(("before", "afterwards"), [(2, 3), (3, 2), (0, 2), (2, 0)])
def test_another_number_of_workers_is_refused(small: Any, spec: Any, before: int, afterwards: int) -> None:
    """With both values by streams, whose positions are the workers' own; else torchdata itself refuses."""
    loader = Stateful(small.corpus, spec, afterwards)
    loader.load_state_dict(after(2, Stateful(small.corpus, spec, before), 0))
    if spec is STREAMS and before and afterwards:
        assert f"the saved position has num_workers {before}, here it is {afterwards}" in refusal(loader, CorpusError)
    else:
        refusal(loader, AssertionError)


def test_positions_that_cannot_be_are_refused(small: Any) -> None:
    streams, clips = AdaptiveSequentialDataset(small.corpus, STREAMS), ClipDataset(small.corpus, CLIPS)
    n_items = len(streams)
    for items in (-1, n_items + 1):
        with pytest.raises(CorpusError, match=f"item {items} of an epoch of {n_items}"):
            streams.load_state_dict(streams.state_dict() | {"items": items})
        with pytest.raises(CorpusError, match=f"item {items * 9} of an epoch of"):
            sampler = ClipSampler(clips)
            sampler.load_state_dict(sampler.state_dict() | {"items": items * 9})
    sampler = ClipSampler(clips, rank=1, world_size=2)
    with pytest.raises(CorpusError, match="world_size 1, here it is 2"):
        sampler.load_state_dict(ClipSampler(clips).state_dict())
    with pytest.raises(PlanError, match="drop_last drops the rest"):
        ClipSampler(ClipDataset(small.corpus, replace(CLIPS, drop_last=True)), rank=0, world_size=30)


@every_number
@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_the_sampler_makes_the_batches_of_the_loader_on_every_rank(
    small: Any, num_workers: int, world_size: int, drop_last: bool
) -> None:
    spec = replace(CLIPS, stride_frames=3, drop_last=drop_last)
    n_padding = 0
    for rank in range(world_size):
        dataset = ClipDataset(small.corpus, spec)
        dataset.set_epoch(1)
        sampler = ClipSampler(dataset, rank=rank, world_size=world_size)
        theirs: Any = DataLoader(
            dataset,
            8,
            sampler=sampler,
            num_workers=num_workers,
            multiprocessing_context="fork" if num_workers else None,
        )
        batches = list(theirs)
        assert len(batches) == len(theirs)
        assert_same_batches(batches, whole(small.corpus, spec, 1, rank=rank, world_size=world_size))
        n_padding += sum(int((batch["valid_frames"] == 0).sum()) for batch in batches)
    assert n_padding == Loader(small.corpus, spec, rank=0, world_size=world_size).plan.n_padding
    assert drop_last == (n_padding == 0)

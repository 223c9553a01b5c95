"""Law of resumption: from any position a loader goes on bit for bit, or says in which value it is another loader."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.errors import CorpusError
from koekao.testing.laws import MAX_STATE_BYTES, assert_same_batches, kept, resume_law, window_ids
from koekao.windows import StridePolicy

STREAMS = StreamSpec(
    window_frames=8, stride=StridePolicy(mode="progressive", initial_stride=6, max_epochs=3), batch_size=6, n_streams=3
)
MIXED = replace(STREAMS, stride=StridePolicy(mode="mixed", initial_stride=6))
CLIPS = ClipSpec(window_frames=8, batch_size=12, stride_frames=3)
every_spec = pytest.mark.parametrize("spec", [STREAMS, MIXED, CLIPS], ids=["streams", "mixed", "clips"])


class Forgetful(Loader):
    """A loader that goes on one batch too late."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state | {"batch": min(state["batch"] + 1, len(self))})


class Lying(Forgetful):
    """One that also says that it does not."""

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        return state | {"batch": max(0, state["batch"] - 1)}


class Fat(Loader):
    """One that saves more than a position."""

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"order": list(range(2000))}


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Forgetful, "the position changed from"), (Lying, "batch 0: .* differs"), (Fat, "expected less than 4096")],
)
def test_the_law_finds_loaders_that_break_it(small: Any, kind: type[Loader], text: str) -> None:
    with pytest.raises(AssertionError, match=text):
        resume_law(lambda: kind(small.corpus, STREAMS))


def test_the_comparison_finds_every_difference(small: Any) -> None:
    one = Loader(small.corpus, STREAMS).batch(0)
    changes = {
        "audio": one["audio"] * -1.0,
        "blendshapes": one["blendshapes"].double(),
        "reset": ~one["reset"],
        "frame_mask": one["frame_mask"][None],
        "file_names": [*one["file_names"][:-1], "x"],
        "start_frames": one["start_frames"].tolist(),
    }
    assert_same_batches([one], [dict(one)])
    for key, value in changes.items():
        with pytest.raises(AssertionError, match=f"batch 0: {key} differs"):
            assert_same_batches([one], [one | {key: value}])
    with pytest.raises(AssertionError, match="batch 1: audio differs"):  # -0.0 is not 0.0
        zeros = one | {"audio": one["audio"] * 0.0}
        assert_same_batches([one, zeros], [one, zeros | {"audio": one["audio"] * -0.0}])
    with pytest.raises(AssertionError, match="batch 0: keys"):
        assert_same_batches([one], [{key: one[key] for key in one if key != "reset"}])
    with pytest.raises(AssertionError, match="1 batches and 2"):
        assert_same_batches([one], [one, one])


def after(loader: Loader, steps: int) -> str:
    """The position after ``steps`` batches, as it is saved."""
    for _ in islice(loader, steps):
        pass
    return json.dumps(loader.state_dict())


@every_spec
@pytest.mark.parametrize("num_workers", [0, 2])
def test_from_every_step_of_two_epochs(small: Any, spec: Any, num_workers: int) -> None:
    tried = resume_law(lambda: Loader(small.corpus, spec, num_workers=num_workers))
    n_batches = sum(len(Loader(small.corpus, spec, epoch=epoch)) for epoch in (0, 1))
    assert tried == n_batches + 3 > 15


def test_of_one_rank_among_three(small: Any) -> None:
    resume_law(lambda: Loader(small.corpus, replace(STREAMS, batch_size=4, n_streams=2), rank=1, world_size=3))


def test_with_other_threads_and_prefetching_than_before(small: Any) -> None:
    whole = kept(Loader(small.corpus, STREAMS))
    loader = Loader(small.corpus, STREAMS, num_workers=3, prefetch_factor=4, persistent_workers=True)
    loader.load_state_dict(json.loads(after(Loader(small.corpus, STREAMS, num_workers=0), 3)))
    assert_same_batches(loader, whole[3:])
    loader.close()


@every_spec
def test_twice_in_one_epoch_and_at_once_after_a_resume(small: Any, spec: Any) -> None:
    whole = kept(Loader(small.corpus, spec, epoch=1))
    once = Loader(small.corpus, spec)
    once.load_state_dict(json.loads(after(Loader(small.corpus, spec, epoch=1), 2)))
    at_once = Loader(small.corpus, spec)
    at_once.load_state_dict(json.loads(json.dumps(once.state_dict())))
    assert_same_batches(at_once, whole[2:])
    twice = Loader(small.corpus, spec)
    twice.load_state_dict(json.loads(after(once, 2)))
    assert_same_batches(twice, whole[4:])


@every_spec
def test_after_the_last_batch_nothing_is_left_of_the_epoch_and_the_next_is_whole(small: Any, spec: Any) -> None:
    loader = Loader(small.corpus, spec)
    loader.load_state_dict(json.loads(after(Loader(small.corpus, spec), 10_000)))
    assert kept(loader) == []
    assert_same_batches(loader, Loader(small.corpus, spec))
    loader.set_epoch(1)
    assert_same_batches(loader, Loader(small.corpus, spec, epoch=1))


def test_a_position_stands_at_the_batch_that_was_delivered_not_at_those_prefetched(small: Any) -> None:
    loader = Loader(small.corpus, STREAMS, num_workers=2, prefetch_factor=4)
    for taken, _batch in enumerate(loader, start=1):
        assert loader.state_dict()["batch"] == taken
        if taken == 3:
            break
    assert loader.state_dict()["batch"] == 3


def test_a_fault_at_the_first_batch_of_another_round_leaves_the_position_before_it(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = Loader(small.corpus, STREAMS)
    kept(loader)

    def refuse(*_: object) -> None:
        raise CorpusError("damaged")

    monkeypatch.setattr("koekao.batches.sources.Block.refuse_truncated", refuse)
    with pytest.raises(CorpusError, match="damaged"):
        next(iter(loader))
    assert loader.state_dict()["batch"] == 0


def test_setting_the_epoch_of_the_position_keeps_it_and_another_leaves_it(small: Any) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS, epoch=1), 2))
    loader = Loader(small.corpus, STREAMS)
    loader.load_state_dict(state)
    loader.set_epoch(1)
    assert_same_batches(loader, kept(Loader(small.corpus, STREAMS, epoch=1))[2:])
    loader.load_state_dict(state)
    loader.set_epoch(2)
    assert_same_batches(loader, Loader(small.corpus, STREAMS, epoch=2))


def test_a_position_is_small_whatever_the_corpus(packed_of: Callable[..., Any]) -> None:
    spec = replace(STREAMS, batch_size=2, n_streams=2)
    sizes = [len(after(Loader(packed_of((9,) * n).corpus, spec), 5)) for n in (2, 120)]
    assert max(sizes) - min(sizes) <= 4
    assert max(sizes) < MAX_STATE_BYTES / 4


@pytest.mark.parametrize(
    ("change", "what", "saved", "present"),
    [
        ({"seed": 1}, "spec.seed", "0", "1"),
        ({"batch_size": 12}, "spec.batch_size", "6", "12"),
        ({"n_streams": 2}, "spec.n_streams", "3", "2"),
        ({"window_frames": 9}, "spec.window_frames", "8", "9"),
        ({"short": "skip"}, "spec.short", "'pad'", "'skip'"),
        ({"drop_last": True}, "spec.drop_last", "False", "True"),
        ({"columns": ("blendshapes",)}, "spec.columns", "['audio', 'blendshapes']", "['blendshapes']"),
        ({"shuffle": False}, "spec.shuffle", "True", "False"),
        ({"stride": replace(STREAMS.stride, initial_stride=7)}, "spec.stride.initial_stride", "6", "7"),
        ({"stride": replace(STREAMS.stride, schedule="staged")}, "spec.stride.schedule", "'linear'", "'staged'"),
    ],
)
def test_another_loader_is_refused_with_both_values(
    small: Any, change: dict[str, Any], what: str, saved: str, present: str
) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS), 2))
    other = Loader(small.corpus, replace(STREAMS, **change))
    with pytest.raises(CorpusError, match="as it was made when the position was saved") as caught:
        other.load_state_dict(state)
    assert f"the saved position has {what} {saved}, this loader has {present}" in str(caught.value)
    assert other.state_dict()["batch"] == 0
    assert_same_batches(other, Loader(small.corpus, other.spec))


def test_other_rows_on_all_ranks_together_are_refused(small: Any) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS, rank=0, world_size=2), 2))
    with pytest.raises(CorpusError, match=r"spec.batch_size 12, this loader has 24"):
        Loader(small.corpus, STREAMS, rank=1, world_size=4).load_state_dict(state)
    Loader(small.corpus, STREAMS, rank=1, world_size=2).load_state_dict(state)  # ranks stand at the same batch


@pytest.mark.parametrize("kind", ["streams", "mixed", "clips"])
def test_another_number_of_ranks_with_the_same_rows_goes_on_with_the_same_windows(small: Any, kind: str) -> None:
    def loaders(world_size: int) -> list[Loader]:
        spec: Any = ClipSpec(window_frames=8, batch_size=8 // world_size)
        if kind != "clips":
            policy = MIXED.stride if kind == "mixed" else STREAMS.stride
            spec = StreamSpec(window_frames=8, stride=policy, batch_size=8 // world_size, n_streams=4 // world_size)
        return [Loader(small.corpus, spec, epoch=1, rank=rank, world_size=world_size) for rank in range(world_size)]

    def order(ranks: list[Loader]) -> list[list[tuple[int, int]]]:
        return [[w for batch in step for w in window_ids(batch)] for step in zip(*ranks, strict=True)]

    whole = order(loaders(1))
    for before, afterwards in ((1, 2), (1, 4), (4, 1), (2, 4)):
        state = json.loads(after(loaders(before)[-1], 3))
        ranks = loaders(afterwards)
        for rank in ranks:
            rank.load_state_dict(state)
        assert order(ranks) == whole[3:]


def test_another_corpus_is_refused(small: Any, packed_of: Callable[..., Any]) -> None:
    other = packed_of((40, 8, 9, 7, 3, 61, 25, 33, 16, 12, 50, 22)).corpus
    with pytest.raises(CorpusError) as caught:
        Loader(other, STREAMS).load_state_dict(json.loads(after(Loader(small.corpus, STREAMS), 2)))
    assert f"corpus {small.corpus.id!r}, this loader has {other.id!r}" in str(caught.value)


@pytest.mark.parametrize(("saved", "present"), [((0, 1, 2), (0, 1, 2, 5)), ((0, 4, 5), (2, 3, 5)), ((0, 8), (2, 7))])
def test_other_takes_of_the_same_corpus_are_refused(
    small: Any, saved: tuple[int, ...], present: tuple[int, ...]
) -> None:
    def chosen(rows: tuple[int, ...]) -> Loader:
        spec = ClipSpec(window_frames=8)
        return Loader(small.corpus.select(names=[small.corpus.names[i] for i in rows]), spec)

    state = json.loads(after(chosen(saved), 1))
    with pytest.raises(CorpusError, match=rf"takes '{len(saved)}:[0-9a-f]+', this loader has '{len(present)}:"):
        chosen(present).load_state_dict(state)
    chosen(saved).load_state_dict(state)


def test_streams_are_not_taken_up_as_clips_nor_by_another_version(small: Any) -> None:
    state = json.loads(after(Loader(small.corpus, STREAMS), 2))
    with pytest.raises(CorpusError, match=r"spec\.\w+ .*, this loader has"):
        Loader(small.corpus, CLIPS).load_state_dict(state)
    with pytest.raises(CorpusError, match="version 99, this loader has 2"):
        Loader(small.corpus, STREAMS).load_state_dict(state | {"version": 99})
    with pytest.raises(CorpusError, match="version None"):
        Loader(small.corpus, STREAMS).load_state_dict({})


@pytest.mark.parametrize("batch", [-1, 10_000])
def test_a_position_outside_of_its_epoch_is_refused(small: Any, batch: int) -> None:
    loader = Loader(small.corpus, STREAMS)
    with pytest.raises(CorpusError, match=f"batch {batch} of an epoch of {len(loader)}"):
        loader.load_state_dict(loader.state_dict() | {"batch": batch})
    assert_same_batches(loader, Loader(small.corpus, STREAMS))

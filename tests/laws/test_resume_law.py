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
from koekao.testing.laws import MAX_STATE_BYTES, assert_same_batches, kept, resume_law
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

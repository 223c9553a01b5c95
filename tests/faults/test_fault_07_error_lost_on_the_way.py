"""Fault 7: an exception that cannot be pickled, or comes from a thread, arrives as a typed error that says where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, numbering
from koekao.batches.sources import Block
from koekao.errors import BatchError, CorpusError, KoekaoError
from koekao.testing.laws import assert_same_batches, window_ids
from small_loaders import gatherers, refusal, streams, torch_loader, with_worker_processes

pytestmark = with_worker_processes
AT = (5, 16)
"""The window that is not liked."""


class TwoParts(Exception):
    """Neither pickling nor ``type(error)(str(error))`` makes it again."""

    def __init__(self, one: str, other: int) -> None:
        super().__init__(f"{one} and {other}")
        self.held = lambda: None


class OfTheHouse(KoekaoError):
    """One of ours that somebody derived, and that cannot be made again either."""

    def __init__(self, one: str, other: int) -> None:
        super().__init__(f"{one} and {other}")


def dislike(kind: Any, item: dict[str, Any]) -> dict[str, Any]:
    if (int(item["file_indices"]), int(item["start_frames"])) == AT:
        raise kind("this", 5)
    return item


def raise_two_parts(item: dict[str, Any], _: np.random.Generator) -> dict[str, Any]:
    return dislike(TwoParts, item)


def raise_of_the_house(item: dict[str, Any], _: np.random.Generator) -> dict[str, Any]:
    return dislike(OfTheHouse, item)


INLINE, FORKED, SPAWNED = (0, "fork"), (2, "fork"), (1, "spawn")


@pytest.mark.parametrize(
    ("transform", "kind", "workers"),
    [
        *((raise_two_parts, "streams", workers) for workers in (INLINE, FORKED, SPAWNED)),
        *((raise_two_parts, "clips", workers) for workers in (INLINE, FORKED)),
        *((raise_of_the_house, "streams", workers) for workers in (INLINE, FORKED)),
    ],
)
def test_fault_07_what_a_transform_raises_names_take_and_frame(
    small: Any, transform: Any, kind: str, workers: tuple[int, str]
) -> None:
    dataset: Any = ClipDataset(small.corpus, window_frames=8, transform=transform)
    if kind == "streams":
        dataset = AdaptiveSequentialDataset(small.corpus, window_frames=8, transform=transform)
    said = refusal(torch_loader(dataset, workers[0], context=workers[1]), BatchError)
    name = "TwoParts" if transform is raise_two_parts else "OfTheHouse"
    assert f"take_005:frame 16: the transform raised {name}: this and 5" in said


def breaking(real: Any, at: tuple[int, int], fault: BaseException) -> Any:
    """A look at the files that finds a fault as soon as the window ``at`` is among those to be gathered."""

    def refuse(block: Any, first: int, end: int) -> None:
        window = block.table[first:end, [numbering.TAKE_ID, numbering.START_FRAME]]
        if (window == at).all(axis=1).any():
            raise fault
        real(block, first, end)

    return refuse


@pytest.mark.parametrize("num_workers", [0, 1, 3])
@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        (CorpusError("damaged", where="shard:3", do="pack again"), CorpusError, "shard:3: damaged"),
        (OSError(5, "Input/output error"), BatchError, "could not be gathered: OSError"),
    ],
)
def test_fault_07_a_fault_of_a_thread_arrives_with_its_type(
    small: Any, monkeypatch: pytest.MonkeyPatch, num_workers: int, fault: Exception, kind: Any, text: str
) -> None:
    loader = streams(small.corpus, num_workers=num_workers)
    at = window_ids(loader.batch(20))[0]
    monkeypatch.setattr(Block, "refuse_truncated", breaking(Block.refuse_truncated, at, fault))
    delivered = 0
    with pytest.raises(kind, match=text):
        for _batch in loader:
            delivered += 1
    assert delivered == 20 if not num_workers else 0 < delivered <= 20
    assert loader.state_dict()["batch"] == delivered
    assert gatherers() == []
    monkeypatch.undo()
    assert_same_batches(loader, streams(small.corpus))

"""Law: a batch's memory is used again when nobody holds a tensor on it, and never before."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest

from koekao.batches import ClipSpec, StreamSpec
from koekao.batches.buffers import plain_memory
from koekao.batches.owned import OwnedSlots
from koekao.batches.slots import Slot
from koekao.batches.sources import Sources


def slots_of(small: Any, most: int) -> OwnedSlots:
    return OwnedSlots(Sources(small.corpus, StreamSpec(window_frames=8)), most)


def place(slot: Slot) -> int:
    return slot.tensors["audio"].data_ptr()


@pytest.mark.parametrize("key", ["audio", "blendshapes", "valid_frames", "frame_mask"])
def test_memory_comes_back_when_the_last_tensor_is_gone(small: Any, key: str) -> None:
    slots = slots_of(small, most=1)
    first = slots.new(2)
    address, whole, view = place(first), first.tensors[key], first.batch([])[key][1:]
    del first
    assert place(slots.new(2)) != address
    del whole
    assert place(slots.new(2)) != address, "a view still holds it"
    array = view.numpy()
    del view
    assert place(slots.new(2)) != address, "an array of a view still holds it"
    del array
    assert place(slots.new(2)) == address


def test_a_slot_holds_its_memory(small: Any) -> None:
    """Else a batch that is in the making would be made where another is."""
    slots = slots_of(small, most=3)
    held = [slots.new(2) for _ in range(5)]
    assert len({place(slot) for slot in held}) == 5
    kept = [place(slot) for slot in held[:3]]
    held.clear()
    assert [place(slot) for slot in [slots.new(2) for _ in range(3)]] == kept


def test_what_is_held_is_never_handed_out_again(small: Any) -> None:
    slots = slots_of(small, most=2)
    held = []
    for number in range(20):
        batch = slots.new(4).batch(["a"] * 4)
        held.append(batch["blendshapes"].fill_(number)[:, 2])
    assert [set(curves.unique().tolist()) for curves in held] == [{number} for number in range(20)]


def test_a_slot_is_like_one_that_is_made_by_itself(small: Any) -> None:
    for spec in (StreamSpec(window_frames=8, columns=("audio", "blendshapes")), ClipSpec(window_frames=8)):
        sources = Sources(small.corpus, spec)
        slots = OwnedSlots(sources, most=1)
        for rows in (1, 4):
            for batch in (slots.new(rows).batch(["x"] * rows), slots.new(rows).batch(["x"] * rows)):
                assert all(len(value) == rows for value in batch.values())
                like = Slot(slots._layout, rows, plain_memory).batch(["x"] * rows)
                assert list(batch) == list(like)
                tensors = {key: value for key, value in batch.items() if key != "file_names"}
                assert all(
                    (value.shape, value.dtype) == (like[key].shape, like[key].dtype) for key, value in tensors.items()
                )
                assert all(value.data_ptr() % 64 == 0 for value in tensors.values())


def test_other_numbers_of_rows_have_memory_of_their_own(small: Any) -> None:
    slots = slots_of(small, most=1)
    assert slots.new(3).tensors["audio"].shape[0] == 3
    assert slots.new(2).tensors["audio"].shape[0] == 2
    assert len({place(slots.new(rows)) for rows in (3, 2, 3, 2, 2, 3)}) == 2


def test_threads_never_get_the_same(small: Any) -> None:
    slots, got = slots_of(small, most=8), [list[int]() for _ in range(4)]
    at_once = threading.Barrier(4)

    def take(mine: list[int]) -> None:
        for _ in range(200):
            at_once.wait()
            slot = slots.new(2)
            mine.append(place(slot))
            at_once.wait()
            del slot

    threads = [threading.Thread(target=take, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len(set(together)) == 4 for together in zip(*got, strict=True))


def test_no_more_is_kept_than_was_said(small: Any) -> None:
    slots = slots_of(small, most=2)
    for kept in (slots, copy.deepcopy(slots)):
        held = [kept.new(2) for _ in range(5)]
        assert len({place(slot) for slot in held}) == 5
        assert len(kept._kept[2]) == 2


def test_another_process_has_its_own(small: Any) -> None:
    slots = slots_of(small, most=2)
    mine = slots.new(2)
    size = len(pickle.dumps(slots))
    other = copy.deepcopy(slots)
    assert place(other.new(2)) != place(mine)
    assert size < len(pickle.dumps(Sources(small.corpus, StreamSpec(window_frames=8)))) + 500, "no memory goes along"

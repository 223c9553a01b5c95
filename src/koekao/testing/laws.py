"""Laws that a loader of windows keeps, as functions that raise AssertionError and say what broke them.

koekao's own tests use them; they ask of a loader no more than batches that are dictionaries with ``file_indices``,
``start_frames`` and ``valid_frames`` (tensors on the CPU or arrays), so they fit one of your own as well.

Batches are compared as they come, for a loader may use the memory of a batch again; what must be held is copied
(:func:`kept`), so give :func:`resume_law` small corpora and few batches.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np

MAX_STATE_BYTES = 4096
"""A saved position is smaller than this, whatever the corpus."""

AnyBatch = Mapping[str, Any]


class Resumable(Protocol):
    """What :func:`resume_law` asks of a loader."""

    def set_epoch(self, epoch: int) -> None: ...
    def __iter__(self) -> Iterator[AnyBatch]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def window_ids(batch: AnyBatch) -> list[tuple[int, int]]:
    """(take, start frame) of every row that holds a window, in order; rows with ``valid_frames`` 0 only fill up."""
    columns = (np.asarray(batch[key]).tolist() for key in ("file_indices", "start_frames", "valid_frames"))
    return [(take, start) for take, start, valid in zip(*columns, strict=True) if valid > 0]


def grid_windows(
    n_frames: Sequence[int], window_frames: int, stride: int, *, pad_short: bool = True
) -> list[tuple[int, int]]:
    """(take, start frame) of every window that starts at 0, stride, 2 * stride ... and fits, take by take.

    A take shorter than a window gives one window from its first frame, or none without ``pad_short``.
    """
    windows = []
    for take, length in enumerate(n_frames):
        last = length - window_frames
        windows += [(take, start) for start in range(0, last + 1, stride)] or ([(take, 0)] if pad_short else [])
    return windows


def assert_each_window_once(batches: Iterable[AnyBatch], expected: Iterable[tuple[int, int]]) -> None:
    """The windows in ``batches`` are the ``expected`` ones, each as often as it is expected, in any order."""
    seen = Counter(window for batch in batches for window in window_ids(batch))
    wanted = Counter(expected)
    if seen != wanted:
        missing, extra = sorted((wanted - seen).elements()), sorted((seen - wanted).elements())
        raise AssertionError(
            f"{len(missing)} windows (take, start frame) are missing: {missing[:5]}; {len(extra)} too many: {extra[:5]}"
        )


def kept(batches: Iterable[AnyBatch]) -> list[AnyBatch]:
    """Copies of all batches, in order: a loader may use the memory of a batch again for a later one."""
    return [{key: _copy(value) for key, value in batch.items()} for batch in batches]


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    return value.clone() if hasattr(value, "clone") else copy.deepcopy(value)


def assert_same_batches(one: Iterable[AnyBatch], other: Iterable[AnyBatch]) -> None:
    """Both give the same number of batches, with the same keys and bit for bit the same content, lists included."""
    ones, others, number = iter(one), iter(other), 0
    while True:
        left, right = next(ones, None), next(others, None)
        if left is None or right is None:
            break
        _assert_same(number, left, right)
        number += 1
    counts = [number + (last is not None) + sum(1 for _ in more) for last, more in ((left, ones), (right, others))]
    if counts[0] != counts[1]:
        raise AssertionError(f"{counts[0]} batches and {counts[1]}")


def _assert_same(number: int, left: AnyBatch, right: AnyBatch) -> None:
    if list(left) != list(right):
        raise AssertionError(f"batch {number}: keys {list(left)} and {list(right)}")
    for key in left:
        if not _same(left[key], right[key]):
            raise AssertionError(f"batch {number}: {key} differs: {left[key]} and {right[key]}")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list) or isinstance(other, list):
        return type(one) is type(other) and one == other
    left, right = np.asarray(one), np.asarray(other)
    return (left.dtype, left.shape) == (right.dtype, right.shape) and left.tobytes() == right.tobytes()


def resume_law(make_loader: Callable[[], Resumable], *, epochs: int = 2) -> int:
    """From every position of ``epochs`` epochs, a new loader delivers exactly what the first still had to deliver.

    Positions before the first and after the last batch of each epoch are among them. Every position goes through JSON,
    is smaller than 4 KiB, and is given back unchanged by a loader that has just taken it up.

    Args:
        make_loader: makes the same loader anew at every call.

    Returns:
        How many positions were tried.
    """
    first = make_loader()
    positions = [(0, 0, _saved(first))]
    delivered: list[AnyBatch] = []
    for epoch in range(epochs):
        first.set_epoch(epoch)
        positions.append((len(delivered), epoch, _saved(first)))
        for batch in first:
            delivered += kept([batch])
            positions.append((len(delivered), epoch, _saved(first)))
    for step, epoch, state in positions:
        again = make_loader()
        again.load_state_dict(json.loads(state))
        if _saved(again) != state:
            raise AssertionError(f"taken up at step {step} the position changed from {state} to {_saved(again)}")
        rest = _epochs(again, epoch, epochs)
        assert_same_batches(delivered[step:], islice(rest, len(delivered) - step + 1))
    return len(positions)


def _saved(loader: Resumable) -> str:
    text = json.dumps(loader.state_dict())
    if len(text.encode()) >= MAX_STATE_BYTES:
        raise AssertionError(f"a position of {len(text.encode())} bytes, expected less than {MAX_STATE_BYTES}")
    return text


def _epochs(loader: Resumable, first: int, end: int) -> Iterator[AnyBatch]:
    """The loop of a trainer."""
    for epoch in range(first, end):
        loader.set_epoch(epoch)
        yield from loader

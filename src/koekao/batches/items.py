"""Single windows for torch's datasets: what both views of a plan have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from koekao.batches.slots import Batch
from koekao.errors import BatchError
from koekao.windows import window_generator

Item = dict[str, Any]
"""One window: the keys of a batch without the batch dimension."""

Transform = Callable[[Item, np.random.Generator], Item]
"""Changes an item, with a generator of its own made from (seed, epoch, take, start frame)."""


@dataclass
class Progress:
    """How many items of which epoch an iteration has given."""

    epoch: int
    items: int = 0


class SharedEpoch:
    """A whole number that every worker process sees, forked or spawned.

    Raises:
        BatchError: there is no shared memory left for it.
    """

    def __init__(self) -> None:
        self._value: Any = torch.zeros(1, dtype=torch.int64)
        try:
            self._value.share_memory_()  # type: ignore[no-untyped-call,unused-ignore]
        except RuntimeError as error:
            raise BatchError(
                f"no shared memory for the epoch: {error}",
                where="/dev/shm",
                do="give it more room (docker run --shm-size=1g), or use a koekao Loader, which needs none",
            ) from error

    def get(self) -> int:
        return int(self._value[0])

    def set(self, epoch: int) -> None:
        self._value[0] = epoch

    def take_up(self, epoch: int, *, is_over: bool) -> None:
        """Go to the epoch of a position that was loaded; where that epoch is over, not back to it.

        A StatefulDataLoader loads a position only when it is iterated, and by then the trainer has set the next epoch.
        """
        self.set(max(self.get(), epoch) if is_over else epoch)


def transformed(item: Item, transform: Transform | None, seed: int, epoch: int) -> Item:
    """The item as ``transform`` changes it. Padding rows too (silence, ``valid_frames`` 0): all items have equal keys.

    Raises:
        BatchError: the transform raised something. It is told here in words, for a worker process can hand on nothing
            else: not every exception can be pickled.
    """
    if transform is None:
        return item
    take, start = int(item["file_indices"]), int(item["start_frames"])
    try:
        return transform(item, window_generator(seed, epoch, take, start))
    except Exception as error:
        where = f"{item['file_names']}:frame {start}"
        what = f"the transform raised {type(error).__name__}: {error}"
        raise BatchError(what, where=where, do="mend the transform; the window itself is whole") from error


def row_of(batch: Batch, row: int) -> Item:
    """One row of a batch, without the batch dimension."""
    return {key: value[row] for key, value in batch.items()}

"""The windows of some batches, as numbers: what a plan says and a gather does."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

NO_TAKE = -1
"""The take of a row that only fills the batch up; its ``valid_frames`` is 0."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Arrays of one length, an entry a row of a batch; several batches follow each other.

    Attributes:
        take: int64, the take's number in the plan, or NO_TAKE.
        start_frame: int64, where in the take the window starts.
        valid_frames: int64, how many frames of the window the take really has (0 for a padding row).
        is_dense: bool, a window of stride 1 or a dense one of mixed mode.
        reset: bool, this row's stream begins another take: its temporal state must start anew.
        gap_frames: int64, frames since this stream's last window end; 0 where ``reset``.
    """

    take: NDArray[np.int64]
    start_frame: NDArray[np.int64]
    valid_frames: NDArray[np.int64]
    is_dense: NDArray[np.bool_]
    reset: NDArray[np.bool_]
    gap_frames: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.take)

    def __getitem__(self, part: slice) -> Rows:
        return Rows(**{field.name: getattr(self, field.name)[part] for field in fields(self)})

"""The flat store: all sound and all curves end to end, for libraries that read by position.

It imports numpy alone, so that no neighbour's first batch waits for what koekao needs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads import first_samples


@dataclass(frozen=True)
class FlatTakes:
    """Where each take begins in arrays that hold them all."""

    folder: Path
    names: list[str]
    n_frames: NDArray[np.int64]
    audio_begin: NDArray[np.int64]
    curves_begin: NDArray[np.int64]

    @classmethod
    def open(cls, stores: Path) -> FlatTakes:
        index = json.loads((stores / "flat" / "takes.json").read_text("utf-8"))
        arrays = (np.array(index[key], np.int64) for key in ("n_frames", "audio_begin", "curves_begin"))
        return cls(stores / "flat", index["names"], *arrays)

    def mapped(self, name: str) -> NDArray[Any]:
        """``audio_int16``, ``audio_float32`` or ``curves`` as a map (private, for torch warns of read-only ones)."""
        return np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="c"))

    def audio_begins(self, take: NDArray[np.int64], start_frame: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first sample of each window in the flat sound."""
        return self.audio_begin[take] + first_samples(start_frame)

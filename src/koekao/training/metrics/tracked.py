"""The tracked frames of one take, predicted beside true, and which of them follow one another.

Frames whose face was not tracked are scored by nothing, and nothing is measured across the gap that they leave: what
looks at neighbours looks along :meth:`Tracked.runs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracked:
    """Shapes: F tracked frames.

    Attributes:
        predicted: ``[F, 52]`` float64.
        truth: ``[F, 52]`` float64.
        frames: ``[F]`` int64, where in the take each lies; rising.
    """

    predicted: Array
    truth: Array
    frames: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def joined(self) -> NDArray[np.bool_]:
        """``[F - 1]``: which frames are followed by the take's very next one."""
        joined: NDArray[np.bool_] = np.diff(self.frames) == 1
        return joined

    def runs(self, least_frames: int = 1) -> Iterator[slice]:
        """The stretches without a gap, in order, that have at least ``least_frames`` frames."""
        ends = [*(np.flatnonzero(~self.joined) + 1).tolist(), len(self)]
        for first, end in zip([0, *ends[:-1]], ends, strict=True):
            if end - first >= max(1, least_frames):
                yield slice(first, end)


def tracked(predicted: NDArray[np.float32], truth: NDArray[np.float32], valid: NDArray[np.bool_]) -> Tracked:
    """The tracked frames of (predicted ``[F, 52]``, true ``[F, 52]``, valid ``[F]`` bool).

    Raises:
        ConfigError: shapes that differ.
    """
    if predicted.shape != truth.shape or len(valid) != len(truth):
        raise ConfigError(f"curves {predicted.shape} against {truth.shape}", expected="one shape")
    return Tracked(
        predicted=predicted[valid].astype(np.float64),
        truth=truth[valid].astype(np.float64),
        frames=np.flatnonzero(valid).astype(np.int64),
    )

"""Which windows of which takes an epoch holds: counts for all takes, starts for one.

Windows start on the grid 0, s, 2s, ... as long as they fit. A take shorter than a window is padded to one window or
skipped, by name, and counted. In ``mixed`` mode each take also gives windows off the grid: their number is the global
share rounded cumulatively over the takes (so that short takes give theirs too), and each is drawn from its own stratum
of the off-grid starts, anew each epoch. Nothing is stored a window: memory is O(takes).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, PlanError
from koekao.windows.keyed import draw_below
from koekao.windows.stride import StridePolicy

Short = Literal["pad", "skip"]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The windows of every take in one epoch.

    Attributes:
        n_frames: ``[n_takes]`` int64, the takes' lengths.
        window_frames: frames a window.
        stride: frames between grid windows in this epoch.
        counts: ``[n_takes]`` int64, windows a take gives (grid and dense together).
        dense_counts: ``[n_takes]`` int64, how many of them lie off the grid (all 0 unless ``mixed``).
        padded_takes, skipped_takes: how many takes are shorter than a window and were padded or skipped.
        key: what the dense draws are keyed by: (seed, epoch).
    """

    n_frames: NDArray[np.int64]
    window_frames: int
    stride: int
    counts: NDArray[np.int64]
    dense_counts: NDArray[np.int64]
    padded_takes: int
    skipped_takes: int
    key: tuple[int, int]

    @classmethod
    def of(
        cls,
        n_frames: NDArray[np.int64],
        *,
        window_frames: int,
        policy: StridePolicy,
        epoch: int = 0,
        seed: int = 0,
        short: Short = "pad",
    ) -> Grid:
        """Lay the grid of ``epoch`` over takes of ``n_frames`` frames each.

        Raises:
            ConfigError: a window of no frames, an unknown policy for short takes.
            PlanError: no take gives a window.
        """
        if window_frames < 1:
            raise ConfigError(f"window_frames {window_frames!r}", expected="at least 1 frame")
        if short not in get_args(Short):
            raise ConfigError(f"short {short!r}", expected="one of " + ", ".join(get_args(Short)))
        n_frames = np.ascontiguousarray(n_frames, np.int64)
        stride = policy.stride_at(epoch)
        is_short = n_frames < window_frames
        places = np.where(is_short, 1 if short == "pad" else 0, n_frames - window_frames + 1)
        on_grid = -(-places // stride)
        none = np.broadcast_to(np.int64(0), on_grid.shape)  # takes no memory
        dense = _dense_counts(on_grid, places, policy.dense_ratio) if policy.mode == "mixed" else none
        if not on_grid.sum():
            raise PlanError(
                f"none of {len(n_frames)} takes holds a window of {window_frames} frames",
                do="use shorter windows, or short='pad' to pad short takes",
            )
        n_short = int(is_short.sum())
        return cls(
            n_frames=n_frames,
            window_frames=window_frames,
            stride=stride,
            counts=on_grid + dense if policy.mode == "mixed" else on_grid,
            dense_counts=dense,
            padded_takes=n_short if short == "pad" else 0,
            skipped_takes=n_short if short == "skip" else 0,
            key=(int(seed), int(epoch)),  # numpy integers print otherwise, and keys are made from the print
        )

    @cached_property
    def _has_dense(self) -> bool:
        return bool(self.dense_counts.any())

    @property
    def n_windows(self) -> int:
        return int(self.counts.sum())

    def starts(self, take: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Start frames of the take's windows in the order of time, and which of them are dense ones."""
        n_dense = int(self.dense_counts[take])
        on_grid = np.arange(int(self.counts[take]) - n_dense, dtype=np.int64) * self.stride
        if not n_dense:
            return on_grid, np.full(len(on_grid), self.stride == 1)
        off_grid = int(self.n_frames[take]) - self.window_frames + 1 - len(on_grid)
        edges = np.arange(n_dense + 1, dtype=np.int64) * off_grid // n_dense
        picked = edges[:-1] + draw_below(np.diff(edges), "dense windows", *self.key, take)
        picked += picked // (self.stride - 1) + 1  # skip the grid's own starts: 0, s, 2s ...
        starts = np.concatenate([on_grid, picked])
        order = np.argsort(starts)
        return starts[order], (np.arange(len(starts)) >= len(on_grid))[order]

    def start_at(
        self, take: NDArray[np.int64], number: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Start frame of window ``number`` of ``take``, and whether it is dense; arrays of one shape."""
        starts, dense = number * self.stride, np.full(len(number), self.stride == 1)
        for one in set(take[self.dense_counts[take] > 0].tolist()) if self._has_dense else ():
            here = take == one
            all_starts, all_dense = self.starts(one)
            starts[here], dense[here] = all_starts[number[here]], all_dense[number[here]]
        return starts, dense


def _dense_counts(on_grid: NDArray[np.int64], places: NDArray[np.int64], ratio: float) -> NDArray[np.int64]:
    """Dense windows a take, so that they are ``ratio`` of all that is delivered, rounded over the running total.

    What a take has no room for (a padded one has none) is made up for by the next that has: with the running totals
    ``due`` and ``room``, that is given[i] = min(given[i-1] + places off the grid, due[i]).
    """
    share = Fraction(str(ratio))
    wanted_to_grid = share / (1 - share)
    n, d = wanted_to_grid.numerator, wanted_to_grid.denominator
    due = (2 * n * np.cumsum(on_grid) + d) // (2 * d)
    room = np.cumsum(places - on_grid)
    given = room + np.minimum.accumulate(np.minimum(due - room, 0))
    counts: NDArray[np.int64] = np.diff(given, prepend=0)
    return counts

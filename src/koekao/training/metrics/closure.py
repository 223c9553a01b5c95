"""Lip-closure F1: do the lips meet when they must, and only then?

A closure is the moment at which lips that were open (:data:`koekao.lips.OPEN_ABOVE`) come to be closed
(:data:`koekao.lips.CLOSED_BELOW`). A predicted and a true closure of one take are a pair if they are at most
100 ms apart, each in one pair only; F1 = 2 pairs / (predicted + true). 100 ms, three frames at 30 fps, is about what
ITU-R BT.1359 lets sound be early before viewers object (90 ms). Counts are summed over takes. Speech closes lips so
often that chance pairs some: takes of recorded speech laid on one another reach 0.14 to 0.43, the higher the more
regularly they were spoken.

It is the first thing that viewers miss in a talking face, and mean errors do not see it: a /p/ is a tenth of a second.
A mouth that never opens has no closure, because it is not known when its lips met, so a still face has 0, open or shut.
It is not defined where the truth has no closure.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.lips import CLOSED_BELOW, OPEN_ABOVE, lip_opening
from koekao.training.metrics.tracked import Array, Tracked

TOLERANCE_MS = 100


@dataclass(frozen=True, kw_only=True)
class Closures:
    """How many closures are true, how many were predicted, and how many of these are pairs."""

    true: int
    predicted: int
    paired: int

    def __add__(self, other: Closures) -> Closures:
        return Closures(
            true=self.true + other.true,
            predicted=self.predicted + other.predicted,
            paired=self.paired + other.paired,
        )

    @property
    def f1(self) -> float | None:
        """2 pairs / (predicted + true), in [0, 1]; None where the truth has no closure."""
        return 2 * self.paired / (self.predicted + self.true) if self.true else None

    def as_dict(self) -> dict[str, Any]:
        """JSON values: the three counts."""
        return {"true": self.true, "predicted": self.predicted, "paired": self.paired}


def count_closures(take: Tracked, fps: Fraction) -> Closures:
    """The closures of one take's prediction and truth."""
    true, predicted = (
        np.concatenate([take.frames[run.start + closing_frames(opening[run])] for run in take.runs()] or [_NO_FRAMES])
        for opening in (lip_opening(take.truth), lip_opening(take.predicted))
    )
    paired = count_pairs(true.tolist(), predicted.tolist(), int(TOLERANCE_MS * fps / 1000))
    return Closures(true=len(true), predicted=len(predicted), paired=paired)


_NO_FRAMES = np.zeros(0, np.int64)


def closing_frames(opening: Array) -> NDArray[np.int64]:
    """The frames at which lips of ``opening`` ``[F]`` (curve units) come to be closed, having been open before."""
    said = np.where(opening > OPEN_ABOVE, 1, np.where(opening <= CLOSED_BELOW, -1, 0))
    last_said = np.maximum.accumulate(np.where(said != 0, np.arange(len(said)), 0))
    lips = said[last_said]
    return (np.flatnonzero((lips[1:] == -1) & (lips[:-1] == 1)) + 1).astype(np.int64)


def count_pairs(true: list[int], predicted: list[int], tolerance_frames: int) -> int:
    """The most pairs of two rising lists of frames that are at most so far apart, each frame in one pair only.

    Taking the earliest partner that fits is best, because all tolerances are alike.
    """
    i, k, pairs = 0, 0, 0
    while i < len(true) and k < len(predicted):
        if abs(true[i] - predicted[k]) <= tolerance_frames:
            i, k, pairs = i + 1, k + 1, pairs + 1
        elif true[i] < predicted[k]:
            i += 1
        else:
            k += 1
    return pairs

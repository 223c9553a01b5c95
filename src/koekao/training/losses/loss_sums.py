"""A loss as what it is made of: what was lost, and of how much; so that parts of a batch can be added up.

The means are taken last, for a mean of means would weigh a frame by which part of the batch it lies in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from koekao.training.distributed import summed


class LossSums(NamedTuple):
    """Of each curve ``[52]``, or of one thing ``[]``.

    Attributes:
        total: the sum of what was lost.
        counted: over how much: frames or, where not every one has the same say, what they say; 0 of curves that do not
            count.
    """

    total: Tensor
    counted: Tensor

    @property
    def means(self) -> Tensor:
        """As ``total``; 0, with a gradient of 0, where nothing counts."""
        return self.total / _or_one(self.counted)

    def shares(self, weights: Tensor | None = None) -> Tensor:
        """What each curve adds to the mean over all that counts, weighted by ``weights`` ``[52]``.

        Their sum is that mean; all are 0, with a gradient of 0, where nothing has weight.
        """
        weighing = 1 if weights is None else weights
        return self.total * weighing / _or_one((self.counted * weighing).sum())

    def mean(self) -> Tensor:
        """A scalar: the mean over all that counts."""
        return self.shares().sum()


def over_ranks(losses: Sequence[LossSums]) -> list[LossSums]:
    """``losses`` of all ranks, which must give as many each: they wait for each other once, however many these are."""
    flat = summed(*(each for sums in losses for each in sums))
    return [LossSums(*flat[at : at + 2]) for at in range(0, len(flat), 2)]


def in_spreads(predicted: Tensor, target: Tensor, spread: Tensor) -> Tensor:
    """The error ``[..., 52]`` in spreads; 0, with a gradient of 0, of curves of spread 0."""
    moving = spread > 0
    error = (predicted - target) / torch.where(moving, spread, torch.ones_like(spread))
    return torch.where(moving, error, torch.zeros_like(error))


def squares(error: Tensor, mask: Tensor, spread: Tensor) -> LossSums:
    """Of ``error`` ``[..., 52]`` over the frames of ``mask`` ``[...]``; what is masked may be anything."""
    counted = torch.where(mask[..., None], error, torch.zeros_like(error)).square()
    return LossSums(total=counted.flatten(0, -2).sum(0), counted=mask.sum() * (spread > 0))


def _or_one(counted: Tensor) -> Tensor:
    return torch.where(counted > 0, counted, torch.ones_like(counted))

"""A loss by curve: one value each of the 52, and which of them mean something, so that any choice can be averaged."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from koekao.training.distributed import summed


class CurveLosses(NamedTuple):
    """``value`` ``[52]``, 0 where nothing counts; ``counted`` ``[52]``, how much each counts, bool or float."""

    value: Tensor
    counted: Tensor

    def shares(self, weights: Tensor | None = None) -> Tensor:
        """``[52]``: what each curve adds to the mean over the curves that count, weighted by ``weights`` ``[52]``.

        Their sum is that mean; all are 0, with a gradient of 0, where nothing has weight.
        """
        weighing = self.counted.to(self.value.dtype) * (1 if weights is None else weights)
        whole = weighing.sum()
        return self.value * weighing / torch.where(whole > 0, whole, torch.ones_like(whole))


def in_spreads(predicted: Tensor, target: Tensor, spread: Tensor) -> Tensor:
    """The error ``[..., 52]`` in spreads; 0, with a gradient of 0, of curves of spread 0."""
    moving = spread > 0
    error = (predicted - target) / torch.where(moving, spread, torch.ones_like(spread))
    return torch.where(moving, error, torch.zeros_like(error))


def mean_squares(error: Tensor, mask: Tensor, spread: Tensor) -> CurveLosses:
    """Mean square of ``error`` ``[..., 52]`` over the frames of ``mask`` ``[...]``; what is masked may be anything."""
    squares = torch.where(mask[..., None], error, torch.zeros_like(error)).square()
    total, n_frames = summed(squares.flatten(0, -2).sum(0), mask.sum())
    return CurveLosses(value=total / n_frames.clamp_min(1), counted=(spread > 0) & (n_frames > 0))

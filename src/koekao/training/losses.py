"""What the models are taught by, in units of each curve's spread.

Curves are sparse and of very different size: plain L1 or squared error is won by a still mouth. Every error here is
divided by the curve's spread (standard deviation over the training takes), so a lip corner counts as much as the jaw;
curves that never move have spread 0 and no weight. Shapes: S streams (or windows), R consecutive frames, 52 curves.
"""

from __future__ import annotations

import torch
from torch import Tensor

LARGEST_VELOCITY_GAP_FRAMES = 4
_STILL = 1e-3  # squared spreads, of all frames together, under which a curve counts as still: r is 0, not 0 / 0


def position_loss(predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error in spreads over the frames where ``mask`` is true and the curves that move.

    Args:
        predicted, target: ``[..., 52]``. spread: ``[52]``. mask: ``[...]`` bool.
    """
    error = (predicted - target)[..., spread > 0] / spread[spread > 0]
    return _mean_square(error, mask)


def velocity_loss(
    predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor, *, reset: Tensor, gap_frames: Tensor
) -> Tensor:
    """Mean squared error of the change a frame, in spreads, between consecutive frames of each stream.

    Args:
        predicted, target: ``[S, R, 52]``. mask, reset: ``[S, R]`` bool. gap_frames: ``[S, R]`` int64; pairs farther
            apart than 4 frames, or across a reset, do not count.
    """
    moving = spread > 0
    gap = gap_frames[:, 1:].clamp_min(1)
    error = ((predicted - target)[..., moving] / spread[moving]).diff(dim=1) / gap[..., None]
    near = (gap_frames[:, 1:] > 0) & (gap_frames[:, 1:] <= LARGEST_VELOCITY_GAP_FRAMES) & ~reset[:, 1:]
    return _mean_square(error, near & mask[:, 1:] & mask[:, :-1])


def correlation_loss(predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor) -> Tensor:
    """1 - r, averaged over the curves that move: 0 where the prediction follows the target in everything but size.

    A squared error is least for a face that hardly moves wherever the sound does not decide the curve; r does not care
    for size, so what little is known is shown. Each window is centred by itself, as each take is in the metric, and the
    moments of all windows are then summed: a window in which a curve rests has little say in its r. 0 if nothing moves.

    Args:
        predicted, target: ``[B, T, 52]``, B windows. spread: ``[52]``. mask: ``[B, T]`` bool.
    """
    moving = spread > 0
    a, b = (_centred(curves[..., moving] / spread[moving], mask) for curves in (predicted, target))
    squares = (a.square().sum((0, 1)) + _STILL) * (b.square().sum((0, 1)) + _STILL)
    r = (a * b).sum((0, 1)) / squares.sqrt()
    return (1 - r).sum() / moving.sum().clamp_min(1)


def _centred(curves: Tensor, mask: Tensor) -> Tensor:
    """``[B, T, n]`` less each window's mean over the frames of ``mask``; 0 elsewhere, whatever stood there."""
    counted = torch.where(mask[..., None], curves, torch.zeros_like(curves))
    mean = counted.sum(1, keepdim=True) / mask.sum(1).clamp_min(1)[:, None, None]
    return (counted - mean) * mask[..., None]


def _mean_square(error: Tensor, mask: Tensor) -> Tensor:
    """Mean square of ``error`` ``[..., n]`` over the frames of ``mask``; 0, with a gradient of 0, if there are none.

    Masked before squaring: after it, what is not finite where nothing counts would still be so in the gradient.
    """
    total = torch.where(mask[..., None], error, torch.zeros_like(error)).square().sum()
    return total / (mask.sum() * error.shape[-1]).clamp_min(1)

"""Squared errors of the curves, of their velocity and of their acceleration, in spreads and frames.

Position alone is learnt as the mean of all faces that could belong to a sound, which hardly moves. Velocity asks for
the movement whatever the offset, acceleration for its onsets and ends, and against trembling: it weighs what is fast by
the fourth power of its frequency. Shapes: S streams, R consecutive frames, 52 curves.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.training.losses.loss_sums import LossSums, in_spreads, squares

LARGEST_VELOCITY_GAP_FRAMES = 4


def position_by_curve(predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor) -> LossSums:
    """Mean squared error in spreads over the frames where ``mask`` is true.

    Args:
        predicted, target: ``[..., 52]``. spread: ``[52]``. mask: ``[...]`` bool.
    """
    return squares(in_spreads(predicted, target, spread), mask, spread)


def velocity_by_curve(
    predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor, *, reset: Tensor, gap_frames: Tensor
) -> LossSums:
    """Mean squared error of the change a frame, in spreads, between consecutive frames of each stream.

    Args:
        predicted, target: ``[S, R, 52]``. mask, reset: ``[S, R]`` bool. gap_frames: ``[S, R]`` int64; pairs farther
            apart than 4 frames, or across a reset, do not count.
    """
    change = in_spreads(predicted, target, spread).diff(dim=1) / gap_frames[:, 1:, None].clamp_min(1)
    near = pairs(mask, reset, gap_frames, largest_gap_frames=LARGEST_VELOCITY_GAP_FRAMES)
    return squares(change, near, spread)


def acceleration_by_curve(
    predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor, *, reset: Tensor, gap_frames: Tensor
) -> LossSums:
    """Mean squared error of the change of velocity, in spreads a frame², over three frames that follow each other.

    Args: as :func:`velocity_by_curve`; but only frames right after each other count, since over a gap the second
        difference tells of the gap.
    """
    change = in_spreads(predicted, target, spread).diff(n=2, dim=1)
    next_to_each_other = pairs(mask, reset, gap_frames, largest_gap_frames=1)
    return squares(change, next_to_each_other[:, 1:] & next_to_each_other[:, :-1], spread)


def pairs(mask: Tensor, reset: Tensor, gap_frames: Tensor, *, largest_gap_frames: int) -> Tensor:
    """``[S, R - 1]`` bool: frames that both count, of one take, at most so far apart."""
    near = (gap_frames[:, 1:] > 0) & (gap_frames[:, 1:] <= largest_gap_frames) & ~reset[:, 1:]
    both: Tensor = torch.logical_and(near, mask[:, 1:] & mask[:, :-1])
    return both

"""State consistency: a frame gets the same face whatever the state came from.

A model with carried state is trained on windows and used on streams: in training its state has often just begun, live
it has heard an hour. This loss holds two answers for the same frames together: ``predicted``, from a state that began
shortly before (or from another window), and ``reference``, from a longer past. The longer past is right: the reference
has no gradient, as a teacher's has none (Tarvainen & Valpola, "Mean teachers are better role models", 2017); with
gradients on both sides the two would meet halfway, in the mean.

It costs a second pass over the frames; a weight of 0 costs nothing.
"""

from __future__ import annotations

from torch import Tensor

from koekao.training.losses.loss_sums import LossSums
from koekao.training.losses.motion import position_by_curve


def consistency_by_curve(predicted: Tensor, reference: Tensor, spread: Tensor, mask: Tensor) -> LossSums:
    """Mean squared difference in spreads of each curve, over the frames where ``mask`` is true.

    Args:
        predicted, reference: ``[..., 52]``. spread: ``[52]``. mask: ``[...]`` bool.
    """
    return position_by_curve(predicted, reference.detach(), spread, mask)

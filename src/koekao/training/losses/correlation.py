"""Correlation: 1 - Pearson's r of each curve over the frames of the windows.

Squared errors are won by moving too little: they are least for a face that hardly moves wherever the sound does not
decide the curve. r does not care how far a curve moves, only that it moves when the truth does, and so pulls a model
out of the still mouth. It says nothing of offset and scale, hence never stands alone.

Each curve of each window has an r of its own, as each take has in the metric, and 1 - r is averaged over all windows
and curves in which the truth moves: what moves often has more to say. Giving a curve that moved in one window of a
hundred the say of the jaw taught less on real takes. A window needs eight frames that count, since few points always
correlate, and must be of one take, since the offset between two would be taken for movement. Where the truth moves by
less than 0.1 spreads (standard deviation) nothing counts, by 0.17 half, by 0.5 nine tenths: below that r is about
noise. A prediction that does not move has r = 0, and a gradient that is finite: 0.02 spreads are added to its standard
deviation (in squares), which above 0.5 spreads costs r less than a thousandth.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.training.losses.loss_sums import LossSums

LEAST_FRAMES = 8
LEAST_TRUE_SPREADS = 0.1
HALF_HEARD_SPREADS = 0.17
FLOOR_SPREADS = 0.02


def correlation_by_curve(predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor, *, reset: Tensor) -> LossSums:
    """1 - r of each curve, in [0, 2].

    Args:
        predicted, target: ``[S, R, 52]``, S windows. spread: ``[52]``. mask, reset: ``[S, R]`` bool.
    """
    usable = (mask.sum(1) >= LEAST_FRAMES) & ~reset[:, 1:].any(1)
    mask = mask & usable[:, None]
    n_frames = mask.sum(1).clamp_min(1)[:, None]
    a, b = (_centred(curves, spread, mask) for curves in (predicted, target))
    covariance, a_variance, b_variance = ((x * y).sum(1) / n_frames for x, y in ((a, b), (a, a), (b, b)))
    moves = b_variance >= LEAST_TRUE_SPREADS**2
    says = torch.where(moves, b_variance / (b_variance + HALF_HEARD_SPREADS**2), torch.zeros_like(b_variance))
    scale = (a_variance + FLOOR_SPREADS**2).sqrt() * b_variance.clamp_min(LEAST_TRUE_SPREADS**2).sqrt()
    return LossSums(total=(says * (1 - covariance / scale)).sum(0), counted=says.sum(0))


def _centred(curves: Tensor, spread: Tensor, mask: Tensor) -> Tensor:
    """``[S, R, 52]`` in spreads about the mean of each window's counted frames; 0 where nothing counts or moves."""
    counts = mask[..., None] & (spread > 0)
    zero = torch.zeros_like(curves)
    values = torch.where(counts, curves / torch.where(spread > 0, spread, torch.ones_like(spread)), zero)
    mean = values.sum(1, keepdim=True) / mask.sum(1)[:, None, None].clamp_min(1)
    return torch.where(counts, values - mean, zero)

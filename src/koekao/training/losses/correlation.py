"""Correlation: 1 - Pearson's r of each curve over the frames of the windows.

Squared errors are won by moving too little: they are least for a face that hardly moves wherever the sound does not
decide the curve. r does not care how far a curve moves, only that it moves when the truth does, and so pulls a model
out of the still mouth. It says nothing of offset and scale, hence never stands alone.

Each window is centred by itself, as each take is in the metric, and the moments of all windows are then summed: a
window in which a curve rests has little say in its r. A window needs eight frames that count, since few points always
correlate, and must be of one take, since the offset between two would be taken for movement. A curve counts if the
truth moves by at least 0.1 spreads (standard deviation): below that r is about noise. A prediction that does not move
has r = 0, and a gradient that is finite: 0.01 spreads are added to its standard deviation (in squares), which above
0.25 spreads costs r less than a thousandth.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.training.distributed import summed
from koekao.training.losses.curve_losses import CurveLosses

LEAST_FRAMES = 8
LEAST_TRUE_SPREADS = 0.1
FLOOR_SPREADS = 0.01


def correlation_by_curve(
    predicted: Tensor, target: Tensor, spread: Tensor, mask: Tensor, *, reset: Tensor
) -> CurveLosses:
    """1 - r of each curve, in [0, 2].

    Args:
        predicted, target: ``[S, R, 52]``, S windows. spread: ``[52]``. mask, reset: ``[S, R]`` bool.
    """
    usable = (mask.sum(1) >= LEAST_FRAMES) & ~reset[:, 1:].any(1)
    mask = mask & usable[:, None]
    a, b = (_centred(curves, spread, mask) for curves in (predicted, target))
    products = ((x * y).sum((0, 1)) for x, y in ((a, b), (a, a), (b, b)))
    n_frames, *moments = summed(mask.sum(), *products)
    covariance, a_variance, b_variance = (moment / n_frames.clamp_min(1) for moment in moments)
    counted = b_variance >= LEAST_TRUE_SPREADS**2
    scale = (a_variance + FLOOR_SPREADS**2).sqrt() * b_variance.clamp_min(LEAST_TRUE_SPREADS**2).sqrt()
    return CurveLosses(value=torch.where(counted, 1 - covariance / scale, torch.zeros_like(scale)), counted=counted)


def _centred(curves: Tensor, spread: Tensor, mask: Tensor) -> Tensor:
    """``[S, R, 52]`` in spreads about the mean of each window's counted frames; 0 where nothing counts or moves."""
    counts = mask[..., None] & (spread > 0)
    zero = torch.zeros_like(curves)
    values = torch.where(counts, curves / torch.where(spread > 0, spread, torch.ones_like(spread)), zero)
    mean = values.sum(1, keepdim=True) / mask.sum(1)[:, None, None].clamp_min(1)
    return torch.where(counts, values - mean, zero)

"""Closure: where the truth's lips meet, the prediction's must.

A /p/ lasts a tenth of a second and is a small part of every squared error, yet an open mouth in it is the first thing
that viewers see. Closed lips are no matter of single curves (:mod:`koekao.lips`): the jaw may be open beneath
lips that are pressed. So what is taught is the opening, and only downwards: where the truth is closed, an opening above
:data:`koekao.lips.CLOSED_BELOW` costs its square; how firmly lips are pressed, and everything where the truth
is open, is left to the other losses.

What it gives up: it would gladly have a mouth that is always shut, so it is a small weight beside ``position``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from koekao.lips import CLOSED_BELOW, lip_opening
from koekao.training.losses.loss_sums import LossSums

OPENING_UNIT = 0.1
"""An opening of so much above closed costs 1, near what a jaw costs that is off by its spread (0.12-0.15 in speech)."""


def closure_loss(predicted: Tensor, target: Tensor, mask: Tensor) -> LossSums:
    """Squares of the opening above closed, in :data:`OPENING_UNIT`, over the frames whose true lips are closed.

    Args:
        predicted, target: ``[..., 52]`` in curve units. mask: ``[...]`` bool.

    Returns:
        Scalars; 0, with a gradient of 0, where no counted frame is closed.
    """
    must_close = mask & (lip_opening(_counted(target, mask)) <= CLOSED_BELOW)
    excess = (lip_opening(_counted(predicted, must_close)) - CLOSED_BELOW).clamp_min(0) / OPENING_UNIT
    return LossSums(total=excess.square().sum(), counted=must_close.sum())


def _counted(curves: Tensor, mask: Tensor) -> Tensor:
    """A neutral face, which is closed, where ``mask`` is false."""
    return torch.where(mask[..., None], curves, torch.zeros_like(curves))

"""All losses of a passage, weighed: the number that is minimised, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from koekao.arkit import INDEX, REGIONS
from koekao.errors import ConfigError
from koekao.training.loss_weights import LossConfig
from koekao.training.losses.closure import closure_loss
from koekao.training.losses.consistency import consistency_by_curve
from koekao.training.losses.correlation import correlation_by_curve
from koekao.training.losses.curve_losses import CurveLosses
from koekao.training.losses.motion import acceleration_by_curve, position_by_curve, velocity_by_curve
from koekao.training.losses.passage import Passage


@dataclass(frozen=True, kw_only=True, eq=False)
class LossParts:
    """Scalars, weighted.

    Attributes:
        total: what is minimised.
        terms: loss -> its part; they add up to ``total``. Losses of weight 0 are not computed and not here.
        regions: region -> its curves' part of all losses by curve, without gradient; with ``closure`` they add up too.
    """

    total: Tensor
    terms: dict[str, Tensor]
    regions: dict[str, Tensor]


def total_loss(
    config: LossConfig, passage: Passage, *, epoch: int = 0, n_epochs: int = 1, stride_frames: int = 1
) -> LossParts:
    """Judge a passage by the weights of this epoch and stride; 0, with a gradient of 0, where no loss has any.

    Raises:
        ConfigError: ``consistency`` has weight and the passage no reference.
    """
    weights = config.weights_at(epoch=epoch, n_epochs=n_epochs, stride_frames=stride_frames)
    curve_weights = passage.spread.new_tensor(config.curve_weights())
    terms: dict[str, Tensor] = {}
    by_curve = passage.spread.new_zeros(len(curve_weights))
    for name, weight in weights.items():
        if name == "closure":
            terms[name] = weight * closure_loss(passage.predicted, passage.target, passage.mask)
            continue
        shares = weight * BY_CURVE[name](passage).shares(curve_weights)
        terms[name] = shares.sum()
        by_curve = by_curve + shares.detach()
    total = torch.stack(list(terms.values()) or [_nothing(passage)]).sum()
    regions = {region: by_curve[[INDEX[name] for name in names]].sum() for region, names in REGIONS.items()}
    return LossParts(total=total, terms=terms, regions=regions)


def _nothing(p: Passage) -> Tensor:
    """0 of the prediction, whatever stands in it, so that it can be differentiated like any loss."""
    return torch.where(torch.zeros_like(p.mask)[..., None], p.predicted, torch.zeros_like(p.predicted)).sum()


def _position(p: Passage) -> CurveLosses:
    return position_by_curve(p.predicted, p.target, p.spread, p.mask)


def _velocity(p: Passage) -> CurveLosses:
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    return velocity_by_curve(p.predicted, p.target, p.spread, p.mask, **times)


def _acceleration(p: Passage) -> CurveLosses:
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    return acceleration_by_curve(p.predicted, p.target, p.spread, p.mask, **times)


def _correlation(p: Passage) -> CurveLosses:
    return correlation_by_curve(p.predicted, p.target, p.spread, p.mask, reset=p.resets)


def _consistency(p: Passage) -> CurveLosses:
    if p.reference is None:
        raise ConfigError(
            "consistency has a weight, and there is no second prediction to be consistent with",
            expected="a passage with a reference",
            do="set the weight of consistency to 0, or train a model that predicts from two pasts",
        )
    return consistency_by_curve(p.predicted, p.reference, p.spread, p.mask)


BY_CURVE: Mapping[str, Callable[[Passage], CurveLosses]] = {
    "position": _position,
    "velocity": _velocity,
    "acceleration": _acceleration,
    "correlation": _correlation,
    "consistency": _consistency,
}
"""Loss -> how each curve fares in it; ``closure`` is of all curves together."""

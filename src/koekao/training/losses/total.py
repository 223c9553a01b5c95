"""All losses of a passage, weighed as an epoch wants it: the number that is minimised, and what it is made of."""

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
from koekao.training.losses.loss_sums import LossSums, over_ranks
from koekao.training.losses.motion import acceleration_by_curve, position_by_curve, velocity_by_curve
from koekao.training.losses.passage import Passage


@dataclass(frozen=True, kw_only=True, eq=False)
class LossParts:
    """Scalars, weighted.

    Attributes:
        terms: loss -> its part. Losses of weight 0 are not computed and not here; where none has any, ``position`` is
            here and 0, with a gradient of 0.
        by_curve: ``[52]``, each curve's part of all losses but ``closure``, without gradient.
    """

    terms: dict[str, Tensor]
    by_curve: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised: the sum of the terms."""
        return torch.stack(list(self.terms.values())).sum()

    def regions(self) -> dict[str, Tensor]:
        """Region -> the part of its curves; they add up to the total without ``closure``."""
        return {region: self.by_curve[[INDEX[name] for name in names]].sum() for region, names in REGIONS.items()}


class Judge:
    """Judges passages by the weights of an epoch; epoch 0 until :meth:`begin`.

    Args:
        n_epochs: those of the run, over which ``by_epoch`` is spread.
        stride_at: epoch -> frames between its windows, for ``by_stride``.
    """

    def __init__(
        self, config: LossConfig, *, n_epochs: int = 1, stride_at: Callable[[int], int] = lambda epoch: 1
    ) -> None:
        self._config, self._n_epochs, self._stride_at = config, n_epochs, stride_at
        self._curve_weights = config.curve_weights()
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Take the weights of ``epoch`` (0 is the first)."""
        stride = self._stride_at(epoch)
        self._weights = self._config.weights_at(epoch=epoch, n_epochs=self._n_epochs, stride_frames=stride)

    def weighs(self, term: str) -> bool:
        """Whether a loss has weight now; what is only needed for it need not be computed where it has none."""
        return term in self._weights

    def parts(self, passage: Passage) -> LossParts:
        """The losses of a passage.

        Raises:
            ConfigError: ``consistency`` has weight and the passage no reference.
        """
        curve_weights = passage.spread.new_tensor(self._curve_weights)
        terms: dict[str, Tensor] = {}
        by_curve = torch.zeros_like(curve_weights)
        losses = over_ranks([LOSSES[name](passage) for name in self._weights])
        for (name, weight), sums in zip(self._weights.items(), losses, strict=True):
            if not sums.total.dim():  # of all curves together
                terms[name] = weight * sums.mean()
                continue
            shares = sums.shares(curve_weights)
            terms[name] = weight * shares.sum()
            by_curve = by_curve + weight * shares.detach()
        return LossParts(terms=terms or {"position": _nothing(passage)}, by_curve=by_curve)


def _nothing(p: Passage) -> Tensor:
    """0 of the prediction, whatever stands in it, so that it can be differentiated like any loss."""
    return torch.where(torch.zeros_like(p.mask)[..., None], p.predicted, torch.zeros_like(p.predicted)).sum()


def _position(p: Passage) -> LossSums:
    return position_by_curve(p.predicted, p.target, p.spread, p.mask)


def _velocity(p: Passage) -> LossSums:
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    return velocity_by_curve(p.predicted, p.target, p.spread, p.mask, **times)


def _acceleration(p: Passage) -> LossSums:
    times = {"reset": p.resets, "gap_frames": p.gaps_frames}
    return acceleration_by_curve(p.predicted, p.target, p.spread, p.mask, **times)


def _closure(p: Passage) -> LossSums:
    return closure_loss(p.predicted, p.target, p.mask)


def _correlation(p: Passage) -> LossSums:
    return correlation_by_curve(p.predicted, p.target, p.spread, p.mask, reset=p.resets)


def _consistency(p: Passage) -> LossSums:
    if p.reference is None:
        raise ConfigError(
            "consistency has a weight, and there is no second prediction to be consistent with",
            expected="a passage with a reference",
            do="set its weight to 0, or train with the sequential trainer, which predicts from two pasts",
        )
    return consistency_by_curve(p.predicted if p.afresh is None else p.afresh, p.reference, p.spread, p.mask)


LOSSES: Mapping[str, Callable[[Passage], LossSums]] = {
    "position": _position,
    "velocity": _velocity,
    "acceleration": _acceleration,
    "closure": _closure,
    "correlation": _correlation,
    "consistency": _consistency,
}
"""Loss -> how a passage fares in it, curve by curve; ``closure`` is of all curves together."""

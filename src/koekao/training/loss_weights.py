"""How much each loss, region and curve counts, and how that changes over a run. Settings only, no torch.

The weight of a loss is its weight by name, times a factor by epoch, times a factor by stride: what windows teach
changes with how far apart they start (velocity is about frames that follow each other), and some losses only help a
model that has learnt the rest. Both factors are given as points, straight between them and held outside, so that a YAML
file can say them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from koekao.arkit import NAMES, REGIONS
from koekao.errors import ConfigError

DEFAULT_TERMS: Final[Mapping[str, float]] = {
    "position": 1.0,
    "velocity": 0.1,
    "acceleration": 0.0,
    "closure": 0.0,
    "correlation": 0.0,
    "consistency": 0.0,
}
LOSSES_OF_TRAINER: Final[Mapping[str, tuple[str, ...]]] = {
    "sequential": ("position", "velocity", "acceleration", "closure", "consistency"),
    "clips": ("position", "closure"),
    "stream": ("position", "velocity", "acceleration", "closure", "correlation"),
}
"""What each trainer's batches can be judged by: clips teach one frame each, and ``consistency`` wants state that goes
over from batch to batch, which the sequential trainer alone has."""
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights of the losses; all are numbers of 0 or more.

    Attributes:
        terms: loss -> weight. Losses that are not named keep their default: position 1, velocity 0.1, the others 0.
        regions: region of :data:`koekao.arkit.REGIONS` -> weight of its curves; 1 if not named.
        curves: curve -> weight, instead of its region's.
        by_epoch: loss -> points (share of the run's epochs in [0, 1], factor).
        by_stride: loss -> points (frames between windows, factor).

    Weights of regions and curves are relative: they decide whose error counts, and not how much all of it does. They do
    not touch ``closure``, which is about lips and not about curves.
    """

    terms: dict[str, float] = field(default_factory=dict)
    regions: dict[str, float] = field(default_factory=dict)
    curves: dict[str, float] = field(default_factory=dict)
    by_epoch: dict[str, Points] = field(default_factory=dict)
    by_stride: dict[str, Points] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for setting, known in (("terms", DEFAULT_TERMS), ("regions", REGIONS), ("curves", NAMES)):
            weights = getattr(self, setting)
            _check_names(setting, weights, known)
            for name, weight in weights.items():
                _check_weight(f"{setting} {name}", weight)
        for setting in ("by_epoch", "by_stride"):
            _check_names(setting, getattr(self, setting), DEFAULT_TERMS)
            points = {name: _points(f"{setting} {name}", given) for name, given in getattr(self, setting).items()}
            object.__setattr__(self, setting, points)
        if any(not 0 <= share <= 1 for points in self.by_epoch.values() for share, _ in points):
            raise ConfigError(f"by_epoch {self.by_epoch}", expected="shares of the epochs in [0, 1]")
        object.__setattr__(self, "terms", {**DEFAULT_TERMS, **self.terms})
        if not any(self.terms.values()):
            raise ConfigError("every loss has weight 0", expected="something to learn from", do="give one a weight")
        if not any(self.curve_weights()):
            raise ConfigError("every curve has weight 0", expected="something to learn", do="give one a weight")

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values, those that were not named too; ``LossConfig(**values)`` is the same again."""
        return asdict(self)

    def curve_weights(self) -> list[float]:
        """The weight of each of the 52 curves, in canonical order."""
        by_region = {name: self.regions.get(region, 1.0) for region, names in REGIONS.items() for name in names}
        return [float(self.curves.get(name, by_region[name])) for name in NAMES]

    def weights_at(self, *, epoch: int, n_epochs: int, stride_frames: int) -> dict[str, float]:
        """The weights of those losses that count in an epoch (0 is the first, n_epochs - 1 the last)."""
        share = min(1.0, epoch / max(1, n_epochs - 1))
        weights = {
            name: weight * _at(self.by_epoch.get(name), share) * _at(self.by_stride.get(name), stride_frames)
            for name, weight in self.terms.items()
        }
        return {name: weight for name, weight in weights.items() if weight}


def _at(points: Points | None, x: float) -> float:
    if points is None:
        return 1.0
    return float(np.interp(x, [at for at, _ in points], [factor for _, factor in points]))


def _points(what: str, given: Iterable[Iterable[float]]) -> Points:
    try:
        points = tuple((float(at), float(factor)) for at, factor in given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what} {given!r}", expected="points, as [[0, 0.0], [0.5, 1.0]]") from error
    at = [at for at, _ in points]
    if not points or at != sorted(set(at)) or not all(map(math.isfinite, at)):
        raise ConfigError(f"{what} {given!r}", expected="one point or more, rising")
    for _, factor in points:
        _check_weight(what, factor)
    return points


def _check_names(setting: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise ConfigError(f"{setting} names {', '.join(map(repr, unknown))}", expected="names of " + ", ".join(known))


def _check_weight(what: str, weight: float) -> None:
    if not (isinstance(weight, (int, float)) and 0 <= weight < math.inf):
        raise ConfigError(f"{what} {weight!r}", expected="a number of 0 or more")

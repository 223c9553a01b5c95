"""All metrics of a set of takes in one object, from sums by curve, so that any choice of curves can be averaged.

Ratios and lags of several curves are those of their sums and not means of single ones: a curve that hardly moves in the
truth would decide such a mean. What each metric is stands in :mod:`koekao.training.metrics` and beside its code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, MOVING_RANGE, N_CURVES, NAMES, REGIONS
from koekao.errors import ConfigError
from koekao.training.metrics.closure import Closures, count_closures
from koekao.training.metrics.diversity import squares_apart
from koekao.training.metrics.jitter import fast_energy
from koekao.training.metrics.lag import Rises, rises_of
from koekao.training.metrics.tracked import Array, Tracked, tracked
from koekao.training.metrics.upper_face import UPPER_FACE, dynamics_deviation

MEANS = ("r", "mae", "rmse")
SUMS = {
    "velocity_ratio": ("moved", "truly_moved"),
    "jitter_ratio": ("jittered", "truly_jittered"),
    "diversity": ("apart", "truly_apart"),
}
"""Ratios and the sums that they are of; diversity is the root of its ratio."""
AVERAGED = (*MEANS, "velocity_ratio", "jitter_ratio", "onset_lag_ms", "upper_face_deviation", "diversity")
BY_CURVE = tuple(metric for metric in AVERAGED if metric not in ("mae", "rmse"))


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Arrays are ``[52]`` float64; ``r`` is NaN for curves that do not move.

    Attributes:
        r, mae, rmse: as they are called.
        moved, truly_moved: sums of absolute changes of the prediction and of the truth, in curve units.
        jittered, truly_jittered: sums of energy above 8 Hz.
        apart, truly_apart: sums of squared distances between takes.
        deviation: |standard deviation predicted - true| over a take.
        rises: from which the onset lag follows.
        closures: counted over all takes.
        moving: ``[52]`` bool, which curves move.
        n_frames: tracked frames.
        fps: frames a second.
    """

    r: Array
    mae: Array
    rmse: Array
    moved: Array
    truly_moved: Array
    jittered: Array
    truly_jittered: Array
    apart: Array
    truly_apart: Array
    deviation: Array
    rises: Rises
    closures: Closures
    moving: NDArray[np.bool_]
    n_frames: int
    fps: Fraction

    def average(self, metric: str, curves: Iterable[str] = NAMES) -> float | None:
        """A metric of :data:`AVERAGED` over those of ``curves`` that move, or None where it is not defined.

        None of them moves; or, of a ratio, its lower sum is 0 (a curve may move from take to take alone, or over
        untracked frames, and one take is not diverse); or what its own module says.
        """
        chosen = [INDEX[name] for name in curves if self.moving[INDEX[name]]]
        if metric == "upper_face_deviation":
            chosen = [i for i in chosen if NAMES[i] in UPPER_FACE]
            return float(self.deviation[chosen].mean()) if chosen else None
        if not chosen:
            return None
        if metric == "onset_lag_ms":
            return self.rises.lag_ms(chosen, self.fps)
        if metric not in SUMS:
            return float(getattr(self, metric)[chosen].mean())
        predicted, truth = (float(getattr(self, name)[chosen].sum()) for name in SUMS[metric])
        if not truth:
            return None
        return math.sqrt(predicted / truth) if metric == "diversity" else predicted / truth

    def as_dict(self) -> dict[str, Any]:
        """JSON values: the averages, ``by_region`` and ``by_curve`` (null where a metric is not defined).

        The lips meet with the whole face: ``lip_closure_f1`` and ``lip_closures`` (the counts) stand at the top alone.
        """
        return {
            **{metric: self.average(metric) for metric in AVERAGED},
            "lip_closure_f1": self.closures.f1,
            "lip_closures": self.closures.as_dict(),
            "by_region": {
                region: {metric: self.average(metric, names) for metric in AVERAGED}
                for region, names in REGIONS.items()
            },
            "by_curve": {
                name: {metric: self.average(metric, [name]) for metric in BY_CURVE}
                | {"mae": float(self.mae[i]), "rmse": float(self.rmse[i])}
                for i, name in enumerate(NAMES)
            },
        }


def score(
    pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]], *, fps: Fraction
) -> Scores:
    """Score (predicted ``[F, 52]``, true ``[F, 52]``, valid ``[F]`` bool) of each take, of ``fps`` frames a second all.

    Raises:
        ConfigError: no tracked frame to score, or lengths that differ.
    """
    takes = [take for take in (tracked(*pair) for pair in pairs) if len(take)]
    if not takes:
        raise ConfigError("no tracked frame to score", expected="at least one take with curves")
    low = np.min([take.truth.min(0) for take in takes], axis=0)
    high = np.max([take.truth.max(0) for take in takes], axis=0)
    error = np.concatenate([take.predicted - take.truth for take in takes])
    n_frames = np.array([len(take) for take in takes])
    apart, truly_apart = squares_apart(takes)
    jittered, truly_jittered = np.sum([fast_energy(take, fps) for take in takes], axis=0)
    moving = high - low > MOVING_RANGE
    return Scores(
        r=_mean_r(takes, moving),
        mae=np.abs(error).mean(0),
        rmse=np.sqrt(np.square(error).mean(0)),
        moved=np.sum([_moved(take.predicted, take) for take in takes], axis=0),
        truly_moved=np.sum([_moved(take.truth, take) for take in takes], axis=0),
        jittered=jittered,
        truly_jittered=truly_jittered,
        apart=apart,
        truly_apart=truly_apart,
        deviation=n_frames @ np.array([dynamics_deviation(take) for take in takes]) / n_frames.sum(),
        rises=reduce(add, (rises_of(take, fps) for take in takes)),
        closures=reduce(add, (count_closures(take, fps) for take in takes)),
        moving=moving,
        n_frames=int(n_frames.sum()),
        fps=fps,
    )


def _mean_r(takes: Iterable[Tracked], moving: NDArray[np.bool_]) -> Array:
    """Mean over takes, weighted by their frames; 0 of a curve that moves from take to take alone, NaN of still ones."""
    r_sum, n_frames = np.zeros(N_CURVES), np.zeros(N_CURVES)
    for take in takes:
        moves = np.ptp(take.truth, axis=0) > MOVING_RANGE
        r_sum += np.where(moves, pearson(take.predicted, take.truth), 0) * len(take)
        n_frames += moves * len(take)
    still = np.where(moving, 0.0, np.nan)
    return np.divide(r_sum, n_frames, out=still, where=n_frames > 0)


def _moved(curves: Array, take: Tracked) -> Array:
    moved: Array = (np.abs(np.diff(curves, axis=0)) * take.joined[:, None]).sum(0)
    return moved


def pearson(a: Array, b: Array) -> Array:
    """Correlation of each column of two ``[F, n]`` arrays; 0 where a column does not change."""
    a, b = a - a.mean(0), b - b.mean(0)
    product, scale = (a * b).sum(0), np.sqrt(np.square(a).sum(0) * np.square(b).sum(0))
    result: Array = np.divide(product, scale, out=np.zeros(a.shape[1]), where=scale > 1e-12)
    return result

"""How good predicted curves are, over whole takes. METRICS_VERSION changes whenever a definition does.

All are computed on the frames whose face was tracked, and averaged over the curves that *move* in the takes, that is,
whose true values span more than 0.05 (:data:`koekao.arkit.MOVING_RANGE`) over all of them; still curves are reported by
themselves but averaged into nothing.

- ``mae``, ``rmse``: mean absolute and root mean squared error of a curve over all frames of all takes, in curve units.
- ``r``: Pearson correlation of a curve over a take, averaged over the takes in which it moves, weighted by their
  frames. A prediction that does not change has r = 0. Correlating within takes keeps offsets between takes out.
- ``velocity_ratio``: sum of the absolute changes from frame to frame, predicted / true; 1 is as lively as the truth, 0
  is a still face. Of several curves it is the ratio of their sums, so that a curve which hardly moves in the truth does
  not decide it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, MOVING_RANGE, N_CURVES, NAMES, REGIONS
from koekao.errors import ConfigError

METRICS_VERSION = 1
Array = NDArray[np.float64]
AVERAGED = ("r", "mae", "rmse", "velocity_ratio")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Each ``[52]`` float64; ``r`` is NaN for curves that do not move.

    ``moved`` and ``truly_moved`` are the sums of absolute changes of the prediction and of the truth, ``moving [52]``
    bool says which curves move.
    """

    r: Array
    mae: Array
    rmse: Array
    moved: Array
    truly_moved: Array
    moving: NDArray[np.bool_]
    n_frames: int

    def average(self, metric: str, curves: Iterable[str] = NAMES) -> float | None:
        """Mean of a metric over those of ``curves`` that move, or None if none does.

        Of velocity_ratio it is the ratio of the sums, or None if no value changes from one frame to the next (a curve
        may move from take to take alone, or over untracked frames).
        """
        chosen = [INDEX[name] for name in curves if self.moving[INDEX[name]]]
        if not chosen:
            return None
        if metric == "velocity_ratio":
            truly_moved = float(self.truly_moved[chosen].sum())
            return float(self.moved[chosen].sum()) / truly_moved if truly_moved else None
        return float(getattr(self, metric)[chosen].mean())

    def as_dict(self) -> dict[str, Any]:
        """JSON values: the averages, ``by_region`` and ``by_curve`` (r and velocity_ratio null where still)."""
        return {
            **{metric: self.average(metric) for metric in AVERAGED},
            "by_region": {
                region: {metric: self.average(metric, names) for metric in AVERAGED}
                for region, names in REGIONS.items()
            },
            "by_curve": {
                name: {metric: self.average(metric, [name]) for metric in ("r", "velocity_ratio")}
                | {"mae": float(self.mae[i]), "rmse": float(self.rmse[i])}
                for i, name in enumerate(NAMES)
            },
        }


def score(pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]]) -> Scores:
    """Score (predicted ``[F, 52]``, true ``[F, 52]``, valid ``[F]`` bool) of each take.

    Raises:
        ConfigError: no tracked frame to score, or lengths that differ.
    """
    takes = [_checked(*pair) for pair in pairs]
    n_frames = sum(len(truth) for _, truth, _ in takes)
    if not n_frames:
        raise ConfigError("no tracked frame to score", expected="at least one take with curves")
    low = np.min([truth.min(0) for _, truth, _ in takes if len(truth)], axis=0)
    high = np.max([truth.max(0) for _, truth, _ in takes if len(truth)], axis=0)
    moving = high - low > MOVING_RANGE
    error = np.concatenate([predicted - truth for predicted, truth, _ in takes])
    r_sum, r_frames, moved, truly_moved = (np.zeros(N_CURVES) for _ in range(4))
    for predicted, truth, joined in takes:
        if len(truth) < 2:
            continue
        here = np.ptp(truth, axis=0) > MOVING_RANGE
        r_sum += np.where(here, pearson(predicted, truth), 0) * len(truth)
        r_frames += here * len(truth)
        moved += (np.abs(np.diff(predicted, axis=0)) * joined).sum(0)
        truly_moved += (np.abs(np.diff(truth, axis=0)) * joined).sum(0)
    still = np.where(moving, 0.0, np.nan)
    return Scores(
        r=np.divide(r_sum, r_frames, out=still, where=r_frames > 0),
        mae=np.abs(error).mean(0),
        rmse=np.sqrt(np.square(error).mean(0)),
        moved=moved,
        truly_moved=truly_moved,
        moving=moving,
        n_frames=n_frames,
    )


def pearson(a: Array, b: Array) -> Array:
    """Correlation of each column of two ``[F, n]`` arrays; 0 where a column does not change."""
    a, b = a - a.mean(0), b - b.mean(0)
    product, scale = (a * b).sum(0), np.sqrt(np.square(a).sum(0) * np.square(b).sum(0))
    result: Array = np.divide(product, scale, out=np.zeros(a.shape[1]), where=scale > 1e-12)
    return result


def _checked(
    predicted: NDArray[np.float32], truth: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """The tracked frames as float64, and ``[F-1, 1]`` which of them follow each other without a gap."""
    if predicted.shape != truth.shape or len(valid) != len(truth):
        raise ConfigError(f"curves {predicted.shape} against {truth.shape}", expected="one shape")
    joined = np.diff(np.flatnonzero(valid)) == 1
    return predicted[valid].astype(np.float64), truth[valid].astype(np.float64), joined[:, None]

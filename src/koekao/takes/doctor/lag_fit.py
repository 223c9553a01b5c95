"""Offset and drift to the millisecond, from a rough place, with their standard errors.

The curves are read as a gain and a rest for each curve of the mouth that the sound makes likely: at every row,
``seen = gain * heard(offset + (1 + drift) * time) + rest``. The right pair is the one whose rests have nothing left in
common with the slopes of what is seen. Seen, not heard: what is heard is the noisier of the two, and its noise lies in
its slopes as well as in the rests, so that slopes of the heard would pretend a precision that is not there (the slopes
of the seen are the instrument of an instrumental variables regression). The rests are weighed by their covariance over
the curves, so that curves which the sound tells well count most and two that err together count as one. Rests last
longer than a row; each row is therefore taken less a share of the row before (Cochrane & Orcutt, JASA 44, 1949), which
stresses quick movements, the ones that tell the time. Rows that fit far worse than the others weigh less (Student's t
with eight degrees of freedom).

A gain for each curve, not a mixture of curves: a mixture could imitate a delay, and then there would be no zero.

The errors come from the disagreement of blocks of some seconds (the sandwich of Huber, 1967, with blocks for
observations), so they hold whatever the rests are like. What it gives up: a pair more than about 80 ms from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from koekao.takes.doctor.hearing import RATE_HZ

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_ROUNDS: Final = 20
_SETTLED_S: Final = 2e-5
_LARGEST_STEP_S: Final = 0.03
_STEADY_STEPS: Final = 1.5
_SMOOTHING_S: Final = 0.020
_FREEDOM: Final = 8.0
_RIDGE: Final = 0.1
_BLOCK_S: Final = 3.0
_FEWEST_BLOCKS: Final = 4
_INFLATION: Final = 1.5
"""Measured on synthetic takes: what blocks disagree by is less than what takes do."""
_MOST_ROWS: Final = 24_000
_STRETCH_S: Final = 20.0
_MARGIN_S: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The pair: the sound of what is seen at time t is heard at ``offset_s + (1 + drift) * t``.

    Attributes:
        offset_s, drift: at time 0, and seconds a second.
        offset_error_s, drift_error: their standard errors; the drift's is 0 where no drift was fitted.
        settled: whether the last round still moved it by no more than 0.02 ms.
    """

    offset_s: float
    drift: float
    offset_error_s: float
    drift_error: float
    settled: bool


def fit(
    heard: Floats, time_s: Doubles, seen: Floats, *, offset_s: float, drift: float, with_drift: bool = True
) -> Fitted:
    """Refine a pair.

    Args:
        heard: ``[m, c]``, the likely mouth at moments k / 100 s of the sound.
        time_s: ``[n]`` increasing, seconds.
        seen: ``[n, c]``, the mouth of the curves at ``time_s``; every curve moves.
        offset_s, drift: where to begin, within about 80 ms.
        with_drift: whether to fit the drift, too, or leave it.
    """
    chosen = _heard_rows(time_s, len(heard) / RATE_HZ, offset_s, drift)
    time_s, seen = time_s[chosen], seen[chosen]
    heard = _smooth(heard)
    rows = _Rows.of(time_s, seen / (seen.std(axis=0) + np.float32(1e-6)))
    middle_s = float(time_s.mean())
    # The offset in the middle hardly depends on the drift; the one at time 0 does.
    at_middle_s, share = offset_s + drift * middle_s, 0.5
    settled = False
    for _ in range(_ROUNDS):
        moments = at_middle_s + middle_s + (1 + drift) * (time_s - middle_s)
        step, share, information, scores = _step(heard, moments, rows, time_s - middle_s, share, with_drift)
        at_middle_s += step[0]
        drift += step[1]
        settled = abs(step[0]) + abs(step[1]) * float(np.ptp(time_s)) / 2 < _SETTLED_S
        if settled:
            break
    errors = _errors(information, scores, rows.time_s, middle_s, with_drift)
    return Fitted(
        offset_s=float(at_middle_s - drift * middle_s),
        drift=float(drift),
        offset_error_s=errors[0],
        drift_error=errors[1],
        settled=bool(settled),
    )


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Pairs of rows that follow each other: position and time of the second ``[p]``, and of all rows the values and
    their slopes a second ``[n, c]``."""

    after: NDArray[np.int64]
    time_s: Doubles
    values: Doubles
    slopes: Doubles

    @classmethod
    def of(cls, time_s: Doubles, values: Floats) -> _Rows:
        steps = np.diff(time_s)
        after = np.flatnonzero(steps <= _STEADY_STEPS * np.median(steps)) + 1
        slopes = np.gradient(values.astype(np.float64), time_s, axis=0)
        return cls(after=after, time_s=time_s[after], values=values.astype(np.float64), slopes=slopes)

    def less(self, track: Doubles, share: float) -> Doubles:
        """Each second row of a pair less ``share`` of the first."""
        return track[self.after] - share * track[self.after - 1]


def _step(
    heard: Floats, moments_s: Doubles, rows: _Rows, from_middle_s: Doubles, share: float, with_drift: bool
) -> tuple[Doubles, float, Doubles, Doubles]:
    """One round of Newton's method, with the instruments' information for the slope of the gradient.

    Returns:
        what to add to the offset in the middle and to the drift, the rests' share that lasts from row to row, the
        information ``[2, 2]``, and every pair of rows' part of the gradient ``[p, 2]``.
    """
    level, slope = read_at(heard, moments_s)
    gain, rest = _gains(rows.less(level, share), rows.less(rows.values, share))
    raw = rows.values - level * gain
    raw -= raw.mean(axis=0)
    lasts = float((raw[rows.after] * raw[rows.after - 1]).sum() / (raw[rows.after - 1] ** 2).sum())
    covariance = np.cov(rest.T).reshape(rest.shape[1], -1)
    covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    precision = np.linalg.inv(covariance)
    distance = np.einsum("pc,cd,pd->p", rest, precision, rest)
    n_curves = rest.shape[1]
    weight = (_FREEDOM + n_curves) / (_FREEDOM + distance)

    sides, tools = (
        np.stack([rows.less(track, share), rows.less(track * from_middle_s[:, None], share)])
        for track in (slope * gain, rows.slopes)
    )
    if not with_drift:
        sides[1] = tools[1] = 0.0
    weighed = tools @ precision * weight[:, None]
    scores = np.einsum("apc,pc->pa", weighed, rest)
    information = np.einsum("apc,bpc->ab", weighed, sides)
    if not with_drift:
        information[1, 1] = 1.0
    step = np.linalg.solve(information, scores.sum(axis=0))
    longest = abs(step[0]) + abs(step[1]) * float(np.abs(from_middle_s).max())
    return step * min(1.0, _LARGEST_STEP_S / max(longest, 1e-12)), min(max(lasts, 0.0), 0.95), information, scores


def _gains(heard: Doubles, seen: Doubles) -> tuple[Doubles, Doubles]:
    """The gain ``[c]`` of each curve, not below 0, and the rest ``[p, c]`` with mean 0."""
    heard, seen = heard - heard.mean(axis=0), seen - seen.mean(axis=0)
    gain = np.maximum((heard * seen).sum(axis=0) / ((heard * heard).sum(axis=0) + 1e-12), 0.0)
    return gain, seen - heard * gain


def _errors(
    information: Doubles, scores: Doubles, time_s: Doubles, middle_s: float, with_drift: bool
) -> tuple[float, float]:
    """Standard errors of the offset at time 0 and of the drift."""
    n_blocks = max(_FEWEST_BLOCKS, int(np.ptp(time_s) / _BLOCK_S))
    block = np.minimum((np.arange(len(time_s)) * n_blocks) // max(1, len(time_s)), n_blocks - 1)
    sums = np.stack([np.bincount(block, side, minlength=n_blocks) for side in scores.T], axis=1)
    inverse = np.linalg.inv(information)
    covariance = inverse @ (sums.T @ sums) @ inverse.T * n_blocks / (n_blocks - 1 - with_drift)
    at_zero = np.array([1.0, -middle_s if with_drift else 0.0])
    drift_error = _INFLATION * float(np.sqrt(covariance[1, 1])) if with_drift else 0.0
    return _INFLATION * float(np.sqrt(at_zero @ covariance @ at_zero)), drift_error


def _heard_rows(time_s: Doubles, end_s: float, offset_s: float, drift: float) -> NDArray[np.int64]:
    """The rows with sound; of very many, stretches of 20 s evenly spread."""
    moments_s = offset_s + (1 + drift) * time_s
    rows = np.flatnonzero((moments_s >= _MARGIN_S) & (moments_s <= end_s - _MARGIN_S))
    every = -(-len(rows) // _MOST_ROWS)
    return rows[(time_s[rows] // _STRETCH_S) % every == 0] if every > 1 else rows


def _smooth(heard: Floats) -> Floats:
    """``heard`` under a Gaussian of 20 ms, which takes from the noise of hearing more than from the movement."""
    reach = round(3 * _SMOOTHING_S * RATE_HZ)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (_SMOOTHING_S * RATE_HZ)) ** 2)
    held = np.pad(heard, ((reach, reach), (0, 0)), mode="edge")
    out: Floats = np.zeros_like(heard)
    for lag, weight in enumerate((kernel / kernel.sum()).tolist()):
        out += np.float32(weight) * held[lag : lag + len(heard)]
    return out


def read_at(heard: Floats, moments_s: Doubles) -> tuple[Doubles, Doubles]:
    """``heard`` and its slope a second at any moments ``[n]``: the cubic through four neighbours (Catmull & Rom, 1974).
    Outside the sound the ends are held, and the slope is 0."""
    at = moments_s * RATE_HZ
    inside = ((at >= 0) & (at <= len(heard) - 1))[:, None]
    at = np.clip(at, 0, len(heard) - 1)
    left = np.floor(at).astype(np.int64)
    u = (at - left)[:, None]
    a, b, c, d = (heard[np.clip(left + i, 0, len(heard) - 1)].astype(np.float64) for i in (-1, 0, 1, 2))
    k1, k2, k3 = (c - a) / 2, a - 2.5 * b + 2 * c - d / 2, (d - a) / 2 + 1.5 * (b - c)
    level = b + u * (k1 + u * (k2 + u * k3))
    slope = (k1 + u * (2 * k2 + 3 * u * k3)) * RATE_HZ
    return level, slope * inside

"""The rough place of offset and drift: every pair within reach is tried, and how far the best stands out is told.

What is compared is movement: the slopes of the curves with the slopes of the mouth that the sound makes likely, for
the phrases and pauses of any speech resemble those of any other over seconds, its movements do not. The curves are cut
into windows of six seconds, and each window is correlated with the sound over every lag that any pair (offset, drift)
in reach can give it. The correlation rho of a curve under a pair is the sum over the windows, each at the lag that the
pair gives it; the score of the pair is the sum over the curves of -log(1 - rho**2) with the sign of rho, twice the gain
in log likelihood a moment if they were Gaussian. So a curve that follows the sound well counts, one that does not is
not in the way, and nothing is followed from window to window that could lead astray.

The scores of all other pairs are what chance makes of this very sound and this very mouth. The height of the best is
told in their spread (the median absolute deviation, which the right pair does not move).

What it gives up: offsets beyond 6 s and drifts beyond 750 ms a minute; and an answer finer than 20 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from koekao.takes.doctor.hearing import RATE_HZ

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

GRID_HZ: Final = 50
FAR_S: Final = 6.0
"""Offsets that are scored; most of them only to learn what chance does."""
MAX_DRIFT: Final = 0.0125
"""Seconds a second; 750 ms a minute."""
_WINDOW_S = 6.0
_MAX_WINDOWS = 120
_SLOW_S = 0.8
_MAX_GAP_S = 0.1
_APART_S = 0.3
_MOST = np.float32(0.9999)


@dataclass(frozen=True, kw_only=True)
class Rough:
    """The best pair: the sound of what is seen at time t is heard at ``offset_s + (1 + drift) * t``.

    Attributes:
        offset_s, drift: the pair, on the search's grid; drift in seconds a second.
        height: how far its score is above the others', in their standard deviations.
        rival: the highest score of a pair that lies apart from it, as a share of its own; above 1 where that lies
            beyond reach and fits better.
        rival_offset_s: that pair's offset.
    """

    offset_s: float
    drift: float
    height: float
    rival: float
    rival_offset_s: float


def search(heard: Floats, time_s: Doubles, seen: Floats, *, reach_s: float) -> Rough:
    """Find the pair that fits best.

    Args:
        heard: ``[m, c]``, the likely mouth at moments k / 100 s of the sound.
        time_s: ``[n]`` increasing, seconds.
        seen: ``[n, c]``, the mouth of the curves at ``time_s``.
        reach_s: the largest offset that can be the answer; those from there to 6 s are scored for comparison.
    """
    sound = _movement(_halved(heard))
    mouth = _movement(_on_grid(time_s, seen))
    centres_s, lags, first_lag = _window_lags(sound, mouth)
    end_s = max(float(centres_s[-1]), _WINDOW_S)
    drifts = np.linspace(-MAX_DRIFT, MAX_DRIFT, 2 * int(np.ceil(MAX_DRIFT * end_s * GRID_HZ / 2)) + 1)
    n_offsets = 2 * int(FAR_S * GRID_HZ) + 1
    offsets_s = (np.arange(n_offsets) - n_offsets // 2) / GRID_HZ
    scores = np.empty((len(drifts), n_offsets), np.float32)
    for i, drift in enumerate(drifts):
        first = np.rint(drift * centres_s * GRID_HZ).astype(np.int64) - n_offsets // 2 - first_lag
        rho = np.zeros((lags.shape[1], n_offsets), np.float32)
        for window, start in zip(lags, first):
            rho += window[:, start : start + n_offsets]
        scores[i] = -(np.sign(rho) * np.log1p(-np.minimum(rho * rho, _MOST))).sum(axis=0)
    return _best(scores, drifts, offsets_s, end_s, reach_s)


def _best(scores: Floats, drifts: Doubles, offsets_s: Doubles, end_s: float, reach_s: float) -> Rough:
    """The highest pair within reach against all others."""
    middle = float(np.median(scores))
    spread = 1.4826 * float(np.median(np.abs(scores - middle))) or 1.0
    within = np.where(np.abs(offsets_s) <= reach_s, scores, -np.inf)
    row, column = np.unravel_index(int(within.argmax()), scores.shape)
    peak = float(scores[row, column]) - middle
    apart_start = np.abs(offsets_s - offsets_s[column])[None, :]
    apart_end = np.abs((offsets_s - offsets_s[column])[None, :] + (drifts - drifts[row])[:, None] * end_s)
    others = np.where(np.maximum(apart_start, apart_end) > _APART_S, scores - middle, -np.inf)
    highest = np.unravel_index(int(others.argmax()), scores.shape)
    return Rough(
        offset_s=float(offsets_s[column]),
        drift=float(drifts[row]),
        height=peak / spread,
        rival=float(others[highest]) / peak if peak > 0 else 1.0,
        rival_offset_s=float(offsets_s[highest[1]]),
    )


def _window_lags(sound: Floats, mouth: Floats) -> tuple[Doubles, Floats, int]:
    """The windows' middles in seconds, what each adds to every curve's correlation ``[n_windows, c, n_lags]``, and the
    first lag in steps of the grid. All lags at once, by FFT."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = round(_WINDOW_S * GRID_HZ)
    starts = np.arange(0, max(1, len(mouth) - n // 2), n)
    starts = starts[np.unique(np.linspace(0, len(starts) - 1, min(len(starts), _MAX_WINDOWS)).round().astype(int))]
    reach = int(np.ceil((FAR_S + MAX_DRIFT * len(mouth) / GRID_HZ) * GRID_HZ)) + 2
    n_fft = next_fast_len(n + 2 * reach, real=True)
    padded = np.pad(sound.T, ((0, 0), (reach, reach + n + max(0, len(mouth) - len(sound)))))
    lags = np.empty((len(starts), mouth.shape[1], 2 * reach + 1), np.float32)
    for i, start in enumerate(starts):
        window, around = mouth[start : start + n].T, padded[:, start : start + n + 2 * reach]
        lags[i] = irfft(np.conj(rfft(window, n_fft)) * rfft(around, n_fft), n_fft)[:, : 2 * reach + 1]
    return (starts + n / 2) / GRID_HZ, lags / np.float32(min(len(mouth), n * len(starts))), -reach


def _halved(heard: Floats) -> Floats:
    """From 100 to 50 moments a second, with the weights 1, 2, 1 about each that stays."""
    held = np.concatenate([heard[:1], heard, heard[-1:]])
    step = RATE_HZ // GRID_HZ
    smooth: Floats = (held[:-2] + 2 * held[1:-1] + held[2:])[::step] / 4
    return smooth


def _on_grid(time_s: Doubles, seen: Floats) -> Floats:
    """The curves at k / 50 s by linear interpolation in time; their mean where rows are more than 0.1 s apart."""
    grid_s = np.arange(max(1, int(time_s[-1] * GRID_HZ) + 1)) / GRID_HZ
    after = np.clip(np.searchsorted(time_s, grid_s), 1, len(time_s) - 1)
    far = (time_s[after] - time_s[after - 1] > _MAX_GAP_S) | (grid_s < time_s[0])
    mean = seen.mean(axis=0)
    columns = [np.where(far, 0.0, np.interp(grid_s, time_s, column)) for column in (seen - mean).T]
    return np.stack(columns, axis=1).astype(np.float32)


def _movement(track: Floats) -> Floats:
    """Each curve's slope over two steps of the grid, less its mean over 0.8 s about the moment, in its own standard
    deviations."""
    slope = np.zeros_like(track)
    slope[1:-1] = track[2:] - track[:-2]
    n = round(_SLOW_S * GRID_HZ) // 2
    sums = np.concatenate([np.zeros((1, track.shape[1])), np.cumsum(slope, axis=0, dtype=np.float64)])
    low, high = np.maximum(np.arange(len(track)) - n, 0), np.minimum(np.arange(len(track)) + n + 1, len(track))
    slope -= (sums[high] - sums[low]) / (high - low)[:, None]
    movement: Floats = slope / (slope.std(axis=0) + np.float32(1e-6))
    return movement

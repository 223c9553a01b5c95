"""What a long past was like, in a few numbers: statistics of descriptors, and rhythm.

Shapes: n moments, K descriptors, N frames of the past (newest last).

Mean, spread, a low and a high quantile and the slope of each descriptor tell the register and the mood of a voice
better than any single frame; so do the shares of voice and pause, and how fast syllables follow one another. Pauses are
stretches 25 dB under the past's own loud frames (N. de Jong and T. Wempe, Behavior Research Methods 41, 2009, find
syllables likewise from the intensity alone); onsets are peaks of the flux (Dixon, DAFx 2006). Only what was heard
counts: near the start of a stream the past is shorter, and ``heard_share`` says how much there is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STATISTICS = ("mean", "spread", "low", "high", "slope_per_s")
RHYTHM = ("heard_share", "voiced_share", "pause_share", "pauses_per_s", "onsets_per_s")
QUANTILES = (0.1, 0.9)
PAUSE_BELOW_LOUD_DB = 25.0
SILENT_DB = -70.0
LEAST_PAUSE_S = 0.2
ONSET_DB_PER_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Past:
    """Descriptors of the frames up to some moments.

    Attributes:
        values: ``[n, K, N]`` float64. heard: ``[n, N]`` bool, frames that the stream had; the newest always is one.
        voiced, level_db, flux_db_per_s: ``[n, N]`` of the same frames. fps: frames a second.
        of_voice: ``[K]`` bool, descriptors that mean something in voiced frames only.
    """

    values: Tensor
    heard: Tensor
    voiced: Tensor
    level_db: Tensor
    flux_db_per_s: Tensor
    of_voice: Tensor
    fps: float


def functionals(past: Past) -> Tensor:
    """``[n, 5 * K + 5]`` float64: :data:`STATISTICS` of each descriptor, then :data:`RHYTHM`."""
    statistics = _statistics(past)
    return torch.cat([statistics.flatten(1), _rhythm(past)], 1)


def functional_names(descriptors: tuple[str, ...]) -> tuple[str, ...]:
    """The names of what :func:`functionals` returns, in its order."""
    return (*(f"{descriptor}.{name}" for descriptor in descriptors for name in STATISTICS), *RHYTHM)


def _statistics(past: Past) -> Tensor:
    """``[n, K, 5]``. A voice descriptor of a past without voice is 0 in all five; ``voiced_share`` says so."""
    counts = torch.where(past.of_voice[:, None], (past.heard & past.voiced)[:, None], past.heard[:, None])
    n = counts.sum(2).clamp_min(1)
    time_s = torch.arange(counts.shape[2], dtype=torch.float64, device=counts.device) / past.fps
    mean = torch.where(counts, past.values, 0).sum(2) / n
    mean_s = torch.where(counts, time_s, 0).sum(2) / n
    off = torch.where(counts, past.values - mean[..., None], 0)
    off_s = torch.where(counts, time_s - mean_s[..., None], 0)
    slope = (off * off_s).sum(2) / off_s.square().sum(2).clamp_min(0.25 / past.fps**2)  # two frames have 0.5
    low, high = _quantiles(past.values, counts, n)
    return torch.stack([mean, (off.square().sum(2) / n).sqrt(), low, high, slope], 2)


def _quantiles(values: Tensor, counts: Tensor, n: Tensor) -> list[Tensor]:
    """Each of :data:`QUANTILES` of the values that count, linear between neighbours; 0 where none counts."""
    ordered = torch.where(counts, values, torch.inf).sort(2).values
    found = []
    for q in QUANTILES:
        place = q * (n - 1).double()  # a whole number times q would be float32
        below = place.floor().long()
        above = torch.minimum(below + 1, n - 1)
        low, high = (ordered.gather(2, i[..., None])[..., 0] for i in (below, above))
        value = low + (place - below) * (high - low)
        found.append(torch.where(counts.any(2), value, 0.0))
    return found


def _rhythm(past: Past) -> Tensor:
    """``[n, 5]``: shares in 0..1, rates a second."""
    heard = past.heard
    n = heard.sum(1)
    loud = _quantiles(past.level_db[:, None], heard[:, None], n[:, None])[1]
    silent = heard & (past.level_db < (loud - PAUSE_BELOW_LOUD_DB).clamp_min(SILENT_DB))
    least = max(1, round(LEAST_PAUSE_S * past.fps))
    begun = _pauses_begun(silent, least)
    before, here, after = past.flux_db_per_s.unfold(1, 3, 1).unbind(-1)
    rises = (here > before) & (here >= after) & (here > ONSET_DB_PER_S) & heard[:, :-2]
    onset = rises & ~(silent[:, 1:-1] & silent[:, 2:])  # the sharpest rise is often in the last frame of a pause
    seconds = n.double() / past.fps
    shares = [(frames.sum(1) / n.double()) for frames in (heard & past.voiced, silent)]
    rates = [events.sum(1) / seconds for events in (begun, onset)]
    return torch.stack([n.double() / heard.shape[1], *shares, *rates], 1)


def _pauses_begun(silent: Tensor, least: int) -> Tensor:
    """``[n, N - least + 1]`` bool: where a stretch of at least ``least`` silent frames begins."""
    if silent.shape[1] < least:
        return silent[:, :0]
    lasting = silent.unfold(1, least, 1).all(2)
    first_of_past = torch.zeros_like(silent[:, :1])
    return lasting & ~torch.cat([first_of_past, silent[:, : lasting.shape[1] - 1]], 1)

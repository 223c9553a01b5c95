"""Pitch of single frames: fundamental frequency, and how periodic the frame is.

P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound", IFA Proceedings 17 (1993): the autocorrelation of a tapered frame is divided by that of the taper, so that its
height at the period is the share of the power that is periodic, whatever the lag. Peaks are refined by a parabola; a
small cost per octave prefers the higher of equal candidates, or a pure tone would tie with its own
sub-harmonics. Each frame is judged alone: the paper's path through all frames needs the future. What that gives up:
now and then a frame is an octave off, where the path would have mended it.

Everything is float64: which peak is the highest must not depend on how many frames were computed together, and the
differences between such computations (1e-16) then decide nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

OCTAVE_COST = 0.02
"""Correlation that a candidate loses for each octave below the highest pitch (the paper's default is 0.01)."""
POWER_FLOOR = 1e-10
"""Mean square, full scale 1, that is added to a frame's power: below -100 dB nothing is periodic."""


class Pitch(nn.Module):
    """Power spectra of tapered frames to the lag, the height and the place of their best peak.

    Args:
        taper: ``[W]`` float64, that the frames were multiplied with.
        n_fft: length of the transform, at least W plus the longest lag.
        sample_rate: Hz. f0_min_hz, f0_max_hz: range of the search.
    """

    correlation: Tensor
    cost: Tensor

    def __init__(self, taper: Tensor, n_fft: int, sample_rate: int, f0_min_hz: float, f0_max_hz: float) -> None:
        super().__init__()
        self.sample_rate, self.n_fft, self.f0_min_hz, self.f0_max_hz = sample_rate, n_fft, f0_min_hz, f0_max_hz
        self.first_lag, self.last_lag = math.floor(sample_rate / f0_max_hz), math.ceil(sample_rate / f0_min_hz)
        own = torch.fft.irfft(torch.fft.rfft(taper, n_fft).abs().square(), n_fft)[: self.last_lag + 2]
        self.register_buffer("correlation", own / own[0], persistent=False)
        lags = torch.arange(self.first_lag, self.last_lag + 1, dtype=torch.float64)
        self.register_buffer("cost", OCTAVE_COST * torch.log2(lags / self.first_lag), persistent=False)

    def forward(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """``[n, n_fft // 2 + 1]`` float64, ``|X|^2`` scaled so that a frame's bins make its mean square.

        Returns:
            ``f0_hz [n]`` in the range of the search, and ``periodic [n]`` in [0, 1], the share of the power that
            repeats after 1 / f0. A frame without a peak gets the lowest f0 and 0.
        """
        raw = torch.fft.irfft(power, self.n_fft)[:, : self.last_lag + 2] * (self.n_fft / 2)
        shape = raw / (raw[:, :1] + POWER_FLOOR) / self.correlation
        near = shape[:, self.first_lag - 1 : self.last_lag + 2].unfold(1, 3, 1)
        before, here, after = near.unbind(-1)
        is_peak = (here > before) & (here >= after) & (here > 0)
        best = torch.where(is_peak, here - self.cost, -torch.inf).argmax(1, keepdim=True)
        before, here, after = near.gather(1, best[..., None].expand(-1, 1, 3))[:, 0].unbind(1)
        found = is_peak.gather(1, best)[:, 0]
        aside = 0.5 * (before - after) / torch.where(found, before - 2 * here + after, -1.0)
        lag = torch.where(found, self.first_lag + best[:, 0] + aside, float(self.last_lag))
        height = torch.where(found, here - 0.25 * (before - after) * aside, 0.0)
        return (self.sample_rate / lag).clamp(self.f0_min_hz, self.f0_max_hz), height.clamp(0, 1)


def harmonicity_db(periodic: Tensor) -> Tensor:
    """Harmonics-to-noise ratio in dB, 10 lg(r / (1 - r)) after the paper, limited to -20..40 dB."""
    share = periodic.clamp(1e-2, 1 - 1e-4)
    return 10 * (share / (1 - share)).log10()


def voicing(periodic: Tensor, level_db: Tensor) -> Tensor:
    """Probability of voice in [0, 1]: periodic by about half, and not near silence.

    A logistic of the periodic share (middle 0.5, a tenth of it either way 0.22..0.78) times one of the level (middle
    -60 dB of full scale). The two middles are settings of this project, held against recordings by the tests; the paper
    has a hard threshold of 0.45 in the place of the first.
    """
    return torch.sigmoid((periodic - 0.5) / 0.08) * torch.sigmoid((level_db + 60) / 3)

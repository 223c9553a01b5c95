"""Three formant-like resonances of single frames, as the centres of gravity of a smooth spectrum.

The spectrum up to 5 kHz is modelled by linear prediction of order 10 (J. Makhoul, "Spectral linear prediction", IEEE
Trans. ASSP 23, 1975: selective prediction, from the power spectrum of one region alone), after pre-emphasis. Instead of
picking peaks, which appear, merge and vanish from frame to frame, each region where a formant lies (after G. Peterson
and H. Barney, JASA 24, 1952, men to children) gets the centre of gravity of the squared envelope, above the place that
was found for the region below it. Such a place moves smoothly, always exists, and lies on the peak where there is one
sharp peak. What it gives up: two formants in one region give a place between them, and a place is no proof of a
resonance.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koekao.features.spectrum import LEVEL_FLOOR

REGIONS_HZ = ((200.0, 1000.0), (850.0, 2700.0), (2000.0, 3800.0))
ORDER = 10
TOP_HZ = 5000.0
PRE_EMPHASIS = 0.97
SHARPNESS = 2
APART_KHZ = 0.3
_GRID = 160
_WHITE = 1e-4
"""Share of white noise added to each frame, 40 dB below it: keeps the equations solvable for pure tones."""


class Formants(nn.Module):
    """``[n, n_bins]`` float64 power spectra to three frequencies ``[n, 3]`` in kHz."""

    to_correlation: Tensor
    response: Tensor
    regions: Tensor
    grid_khz: Tensor
    lags: Tensor

    def __init__(self, n_fft: int, sample_rate: int) -> None:
        super().__init__()
        self.top_hz = min(TOP_HZ, sample_rate / 2)
        hz = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
        self.n_bins = int((hz <= self.top_hz).sum())
        angle = torch.pi * hz[: self.n_bins] / self.top_hz
        lag = torch.arange(ORDER + 1, dtype=torch.float64)
        emphasis = 1 + PRE_EMPHASIS**2 - 2 * PRE_EMPHASIS * torch.cos(2 * torch.pi * hz[: self.n_bins] / sample_rate)
        cosines = torch.cos(angle[:, None] * lag) * emphasis[:, None]
        self.register_buffer("to_correlation", cosines, persistent=False)
        grid_hz = torch.linspace(0, self.top_hz, _GRID, dtype=torch.float64)
        at = torch.pi * grid_hz[:, None] / self.top_hz * lag
        self.register_buffer("response", torch.stack([at.cos(), at.sin()]).transpose(1, 2), persistent=False)
        inside = torch.stack([(grid_hz >= low) & (grid_hz <= high) for low, high in REGIONS_HZ])
        self.register_buffer("regions", inside.double(), persistent=False)
        self.register_buffer("grid_khz", grid_hz / 1000, persistent=False)
        self.register_buffer("lags", (lag[:, None] - lag).abs().long()[:ORDER, :ORDER], persistent=False)

    def forward(self, power: Tensor) -> Tensor:
        """Each region counts only from about ``APART_KHZ`` above the place that was found in the one below."""
        envelope, places = self.envelope(power).pow(SHARPNESS), list[Tensor]()
        for region in self.regions:
            weights = envelope * region
            if places:
                weights = weights * torch.sigmoid((self.grid_khz - places[-1] - APART_KHZ) / (APART_KHZ / 6))
            places.append((weights * self.grid_khz).sum(1, keepdim=True) / weights.sum(1, keepdim=True))
        return torch.cat(places, 1)

    def envelope(self, power: Tensor) -> Tensor:
        """``[n, 160]``: the predictor's power response from 0 to 5 kHz, not scaled; flat for silence."""
        r = power[:, : self.n_bins] @ self.to_correlation
        r = torch.cat([r[:, :1] * (1 + _WHITE) + LEVEL_FLOOR, r[:, 1:]], 1)
        predictor = torch.linalg.solve(r[:, self.lags], r[:, 1:])
        inverse = torch.cat([torch.ones_like(r[:, :1]), -predictor], 1)
        real, imaginary = inverse @ self.response[0], inverse @ self.response[1]
        return 1 / (real.square() + imaginary.square())

"""Loudness and spectral shape of single frames, from their power spectra.

Loudness is that of H. Hermansky, "Perceptual linear predictive analysis of speech", JASA 87 (1990): power in bands of
about a Bark, weighted by the ear's sensitivity, to the power 1/3. Slopes and alpha ratio are those of F. Eyben et al.,
"The Geneva minimalistic acoustic parameter set", IEEE Trans. Affective Computing 7 (2016): straight lines through the
log spectrum over 0-500 and 500-1500 Hz, and the power of 50-1000 Hz over that of 1-5 kHz. Flux is the mean rise of the
bands' levels (S. Dixon, "Onset detection revisited", DAFx 2006, on a log scale), per second, so that its definition
does not name a frame rate. The values are those of the formulas, not of any other program.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koekao.features.logmel import LogMelConfig, mel_filters

N_BANDS = 24
BIN_FLOOR = 1e-13
"""Mean square in one bin, full scale 1, under which a bin counts as silent."""
BAND_FLOOR_DB = -100.0
LEVEL_FLOOR = 1e-10


class Shape(nn.Module):
    """What ``[n, n_bins]`` float64 power spectra say, where the bins of a frame add up to its mean square."""

    bands: Tensor
    ear: Tensor
    slopes: Tensor
    groups: Tensor

    def __init__(self, n_fft: int, sample_rate: int) -> None:
        super().__init__()
        top_hz = min(8000.0, sample_rate / 2)
        config = LogMelConfig(sample_rate=sample_rate, n_fft=n_fft, n_mels=N_BANDS, f_min_hz=50.0, f_max_hz=top_hz)
        filters = torch.from_numpy(mel_filters(config)).double()
        filters = filters / filters.max(0).values  # heights of 1: a band holds the power that lies in it
        hz = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)
        self.register_buffer("bands", filters, persistent=False)
        self.register_buffer("ear", equal_loudness((filters * hz[:, None]).sum(0) / filters.sum(0)), persistent=False)
        lines = torch.stack([_line_through(hz, 0.0, 500.0), _line_through(hz, 500.0, 1500.0)], 1)
        self.n_low = int((hz <= 1500).sum())
        self.register_buffer("slopes", lines[: self.n_low], persistent=False)
        groups = torch.stack([(hz >= 50) & (hz < 1000), (hz >= 1000) & (hz <= 5000)], 1).double()
        self.register_buffer("groups", groups, persistent=False)

    def forward(self, power: Tensor) -> dict[str, Tensor]:
        """Each ``[n]`` float64; ``bands_db`` is ``[n, 24]``.

        ``level_db`` (of full scale), ``loudness`` (no unit; 0 is silence), ``slope_low_db_per_khz``,
        ``slope_mid_db_per_khz``, ``alpha_db``.
        """
        in_bands = power @ self.bands
        low, high = (power @ self.groups + LEVEL_FLOOR).unbind(1)
        slopes = (10 * (power[:, : self.n_low] + BIN_FLOOR).log10()) @ self.slopes
        return {
            "level_db": 10 * (power.sum(1) + LEVEL_FLOOR).log10(),
            "loudness": (in_bands * self.ear).pow(1 / 3).sum(1),
            "slope_low_db_per_khz": slopes[:, 0],
            "slope_mid_db_per_khz": slopes[:, 1],
            "alpha_db": 10 * (low / high).log10(),
            "bands_db": 10 * (in_bands + 10 ** (BAND_FLOOR_DB / 10)).log10(),
        }


def flux_db_per_s(bands_db: Tensor, before_db: Tensor, fps: float) -> Tensor:
    """Mean over the bands of how much they rose since the frame before, in dB a second. ``[..., 24]`` to ``[...]``."""
    return (bands_db - before_db).clamp_min(0).mean(-1) * fps


def equal_loudness(hz: Tensor) -> Tensor:
    """The ear's sensitivity at ``hz``, for power, up to 1: the equal-loudness curve of Hermansky (1990) at 40 dB."""
    w = (2 * torch.pi * hz).square()
    weight: Tensor = (w + 56.8e6) * w.square() / ((w + 6.3e6).square() * (w + 0.38e9))
    return weight


def _line_through(hz: Tensor, low_hz: float, high_hz: float) -> Tensor:
    """Weights over bins whose sum with levels in dB is the slope of their least-squares line, in dB / kHz."""
    inside = (hz >= low_hz) & (hz <= high_hz)
    khz = torch.where(inside, hz / 1000 - hz[inside].mean() / 1000, 0.0)
    return khz / khz.square().sum()

"""What keeps a model from learning few recordings by heart: noise, another microphone or throat, missing bands.

Shapes: B windows, T frames, C columns a frame, M bands. Everything is in spreads of the normalised features.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_WAVES = 5


def disturbed(columns: Tensor, *, noise: float, level: float, band_shift: float, band_dropout: float) -> Tensor:
    """Normalised ``columns`` ``[B, T, C, M]`` as they might have been recorded elsewhere, from torch's generator.

    Args:
        noise: spread of what is added to every value.
        level: spread of each of five cosines over the bands, of 0 to 4 half-waves, added all over a window: the
            first is a level, the second much like a tilt, and all together another microphone in another place.
        band_shift: spread of how far, in bands, a whole window's spectrum is moved up or down: on a mel scale a shorter
            throat, or a higher voice, is near enough the same sight further up. What moves in at an edge repeats it.
        band_dropout: share of bands set to their mean all over a window, in [0, 1).
    """
    rows, bands, device = len(columns), columns.shape[3], columns.device
    kept = torch.rand(rows, 1, 1, bands, device=device) >= band_dropout
    waves = (torch.arange(_WAVES, device=device)[:, None] * torch.linspace(0, math.pi, bands, device=device)).cos()
    equalised = (level * torch.randn(rows, _WAVES, device=device) @ waves)[:, None, None]
    moved = _shifted(columns, band_shift * torch.randn(rows, device=device)) if band_shift else columns
    noisy: Tensor = (moved + equalised + noise * torch.randn_like(columns)) * kept
    return noisy


def _shifted(columns: Tensor, by_bands: Tensor) -> Tensor:
    """``[B, T, C, M]``, each window read ``by_bands[b]`` (float) bands further up, linearly between two bands."""
    bands = columns.shape[3]
    place = (torch.arange(bands, device=columns.device) + by_bands[:, None]).clamp(0, bands - 1)
    below = place.floor().long().clamp_max(bands - 2)
    share = (place - below)[:, None, None]
    low, high = (columns.gather(3, number[:, None, None].expand_as(columns)) for number in (below, below + 1))
    return low + share * (high - low)

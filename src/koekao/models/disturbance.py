"""What keeps a model from learning few recordings by heart: noise, another microphone or throat, missing bands.

Shapes: B windows, T frames, C columns a frame, M bands. Everything is in spreads of the normalised features.
"""

from __future__ import annotations

import torch
from torch import Tensor


def disturbed(columns: Tensor, *, noise: float, level: float, band_shift: float, band_dropout: float) -> Tensor:
    """Normalised ``columns`` ``[B, T, C, M]`` as they might have been recorded elsewhere, from torch's generator.

    Args:
        noise: spread of what is added to every value.
        level: spread of the level, and of the tilt over the bands, that a whole window is shifted by.
        band_shift: spread of how far, in bands, a whole window's spectrum is moved up or down: on a mel scale a shorter
            throat, or a higher voice, is near enough the same sight further up. What moves in at an edge repeats it.
        band_dropout: share of bands set to their mean all over a window, in [0, 1).
    """
    rows, bands, device = len(columns), columns.shape[3], columns.device
    kept = torch.rand(rows, 1, 1, bands, device=device) >= band_dropout
    offset, tilt = level * torch.randn(2, rows, 1, 1, 1, device=device)
    moved = _shifted(columns, band_shift * torch.randn(rows, device=device)) if band_shift else columns
    moved = moved + offset + tilt * torch.linspace(-1, 1, bands, device=device)
    noisy: Tensor = (moved + noise * torch.randn_like(columns)) * kept
    return noisy


def _shifted(columns: Tensor, by_bands: Tensor) -> Tensor:
    """``[B, T, C, M]``, each window read ``by_bands[b]`` (float) bands further up, linearly between two bands."""
    bands = columns.shape[3]
    place = (torch.arange(bands, device=columns.device) + by_bands[:, None]).clamp(0, bands - 1)
    below = place.floor().long().clamp_max(bands - 2)
    share = (place - below)[:, None, None]
    low, high = (columns.gather(3, number[:, None, None].expand_as(columns)) for number in (below, below + 1))
    return low + share * (high - low)

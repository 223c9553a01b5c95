"""What keeps a model from learning few recordings by heart: noise, another microphone, missing bands.

Shapes: B windows, T frames, C columns a frame, M bands. Everything is in spreads of the normalised features.
"""

from __future__ import annotations

import torch
from torch import Tensor


def disturbed(columns: Tensor, *, noise: float, level: float, band_dropout: float) -> Tensor:
    """Normalised ``columns`` ``[B, T, C, M]`` as they might have been recorded elsewhere, from torch's generator.

    Args:
        noise: spread of what is added to every value.
        level: spread of the level, and of the tilt over the bands, that a whole window is shifted by.
        band_dropout: share of bands set to their mean all over a window, in [0, 1).
    """
    rows, bands, device = len(columns), columns.shape[3], columns.device
    kept = torch.rand(rows, 1, 1, bands, device=device) >= band_dropout
    shift, tilt = level * torch.randn(2, rows, 1, 1, 1, device=device)
    moved = columns + shift + tilt * torch.linspace(-1, 1, bands, device=device)
    noisy: Tensor = (moved + noise * torch.randn_like(columns)) * kept
    return noisy

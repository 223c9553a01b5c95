"""What keeps a model from learning few recordings by heart: noise, another microphone or throat, missing bands.

Shapes: B windows, T frames, C columns a frame, M bands. Everything is in spreads of the normalised features.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor


class Disturbance(Protocol):
    """The settings of a model that say how much."""

    @property
    def noise(self) -> float: ...
    @property
    def level(self) -> float: ...
    @property
    def band_shift(self) -> float: ...
    @property
    def band_dropout(self) -> float: ...


def disturbed_as(columns: Tensor, how: Disturbance) -> Tensor:
    """:func:`disturbed` by a model's settings, with :func:`five_cosines` for another microphone or place."""
    return disturbed(
        columns,
        noise=how.noise,
        level=how.level,
        shapes=five_cosines(columns.shape[3], columns.device),
        band_shift=how.band_shift,
        band_dropout=how.band_dropout,
    )


def disturbed(
    columns: Tensor, *, noise: float, level: float, shapes: Tensor, band_shift: float = 0.0, band_dropout: float
) -> Tensor:
    """Normalised ``columns`` ``[B, T, C, M]`` as they might have been recorded elsewhere, from torch's generator.

    Args:
        noise: spread of what is added to every value.
        level: spread of each of the ``shapes``.
        shapes: ``[n, M]``, curves over the bands that are added all over a window: another microphone, another place.
        band_shift: spread of how far, in bands, a whole window's spectrum is moved up or down: on a mel scale a shorter
            throat, or a higher voice, is near enough the same sight further up. What moves in at an edge repeats it.
        band_dropout: share of bands set to their mean all over a window, in [0, 1).
    """
    rows, bands, device = len(columns), columns.shape[3], columns.device
    kept = torch.rand(rows, 1, 1, bands, device=device) >= band_dropout
    strengths = level * torch.randn(len(shapes), rows, 1, device=device)
    equalised = (strengths * shapes[:, None]).sum(0)[:, None, None]
    moved = _shifted(columns, band_shift * torch.randn(rows, device=device)) if band_shift else columns
    noisy: Tensor = (moved + equalised + noise * torch.randn_like(columns)) * kept
    return noisy


def level_and_tilt(bands: int, device: torch.device) -> Tensor:
    """``[2, M]``: all bands alike, and a slope from -1 to 1."""
    return torch.stack([torch.ones(bands, device=device), torch.linspace(-1, 1, bands, device=device)])


def five_cosines(bands: int, device: torch.device) -> Tensor:
    """``[5, M]``: cosines of 0 to 4 half-waves over the bands; the first is a level, the second much like a tilt."""
    return (torch.arange(5, device=device)[:, None] * torch.linspace(0, math.pi, bands, device=device)).cos()


def _shifted(columns: Tensor, by_bands: Tensor) -> Tensor:
    """``[B, T, C, M]``, each window read ``by_bands[b]`` (float) bands further up, linearly between two bands."""
    bands = columns.shape[3]
    place = (torch.arange(bands, device=columns.device) + by_bands[:, None]).clamp(0, bands - 1)
    below = place.floor().long().clamp_max(bands - 2)
    share = (place - below)[:, None, None]
    low, high = (columns.gather(3, number[:, None, None].expand_as(columns)) for number in (below, below + 1))
    return low + share * (high - low)

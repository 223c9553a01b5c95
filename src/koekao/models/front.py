"""Convolution over time and frequency: from the log-mel around a frame to one vector a frame.

Shapes: B streams, T frames, F frames around (past + 1 + ahead), C columns a frame, M bands, P patches, W width.

A patch of neighbouring bands is looked at over all the columns around a frame, with the same weights wherever in the
spectrum it lies: a formant that moves up is the same sight a little higher, so what is learnt of it from one vowel, or
one voice, serves another. A layer with weights of its own for each place then says where it was. Written as two matrix
products over views, which on a CPU is several times faster than Conv2d at these sizes.

The time that the front may look at is stated in frames on both sides; how far it looks ahead is all the look-ahead that
a causal trunk behind it has. There is no state here: who computes the columns repeats ``F - 1`` frames a call.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

BANDS, STEP = 8, 4
"""Bands in a patch, and bands from one patch to the next."""


class BandFront(nn.Module):
    """``[B, T, F, C, M] -> [B, T, W]``.

    Args:
        n_columns: F * C, columns seen of each frame. n_mels: M, at least 8.
        channels: what is told of each patch. dim: W.
        dropout: share of hidden values dropped in training.
    """

    def __init__(self, *, n_columns: int, n_mels: int, channels: int, dim: int, dropout: float) -> None:
        super().__init__()
        self._missing = -(n_mels - BANDS) % STEP  # bands of 0, the mean level, above the last one: none is left unseen
        n_patches = (n_mels + self._missing - BANDS) // STEP + 1
        self.patch = nn.Linear(n_columns * BANDS, channels)
        self.place = nn.Linear(n_patches * channels, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, around: Tensor) -> Tensor:
        """``[B, T, W]`` of the normalised columns around each frame."""
        padded = nn.functional.pad(around, (0, self._missing))
        patches = padded.unfold(4, BANDS, STEP).movedim(4, 2).flatten(3)  # [B, T, P, F * C * BANDS]
        told = self.dropout(nn.functional.gelu(self.patch(patches)).flatten(2))
        seen: Tensor = self.dropout(nn.functional.gelu(self.place(told)))
        return seen


def blurred(columns: Tensor, n_bands: int) -> Tensor:
    """``[..., M]``: the mean of ``n_bands`` (odd) neighbouring bands about each; at the edges of those that there are.

    The lowest bands are narrow enough to tell the harmonics of a voice apart, and where those lie is the pitch, which
    few recordings show at random; what the mouth does to the sound is wider.
    """
    if n_bands == 1:
        return columns
    rows = columns.reshape(-1, 1, columns.shape[-1])
    near = nn.functional.avg_pool1d(rows, n_bands, 1, n_bands // 2, count_include_pad=False)
    return near.view(columns.shape)


def frames_around(columns: Tensor, n_around: int) -> Tensor:
    """``[B, T + n_around - 1, C, M]`` to a view ``[B, T, n_around, C, M]``: frame t with those that follow it there."""
    if columns.shape[1] < n_around:  # no frame at all
        return columns.new_zeros(len(columns), 0, n_around, *columns.shape[2:])
    return torch.movedim(columns.unfold(1, n_around, 1), -1, 2)

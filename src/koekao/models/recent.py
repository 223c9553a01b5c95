"""Which moments a frame hears: the newest n, for every frame of a stream, or for the last real frame of a window.

Shapes: B streams or windows, T frames, N frames of a window, C moments a frame.

Both are views or gathers on what has been computed once, so a frame costs no more for being heard by n others.
"""

from __future__ import annotations

import torch
from torch import Tensor


def heard_by_each(moments: Tensor, n_frames: int) -> Tensor:
    """``[B, T + n - 1, C, X]`` to ``[B, T, n * C, X]``: of each frame, it and the ``n - 1`` before it, oldest first."""
    return moments.unfold(1, n_frames, 1).permute(0, 1, 4, 2, 3).flatten(2, 3)


def last_of(values: Tensor, valid_frames: Tensor, n_frames: int) -> tuple[Tensor, Tensor]:
    """The last ``n_frames`` real frames of each window.

    Args:
        values: ``[B, N, ...]``, N at least 1. valid_frames: ``[B]`` int64 in 0..N, how many of them are real.

    Returns:
        ``[B, n_frames, ...]`` oldest first, and ``[B, n_frames]`` bool: which would lie before the window, and so are
        no values.
    """
    frame = valid_frames[:, None] - n_frames + torch.arange(n_frames, device=valid_frames.device)
    row = torch.arange(len(values), device=values.device)[:, None]
    return values[row, frame.clamp_min(0)], frame < 0

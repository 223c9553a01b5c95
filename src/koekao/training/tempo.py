"""Windows spoken faster or slower: sound and face of a window stretched together, in training.

Shapes: B windows, T frames, P and A frames of columns before and after them, C columns a frame, M bands.

Few recordings hold each sound at few speeds, and a network learns those by heart. Stretching the log-mel and the curves
by one factor a window, with linear interpolation between frames, is new material at no cost. It is not what a vocoder
does: each column keeps its own spectrum, so the pitch stays, and only what happens from frame to frame is faster or
slower. What it gives up: of a window that is spoken faster its last frames, since it holds no more sound.
"""

from __future__ import annotations

import torch
from torch import Tensor


def drawn_tempos(n_windows: int, spread: float, device: torch.device) -> Tensor:
    """``[B]`` frames of the recording that go into one, log-normal about 1: a spread of 0.25 is mostly 0.78 to 1.28."""
    return torch.exp(spread * torch.randn(n_windows)).to(device)


def at_tempo(frames: Tensor, tempos: Tensor, *, before: int = 0) -> Tensor:
    """``[B, L, ...]`` frames stretched about frame ``before``: what comes out as frame k was at ``before + (k - before)
    * tempo``; what would lie outside of the frames is the nearest of them."""
    at = before + (torch.arange(frames.shape[1], device=frames.device) - before) * tempos[:, None]
    at = at.clamp(0, frames.shape[1] - 1)
    low, high = at.floor().long(), at.ceil().long()
    rows = torch.arange(len(frames), device=frames.device)[:, None]
    share = (at - low).view(*at.shape, *[1] * (frames.dim() - 2))
    return torch.lerp(frames[rows, low], frames[rows, high], share)


def known_at_tempo(known: Tensor, tempos: Tensor) -> Tensor:
    """``[B, T]`` bool: frames of which :func:`at_tempo` took both neighbours from ``known`` frames of the window."""
    last = known.shape[1] - 1
    at = torch.arange(last + 1, device=known.device) * tempos[:, None]
    low, high = (each.long().clamp_max(last) for each in (at.floor(), at.ceil()))
    rows = torch.arange(len(known), device=known.device)[:, None]
    return known[rows, low] & known[rows, high] & (at <= last)

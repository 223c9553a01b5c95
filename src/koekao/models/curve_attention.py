"""Each curve asks for itself: attention with a learnt query a curve, and a learnt gate between two answers.

Shapes: B streams, T frames, N keys a frame, D width of a token, W width of an answer, H heads, 52 curves.

A curve's query is compared with the keys of the moments that it may hear; the softmax runs over those moments, never
over curves, so that one curve's answer takes nothing from another's and none is bounded by it. Answers stay 52 vectors
to the end: nothing is averaged over queries. Beside what a moment says, its place counts (how long ago, or which
summary): one learnt offset a place, head and curve, which begins as a preference for the newest, steeper in one head
than in the next (Press, Smith and Lewis, "Train Short, Test Long", ICLR 2022), so that heads begin by hearing different
stretches of the past.

What it gives up: a query is a constant, so *where* a curve listens depends on each moment by itself and on its place,
not on what the other moments say.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koekao.arkit import INDEX, N_CURVES, REGIONS

MEL_REGIONS = ("jaw", "mouth", "tongue")
"""Regions whose curves begin with the answer of the mel branch."""
_GATE_AT_START = 2.0
"""In logits: nine tenths of an answer come from the branch that a curve begins with."""


class CurveAttention(nn.Module):
    """Tokens to 52 answers a frame.

    Args:
        dim: D. width: W, a multiple of heads. heads: H.
        ages: ``[N]`` float, how old each key is, for the preference of the newest that training begins with.
        dropout: share of the attention dropped in training.
    """

    def __init__(self, *, dim: int, width: int, heads: int, ages: Tensor, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, width, bias=False)
        self.tell = nn.Linear(dim, 2 * width)
        slopes = 2.0 ** -torch.arange(1, heads + 1)
        self.places = nn.Parameter((-slopes[:, None, None] * ages).expand(heads, N_CURVES, -1).clone())
        self.dropout = nn.Dropout(dropout)

    def told(self, tokens: Tensor) -> Tensor:
        """``[..., D]`` to ``[..., 2 W]``, keys and values: computed once a token, however many frames hear it."""
        told: Tensor = self.tell(tokens)
        return told

    def forward(self, queries: Tensor, told: Tensor) -> Tensor:
        """``queries [52, W]`` and what each frame may hear ``[B, T, N, 2 W]`` to answers ``[B, T, 52, W]``."""
        rows, n_frames, n_keys, _ = told.shape
        keys, values = told.view(rows, n_frames, n_keys, 2, self.heads, -1).permute(3, 0, 1, 4, 2, 5)
        asked = self.ask(queries).view(N_CURVES, self.heads, -1).transpose(0, 1)  # [H, 52, W / H]
        scores = asked @ keys.transpose(-1, -2) * asked.shape[-1] ** -0.5 + self.places
        answers: Tensor = self.dropout(scores.softmax(-1)) @ values  # [B, T, H, 52, W / H]
        return answers.transpose(2, 3).flatten(3)


class CurveRouting(nn.Module):
    """A learnt gate a curve between what it has from mel and what from emotion; begins by :data:`MEL_REGIONS`."""

    def __init__(self) -> None:
        super().__init__()
        gate = torch.full((N_CURVES,), -_GATE_AT_START)
        gate[[INDEX[name] for region in MEL_REGIONS for name in REGIONS[region]]] = _GATE_AT_START
        self.gate = nn.Parameter(gate)

    @property
    def mel_share(self) -> Tensor:
        """``[52]`` in (0, 1): how much of each curve's answer is that of the mel branch."""
        return torch.sigmoid(self.gate)

    def forward(self, from_mel: Tensor, from_emotion: Tensor) -> Tensor:
        """Two answers ``[B, T, 52, W]`` to one."""
        share = self.mel_share[:, None]
        return share * from_mel + (1 - share) * from_emotion


class CurveHead(nn.Module):
    """Answers ``[B, T, 52, W]`` to ``[B, T, 52]``: one network for all curves that knows whose answer it reads.

    The query is added to the answer, and the last weights are each curve's own. No bound on a curve.
    """

    def __init__(self, *, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))
        self.weight = nn.Parameter(width**-0.5 * torch.randn(N_CURVES, width))
        self.offset = nn.Parameter(torch.zeros(N_CURVES))

    def forward(self, queries: Tensor, answers: Tensor) -> Tensor:
        heard = self.norm(answers + queries)
        curves: Tensor = ((heard + self.think(heard)) * self.weight).sum(-1) + self.offset
        return curves

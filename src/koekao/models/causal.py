"""Dilated causal convolution with its past as state: a block of a trunk that runs over streams in pieces.

Shapes: B streams, T frames, D width, d dilation.

A block needs the ``2 d`` frames of its own input before the first new one. They are its state; so T may be anything
from one frame to a whole take, each frame is computed once, and pieces give what the whole gives. The state of a stream
that has not begun is that of one that has been silent for ever: a convolution answers silence with a constant, computed
from the weights as they are (:meth:`CausalBlock.past_of`), so there is no edge at a stream's start to learn.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

TAPS = 3


class CausalBlock(nn.Module):
    """Residual convolution over frames, kernel 3: ``x + mix(gelu(taps(x before, x)))``.

    Written as one matrix product of three shifted views, which on a CPU is twice as fast as Conv1d at these lengths.
    """

    def __init__(self, dim: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.taps = nn.Linear(TAPS * dim, dim)
        self.mix = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    @property
    def past_frames(self) -> int:
        """Frames of its input before a frame that the block hears."""
        return (TAPS - 1) * self.dilation

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """New frames ``[B, T, D]`` after ``past`` ``[B, 2 d, D]`` to ``[B, T, D]`` and the past of what comes next."""
        heard, n_frames = torch.cat([past, x], 1), x.shape[1]
        near = torch.cat([heard[:, i * self.dilation : i * self.dilation + n_frames] for i in range(TAPS)], -1)
        shaped: Tensor = x + self.mix(self.dropout(nn.functional.gelu(self.taps(near))))
        return shaped, heard[:, n_frames:]

    def past_of(self, constant: Tensor) -> Tensor:
        """The past of streams whose input has been ``constant`` ``[B, D]`` for ever: ``[B, 2 d, D]``."""
        return constant[:, None].expand(-1, self.past_frames, -1)


def causal_blocks(modules: nn.ModuleList) -> list[CausalBlock]:
    """The blocks of a trunk, in order."""
    return [block for block in modules if isinstance(block, CausalBlock)]

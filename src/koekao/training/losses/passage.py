"""Frames that are judged together: what a model said of them, what is true, and which of them follow each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from koekao.errors import BatchError


@dataclass(frozen=True, kw_only=True, eq=False)
class Passage:
    """Shapes: S streams (or windows), R frames of each, 52 curves.

    Attributes:
        predicted, target: ``[S, R, 52]`` in curve units; the target may be anything where ``mask`` is false.
        spread: ``[52]``, each curve's standard deviation over the training takes; 0 of curves that do not move.
        mask: ``[S, R]`` bool, the frames that count (``frame_mask``).
        reset: ``[S, R]`` bool, another take begins with this frame; nowhere if not given.
        gap_frames: ``[S, R]`` int64, frames since the one before; 1 if not given.
        reference: ``[S, R, 52]``, what the model says of the same frames out of a longer past, for ``consistency``.
        afresh: ``[S, R, 52]``, what is held to the reference, where that is not ``predicted``: the same frames from a
            state that begins with the passage.

    Raises:
        BatchError: shapes that do not fit each other.
    """

    predicted: Tensor
    target: Tensor
    spread: Tensor
    mask: Tensor
    reset: Tensor | None = None
    gap_frames: Tensor | None = None
    reference: Tensor | None = None
    afresh: Tensor | None = None

    def __post_init__(self) -> None:
        rows, curves = self.predicted.shape[:2], self.predicted.shape[-1:]
        wanted = {"target": (*rows, *curves), "mask": rows, "spread": curves, "reset": rows, "gap_frames": rows}
        if self.predicted.dim() != 3:
            raise BatchError(f"predicted {list(self.predicted.shape)}", expected="[streams, frames, 52]")
        for name, shape in {**wanted, "reference": (*rows, *curves), "afresh": (*rows, *curves)}.items():
            given = getattr(self, name)
            if given is not None and given.shape != shape:
                seen = f"{name} {list(given.shape)} beside predicted {list(self.predicted.shape)}"
                raise BatchError(seen, expected=str(list(shape)))

    @property
    def resets(self) -> Tensor:
        """``[S, R]`` bool."""
        return torch.zeros_like(self.mask) if self.reset is None else self.reset

    @property
    def gaps_frames(self) -> Tensor:
        """``[S, R]`` int64."""
        return torch.ones_like(self.mask, dtype=torch.int64) if self.gap_frames is None else self.gap_frames

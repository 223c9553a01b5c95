"""Temporal smoothing: each curve follows its own past, with a weight it has learnt.

y = a^g * y_before + (1 - a^g) * x, one a for each curve, g = frames since the stream's last output. A window 32 frames
later has almost forgotten; a stream's first frame has no past and passes as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.models.state import State, check_rows


class TemporalSmoothing(nn.Module):
    """Shapes: B streams, T frames a step, 52 curves. State: ``previous [B, 52]``, ``started [B]`` bool."""

    def __init__(self, initial_alpha: float = 0.2) -> None:
        super().__init__()
        logit = torch.logit(torch.tensor(initial_alpha))
        self.logit = nn.Parameter(torch.full((N_CURVES,), float(logit)))

    @property
    def alpha(self) -> Tensor:
        """``[52]`` in (0, 1): the weight of the past one frame ago."""
        return torch.sigmoid(self.logit)

    def init_state(self, n_rows: int) -> State:
        """The state of ``n_rows`` streams that have not begun."""
        device = self.logit.device
        return {
            "previous": torch.zeros(n_rows, N_CURVES, device=device),
            "started": torch.zeros(n_rows, dtype=torch.bool, device=device),
        }

    def step(
        self,
        x: Tensor,
        state: State,
        *,
        gap_frames: Tensor | None = None,
        reset: Tensor | None = None,
        active: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Smooth ``x`` ``[B, T, 52]`` along T.

        Args:
            gap_frames: ``[B, T]`` int64, frames since the stream's last output; 1 where not given.
            reset: ``[B, T]`` bool, the stream begins anew at this frame.
            active: ``[B, T]`` bool; where false, x passes as it is and the state does not move.

        Raises:
            ModelError: the state is not one of B streams.
        """
        check_rows(state, len(x))
        previous, started = state["previous"], state["started"]
        outputs = []
        for t in range(x.shape[1]):
            if reset is not None:
                started = started & ~reset[:, t]
            weight = self.alpha if gap_frames is None else self.alpha ** gap_frames[:, t, None]
            smoothed = weight * previous + (1 - weight) * x[:, t]
            y = torch.where(started[:, None], smoothed, x[:, t])
            moves = torch.ones_like(started) if active is None else active[:, t]
            outputs.append(torch.where(moves[:, None], y, x[:, t]))
            previous = torch.where(moves[:, None], y, previous)
            started = started | moves
        return torch.stack(outputs, 1) if outputs else x, {"previous": previous, "started": started}

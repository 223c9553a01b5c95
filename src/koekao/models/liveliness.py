"""Liveliness: a face that moves as far in a new session as faces moved in training, by a gain that follows the stream.

Shapes: B streams, T frames.

What is trained to be near the truth moves by as much less as it is less sure: r times as far, and in another session of
a voice it is least sure. One gain for all sounds cannot mend that, for it is too much where the model is at home. So
each stream measures itself: its *pace* is the mean of its speed, each frame weighted by its speed, over about the last
10 s. So pauses hardly count, and no threshold has to tell them from speech. The gain is what that pace lacks of the
pace that training faces had, never below 1, and it widens movements about the mean of about the last second: a smile
that stays is not widened, and the rest position is not moved. A prior holds it near 1 while little has moved, and
bounds it: 2.5 at the most. Speed is that of jaw and mouth, since of the others some move by themselves (a blink is the
fastest thing in a face).

The sound does not tell all that a face does, and cameras tremble, so what is asked is :data:`TOLD_SHARE` of the
training faces' pace. That share and the spans were chosen on left-out takes of one training session, which then move as
far as the truth on the mean. What it gives up: errors grow with movements, so the stream model has it off if not asked
for; and a stream's memory, else of fixed reach, fades over seconds. Nor does it know a session in which people move
more than the same sound would have made them move before: docs/ablations.md has one.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koekao.arkit import INDEX, N_CURVES, REGIONS
from koekao.clock import Clock
from koekao.models.state import State, check_rows

TOLD_SHARE = 0.75
"""Of the training faces' pace: what a model is to reach."""
PACE_S, CENTRE_S = 10.0, 1.0
"""Over how long the pace of a stream fades, and the mean that movements are widened about."""
PRIOR_S = 2 / 3
"""For how long, as it were, every stream has moved at the pace that is asked. So the gain begins at 1; and as fading
sums weigh a span of 10 s, where squares are at least the square of speeds / span, it is 2.5 at the most."""
SPEAKING = [INDEX[name] for region in ("jaw", "mouth") for name in REGIONS[region]]
"""The curves whose speed is measured."""
_NAMES = ("before", "centre", "speeds", "squares", "begun")
_BEFORE, _CENTRE, _SPEEDS, _SQUARES, _BEGUN = (f"lively_{name}" for name in _NAMES)


class Liveliness(nn.Module):
    """``[B, T, 52]`` curves as a model makes them, to curves that move as far as those of training.

    State, none where ``amount`` is 0: ``lively_before`` and ``lively_centre`` ``[B, 52]``, the last frame and the
    running mean; ``lively_speeds`` and ``lively_squares`` ``[B]``, fading sums of speed and of its square;
    ``lively_begun [B]`` bool.

    Args:
        clock: how long a frame is.
        amount: share of the gain that is given, in [0, 1]; with 0 curves stay as they are.
    """

    pace: Tensor
    """Of the training faces, in curve units a frame; 0 where it is not known, and then curves stay as they are."""

    def __init__(self, clock: Clock, amount: float) -> None:
        super().__init__()
        self.fps, self.amount = float(clock.fps), amount
        self.register_buffer("pace", torch.zeros(()))

    def init_state(self, n_rows: int) -> State:
        """The state of streams that have not begun."""
        if not self.amount:
            return {}
        device = self.pace.device
        curves, sums = torch.zeros(2, n_rows, N_CURVES, device=device), torch.zeros(2, n_rows, device=device)
        begun = torch.zeros(n_rows, dtype=torch.bool, device=device)
        return {_BEFORE: curves[0], _CENTRE: curves[1], _SPEEDS: sums[0], _SQUARES: sums[1], _BEGUN: begun}

    def step(self, curves: Tensor, state: State) -> tuple[Tensor, State]:
        """New frames ``[B, T, 52]`` and the state before them, to ``[B, T, 52]`` and the state after.

        Raises:
            ModelError: the state is not one of B streams.
        """
        if not self.amount or not curves.shape[1]:
            return curves, state
        check_rows(state, len(curves))
        first, begun = curves[:, 0], state[_BEGUN][:, None]
        before = torch.where(begun, state[_BEFORE], first)
        centre = _faded(curves, torch.where(begun, state[_CENTRE], first), self._left(CENTRE_S), sums=False)
        speed = (curves - torch.cat([before[:, None], curves[:, :-1]], 1))[..., SPEAKING].abs().sum(2, keepdim=True)
        left = self._left(PACE_S)
        speeds = _faded(speed, state[_SPEEDS][:, None], left)
        squares = _faded(speed.square(), state[_SQUARES][:, None], left)
        widened = curves + (self._gain(speeds, squares) - 1) * (curves - centre)
        return widened, {
            _BEFORE: curves[:, -1],
            _CENTRE: centre[:, -1],
            _SPEEDS: speeds[:, -1, 0],
            _SQUARES: squares[:, -1, 0],
            _BEGUN: torch.ones_like(state[_BEGUN]),
        }

    def _gain(self, speeds: Tensor, squares: Tensor) -> Tensor:
        """What the pace ``squares / speeds`` lacks of the one that is asked, the prior being in both sums."""
        asked, prior = TOLD_SHARE * self.pace, PRIOR_S * self.fps
        known = asked > 0
        asked = torch.where(known, asked, torch.ones_like(asked))
        gain = asked * (speeds + prior * asked) / (squares + prior * asked.square())
        full = torch.where(known, gain.clamp_min(1.0), torch.ones_like(gain))
        return 1 + self.amount * (full - 1)

    def _left(self, span_s: float) -> float:
        """What is left after a frame of something that fades over ``span_s``."""
        return math.exp(-1 / (span_s * self.fps))


def _faded(values: Tensor, before: Tensor, left: float, *, sums: bool = True) -> Tensor:
    """``[B, T, n]``: what ``y = left * y + values`` is at each frame, from ``before`` ``[B, n]`` on; or, not of
    ``sums`` but of means, ``y = left * y + (1 - left) * values``.

    As one product of a triangle ``[T, T]``, which a graph can hold whatever T is.
    """
    age = torch.arange(values.shape[1], device=values.device)
    apart = age[:, None] - age
    shares = torch.where(apart >= 0, left ** apart.clamp_min(0).to(values.dtype), values.new_zeros(()))
    told = shares @ values if sums else (1 - left) * (shares @ values)
    faded: Tensor = told + (left ** (age + 1).to(values.dtype))[:, None] * before[:, None]
    return faded


class Pace:
    """The pace of faces, gathered take by take: the mean of their speed, each frame weighted by its speed."""

    def __init__(self) -> None:
        self._speeds = self._squares = 0.0

    def hear(self, curves: NDArray[np.floating], valid: NDArray[np.bool_]) -> None:
        """Take in a take: curves ``[F, 52]``, and ``[F]`` which frames were tracked."""
        speed = np.abs(np.diff(curves[:, SPEAKING].astype(np.float64), axis=0)).sum(1)[valid[1:] & valid[:-1]]
        self._speeds, self._squares = self._speeds + speed.sum(), self._squares + np.square(speed).sum()

    @property
    def value(self) -> float:
        """In curve units a frame; 0 if nothing moved."""
        return float(self._squares / self._speeds) if self._speeds else 0.0

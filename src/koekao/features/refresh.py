"""Slow features on a fast clock: computed every 300 ms of the stream, held between, and delivered with their past.

Shapes: B streams, T frames, D delays, F values, H values that are held.

Refresh j happens with the first frame that ends at or after j * refresh_ms on the stream's own clock (of sound, not of
the wall), in integers, so that it falls on the same frames in training, packing and live. A frame then gets the values
of the newest refresh and of those before it: at 0, 300 and 600 ms, say. Every delay moves with the stream; before a
delayed refresh has happened its values are 0, and one of them (how much was heard) says so by being 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from koekao.clock import Clock
from koekao.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """When values are computed and which of them a frame gets.

    Attributes:
        clock: frames and samples. refresh_ms: from one refresh to the next. delays_ms: multiples of it, ascending.

    Raises:
        ConfigError: a refresh shorter than a frame, delays that are no multiples of it or do not ascend.
    """

    clock: Clock
    refresh_ms: int = 300
    delays_ms: tuple[int, ...] = (0, 300, 600)

    def __post_init__(self) -> None:
        if not isinstance(self.refresh_ms, int) or self.refresh_ms * self.clock.fps < 1000:
            what = f"values refreshed every {self.refresh_ms} ms"
            raise ConfigError(what, expected=f"whole ms, at least a frame of {float(1000 / self.clock.fps):.1f} ms")
        object.__setattr__(self, "delays_ms", tuple(self.delays_ms))  # a list when it comes from JSON
        delays = self.delays_ms
        if (
            not delays
            or delays[0] < 0
            or sorted(set(delays)) != list(delays)
            or any(d % self.refresh_ms for d in delays)
        ):
            raise ConfigError(
                f"delays of {list(delays)} ms", expected=f"ascending multiples of {self.refresh_ms} ms, from 0 on"
            )

    @property
    def n_held(self) -> int:
        """H: refreshes that must be kept, the newest included."""
        return self.delays_ms[-1] // self.refresh_ms + 1

    def count(self, frames: Tensor) -> Tensor:
        """How many refreshes have happened when each of ``frames`` (int64, any shape) ends."""
        n, d = self.clock.fps.denominator * 1000, self.clock.fps.numerator * self.refresh_ms
        return torch.div((frames + 1) * n, d, rounding_mode="floor")

    def due(self, first_frame: Tensor, n_ready: Tensor) -> Tensor:
        """``[B, T]`` bool: the frames ``first_frame .. + n_ready - 1`` of each row (T the most) that refresh."""
        ahead = torch.arange(int(n_ready.max()), device=first_frame.device)
        frames = first_frame[:, None] + ahead
        return (self.count(frames) > self.count(frames - 1)) & (ahead < n_ready[:, None])

    def hold(self, fresh: Tensor, due: Tensor, held: Tensor) -> tuple[Tensor, Tensor]:
        """Every frame's values, and what is held after them.

        Args:
            fresh: ``[n, F]``, the values of the ``n`` true places of ``due``, row by row.
            due: ``[B, T]`` bool. held: ``[B, H, F]``, oldest first.

        Returns:
            ``[B, T, D, F]``, and ``[B, H, F]``.
        """
        done = due.cumsum(1)
        rows, frames = due.nonzero(as_tuple=True)
        known = torch.cat([held, held.new_zeros(len(held), int(done.max()), held.shape[2])], 1)
        known[rows, self.n_held - 1 + done[rows, frames]] = fresh
        row = torch.arange(len(held), device=held.device)[:, None]
        back = torch.tensor([d // self.refresh_ms for d in self.delays_ms], device=held.device)
        values = known[row[..., None], self.n_held - 1 + done[..., None] - back]
        return values, known[row, done[:, -1:] + torch.arange(self.n_held, device=held.device)]

"""Somebody else's description of the past as a stream: an encoder of sound, asked at every refresh.

Shapes: B streams, T frames, D delays, F values of the encoder.

Programs that describe a stretch of sound (functionals, networks that look both ways) are no streams. They become causal
by being asked every 300 ms about the last seconds only; a frame gets the answers of now, 300 and 600 ms ago, as in
:mod:`.prosody`. The encoder hears the very samples that the stream has, from its beginning or the past's, so that
chunks cannot change its answer. What it gives up: each refresh costs a pass over the whole past.

An encoder that fails, or answers with another number of values or with something that is no number, ends the stream
with an error that names the moment. There is no stand-in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from koekao.clock import Clock
from koekao.errors import ModelError
from koekao.features.refresh import Refresh
from koekao.features.stream import FeatureStream, State, ends_of

VERSION = 1


class PastEncoder(ABC):
    """Describes a stretch of sound by a fixed number of values.

    Attributes:
        name: of the backend. names: of the F values. past_s: most seconds it is given at once.
        failures: what its program raises when it fails; these become ModelError.
    """

    name: str
    names: tuple[str, ...]
    past_s: float
    failures: tuple[type[Exception], ...] = (ValueError, RuntimeError)

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """All that the values depend on, as JSON values."""

    @abstractmethod
    def encode(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        """``[n]`` float32 in [-1, 1], at most ``past_s`` of it, to ``[F]`` float32."""


class EncodedPast(FeatureStream):
    """Frames ``[D * (F + 1)]``: for each delay the encoder's values, then ``heard_share`` in 0..1.

    ``heard_share`` is how much of ``past_s`` the encoder heard; 0 where the delayed refresh has not happened yet.
    """

    def __init__(self, encoder: PastEncoder, clock: Clock, refresh: Refresh) -> None:
        n_values = len(refresh.delays_ms) * (len(encoder.names) + 1)
        super().__init__(encoder.name, clock, (n_values,), round(encoder.past_s * clock.sample_rate))
        self.encoder, self.refresh = encoder, refresh

    @property
    def names(self) -> tuple[str, ...]:
        """What each value of a frame is: ``NAME@now``, ``NAME@-300ms`` ..."""
        delays = [f"@-{delay}ms" if delay else "@now" for delay in self.refresh.delays_ms]
        return tuple(name + delay for delay in delays for name in (*self.encoder.names, "heard_share"))

    def raw_settings(self) -> dict[str, Any]:
        return {
            "extractor": f"koekao.features.EncodedPast:{self.encoder.name}",
            "version": VERSION,
            "sample_rate": self.clock.sample_rate,
            "fps": str(self.clock.fps),
            "past_s": self.encoder.past_s,
            "refresh_ms": self.refresh.refresh_ms,
            "delays_ms": list(self.refresh.delays_ms),
            **self.encoder.settings(),
        }

    def init_memory(self, n_rows: int) -> State:
        n_held, n_values = self.refresh.n_held, len(self.encoder.names) + 1
        return {"summaries": torch.zeros(n_rows, n_held, n_values, device=self.mean.device)}

    def describe(
        self, sound: Tensor, *, origin_samples: Tensor, first_frame: Tensor, n_ready: Tensor, memory: State
    ) -> tuple[Tensor, State]:
        held = memory["summaries"]
        due = self.refresh.due(first_frame, n_ready)
        rows, frames = due.nonzero(as_tuple=True)
        ends = ends_of(self.clock, first_frame, due.shape[1])[rows, frames]
        fresh = held.new_zeros(len(rows), held.shape[2])
        for i, (row, end) in enumerate(zip(rows.tolist(), ends.tolist(), strict=True)):
            begin = max(0, end - self.past_samples)
            origin = int(origin_samples[row])
            answer = self._asked(sound[row, begin - origin : end - origin], end)
            fresh[i, :-1] = torch.from_numpy(answer)
            fresh[i, -1] = (end - begin) / self.past_samples
        values, after = self.refresh.hold(fresh, due, held)
        return values.flatten(2), {"summaries": after}

    def _asked(self, sound: Tensor, end: int) -> NDArray[np.float32]:
        """The encoder's answer about ``sound``, if it is one.

        Raises:
            ModelError: it failed, or answered with another shape or with values that are not finite.
        """
        where = f"{self.encoder.name}: {len(sound)} samples before sample {end}"
        try:
            values = self.encoder.encode(sound.cpu().numpy(), self.clock.sample_rate)
        except self.encoder.failures as error:
            raise ModelError(f"the encoder failed ({type(error).__name__}: {error})", where=where) from error
        if values.shape != (len(self.encoder.names),) or not np.isfinite(values).all():
            seen = f"{list(values.shape)} values, {int((~np.isfinite(values)).sum())} of them not finite"
            raise ModelError(seen, where=where, expected=f"{len(self.encoder.names)} finite numbers")
        return np.array(values, np.float32)  # a copy that torch may write to; pandas hands out read-only views

"""What animates: a step from sound to curves with its state, as arrays, whoever computes it.

torch and onnxruntime stand behind this one interface, so the bookkeeping of live sound is written once
(:mod:`koekao.animation.animators`) and loads neither.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock

State = dict[str, NDArray[Any]]
"""Arrays ``[B, ...]`` by name, a row a stream: ``next_frame`` int64, ``sound`` float32, and the model's own."""


class Engine(Protocol):
    """:class:`koekao.models.Listening`, over arrays.

    Attributes:
        clock: sample rate and frame rate. look_ahead_frames: sound that a frame waits for after its own end.
    """

    clock: Clock
    look_ahead_frames: int

    def init_state(self, n_rows: int) -> State:
        """The state of streams that have not begun, in silence."""

    def step(self, sound: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        """``[B, S]``, the sound of the next T frames of each row, to ``[B, T, 52]`` in 0..1 and the state after."""

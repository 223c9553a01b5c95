"""Whether some curves have been still for a while: what motion of our own waits for.

A curve has moved when it is farther than a band from where it was when it last moved. So the tremor of a prediction
does not count, and a slow drift counts each time it has gone that far. Before the first frame nothing has moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX
from koekao.controls.stage import Frames, State

_LONG = 1 << 40


class Stillness:
    """Watches ``names``; still is who has not moved by more than ``band`` for ``quiet_frames``."""

    _where: list[float] | None
    _quiet: int

    def __init__(self, names: Sequence[str], band: float, quiet_frames: float) -> None:
        self._columns = [INDEX[name] for name in names]
        self._band, self._quiet_frames = band, quiet_frames
        self.load_state_dict({})

    def watch(self, frames: Frames) -> NDArray[np.bool_]:
        """For each of ``[T, 52]`` frames whether the curves have been still up to it: ``[T]``."""
        still = np.empty(len(frames), np.bool_)
        for i, values in enumerate(frames[:, self._columns].tolist()):
            self._quiet += 1
            if self._where is None:
                self._where = values
            elif any(abs(value - was) > self._band for value, was in zip(values, self._where)):
                self._where, self._quiet = values, 0
            still[i] = self._quiet > self._quiet_frames
        return still

    def state_dict(self) -> dict[str, Any]:
        return {"where": None if self._where is None else list(self._where), "quiet": self._quiet}

    def load_state_dict(self, state: State) -> None:
        where = state.get("where")
        self._where = None if where is None else [float(value) for value in where]
        self._quiet = int(state.get("quiet", _LONG))

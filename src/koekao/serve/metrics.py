"""What a server has done, as numbers for people and for Prometheus. One thread writes and reads them.

Quantiles are over the last :data:`WINDOW` values, so they say how it is now; the counts are since the start. A frame's
wait is from the moment its last sample was due, which is its arrival, or later where sound came ahead of its time, to
the moment the frame is handed to the socket.

Format: Prometheus text exposition 0.0.4.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

WINDOW = 4096
QUANTILES = (0.5, 0.9, 0.99)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Spread:
    """A quantity in seconds: how many, how much in all, and quantiles of the last."""

    def __init__(self) -> None:
        self.n, self.sum_s = 0, 0.0
        self._last: deque[float] = deque(maxlen=WINDOW)

    def add(self, value_s: float, n: int = 1) -> None:
        """``n`` times the same."""
        self.n, self.sum_s = self.n + n, self.sum_s + n * value_s
        self._last.extend([value_s] * min(n, WINDOW))

    def quantiles(self) -> list[float]:
        """Of the last ones, one a :data:`QUANTILES`; 0 where there were none."""
        return np.quantile(self._last, QUANTILES).tolist() if self._last else [0.0] * len(QUANTILES)


@dataclass
class Metrics:
    """The account of a server.

    Attributes:
        sessions: that came; samples: of their sound, at their rates; frames: that were sent to the socket.
        late: frames that came more than a frame's length after their last sample was due.
        undelivered: frames whose client had gone. refused: by reason. closed: by the code of ours that closed them.
        faults: errors that nobody expected.
        step: seconds a step of the model. wait: seconds a frame waited.
    """

    sessions: int = 0
    samples: int = 0
    frames: int = 0
    late: int = 0
    undelivered: int = 0
    faults: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    step: Spread = field(default_factory=Spread)
    wait: Spread = field(default_factory=Spread)
    began_s: float = field(default_factory=time.monotonic)

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self.began_s

    def counts(self) -> dict[str, int]:
        """For one line at the end."""
        return {
            "sessions": self.sessions,
            "samples": self.samples,
            "frames": self.frames,
            "late": self.late,
            "undelivered": self.undelivered,
            "refused": self.refused.total(),
            "faults": self.faults,
        }

    def text(self, gauges: dict[str, float]) -> str:
        """Everything as Prometheus reads it; ``gauges`` are what is so at this moment."""
        lines: list[str] = []
        for name, value in gauges.items():
            lines += [f"# TYPE koekao_{name} gauge", f"koekao_{name} {value:g}"]
        for name, count in self.counts().items():
            if name != "refused":
                lines += [f"# TYPE koekao_{name}_total counter", f"koekao_{name}_total {count}"]
        for name, key, counted in (("refused", "reason", self.refused), ("closed", "code", self.closed)):
            lines.append(f"# TYPE koekao_{name}_total counter")
            lines += [f'koekao_{name}_total{{{key}="{what}"}} {n}' for what, n in sorted(counted.items())]
        for name, spread in (("step", self.step), ("wait", self.wait)):
            lines.append(f"# TYPE koekao_{name}_seconds summary")
            for q, value in zip(QUANTILES, spread.quantiles()):
                lines.append(f'koekao_{name}_seconds{{quantile="{q}"}} {value:.6f}')
            lines += [f"koekao_{name}_seconds_sum {spread.sum_s:.6f}", f"koekao_{name}_seconds_count {spread.n}"]
        return "\n".join(lines) + "\n"

"""A stage of the controls: frames of curves in, frames of curves out, with a declared latency and plain state.

Shapes: T frames a push, 52 curves, float64 in [0, 1].

A stage counts frames, never pushes: what it gives for a frame may depend on frames before and on as many after it as
its latency says, and on nothing else, so that any chunks give the same to the bit. Arithmetic is therefore elementwise
in a fixed order, or frame by frame; no matrix product, whose order of sums depends on its size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, REGIONS

Frames = NDArray[np.float64]
State = Mapping[str, Any]

MOUTH_SHAPE: NDArray[np.int64] = np.array([INDEX[name] for region in ("jaw", "mouth") for name in REGIONS[region]])
"""The curves that are one shape of the mouth and stay together: jaw and mouth."""


class Stage(ABC):
    """What every stage does. Those without memory need only :meth:`push`."""

    name: ClassVar[str]
    latency_s: Fraction = Fraction(0)
    """How much later a frame comes out than it went in, at the most."""

    @abstractmethod
    def push(self, frames: Frames) -> Frames:
        """The frames ``[T', 52]`` that are ready after ``frames`` ``[T, 52]``. What is given is not changed."""

    def finish(self) -> Frames:
        """The frames still owed: after the last frame its face stays."""
        return no_frames()

    def reset(self) -> None:
        """Forget the stream."""
        self.load_state_dict({})

    def state_dict(self) -> dict[str, Any]:
        """JSON values and float64 arrays of its own."""
        return {}

    def load_state_dict(self, state: State) -> None:  # noqa: B027  (a stage without memory has nothing to take up)
        """Go on where :meth:`state_dict` was taken; an empty one is a stream that has not begun."""


class Around(Stage):
    """A stage whose frame is a function of ``past`` frames before it and ``ahead`` frames after it.

    Before the first frame and after the last their faces stay.
    """

    def __init__(self, past: int, ahead: int, fps: Fraction) -> None:
        self.past, self.ahead, self.latency_s = past, ahead, ahead / fps
        self._kept: Frames | None = None

    @abstractmethod
    def across(self, window: Frames, n: int) -> Frames:
        """Frames ``past .. past + n - 1`` of a ``window`` of ``past + n + ahead`` frames: ``[n, 52]``."""

    def push(self, frames: Frames) -> Frames:
        if not len(frames):
            return no_frames()
        before = repeated(frames[0], self.past) if self._kept is None else self._kept
        window = np.concatenate([before, frames])
        n = max(0, len(window) - self.past - self.ahead)
        self._kept = window[n:].copy()
        return self.across(window, n) if n else no_frames()

    def finish(self) -> Frames:
        return no_frames() if self._kept is None else self.push(repeated(self._kept[-1], self.ahead))

    def state_dict(self) -> dict[str, Any]:
        return {"kept": None if self._kept is None else self._kept.copy()}

    def load_state_dict(self, state: State) -> None:
        self._kept = as_frames(state.get("kept"))


def no_frames() -> Frames:
    """``[0, 52]``."""
    return np.zeros((0, N_CURVES))


def repeated(face: Frames, n: int) -> Frames:
    """``[n, 52]``, each the face ``[52]``."""
    return np.repeat(face[None], n, 0)


def as_frames(value: Any) -> Frames | None:
    """An array of a state, which may have been a list of JSON since; None stays."""
    return None if value is None else np.array(value, np.float64)


def times_of(first: int, n: int, fps: Fraction) -> NDArray[np.float64]:
    """When frames ``first .. first + n - 1`` are, in seconds: each k / fps rounded once, so alike at all rates."""
    numerator, denominator = fps.numerator, fps.denominator
    return np.array([k * denominator / numerator for k in range(first, first + n)], np.float64)


def limited(values: Frames, lowest: Frames | float = 0.0, highest: Frames | float = 1.0) -> Frames:
    """np.clip, at a third of its price for a single frame."""
    inside: Frames = np.minimum(np.maximum(values, lowest), highest)
    return inside


def eased(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1 for u from 0 to 1 with no corner at either end, flat beyond: 3u^2 - 2u^3."""
    u = limited(u)
    eased: NDArray[np.float64] = u * u * (3.0 - 2.0 * u)
    return eased

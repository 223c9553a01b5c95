"""One voice of many: the sound that waits for the model, what brings it to the model's rate, the controls of its face.

Two threads share a session. The one that reads from clients puts sound and commands into its inbox; the one that steps
the model takes them out, in order, at most so much a turn. The ensemble holds the lock for both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, N_CURVES
from koekao.live.resampling import StreamResampler
from koekao.serve.protocol import Command, Hello

Sound = NDArray[np.float32]


class Controlled(Protocol):
    """Frames after the controls: ``curves`` ``[T, 52]`` in 0..1 and ``pose`` ``[T, 9]`` radians, float32."""

    @property
    def curves(self) -> NDArray[np.float32]: ...

    @property
    def pose(self) -> NDArray[np.float32]: ...


class Controls(Protocol):
    """The animator's controls of one face, from its beginning: :class:`koekao.controls.Controls`."""

    @property
    def fps_out(self) -> Fraction: ...

    @property
    def latency_s(self) -> Fraction: ...

    def push(self, curves: NDArray[np.float32]) -> Controlled: ...

    def finish(self) -> Controlled: ...


MakeControls = Callable[[Hello], Controls | None]
"""The controls for who said this hello; None for none. Called at the beginning of each sound."""


def no_controls(hello: Hello) -> None:
    """The curves of the model as they are, head and eyes straight ahead."""


@dataclass(frozen=True)
class Heard:
    """Sound in an inbox; ``moment_s`` is when it was due: its arrival, or later where it came ahead of its time."""

    sound: Sound
    moment_s: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """What a session gives to a turn: perhaps a beginning, then sound, then perhaps the end."""

    session: Session
    begins: bool
    sound: Sound
    ends: bool
    moment_s: float


class Session:
    """A voice and its face.

    Args:
        name: unique. hello: what its client said. row: of the ensemble that is its own. resampler: to the model's rate.
    """

    def __init__(self, name: str, hello: Hello, row: int, resampler: StreamResampler, make: MakeControls) -> None:
        self.name, self.hello, self.row, self.resampler = name, hello, row, resampler
        self._make = make
        self.controls: Controls | None = make(hello)
        self.inbox: deque[Heard | Command] = deque([Command.RESET])  # whoever had the row before is forgotten
        self.waiting_samples = 0
        self.blocked = False
        """Frames of it wait to be sent; no more are made."""

    @property
    def waiting_s(self) -> float:
        """How much sound waits for the model."""
        return self.waiting_samples / self.hello.sample_rate

    @property
    def can_go(self) -> bool:
        """Whether there is something to do for it."""
        return bool(self.inbox) and not self.blocked

    def put(self, item: Heard | Command) -> None:
        """Add to the inbox."""
        self.inbox.append(item)
        if isinstance(item, Heard):
            self.waiting_samples += len(item.sound)

    def take(self, most_s: float) -> Taken:
        """The next that is to be done: not beyond the next command, and at most ``most_s`` of sound."""
        begins = ends = False
        most, parts, moment_s = max(1, int(most_s * self.hello.sample_rate)), [np.zeros(0, np.float32)], 0.0
        while self.inbox and most > 0:
            item = self.inbox[0]
            if isinstance(item, Heard):
                part, rest = item.sound[:most], item.sound[most:]
                parts.append(part)
                moment_s = item.moment_s
                most -= len(part)
                if len(rest):
                    self.inbox[0] = Heard(rest, moment_s)
                else:
                    self.inbox.popleft()
            elif item is Command.RESET and (begins or len(parts) > 1):
                break  # in the next turn, after the frames of this sound
            else:
                self.inbox.popleft()
                begins, ends = begins or item is Command.RESET, item is Command.END
                if ends:
                    break
        sound = np.concatenate(parts)
        self.waiting_samples -= len(sound)
        return Taken(session=self, begins=begins, sound=sound, ends=ends, moment_s=moment_s)

    def begin(self) -> None:
        """Forget what was heard."""
        self.resampler.reset()
        self.controls = self._make(self.hello)

    def resampled(self, sound: Sound, *, ends: bool) -> Sound:
        """``sound`` at the model's rate, with all that is owed where it ends."""
        at_rate = self.resampler.push(sound)
        return np.concatenate([at_rate, self.resampler.finish()]) if ends else at_rate

    def controlled(self, curves: NDArray[np.float32], *, ends: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The model's ``curves`` ``[T, 52]`` as they are sent: ``[T', 52]`` and the pose ``[T', 9]``."""
        if self.controls is None:
            return curves, np.zeros((len(curves), len(HEAD_AND_EYES)), np.float32)
        parts = [self.controls.push(curves)]
        if ends:
            parts.append(self.controls.finish())
        joined = np.concatenate([part.curves for part in parts]), np.concatenate([part.pose for part in parts])
        return joined[0].reshape(-1, N_CURVES), joined[1]

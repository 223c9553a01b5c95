"""What every sink can: take a frame without waiting, tell what became of frames, say in a line what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from koekao.wire.frame import FaceFrame


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of frames; with several WebSocket clients, of messages to each.

    Attributes:
        sent: handed to the network, the file or the screen.
        dropped: left out because the receiver is slower than the frames.
        failed: known not to have arrived: nobody listens there, the connection broke, the frame cannot be written so.
    """

    sent: int = 0
    dropped: int = 0
    failed: int = 0


class Sink(Protocol):
    """Where frames go. A ``with`` block closes it."""

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""

    def send(self, frame: FaceFrame) -> None:
        """Take a frame. Never waits for a receiver, and never raises because of one."""

    def describe(self) -> str:
        """One line: the format, where to, as whom."""

    def close(self) -> None:
        """Finish, twice if need be. Frames sent later count as failed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing(ABC):
    """The ``with`` block of a sink or a receiver."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything that is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

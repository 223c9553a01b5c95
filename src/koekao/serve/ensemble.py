"""Many voices, one model: a thread that takes what has come of all sessions and steps it together.

Fifty rows stepped together cost nine times one row, not fifty times; so a step waits after the one before, the longer
the longer that took, up to ``gather_s``. Who is alone is stepped at once. What a turn may take is bounded over all
sessions, so that a client that sends an hour at once delays the others by some milliseconds and no more; its sound
waits, and once much of it waits, it is not read from (see :mod:`koekao.serve.connection`). A session whose frames
nobody reads is not stepped either. Nothing is ever left out.

Rows are given to sessions for as long as they are there, out of a fixed number; a row that nobody has costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from koekao.animation import Animators
from koekao.animation.engine import Engine
from koekao.serve.protocol import Command
from koekao.serve.session import Heard, Session, Taken

TURN_S, LEAST_S = 0.5, 0.05
"""Sound of all sessions together that one turn takes, and what it takes of each at least, where so much waits. Two
seconds would also be many more sizes of steps, for each of which torch keeps what it prepared: 8 MB in an hour."""
_JOIN_S = 1.0
_REST = 3.0
"""From step to step as many times as long as a step takes, so that it leaves time to read and write."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """What a turn made of one session.

    Attributes:
        taken: what it was made of. curves: ``[T, 52]``, pose: ``[T, 9]``, float32; T may be 0.
    """

    taken: Taken
    curves: NDArray[np.float32]
    pose: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Turn:
    """One step of all that had come.

    Attributes:
        made: by session. took_s: how long. fault: what broke it; then nothing was made of ``taken``.
    """

    taken: list[Taken]
    made: list[Made]
    took_s: float
    fault: Exception | None = None


class Ensemble:
    """Sessions that are stepped together.

    Args:
        engine: the model. n_rows: how many sessions there can be.
        deliver: gets each turn, in the stepping thread; it may not block.
        gather_s: from the begin of one step to that of the next, at most.
    """

    def __init__(self, engine: Engine, n_rows: int, deliver: Callable[[Turn], None], *, gather_s: float) -> None:
        self.engine, self._deliver, self._gather_s = engine, deliver, gather_s
        self._animators = Animators(engine, n_rows)
        self._free = list(range(n_rows))[::-1]
        self._sessions: dict[int, Session] = {}
        self._next_s = 0.0
        self._over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="koekao ensemble", daemon=True)
        self._thread.start()

    def free_row(self) -> int | None:
        """A row for a new session, to be given back by :meth:`leave`; None if all are taken."""
        with self._changed:
            return self._free.pop() if self._free else None

    def join(self, session: Session) -> None:
        """From now on what is put into ``session`` is stepped."""
        with self._changed:
            self._sessions[session.row] = session

    def leave(self, row: int) -> None:
        """Nobody waits for the session in ``row`` any more; the row is free."""
        with self._changed:
            self._sessions.pop(row, None)
            self._free.append(row)

    def put(self, session: Session, item: Heard | Command) -> None:
        """Sound or a command for a session."""
        with self._changed:
            session.put(item)
            self._changed.notify()

    def block(self, session: Session, blocked: bool) -> None:
        """Whether a session waits for its reader."""
        with self._changed:
            session.blocked = blocked
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after the turn that it is in; one that hangs ends with the program."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while (taken := self._taken()) is not None:
            began_s = time.perf_counter()
            made, fault = list[Made](), None
            try:
                made = self._turn(taken)
            except Exception as error:  # noqa: BLE001 - the server is told, and whose turn it was
                fault = error
                self._forget(taken)
            took_s = time.perf_counter() - began_s
            self._next_s = began_s + min(took_s * _REST, self._gather_s)
            self._deliver(Turn(taken=taken, made=made, took_s=took_s, fault=fault))

    def _forget(self, taken: list[Taken]) -> None:
        """Step these no more: nobody knows what was made of them."""
        with self._changed:
            for one in taken:
                self._sessions.pop(one.session.row, None)

    def _taken(self) -> list[Taken] | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not self._over and not any(session.can_go for session in self._sessions.values()):
                self._changed.wait()
        time.sleep(max(0.0, self._next_s - time.perf_counter()))  # in which more may come
        with self._changed:
            if self._over:
                return None
            going = [session for session in self._sessions.values() if session.can_go]
            return [session.take(max(LEAST_S, TURN_S / len(going))) for session in going]

    def _turn(self, taken: list[Taken]) -> list[Made]:
        """Step all of it; every session is in it once."""
        beginning, ending = np.zeros((2, self._animators.n_rows), np.bool_)
        for one in taken:
            beginning[one.session.row], ending[one.session.row] = one.begins, one.ends
            if one.begins:
                one.session.begin()
        self._animators.reset(beginning)
        pieces = [one.session.resampled(one.sound, ends=one.ends) for one in taken]
        sound = np.zeros((self._animators.n_rows, max(map(len, pieces), default=0)), np.float32)
        counts = np.zeros(self._animators.n_rows, np.int64)
        for one, piece in zip(taken, pieces):
            sound[one.session.row, : len(piece)] = piece
            counts[one.session.row] = len(piece)
        parts = [self._animators.push(sound, counts)]
        if ending.any():
            parts.append(self._animators.finish(ending))
        made = []
        for one in taken:
            curves = np.concatenate([part.of(one.session.row) for part in parts])
            curves, pose = one.session.controlled(curves, ends=one.ends)
            made.append(Made(taken=one, curves=curves, pose=pose))
        return made

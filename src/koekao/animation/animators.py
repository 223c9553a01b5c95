"""Faces of many streams: sound in chunks of any size, frames out as soon as their sound is there, a row a stream.

Shapes: B streams, S samples, T frames.

Each row counts its own samples. A frame is ready when all the sound it may hear has come: its own interval and the
model's look-ahead. Rows may begin, pause, end and begin anew on their own; those that have equally many frames ready
are stepped together, and what is pushed for one never moves another. Between pushes a row keeps less than one frame of
sound beside its state (before its first frame, the look-ahead), whatever it has heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.animation.engine import Engine, State
from koekao.arkit import N_CURVES
from koekao.errors import ModelError, SoundError

Sound = NDArray[np.float32]
Mask = NDArray[np.bool_]
BLOCK_S = 20
"""Longer sound is stepped in blocks of this, so that memory is bounded."""
_HEARD, _FINISHED = "heard_samples", "finished"


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """Frames that have become ready.

    Attributes:
        curves: ``[B, T, 52]`` float32 in 0..1, T being the most of any row; 0 where a row has fewer.
        n_ready: ``[B]`` int64, how many of the T are the row's. first_frame: ``[B]`` int64, the number of its first.
    """

    curves: NDArray[np.float32]
    n_ready: NDArray[np.int64]
    first_frame: NDArray[np.int64]

    def of(self, row: int) -> NDArray[np.float32]:
        """``[n_ready, 52]``: what is ready of one row."""
        return self.curves[row, : self.n_ready[row]]


class Animators:
    """Curves for ``n_rows`` streams, each on its own clock, the clock being the count of its samples.

    Args:
        engine: :class:`~koekao.animation.torch_engine.TorchEngine`, or the runtime's over ONNX.
        n_rows: B.
    """

    def __init__(self, engine: Engine, n_rows: int = 1) -> None:
        if n_rows < 1:
            raise ModelError(f"{n_rows} streams", expected="at least 1")
        self.engine, self.n_rows = engine, n_rows
        self._fresh = engine.init_state(1)
        # not init_state(n_rows): a model may round otherwise over more rows, and a reset is a fresh start to the bit
        self._state = {name: np.repeat(value, n_rows, 0) for name, value in self._fresh.items()}
        self._heard = np.zeros(n_rows, np.int64)
        self._finished = np.zeros(n_rows, np.bool_)
        self._waiting: list[Sound] = [np.zeros(0, np.float32)] * n_rows

    @property
    def next_frame(self) -> NDArray[np.int64]:
        """``[B]``: the number of the frame that comes next in each row."""
        return self._state["next_frame"].copy()

    @property
    def heard_samples(self) -> NDArray[np.int64]:
        """``[B]``: samples heard since each row's stream began."""
        return self._heard.copy()

    def push(self, samples: Sound, n_samples: NDArray[np.integer[Any]] | None = None) -> Ready:
        """Hear ``samples`` ``[B, S]`` float32 in [-1, 1].

        Args:
            n_samples: ``[B]``, how many of the S are each row's; all where not given. A row with 0 stays as it is, to
                the bit.

        Raises:
            ModelError: another shape or type, or sound for a row whose sound is over.
            SoundError: a sample that is not finite, named by row and sample; nothing is heard then, of no row.
        """
        counts = self._checked(samples, n_samples)
        for row in np.flatnonzero(counts):
            self._waiting[row] = np.concatenate([self._waiting[row], samples[row, : counts[row]]])
        self._heard += counts
        return self._step(self._frames_heard(self._heard))

    def finish(self, rows: Mask | None = None) -> Ready:
        """The sound of ``rows`` (``[B]`` bool, all where not given) is over: the frames still owed.

        Every frame that begins before the end of the sound comes; what is missing after the end counts as silence.
        """
        ending = self._rows(rows) & ~self._finished
        self._finished |= ending
        clock, ahead = self.engine.clock, self.engine.look_ahead_frames
        until = self._state["next_frame"].copy()
        for row in np.flatnonzero(ending):
            until[row] = clock.frames_covering(int(self._heard[row]))
            missing = clock.frame_start(int(until[row]) + ahead) - int(self._heard[row])
            self._waiting[row] = np.concatenate([self._waiting[row], np.zeros(missing, np.float32)])
        return self._step(until)

    def reset(self, rows: Mask | None = None) -> None:
        """Begin anew in ``rows`` (``[B]`` bool, all where not given), as if nothing had been heard there."""
        for row in np.flatnonzero(self._rows(rows)):
            for name, value in self._fresh.items():
                self._state[name][row] = value[0]
            self._heard[row], self._finished[row] = 0, False
            self._waiting[row] = np.zeros(0, np.float32)

    def state_dict(self) -> State:
        """All that the streams remember, as arrays: to be kept by ``numpy.savez`` and the like."""
        most = max(len(sound) for sound in self._waiting)
        waiting = np.stack([np.pad(sound, (0, most - len(sound))) for sound in self._waiting])
        counts = np.array([len(sound) for sound in self._waiting], np.int64)
        kept = {f"engine.{name}": value.copy() for name, value in self._state.items()}
        book = {_HEARD: self._heard.copy(), _FINISHED: self._finished.copy()}
        return kept | book | {"waiting": waiting, "n_waiting": counts}

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises:
            ModelError: the state of another model, or of another number of streams.
        """
        mine = self.state_dict()
        for name, value in mine.items():
            there = state.get(name)
            free = name == "waiting" and there is not None and there.ndim == 2 and len(there) == self.n_rows
            if there is None or there.dtype != value.dtype or not (free or there.shape == value.shape):
                seen = "nothing" if there is None else f"{there.dtype} {list(there.shape)}"
                raise ModelError(
                    f"{name!r} of the saved state is {seen}",
                    expected=f"{value.dtype} {list(value.shape)}",
                    do="load it into as many streams of the same model as it was saved from",
                )
        self._state = {name: state[f"engine.{name}"].copy() for name in self._state}
        self._heard, self._finished = state[_HEARD].copy(), state[_FINISHED].copy()
        self._waiting = [sound[:n].copy() for sound, n in zip(state["waiting"], state["n_waiting"])]

    def _frames_heard(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """``[B]``: the frame up to which (not included) each row can go, given its samples so far."""
        clock, ahead = self.engine.clock, self.engine.look_ahead_frames
        return np.array([max(0, clock.frame_at(int(n)) - ahead) for n in samples], np.int64)

    def _step(self, until: NDArray[np.int64]) -> Ready:
        """Make the frames of each row up to ``until`` (not included)."""
        first = self._state["next_frame"].copy()
        n_ready = np.maximum(until - first, 0)
        curves = np.zeros((self.n_rows, int(n_ready.max()), N_CURVES), np.float32)
        block = max(1, int(BLOCK_S * self.engine.clock.fps))
        while True:
            done = self._state["next_frame"] - first
            owed = np.minimum(n_ready - done, block)
            if not owed.any():
                return Ready(curves=curves, n_ready=n_ready, first_frame=first)
            for n_frames in np.unique(owed[owed > 0]):
                rows = np.flatnonzero(owed == n_frames)
                made = self._step_together(rows, int(n_frames))
                for row, values in zip(rows, made):
                    curves[row, done[row] : done[row] + n_frames] = values

    def _step_together(self, rows: NDArray[np.int64], n_frames: int) -> NDArray[np.float32]:
        """The next ``n_frames`` of ``rows``: ``[len(rows), n_frames, 52]``."""
        pieces = [self._taken(row, int(self._state["next_frame"][row]), n_frames) for row in rows]
        sound = np.zeros((len(rows), max(map(len, pieces))), np.float32)
        for into, piece in zip(sound, pieces):
            into[: len(piece)] = piece
        everyone = len(rows) == self.n_rows
        state = self._state if everyone else {name: value[rows] for name, value in self._state.items()}
        curves, after = self.engine.step(sound, state)
        if everyone:
            self._state = after
        else:
            for name, value in after.items():
                self._state[name][rows] = value
        return curves

    def _taken(self, row: int, frame: int, n_frames: int) -> Sound:
        """The sound of the next ``n_frames`` of a row, out of what waits."""
        clock, ahead = self.engine.clock, self.engine.look_ahead_frames
        waiting = self._waiting[row]
        if frame == 0:  # the sound that the first frame looks ahead to is past already when its own step comes
            n = clock.frame_start(ahead)
            kept = self._state["sound"]
            kept[row, kept.shape[1] - n :] = waiting[:n]
            waiting = waiting[n:]
        n = clock.frame_start(frame + ahead + n_frames) - clock.frame_start(frame + ahead)
        self._waiting[row] = waiting[n:].copy()
        return waiting[:n]

    def _rows(self, rows: Mask | None) -> Mask:
        if rows is None:
            return np.ones(self.n_rows, np.bool_)
        if rows.shape != (self.n_rows,) or rows.dtype != np.bool_:
            raise ModelError(f"a mask of shape {list(rows.shape)}, {rows.dtype}", expected=f"[{self.n_rows}] bool")
        return rows

    def _checked(self, samples: Sound, n_samples: NDArray[np.integer[Any]] | None) -> NDArray[np.int64]:
        """How many samples of each row are to be heard."""
        if samples.ndim != 2 or len(samples) != self.n_rows or samples.dtype != np.float32:
            raise ModelError(
                f"sound of shape {tuple(samples.shape)}, {samples.dtype}",
                expected=f"[{self.n_rows}, n_samples] float32, a row a stream",
                do="mix it to one channel, and divide int16 by 32768",
            )
        longest = samples.shape[1]
        counts = np.full(self.n_rows, longest) if n_samples is None else np.asarray(n_samples)
        if counts.shape != (self.n_rows,) or (counts < 0).any() or (counts > longest).any():
            raise ModelError(f"n_samples {counts.tolist()}", expected=f"[{self.n_rows}], each in 0..{longest}")
        late = np.flatnonzero(self._finished & (counts > 0))
        if len(late):
            raise ModelError(f"sound after finish() in row {late[0]}", do="reset the row for a new sound")
        for row in np.flatnonzero(counts):
            wrong = ~np.isfinite(samples[row, : counts[row]])
            if wrong.any():  # a single one would stay in the state of its stream for good
                where = f"row {row}, sample {int(self._heard[row]) + int(np.argmax(wrong))}"
                raise SoundError("a sample that is not finite", where=where, do="mend the sound before it comes here")
        return counts.astype(np.int64)

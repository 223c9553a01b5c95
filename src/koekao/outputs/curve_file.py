"""A file of curves that grows as frames come, and is there whole at the end or not at all.

What all formats have in common is here: rows are checked before any is written, handed to the format a block at a time,
and published (:mod:`koekao.atomic`) when the caller is through without an error. A row that is refused leaves the file
as it was, so a live program may go on without it; where the disk failed in the middle of a row, nothing is published
even if the caller goes on.

What it gives up: keeping the rows that were written before a fault.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, NAMES
from koekao.atomic import publish_file
from koekao.errors import OutputError
from koekao.outputs import formats
from koekao.outputs.target import BLOCK_FRAMES, Append, Frames, Target
from koekao.outputs.times import FrameTimes


class CurveFile:
    """A file that is being written; :func:`koekao.outputs.open_curves` makes one.

    Attributes:
        path: where it will be.
        format: its name in :data:`koekao.outputs.FORMATS`.
        n_frames: how many rows it has so far.
    """

    def __init__(self, target: Target, format: str, append: Append) -> None:
        self.path, self.format, self.n_frames = target.path, format, 0
        self.fault: BaseException | None = None
        self._times, self._append = target.times, append
        self._lost_a_pose = False

    def append(self, curves: NDArray[np.floating[Any]], pose: NDArray[np.floating[Any]] | None = None) -> None:
        """Write the next rows.

        Args:
            curves: ``[n, 52]`` floats in the canonical order, finite; written as float32, not clipped. n may be 0.
            pose: ``[n, 9]`` radians in the order of :data:`koekao.arkit.HEAD_AND_EYES`; None: 0. Formats without a
                place for it leave it out, with one warning where it is not 0.

        Raises:
            OutputError: another shape or type, or a value that is not finite; no row is written then.
        """
        curves = self._checked(curves, NAMES, "curves")
        if pose is not None:
            pose = self._checked(pose, HEAD_AND_EYES, "pose")
            if len(pose) != len(curves):
                raise OutputError(f"{len(pose)} poses for {len(curves)} frames", where=self.path, expected="one each")
        for begin in range(0, len(curves), BLOCK_FRAMES):
            block = slice(begin, begin + BLOCK_FRAMES)
            self._write(_float32(curves[block]), None if pose is None else _float32(pose[block]))

    def _write(self, curves: NDArray[np.float32], pose: NDArray[np.float32] | None) -> None:
        if pose is not None and not formats.FORMATS[self.format].has_pose:
            if pose.any() and not self._lost_a_pose:
                self._lost_a_pose = True
                what = f"{self.path}: {self.format} has no place for the rotations of head and eyes"
                warnings.warn(what, stacklevel=3)
            pose = None
        try:
            self._append(Frames(first=self.n_frames, curves=curves, pose=pose, times=self._times))
        except BaseException as fault:
            self.fault = fault  # half a row may be written
            raise
        self.n_frames += len(curves)

    def _checked(self, values: NDArray[Any], names: Sequence[str], what: str) -> NDArray[Any]:
        """``values`` if they can be written as float32 under these names."""
        values = np.asarray(values)
        if values.ndim != 2 or values.shape[1] != len(names) or values.dtype.kind != "f":
            seen = f"{what} of shape {values.shape} and type {values.dtype}"
            raise OutputError(seen, where=self.path, expected=f"floats [n_frames, {len(names)}]")
        wrong, first = 0, (0, 0)
        for begin in range(0, len(values), BLOCK_FRAMES):
            bad = ~np.isfinite(_float32(values[begin : begin + BLOCK_FRAMES]))
            if bad.any() and not wrong:
                first = begin + int(np.argwhere(bad)[0][0]), int(np.argwhere(bad)[0][1])
            wrong += int(bad.sum())
        if wrong:
            raise OutputError(
                f"{wrong} values are not finite, the first is {values[first]}",
                where=f"{self.path}:frame {self.n_frames + first[0]}:{names[first[1]]}",
                do="look for the fault where they were made; none of these rows was written",
            )
        return values

    def close(self) -> None:
        """Refuse to be published without a frame, or with half of one."""
        if self.fault is not None:
            what = f"an earlier row could not be written ({self.fault})"
            raise OutputError(what, where=self.path, do="nothing was published") from self.fault
        if not self.n_frames:
            raise OutputError("no frames", where=self.path, expected="at least one", do="nothing was published")


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, and is refused as that
        return values.astype(np.float32, copy=False)


class _CallersError(Exception):
    """Something went wrong in the caller's own lines, not in the file."""


@contextmanager
def written(target: Target, format: str) -> Iterator[CurveFile]:
    """Write to ``target.temporary``, which the caller publishes."""
    with formats.FORMATS[format].writing(target) as append:
        file = CurveFile(target, format, append)
        yield file
        file.close()


@contextmanager
def published(path: Path, format: str, times: FrameTimes, face: Path | None) -> Iterator[CurveFile]:
    """Write ``path``. An OSError of the caller's own lines goes through as it is; one of the file is an OutputError."""
    callers: OSError | None = None
    with (
        contextlib.suppress(_CallersError),
        publish_file(path) as temporary,
        written(Target(path=path, temporary=temporary, times=times, face=face), format) as file,
    ):
        try:
            yield file
        except OSError as error:
            if error is file.fault:
                raise
            callers = error
            raise _CallersError from error
    if callers is not None:
        raise callers

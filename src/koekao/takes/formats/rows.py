"""Rows of named curves on their way into a track, whatever file they stand in.

All readers ask the same of a row: each of the 52 curves once and found by its name, a time after the row before, and
numbers that stay finite as float32. It is asked here, so that one sentence says what is wrong in every format. The one
curve that may be missing is ``tongueOut``, in formats that have none (MediaPipe and BEAT): it is 0 there, and the
track's notes say so.

What it gives up: the rows are checked for finite values together, at the end, because one pass of numpy is cheaper
than a look at every row.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.strict_json import as_float, listed, shown
from koekao.takes.take import Source

LATEST_START_S = 1e6
"""A first time beyond this (11 days) is Unix time or some other clock, not seconds from the start of the sound."""

LARGEST = float(np.finfo(np.float32).max)
NO_TONGUE = frozenset({"tongueOut"})
NO_TONGUE_NOTE = "missing: tongueOut is not in this format, 0"
_NOT_TRACKED = (0.0,) * arkit.N_CURVES
_MEND = "mend the cell or remove the take"

Cells = tuple[Any, ...]


@dataclass(frozen=True)
class Layout:
    """Where the curves stand in a row of cells.

    Attributes:
        places: for each curve in canonical order the position of its cell.
        spelt: for each curve in canonical order its name in the file, for error texts.
        unknown: the names in the file that are no curve.
        missing: the curves that the format does not have; their value is 0.
        pick: the cells of a row in canonical order, without the missing ones.
    """

    places: tuple[int, ...]
    spelt: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    pick: Callable[[Sequence[Any]], Cells]


def layout_of(names: Sequence[str], where: str, *, may_lack: frozenset[str] = frozenset(), do: str = "") -> Layout:
    """Find the 52 curves among ``names``.

    Args:
        names: one for each cell of a row, in any order and known spelling; further names are allowed.
        where: place of the names, for the error text.
        may_lack: curves that need not be there.
        do: what to do about missing curves, where there is something better to say than to export all of them.

    Raises:
        CurvesError: a curve is named twice, or is missing.
    """
    try:
        found = arkit.positions(names)
    except CurvesError as fault:
        raise CurvesError(fault.what, where=where, do=fault.do) from None
    missing = [name for name in arkit.NAMES if name not in found]
    if not may_lack.issuperset(missing):
        raise CurvesError(
            f"{len(missing)} of the 52 curves are missing: {', '.join(missing)}",
            where=where,
            expected="all 52 ARKit curves, in any order and known spelling",
            do=do or "export all 52; a curve that is not captured is written as 0 by whoever knows that it is 0",
        )
    there = [name for name in arkit.NAMES if name in found]
    places = tuple(found[name] for name in there)
    spelt = tuple(names[place] for place in places)
    unknown = tuple(name for name in names if arkit.canonical(name) is None)
    return Layout(places, spelt, unknown, tuple(missing), itemgetter(*places))


def stated_names(order: str | None, n: int, where: str) -> tuple[str, ...]:
    """The names of ``n`` values without names, by the order that the caller stated.

    Raises:
        CurvesError: at ``where``: no order, an unknown one, or one of another length; those that would fit are listed.
    """
    names = arkit.order_named(order) if order is not None else ()
    if len(names) == n and n:
        return names
    fitting = [
        known for known, seen in arkit.ORDERS.items() if len(seen) == n and len(arkit.positions(seen)) == arkit.N_CURVES
    ]
    known = f"for {n} values: {', '.join(fitting)}" if fitting else f"none has {n} values"
    raise CurvesError(
        f"a list of {n} values without names"
        + (f", and order {order!r} has {len(names)}" if order is not None else ", and no order is stated"),
        where=where,
        expected=f"named curves, or a stated order of that length ({known}; all: {', '.join(arkit.ORDERS)})",
        do="say which order the file was written in (order=...); a guess would swap the sides of the face",
    )


def numbers(cells: Cells, names: Sequence[str], where: str) -> Cells:
    """Cells as JSON or another typed format has them, each an int or float and no bool, as floats.

    Raises:
        CurvesError: at ``where:name``.
    """
    if set(map(type, cells)) == {float}:
        return cells
    for name, cell in zip(names, cells):
        if type(cell) not in (int, float):
            raise CurvesError(shown(cell), where=f"{where}:{name}", expected="a number", do=_MEND)
    return tuple(map(as_float, cells))


def next_time(time_s: float, before: Sequence[float], where: str, key: str = "timestamp") -> float:
    """``time_s``, which is finite, if it can be the time of the row after those at ``before``.

    Raises:
        CurvesError: it is not later than the last one, or the first is a clock of the day.
    """
    if not before and time_s > LATEST_START_S:
        raise CurvesError(
            f"the first {key} is {time_s!r}, which looks like Unix time or a clock of the day",
            where=where,
            expected="seconds from the start of the sound",
            do=f"subtract the time at which the sound starts from every {key}",
        )
    if before and not time_s > before[-1]:
        raise CurvesError(
            f"{key} {time_s!r} after {before[-1]!r}",
            where=where,
            expected="times that increase from line to line",
            do="sort the lines or remove the repeated frames",
        )
    return time_s


def finite(values: NDArray[np.float64], place: Callable[[int], str]) -> NDArray[np.float32]:
    """``values`` ``[n, 52]`` (canonical order) as float32; ``place`` says where a row is.

    Raises:
        CurvesError: at the first value that is not finite as float32.
    """
    bad = np.argwhere(~(np.abs(values) <= LARGEST))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        where = f"{place(row)}:{arkit.NAMES[column]}"
        raise CurvesError(f"{values[row, column]}", where=where, expected="a finite number", do=_MEND)
    return values.astype(np.float32)


@dataclass
class Rows:
    """The rows of one file as a reader finds them, one after the other.

    Attributes:
        place: where row ``i`` is, for error texts (``"a.json:frame 12"``).
        key: what a time is called in the file.
    """

    place: Callable[[int], str]
    key: str = "timestamp"
    times_s: list[float] = field(default_factory=list)
    _cells: array[float] = field(default_factory=lambda: array("d"))  # a tenth of the memory of Python floats
    _untracked: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def where(self) -> str:
        """The place of the row that comes next."""
        return self.place(len(self.times_s))

    def add(self, time_s: float, cells: Cells | None) -> None:
        """The next row: its 52 floats in canonical order, 51 where tongueOut is missing, None where it has no face."""
        if cells is None:
            self._untracked.append(len(self.times_s))
            cells = _NOT_TRACKED
        self._cells.extend(cells)
        if len(cells) < arkit.N_CURVES:
            self._cells.append(0.0)
        self.times_s.append(next_time(time_s, self.times_s, self.where, self.key))

    def track(
        self, path: str, format: str, source: Source, notes: Sequence[str] = (), stated_fps: Fraction | None = None
    ) -> CurveTrack:
        """All rows as a track.

        Raises:
            CurvesError: there is no row, or a value that is not finite as float32.
        """
        if not self.times_s:
            raise CurvesError("no frames", where=path, expected="at least one", do="record it again, or remove it")
        tracked = np.ones(len(self), np.bool_)
        tracked[self._untracked] = False
        return CurveTrack(
            path=path,
            format=format,
            time_s=np.array(self.times_s, np.float64),
            values=finite(np.frombuffer(self._cells, np.float64).reshape(-1, arkit.N_CURVES), self.place),
            tracked=tracked,
            stated_clock=None,
            source=source,
            stated_fps=stated_fps,
            notes=tuple(notes),
        )


def ignored(names: Sequence[str], what: str = "names that are no ARKit curve") -> tuple[str, ...]:
    """The note on what was passed over: none, or one."""
    return (f"ignored {len(names)} {what}: {listed(names)}",) if names else ()


def missing_note(layout: Layout) -> tuple[str, ...]:
    """The note on a curve that the format does not have: none, or one."""
    return (NO_TONGUE_NOTE,) if layout.missing else ()

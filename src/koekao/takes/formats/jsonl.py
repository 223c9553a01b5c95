"""Curves as JSON lines: one object a frame.

``{"timestamp": seconds, "blendshapes": {name: value, ...}}``, names in any known spelling and any order; or
``"blendshapes": [52 numbers]``, which is read only by an order that the caller states. Timestamps are seconds from the
start of the sound and are honoured, whatever rate they make.

The usual file, whose lines are all alike, is decoded at once (:mod:`koekao.takes.formats.jsonl_alike`); this module
reads every other one line by line. Both give the same numbers to the bit, and every error is said here.

What it gives up: the whole file is held as text while it is read.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.jsonl_alike import Rows, rows_alike
from koekao.takes.source import TextFile

_LISTED = 12
LATEST_START_S = 1e6
"""A first timestamp beyond this (11 days) is Unix time or some other clock, not seconds from the start of the sound."""

_Cells = tuple[Any, ...]
_LOOKS = '{"timestamp": seconds, "blendshapes": {name: value, ...}}'
_FIRST_KEY = re.compile(r'\s*\{\s*"(timestamp|blendshapes)"')


def sniff_jsonl(head: str) -> bool:
    """Whether a file that begins with ``head`` is this format."""
    first = head.lstrip().split("\n", 1)[0]
    return bool(_FIRST_KEY.match(first)) or (first.startswith("{") and '"blendshapes"' in first)


def read_jsonl(file: TextFile, *, order: str | None = None) -> CurveTrack:
    """Read one frame a line.

    Raises:
        CurvesError: at ``file:line`` (and ``:column`` or ``:curve``): no JSON, keys or curves missing or twice, a cell
            that is no finite number, times that do not increase, a bare list without a fitting ``order``.
    """
    layouts, lines = _Layouts(order), file.lines
    found = _alike(lines, layouts, file.path)
    time_s, values = found if found is not None else _line_by_line(lines, layouts, file.path)
    return CurveTrack(
        path=file.path,
        format="jsonl",
        time_s=time_s,
        values=values.astype(np.float32),
        tracked=np.ones(len(time_s), np.bool_),
        stated_clock=None,
        source=file.source,
        notes=layouts.notes(),
    )


def _alike(lines: Sequence[str], layouts: _Layouts, path: str) -> Rows | None:
    """All lines at once, where they are like the first; whatever is wrong with the first is said as always."""
    if not lines:
        return None
    frame, _, _ = layouts.row(lines[0], f"{path}:1", [])
    shapes = frame["blendshapes"]
    named = isinstance(shapes, dict)
    found = rows_alike(lines, list(frame), list(shapes) if named else len(shapes))
    if found is None:
        return None
    time_s, cells = found
    at = arkit.positions(list(shapes) if named else arkit.order_named(str(layouts.order)))
    return time_s, cells[:, [at[name] for name in arkit.NAMES]]


def _line_by_line(lines: Sequence[str], layouts: _Layouts, path: str) -> Rows:
    times: list[float] = []
    cells = array("d")  # a tenth of the memory that lists of Python floats take
    for number, line in enumerate(lines, start=1):
        _, row, time_s = layouts.row(line, f"{path}:{number}", times)
        cells.extend(row)
        times.append(time_s)
    values = np.frombuffer(cells, np.float64).reshape(-1, arkit.N_CURVES)
    _check_finite(values, path)
    return np.array(times, np.float64), values


class _Layouts:
    """Where the 52 curves stand in a row, remembered for each sequence of names that was seen."""

    def __init__(self, order: str | None) -> None:
        self.order = order
        self.other_keys: dict[str, None] = {}
        self._unknown: dict[str, None] = {}
        self._by_names: dict[tuple[str, ...], Callable[[list[Any]], _Cells]] = {}

    def row(self, line: str, where: str, before: Sequence[float]) -> tuple[dict[str, Any], _Cells, float]:
        """One line: the frame as it stands there, its 52 cells in canonical order, its time after those ``before``."""
        frame = _object(line, where)
        cells = self.cells(frame["blendshapes"], where)
        time_s = _time(frame["timestamp"], before, where)
        self.other_keys.update(dict.fromkeys(frame))
        return frame, cells, time_s

    def cells(self, shapes: object, where: str) -> _Cells:
        """The 52 cells of a row in canonical order, each an int or float."""
        if isinstance(shapes, dict):
            names, row = tuple(shapes), list(shapes.values())
        elif isinstance(shapes, list):
            names, row = _stated_names(self.order, len(shapes), where), shapes
        else:
            raise CurvesError(f"blendshapes is {_shown(shapes)}", where=where, expected=_LOOKS)
        pick = self._by_names.get(names)
        if pick is None:
            pick = self._by_names[names] = self._layout(names, where)
        cells = pick(row)
        kinds = set(map(type, cells))
        return cells if kinds == {float} else _numbers(cells, where)

    def _layout(self, names: tuple[str, ...], where: str) -> Callable[[list[Any]], _Cells]:
        try:
            found = arkit.positions(names)
        except CurvesError as fault:
            raise CurvesError(fault.what, where=where, do=fault.do) from None
        missing = [name for name in arkit.NAMES if name not in found]
        if missing:
            raise CurvesError(
                f"{len(missing)} of the 52 curves are missing: {', '.join(missing)}",
                where=where,
                expected="all 52 ARKit curves, in any order and known spelling",
                do="export all 52; a curve that is not captured is written as 0 by whoever knows that it is 0",
            )
        self._unknown.update(dict.fromkeys(name for name in names if arkit.canonical(name) is None))
        return itemgetter(*(found[name] for name in arkit.NAMES))

    def notes(self) -> tuple[str, ...]:
        others = [key for key in self.other_keys if key not in ("timestamp", "blendshapes")]
        found = (
            (self._unknown, "names that are no ARKit curve"),
            (others, "keys beside timestamp and blendshapes"),
        )
        return tuple(f"ignored {len(names)} {what}: {_listed(names)}" for names, what in found if names)


def _stated_names(order: str | None, n: int, where: str) -> tuple[str, ...]:
    """The names of a bare list of ``n`` values, by the order that the caller stated."""
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


class _TwiceError(Exception):
    """A key stands twice in one JSON object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _object(line: str, where: str) -> dict[str, Any]:
    if not line.strip():
        raise CurvesError("an empty line between frames", where=where, expected=_LOOKS, do="remove it")
    try:
        frame = _DECODER.decode(line)
    except json.JSONDecodeError as fault:
        raise CurvesError(f"no JSON: {fault.msg}", where=f"{where}:{fault.colno}", expected=_LOOKS) from None
    except _TwiceError as fault:
        raise CurvesError(
            f"{_shown(fault.args[0])} stands twice in one object", where=where, do="keep one of them"
        ) from None
    except (ValueError, RecursionError) as fault:  # thousands of digits, thousands of brackets
        raise CurvesError(f"no usable JSON: {fault}", where=where, expected=_LOOKS) from None
    if not isinstance(frame, dict) or not {"timestamp", "blendshapes"} <= frame.keys():
        seen = f"keys {_listed(frame) or 'none'}" if isinstance(frame, dict) else _shown(frame)
        raise CurvesError(f"no frame: {seen}", where=where, expected=_LOOKS)
    return frame


def _numbers(cells: _Cells, where: str) -> _Cells:
    """The cells as floats; whatever is no JSON number is refused by name."""
    for name, cell in zip(arkit.NAMES, cells):
        if type(cell) not in (int, float):
            raise CurvesError(
                f"{_shown(cell)}", where=f"{where}:{name}", expected="a number", do="mend the cell or remove the take"
            )
    return tuple(map(_float, cells))


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def _time(stamp: object, times: Sequence[float], where: str) -> float:
    if type(stamp) not in (int, float) or not np.isfinite(time_s := _float(stamp)):  # type: ignore[arg-type]
        raise CurvesError(f"timestamp {_shown(stamp)}", where=where, expected="a finite number of seconds")
    if not times and time_s > LATEST_START_S:
        raise CurvesError(
            f"the first timestamp is {time_s!r}, which looks like Unix time or a clock of the day",
            where=where,
            expected="seconds from the start of the sound",
            do="subtract the time at which the sound starts from every timestamp",
        )
    if times and not time_s > times[-1]:
        raise CurvesError(
            f"timestamp {time_s!r} after {times[-1]!r}",
            where=where,
            expected="times that increase from line to line",
            do="sort the lines or remove the repeated frames",
        )
    return time_s


def _check_finite(values: NDArray[np.float64], path: str) -> None:
    bad = np.argwhere(~(np.abs(values) <= np.finfo(np.float32).max))
    if len(bad):
        row, column = (int(i) for i in bad[0])
        raise CurvesError(
            f"{values[row, column]}",
            where=f"{path}:{row + 1}:{arkit.NAMES[column]}",
            expected="a finite number",
            do="mend the cell or remove the take",
        )


def _shown(value: object) -> str:
    """A JSON value as the file has it, cut to a readable length."""
    text = _printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return _printable(", ".join(known[:_LISTED]) + more)


def _printable(text: str) -> str:
    """JSON can spell half a surrogate pair, which no file and no terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")

"""JSON as the curve readers take it: every key once, and every refusal with its place.

The standard decoder keeps the last of two equal keys, raises ``RecursionError`` on thousands of brackets and plain
``ValueError`` on thousands of digits. Here all of these are a :class:`~koekao.errors.CurvesError` at
``file:line:column``. It reads ``NaN`` and ``Infinity`` as the standard decoder does, so that the reader, which knows
the curve, can refuse them by name.

What it gives up: where a key stands twice, the text is gone through a second time to find the place.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from koekao.errors import CurvesError

_LISTED = 12
_LONGEST_SHOWN = 60
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


class _TwiceError(Exception):
    """A key stands twice in one JSON object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)


def decode_line(line: str, where: str, looks: str) -> Any:
    """The value that a line holds; errors at ``where:column``.

    Args:
        line: JSON text.
        where: ``file:line``.
        looks: what ought to stand there, for the error text.

    Raises:
        CurvesError: no JSON, a key twice in one object, more digits or brackets than can be read.
    """
    return _decode(line, where, lambda offset: f"{where}:{offset + 1}", looks)


def decode_document(text: str, path: str, looks: str) -> Any:
    """The value that a whole file holds; errors at ``path:line:column``, else as :func:`decode_line`."""

    def place(offset: int) -> str:
        return f"{path}:{text.count(chr(10), 0, offset) + 1}:{offset - text.rfind(chr(10), 0, offset)}"

    return _decode(text, path, place, looks)


def _decode(text: str, where: str, place: Callable[[int], str], looks: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise CurvesError(f"no JSON: {fault.msg}", where=place(fault.pos), expected=looks) from None
    except _TwiceError:
        key, offset = _second_of_two(text)
        what = f"{shown(key)} stands twice in one object"
        raise CurvesError(what, where=place(offset), do="keep one of them") from None
    except (ValueError, RecursionError) as fault:  # thousands of digits, thousands of brackets
        raise CurvesError(f"no usable JSON: {fault}", where=where, expected=looks) from None


def _second_of_two(text: str) -> tuple[str, int]:
    """The first key that its object already has, and where it stands; ``text`` is JSON up to there."""
    open_objects: list[set[str]] = []
    before, at = "", 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            open_objects.append(set())
        elif mark in "}]":
            open_objects.pop()
        elif mark == ":":
            key = json.loads(before, strict=False)
            if key in open_objects[-1]:
                return key, at
            open_objects[-1].add(key)
        before, at = mark, token.start()
    return "", 0


def number(value: object, where: str, expected: str = "a finite number") -> float:
    """A JSON number as a float: true, null, text, lists, NaN and what is beyond float64 are refused.

    Raises:
        CurvesError: at ``where``.
    """
    found = as_float(value) if type(value) in (int, float) else math.nan
    if not math.isfinite(found):
        raise CurvesError(shown(value), where=where, expected=expected)
    return found


def as_float(value: Any) -> float:
    """An int or float as a float; an int beyond float64 is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def shown(value: object) -> str:
    """A JSON value as a file has it, cut to a readable length."""
    if isinstance(value, (list, dict)) and len(value) > _LONGEST_SHOWN:
        return f"a list of {len(value)}" if isinstance(value, list) else f"an object with {len(value)} keys"
    try:
        text = printable(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        return "brackets in brackets"
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def listed(names: Iterable[str]) -> str:
    """The first twelve of some names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return printable(", ".join(known[:_LISTED]) + more)


def printable(text: str) -> str:
    """JSON can spell half a surrogate pair, which no file and no terminal takes."""
    return text.encode("utf-8", "replace").decode("utf-8")

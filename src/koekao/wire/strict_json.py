"""An object of JSON as a stranger sent it: not too long, each name once, and no number that JSON has not."""

from __future__ import annotations

import json
import reprlib
from typing import Any, NoReturn

from koekao.errors import WireError


def read_object(text: str, *, most: int, where: str) -> dict[str, Any]:
    """The object that ``text``, of at most ``most`` characters, is.

    Raises:
        WireError: at ``where``; it is longer, no JSON, no object, or has a name twice, NaN or Infinity anywhere.
    """
    if len(text) > most:
        raise WireError(f"{len(text)} characters", where=where, expected=f"at most {most}")
    try:
        fields = json.loads(text, object_pairs_hook=_each_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:  # RecursionError: [[[[ ...
        raise WireError(reprlib.repr(text), where=where, expected="JSON, each name once") from error
    if not isinstance(fields, dict):
        raise WireError(reprlib.repr(fields), where=where, expected="an object")
    return fields


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name twice")
    return fields


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")

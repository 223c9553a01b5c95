"""JSON lines that all look like their first one, decoded by type: five times as fast as line by line.

Recorders write every frame with the same keys and nothing but numbers. msgspec decodes such a line into a struct of
floats, so a key too few or too many, a word, a true or a null is refused by the decoder itself; the one thing that it
lets pass, a key that stands twice, shows in the number of quotes. Whatever is unusual in any way is no case for this
module: it answers None, and :mod:`koekao.takes.formats.jsonl` reads line by line and says what is wrong, and where.

What it gives up: a file with an unusual line is read twice.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import msgspec

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Times ``[n]`` and cells ``[n, m]``."""


def rows_alike(lines: Sequence[str], keys: Sequence[str], cells: Sequence[str] | int) -> Rows | None:
    """Read all ``lines`` as frames with the very same keys and cells; None where one is not, or might not be.

    Args:
        lines: one frame each.
        keys: the keys of a frame, "timestamp" and "blendshapes" among them.
        cells: the names of the cells, or how many there are where they have no names.

    Returns:
        Times and cells as they follow each other in ``cells``: the very floats that ``float(json.loads(...))`` gives.
        Times are finite and increase; cells are finite, also as float32.
    """
    import msgspec  # not for those who only plan

    names, n_cells = (None, cells) if isinstance(cells, int) else (tuple(cells), len(cells))
    if _has_twice(lines, len(keys) + len(names or ())):
        return None
    row = struct.Struct(f"{n_cells}d")
    times, table = np.empty(len(lines)), bytearray(row.size * len(lines))
    try:
        decode = _decoder(tuple(keys), n_cells if names is None else names).decode
        values = tuple if names is None else msgspec.structs.astuple
        for k, line in enumerate(lines):
            frame = decode(line)
            times[k] = frame.timestamp
            row.pack_into(table, k * row.size, *values(frame.blendshapes))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    found = times, np.frombuffer(table, np.float64).reshape(len(lines), n_cells)
    return found if _are_sound(*found) else None


@lru_cache(maxsize=8)  # the files of a folder are mostly of one make
def _decoder(keys: tuple[str, ...], cells: tuple[str, ...] | int) -> msgspec.json.Decoder[Any]:
    """A decoder of one line. ValueError: a key with a quote or a backslash in it, which msgspec does not take."""
    import msgspec

    shapes = GenericAlias(tuple, (float,) * cells) if isinstance(cells, int) else _record(dict.fromkeys(cells, float))
    return msgspec.json.Decoder(_record(dict.fromkeys(keys, float) | {"blendshapes": shapes}))


def _record(kinds: Mapping[str, Any]) -> type[msgspec.Struct]:
    """A struct of exactly these keys; its fields have other names, for a key need be no word of Python."""
    import msgspec

    known = ("timestamp", "blendshapes")
    fields = {key: key if key in known else f"field_{i}" for i, key in enumerate(kinds)}
    record: type[msgspec.Struct] = msgspec.defstruct(
        "Record",
        [(fields[key], kind) for key, kind in kinds.items()],
        rename={field: key for key, field in fields.items()},
        forbid_unknown_fields=True,
        gc=False,
    )
    return record


def _has_twice(lines: Sequence[str], n_keys: int) -> bool:
    """Whether a key stands twice in a line, provided that each line has each key: then the sum of quotes tells."""
    return sum(line.count('"') for line in lines) != 2 * n_keys * len(lines)


def _are_sound(times: NDArray[np.float64], cells: NDArray[np.float64]) -> bool:
    rising = (np.diff(times) > 0).all()
    return bool(rising and (np.abs(cells) <= np.finfo(np.float32).max).all())

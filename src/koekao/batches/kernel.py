"""The copy itself: windows out of the map into a batch in one pass, compiled, with the interpreter lock released.

A row is described by whole numbers in a table (where its sound and frames lie in memory, how much of them is real, and
what else a batch says of it), a batch by the addresses of its arrays. So one call fills any number of rows of any
number of columns, without a Python object a row, and threads may share the rows of a table out among themselves.

What it gives up: addresses are believed. Whoever makes the table (:mod:`koekao.batches.sources`) has checked that every
window lies inside its take, and every take inside its shard.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from koekao.compiled import compiled


class Sound(IntEnum):
    """What becomes of the sound on its way: left out, converted from int16 to float32 in [-1, 1), or copied."""

    LEFT_OUT = 0
    INT16_TO_FLOAT32 = 1
    COPIED = 2


AT_SOUND, SAMPLES, VALID_FRAMES, TAKE_ID, START_FRAME, GAP_FRAMES, IS_DENSE, RESET = range(8)
"""Columns of the table: address of the window's first sample, how many samples there are, and what a batch says."""
FIRST_FRAME_COLUMN = 8
"""From here on one column for each frame column: the address of the window's first frame in it."""

TO_SOUND, TO_VALID_FRAMES, TO_TAKE_ID, TO_START_FRAME, TO_GAP_FRAMES, TO_IS_DENSE, TO_RESET = range(7)
"""Entries of a batch's addresses; 0 where it has no such array. Its frame columns follow."""
FIRST_TO_FRAMES = 7

IN_SOUND, IN_SAMPLE_BYTES, IN_SAMPLES, IN_FRAMES = range(4)
"""Entries of the layout: a :class:`Sound`, bytes of a delivered sample, samples and frames a window; then the bytes of
a frame in each frame column."""
FIRST_FRAME_BYTES = 4

PERMITTED, CLAIMED, FIRST_MADE, _APART = 0, 8, 16, 8
"""Entries of the signals between threads, each in a cache line of its own: rows that may be made, rows that somebody
has begun, and from ``FIRST_MADE`` on, for each place of a ring, how many rows of its batch are made."""

_SCALE = np.float32(1 / 32768)


def machine_code(build: Callable[..., Any]) -> Any:
    """An operation that compiled code can use, made of the instructions that ``build`` says."""
    return intrinsic(build)


@machine_code
def _pointer(context: Any, address: Any) -> Any:
    """A whole number as an address."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), build


@machine_code
def _copy(context: Any, to: Any, origin: Any, n_bytes: Any) -> Any:
    """memcpy between two addresses."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = context.get_value_type(types.voidptr)
        there, here = (builder.inttoptr(value, pointer) for value in values[:2])
        cgutils.raw_memcpy(builder, there, here, values[2], 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), build


@machine_code
def _zero(context: Any, to: Any, n_bytes: Any) -> Any:
    """memset to 0 from an address on."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        there = builder.inttoptr(values[0], context.get_value_type(types.voidptr))
        cgutils.memset(builder, there, values[1], 0)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), build


@machine_code
def _load(context: Any, array: Any, place: Any) -> Any:
    """An entry of an int64 array as another thread last wrote it."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_entry(context, builder, signature, values), "acquire", 8)

    return types.int64(array, types.int64), build


@machine_code
def _store(context: Any, array: Any, place: Any, value: Any) -> Any:
    """Write an entry of an int64 array, after everything that was written before."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store_atomic(values[2], _entry(context, builder, signature, values), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), build


@machine_code
def _add(context: Any, array: Any, place: Any, value: Any) -> Any:
    """Add to an entry of an int64 array, after everything that was written before; what it was."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", _entry(context, builder, signature, values), values[2], "acq_rel")

    return types.int64(array, types.int64, types.int64), build


@machine_code
def _replace(context: Any, array: Any, place: Any, old: Any, new: Any) -> Any:
    """Write ``new`` if the entry still is ``old``; whether it was."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        entry = _entry(context, builder, signature, values)
        return builder.extract_value(builder.cmpxchg(entry, values[2], values[3], "acq_rel", "acquire"), 1)

    return types.boolean(array, types.int64, types.int64, types.int64), build


def _entry(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """The address of an entry of an array argument."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.gep(array.data, [values[1]])


def new_signals(n_places: int) -> NDArray[np.int64]:
    """Signals at rest, for a ring of ``n_places``."""
    return np.zeros(FIRST_MADE + _APART * n_places, np.int64)


@compiled
def permit(signals: NDArray[np.int64], rows: int) -> None:
    """Give leave to make the first ``rows`` rows."""
    _store(signals, PERMITTED, rows)


@compiled
def claimed(signals: NDArray[np.int64]) -> int:
    """How many rows somebody has begun."""
    return _load(signals, CLAIMED)


@compiled
def clear(signals: NDArray[np.int64], place: int) -> None:
    """No row of the batch at ``place`` is made."""
    _store(signals, FIRST_MADE + _APART * place, 0)


@compiled
def is_made(signals: NDArray[np.int64], place: int, n_rows: int) -> bool:
    """Whether all rows of the batch at ``place`` are made."""
    return _load(signals, FIRST_MADE + _APART * place) == n_rows


@compiled
def fill_ahead(
    table: NDArray[np.int64],
    first_row: int,
    end_row: int,
    at: int,
    n_rows: int,
    layout: NDArray[np.int64],
    ring: NDArray[np.int64],
    turn: int,
    signals: NDArray[np.int64],
    until: int,
    spins: int,
) -> int:
    """Make rows as long as there is leave, one after the other, shared with whoever else does so; no interpreter.

    Rows are counted from the beginning of the iteration: row r belongs to its batch ``r // n_rows``, which is made at
    place ``(turn + r // n_rows) % len(ring)``.

    Args:
        table, layout: as in :func:`fill`; row ``first_row`` stands at ``at`` in the table.
        first_row, end_row: the rows that the table has.
        ring: ``[places, ...]`` the addresses of every place.
        signals: see ``PERMITTED``.
        until: stop when the batch at this place is made; -1 = whatever is made.
        spins: how many times to look for leave, or for that batch, where there is nothing to do.

    Returns:
        The next row that nobody has begun.
    """
    left = spins
    while True:
        if until >= 0 and _load(signals, FIRST_MADE + _APART * until) == n_rows:
            return _load(signals, CLAIMED)
        row = _load(signals, CLAIMED)
        if row >= _load(signals, PERMITTED) or row >= end_row:
            left -= 1
            if left < 0 or (row >= end_row and until < 0):
                return row
        elif _replace(signals, CLAIMED, row, row + 1):
            place = (turn + row // n_rows) % len(ring)
            _fill_row(table[at + row - first_row], layout, ring[place], row % n_rows)
            _add(signals, FIRST_MADE + _APART * place, 1)
            left = spins


@compiled
def fill(
    table: NDArray[np.int64],
    first: int,
    count: int,
    layout: NDArray[np.int64],
    to: NDArray[np.int64],
) -> None:
    """Copy the windows of table rows ``first .. first+count-1`` to rows ``0 .. count-1`` of the arrays at ``to``.

    What lies past the end of a take is 0. All three arrays are int64; their columns and entries are named above.
    """
    for row in range(count):
        _fill_row(table[first + row], layout, to, row)


@compiled
def _fill_row(line: NDArray[np.int64], layout: NDArray[np.int64], to: NDArray[np.int64], row: int) -> None:
    n_frames, n_samples = layout[IN_FRAMES], layout[IN_SAMPLES]
    if layout[IN_SOUND] == Sound.INT16_TO_FLOAT32:
        _convert(line[AT_SOUND], line[SAMPLES], to[TO_SOUND] + 4 * row * n_samples, n_samples)
    elif layout[IN_SOUND] == Sound.COPIED:
        width = layout[IN_SAMPLE_BYTES]
        _copy_some(line[AT_SOUND], line[SAMPLES] * width, to[TO_SOUND] + row * n_samples * width, n_samples * width)
    for column in range(len(layout) - FIRST_FRAME_BYTES):
        width = layout[FIRST_FRAME_BYTES + column]
        there = to[FIRST_TO_FRAMES + column] + row * n_frames * width
        _copy_some(line[FIRST_FRAME_COLUMN + column], line[VALID_FRAMES] * width, there, n_frames * width)
    _say(line, row, to)


@compiled
def _convert(origin: int, n: int, to: int, n_all: int) -> None:
    """``n`` int16 samples to float32 in [-1, 1), then zeros up to ``n_all``."""
    source, target = carray(_pointer(origin), n, np.int16), carray(_pointer(to), n, np.float32)
    for i in range(n):
        target[i] = np.float32(source[i]) * _SCALE
    _zero(to + 4 * n, 4 * (n_all - n))


@compiled
def _copy_some(origin: int, n_bytes: int, to: int, n_all_bytes: int) -> None:
    """``n_bytes`` as they are, then zeros up to ``n_all_bytes``."""
    if n_bytes > 0:
        _copy(to, origin, n_bytes)
    if n_all_bytes > n_bytes:
        _zero(to + n_bytes, n_all_bytes - n_bytes)


@compiled
def _say(line: NDArray[np.int64], row: int, to: NDArray[np.int64]) -> None:
    """The small entries of one row."""
    for entry, column in (
        (TO_VALID_FRAMES, VALID_FRAMES),
        (TO_TAKE_ID, TAKE_ID),
        (TO_START_FRAME, START_FRAME),
        (TO_GAP_FRAMES, GAP_FRAMES),
    ):
        if to[entry]:
            carray(_pointer(to[entry]), row + 1, np.int64)[row] = line[column]
    for entry, column in ((TO_IS_DENSE, IS_DENSE), (TO_RESET, RESET)):
        if to[entry]:
            carray(_pointer(to[entry]), row + 1, np.uint8)[row] = line[column]

"""What the gather does, to be compiled; it is called by way of :mod:`koekao.batches.kernel`.

Each is given one address, that of an order. In what they call, arguments named in the plural or after an array are
addresses, the others counts. Signals between threads are read and written in an order that every processor keeps: what
was written before a store is seen by whoever sees the store.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.core import cgutils

from koekao.batches.numbering import (
    APART,
    AT_SOUND,
    CLAIMED,
    END_ROW,
    FIRST_FRAME_BYTES,
    FIRST_FRAME_COLUMN,
    FIRST_MADE,
    FIRST_ROW,
    FIRST_TO_FRAMES,
    GAP_FRAMES,
    IN_COLUMNS,
    IN_FRAMES,
    IN_SAMPLE_BYTES,
    IN_SAMPLES,
    IN_SOUND,
    IS_DENSE,
    IS_MADE,
    LAYOUT,
    LEAVE,
    LINE_BYTES,
    LINES,
    LOOKS,
    N_PLACES,
    N_ROWS,
    PERMITTED,
    RESET,
    SAMPLES,
    SIGNALS,
    START_FRAME,
    TAKE_ID,
    TO,
    TO_BYTES,
    TO_GAP_FRAMES,
    TO_IS_DENSE,
    TO_RESET,
    TO_SOUND,
    TO_START_FRAME,
    TO_TAKE_ID,
    TO_VALID_FRAMES,
    TOGETHER,
    TURN,
    UNTIL,
    VALID_FRAMES,
    Sound,
)
from koekao.machine import in_machine_code, instruction, numbers_at, pointer

_SCALE = np.float32(1 / 32768)
_TILE = 4096
"""Samples that are fetched at once: with what is made of them they fit the fastest cache (measured: 4096 is best)."""
_AT_ONCE = 16
"""float32 samples in a cache line."""


def _number_at(context: Any, builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, context.get_value_type(types.int64).as_pointer())


@instruction
def _load(context: Any, address: Any) -> Any:
    """The int64 at an address as another thread last stored it."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_number_at(context, builder, values[0]), "acquire", 8)

    return types.int64(types.int64), build


@instruction
def _store(context: Any, address: Any, value: Any) -> Any:
    """Write an int64 for other threads, after everything that was written before."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store_atomic(values[1], _number_at(context, builder, values[0]), "release", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), build


@instruction
def _add(context: Any, address: Any, value: Any) -> Any:
    """Add to an int64 that other threads add to as well, after everything that was written before; what it was."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.atomic_rmw("add", _number_at(context, builder, values[0]), values[1], "acq_rel")

    return types.int64(types.int64, types.int64), build


@instruction
def _replace(context: Any, address: Any, old: Any, new: Any) -> Any:
    """Write ``new`` if there is still ``old``; whether there was."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        number = _number_at(context, builder, values[0])
        return builder.extract_value(builder.cmpxchg(number, values[1], values[2], "acq_rel", "acquire"), 1)

    return types.boolean(types.int64, types.int64, types.int64), build


@instruction
def _copy(context: Any, to: Any, origin: Any, n_bytes: Any) -> Any:
    """memcpy between two addresses."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = context.get_value_type(types.voidptr)
        there, here = (builder.inttoptr(value, pointer) for value in values[:2])
        cgutils.raw_memcpy(builder, there, here, values[2], 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), build


@instruction
def _zero(context: Any, to: Any, n_bytes: Any) -> Any:
    """memset to 0 from an address on."""

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        there = builder.inttoptr(values[0], context.get_value_type(types.voidptr))
        cgutils.memset(builder, there, values[1], 0)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), build


@in_machine_code
def fill(order: int) -> int:
    """Make the rows of a batch."""
    lines, line_bytes = _told(order, LINES), _told(order, LINE_BYTES)
    layout, to = _told(order, LAYOUT), _told(order, TO)
    row, n_rows, most = 0, _told(order, N_ROWS), _told(order, TOGETHER)
    while row < n_rows:
        count = _together(lines + line_bytes * row, line_bytes, min(n_rows - row, most))
        _fill_rows(lines + line_bytes * row, line_bytes, count, layout, to, row)
        row += count
    return 0


@in_machine_code
def fill_ahead(order: int) -> int:
    """Give leave, make rows as long as there is some, and say whether the batch that is waited for is made."""
    permit(order)
    signals, n_rows, until = _told(order, SIGNALS), _told(order, N_ROWS), _told(order, UNTIL)
    first_row, end_row = _told(order, FIRST_ROW), _told(order, END_ROW)
    turn, n_places = _told(order, TURN), _told(order, N_PLACES)
    lines, line_bytes, layout = _told(order, LINES), _told(order, LINE_BYTES), _told(order, LAYOUT)
    to, to_bytes, most, looks = _told(order, TO), _told(order, TO_BYTES), _told(order, TOGETHER), _told(order, LOOKS)
    left = looks
    while left >= 0:
        if look(order):
            break
        row = _load(signals + 8 * CLAIMED)
        if row >= _load(signals + 8 * PERMITTED) or row >= end_row:
            left -= 1
            if row >= end_row and until < 0:
                break
            continue
        line, in_batch, place = lines + line_bytes * (row - first_row), row % n_rows, (turn + row // n_rows) % n_places
        count = _together(line, line_bytes, min(n_rows - in_batch, most))
        if _replace(signals + 8 * CLAIMED, row, row + count):
            _fill_rows(line, line_bytes, count, layout, to + to_bytes * place, in_batch)
            _add(_made(signals, place), count)
            left = looks
    return 0


@in_machine_code
def permit(order: int) -> int:
    """Give leave for more batches, of which nothing is made yet; only one thread does so."""
    signals, n_rows, leave = _told(order, SIGNALS), _told(order, N_ROWS), _told(order, LEAVE)
    permitted = _load(signals + 8 * PERMITTED)
    if leave > permitted:
        for batch in range(permitted // n_rows, leave // n_rows):
            _store(_made(signals, (_told(order, TURN) + batch) % _told(order, N_PLACES)), 0)
        _store(signals + 8 * PERMITTED, leave)
    return 0


@in_machine_code
def look(order: int) -> int:
    """Say whether the batch that is waited for is made."""
    until, is_made = _told(order, UNTIL), 0
    if until >= 0 and _load(_made(_told(order, SIGNALS), until)) == _told(order, N_ROWS):
        is_made = 1
    _store(order + 8 * IS_MADE, is_made)
    return is_made


@in_machine_code
def _told(order: int, entry: int) -> int:
    return _load(order + 8 * entry)


@in_machine_code
def _made(signals: int, place: int) -> int:
    """Where the number of rows that are made of the batch at ``place`` stands."""
    return signals + 8 * (FIRST_MADE + APART * place)


@in_machine_code
def _together(line: int, line_bytes: int, most: int) -> int:
    """How many rows from one line on, at most ``most``, begin within the sound of the one before."""
    count = 1
    while count < most:
        before = line + line_bytes * (count - 1)
        apart = _load(before + line_bytes + 8 * AT_SOUND) - _load(before + 8 * AT_SOUND)
        if apart < 0 or apart >= 2 * _load(before + 8 * SAMPLES):
            break
        count += 1
    return count


@in_machine_code
def _fill_rows(lines: int, line_bytes: int, count: int, layout: int, to: int, row: int) -> None:
    """``count`` rows of a batch, ``row`` the first of them, from as many lines of the table."""
    out, shape = numbers_at(to, FIRST_TO_FRAMES), numbers_at(layout, 5)
    n_frames, n_samples = shape[IN_FRAMES], shape[IN_SAMPLES]
    if shape[IN_SOUND] == Sound.INT16_TO_FLOAT32:
        _convert(lines, line_bytes, count, out[TO_SOUND] + 4 * row * n_samples, n_samples)
    for n in range(count):
        line, at = lines + line_bytes * n, row + n
        said = numbers_at(line, FIRST_FRAME_COLUMN)
        if shape[IN_SOUND] == Sound.COPIED:
            size = shape[IN_SAMPLE_BYTES]
            _copy_some(said[AT_SOUND], said[SAMPLES] * size, out[TO_SOUND] + at * n_samples * size, n_samples * size)
        for column in range(shape[IN_COLUMNS]):
            size = _load(layout + 8 * (FIRST_FRAME_BYTES + column))
            origin = _load(line + 8 * (FIRST_FRAME_COLUMN + column))
            there = _load(to + 8 * (FIRST_TO_FRAMES + column)) + at * n_frames * size
            _copy_some(origin, said[VALID_FRAMES] * size, there, n_frames * size)
        _say(said, at, out)


@in_machine_code
def _convert(lines: int, line_bytes: int, count: int, to: int, n_all: int) -> None:
    """The sound of ``count`` rows, each beginning within that of the one before: int16 to float32 in [-1, 1).

    Windows of a take that follow each other are mostly the same samples. So they are made tile by tile of what they are
    made of, which is then fetched from memory once for all of them. Each row goes on at a cache line of its own.
    """
    last = lines + line_bytes * (count - 1)
    origin = _load(lines + 8 * AT_SOUND)
    end = (_load(last + 8 * AT_SOUND) - origin) // 2 + _load(last + 8 * SAMPLES)
    tile = _TILE if count > 1 else max(1, end)
    for fetched in range(0, end, tile):
        for n in range(count):
            line = lines + line_bytes * n
            at, samples = _load(line + 8 * AT_SOUND), _load(line + 8 * SAMPLES)
            first = fetched - (at - origin) // 2
            begin = min(samples, max(0, first & -_AT_ONCE))
            stop = samples if first + tile >= samples else max(0, (first + tile) & -_AT_ONCE)
            _convert_some(at + 2 * begin, stop - begin, to + 4 * (n * n_all + begin))
    for n in range(count):
        samples = _load(lines + line_bytes * n + 8 * SAMPLES)
        _zero(to + 4 * (n * n_all + samples), 4 * (n_all - samples))


@in_machine_code
def _convert_some(origin: int, n: int, to: int) -> None:
    source, target = carray(pointer(origin), n, np.int16), carray(pointer(to), n, np.float32)
    for i in range(n):
        target[i] = np.float32(source[i]) * _SCALE


@in_machine_code
def _copy_some(origin: int, n_bytes: int, to: int, n_all_bytes: int) -> None:
    """``n_bytes`` as they are, then zeros up to ``n_all_bytes``."""
    if n_bytes > 0:
        _copy(to, origin, n_bytes)
    if n_all_bytes > n_bytes:
        _zero(to + n_bytes, n_all_bytes - n_bytes)


@in_machine_code
def _say(said: Any, row: int, out: Any) -> None:
    """The small entries of one row."""
    for entry, column in (
        (TO_VALID_FRAMES, VALID_FRAMES),
        (TO_TAKE_ID, TAKE_ID),
        (TO_START_FRAME, START_FRAME),
        (TO_GAP_FRAMES, GAP_FRAMES),
    ):
        if out[entry]:
            numbers_at(out[entry], row + 1)[row] = said[column]
    for entry, column in ((TO_IS_DENSE, IS_DENSE), (TO_RESET, RESET)):
        if out[entry]:
            carray(pointer(out[entry]), row + 1, np.uint8)[row] = said[column]

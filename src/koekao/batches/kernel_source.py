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
    BY_TURNS,
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
_SHARED_BYTES, _APART_BYTES = 8192, 512
"""Of sound that rows share, fetched at once: with what is made of it it fits the fastest cache. And of the sound of
each of some rows that lie apart, in turn. Both were measured to be best."""
_CACHE_LINE_BYTES = 64


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
    row, n_rows = 0, _told(order, N_ROWS)
    while row < n_rows:
        line = lines + line_bytes * row
        count = _together(order, line, n_rows - row)
        _fill_rows(line, line_bytes, count, layout, to, row)
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
    to, to_bytes, looks = _told(order, TO), _told(order, TO_BYTES), _told(order, LOOKS)
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
        count = _together(order, line, n_rows - in_batch)
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
def _together(order: int, line: int, n_left: int) -> int:
    """How many rows from one line on, of ``n_left``, are made together: such as overlap, or such as lie apart."""
    line_bytes, count = _told(order, LINE_BYTES), 1
    if n_left > 1:
        overlap = _overlaps(line, line_bytes)
        most = min(n_left, _told(order, TOGETHER if overlap else BY_TURNS))
        while count < most and _overlaps(line + line_bytes * (count - 1), line_bytes) == overlap:
            count += 1
    return count


@in_machine_code
def _overlaps(line: int, line_bytes: int) -> bool:
    """Whether the row after that of a line is mostly the same sound: half of it if it is int16, else three quarters."""
    apart = _load(line + line_bytes + 8 * AT_SOUND) - _load(line + 8 * AT_SOUND)
    return 0 <= apart < _load(line + 8 * SAMPLES)


@in_machine_code
def _fill_rows(lines: int, line_bytes: int, count: int, layout: int, to: int, row: int) -> None:
    """``count`` rows of a batch, ``row`` the first of them, from as many lines of the table."""
    out, shape = numbers_at(to, FIRST_TO_FRAMES), numbers_at(layout, 5)
    n_frames, n_samples = shape[IN_FRAMES], shape[IN_SAMPLES]
    if shape[IN_SOUND] != Sound.LEFT_OUT:
        _make_sound(lines, line_bytes, count, out[TO_SOUND] + shape[IN_SAMPLE_BYTES] * row * n_samples, layout)
    for n in range(count):
        line, at = lines + line_bytes * n, row + n
        said = numbers_at(line, FIRST_FRAME_COLUMN)
        for column in range(shape[IN_COLUMNS]):
            size = _load(layout + 8 * (FIRST_FRAME_BYTES + column))
            origin = _load(line + 8 * (FIRST_FRAME_COLUMN + column))
            there = _load(to + 8 * (FIRST_TO_FRAMES + column)) + at * n_frames * size
            _copy_some(origin, said[VALID_FRAMES] * size, there, n_frames * size)
        _say(said, at, out)


@in_machine_code
def _make_sound(lines: int, line_bytes: int, count: int, to: int, layout: int) -> None:
    """The sound of ``count`` rows: from int16 to float32 in [-1, 1), or copied; 0 past the end of a take.

    Windows of a take that follow each other are mostly the same samples. So they are made tile by tile of what they are
    made of, which is then fetched from memory once for all of them. Of windows that lie apart a little of each is made
    in turn, since a processor fetches from several places at once what will be read there next. Each row goes on at a
    cache line of its own.
    """
    converts, size = _told(layout, IN_SOUND) == Sound.INT16_TO_FLOAT32, _told(layout, IN_SAMPLE_BYTES)
    from_size, growth = (2, 2) if converts else (size, 1)
    n_all = from_size * _told(layout, IN_SAMPLES)
    origin, end, tile, shares = _load(lines + 8 * AT_SOUND), n_all, max(1, n_all), False
    if count > 1:
        shares = _overlaps(lines, line_bytes)
        tile = _SHARED_BYTES if shares else _APART_BYTES
    if shares:
        last = lines + line_bytes * (count - 1)
        end = _load(last + 8 * AT_SOUND) - origin + from_size * _load(last + 8 * SAMPLES)
    for fetched in range(0, end, tile):
        for n in range(count):
            line = lines + line_bytes * n
            at, n_bytes = _load(line + 8 * AT_SOUND), from_size * _load(line + 8 * SAMPLES)
            first = fetched - (at - origin) if shares else fetched
            begin = min(n_bytes, max(0, first & -_CACHE_LINE_BYTES))
            some = (n_bytes if first + tile >= n_bytes else max(0, (first + tile) & -_CACHE_LINE_BYTES)) - begin
            there = to + growth * (n * n_all + begin)
            if converts:
                _convert(at + begin, some // 2, there)
            elif some:
                _copy(there, at + begin, some)
    for n in range(count):
        n_bytes = from_size * _load(lines + line_bytes * n + 8 * SAMPLES)
        _zero(to + growth * (n * n_all + n_bytes), growth * (n_all - n_bytes))


@in_machine_code
def _convert(origin: int, n: int, to: int) -> None:
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

"""``takes.arrow``: one row a take with everything but its payload, read and checked in one go.

Opening a corpus reads this file and no shard. What it says is not believed: types, nulls, splits and the byte range of
every payload are checked, vectorised, before anything is viewed through it, so a hand-made index cannot lead a reader
outside its files.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.corpus.header import Header
from koekao.corpus.shards import index_schema
from koekao.corpus.split import SPLITS
from koekao.errors import CorpusError

_ALIGNMENT_BYTES = 8  # Arrow aligns every buffer to at least this


def read_index(folder: Path, header: Header) -> Any:
    """The index as a pyarrow table of one chunk, in memory.

    Raises:
        CorpusError: missing, changed since it was packed, other columns, or rows that cannot be.
    """
    problem = header.index.problem(folder, checksum=True)
    if problem is not None:
        raise problem
    path = folder / header.index.file
    try:
        reader = pa.ipc.open_file(pa.BufferReader(path.read_bytes()))
        table = pa.Table.from_batches([reader.get_batch(i) for i in range(reader.num_record_batches)], reader.schema)
        table.validate(full=True)
        columns = {field.name: field.type for field in table.schema}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorpusError(f"is no Arrow file ({error})", where=path, do="pack the takes again") from error
    wanted = index_schema()
    for field in wanted:
        if columns.get(field.name) != field.type:
            raise CorpusError("missing or of another type", where=f"{path}:{field.name}", expected=str(field.type))
    table = table.select(wanted.names).combine_chunks()
    for name in wanted.names:
        if _has_null(table.column(name)):
            raise CorpusError("an empty cell", where=f"{path}:{name}", expected="a value in each row")
    _check_rows(table, path)
    _check_ranges(table, header, path)
    return table


def _has_null(column: Any) -> bool:
    """Whether a cell is empty, or one inside a list or struct."""
    inner: list[Any] = []
    if pa.types.is_list(column.type):
        inner = [pc.list_flatten(column)]
    elif pa.types.is_struct(column.type):
        inner = column.flatten()
    return bool(column.null_count) or any(map(_has_null, inner))


def numbers(table: Any, name: str) -> NDArray[Any]:
    """A column of integers as a read-only int64 array."""
    column: NDArray[Any] = table.column(name).to_numpy().astype(np.int64)
    column.flags.writeable = False
    return column


def _check_rows(table: Any, path: Path) -> None:
    names = table.column("name").to_pylist()
    for row, (before, name) in enumerate(itertools.pairwise(names), start=1):
        if before >= name:
            raise CorpusError(f"take {name!r} follows {before!r}", where=f"{path}:row {row}", expected="rising names")
    strange = set(table.column("split").unique().to_pylist()) - set(SPLITS)
    if strange:
        raise CorpusError(f"{strange.pop()!r}", where=f"{path}:split", expected=" or ".join(SPLITS))


def _check_ranges(table: Any, header: Header, path: Path) -> None:
    """Every payload lies inside its shard. No product or sum of untrusted numbers is taken, so none can overflow."""
    shard = numbers(table, "shard")
    _refuse((shard < 0) | (shard >= len(header.shards)), table, path, "shard", f"0 to {len(header.shards) - 1}")
    rows = np.bincount(shard, minlength=len(header.shards)).tolist()
    for entry, seen in zip(header.shards, rows, strict=True):
        if entry.takes != seen:
            raise CorpusError(f"{seen} takes of {entry.file}", where=f"{path}:shard", expected=f"{entry.takes}")
    size = np.array([entry.bytes for entry in header.shards], np.int64)[shard]
    for name, length, item_bytes in (
        ("audio_offset", "n_samples", np.dtype(header.audio_dtype).itemsize),
        ("curves_offset", "n_frames", N_CURVES * 4),
        ("valid_offset", "n_frames", 1),
    ):
        offset, count = numbers(table, name), numbers(table, length)
        _refuse(count < 1, table, path, length, "at least 1")
        expected = f"a multiple of {_ALIGNMENT_BYTES} inside the shard"
        _refuse((offset < 0) | (offset > size) | (offset % _ALIGNMENT_BYTES != 0), table, path, name, expected)
        _refuse(count > (size - offset) // item_bytes, table, path, name, f"room for all of {length} inside the shard")


def _refuse(wrong: NDArray[np.bool_], table: Any, path: Path, column: str, expected: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        take, value = table.column("name")[row].as_py(), table.column(column)[row].as_py()
        where = f"{path}:row {row}:{column}"
        raise CorpusError(f"{value} for take {take!r}", where=where, expected=expected, do="pack the takes again")

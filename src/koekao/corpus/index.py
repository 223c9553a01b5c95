"""``takes.arrow`` and ``sources.arrow``: one row a take, read and checked in one go.

Opening a corpus reads the index and no shard: name, speaker, split, lengths, and where the payload lies. Where a take
came from and what was repaired are in the second file, which is read when somebody asks. What the files say is not
believed: checksums, types, empty cells, the order of names and the byte range of every payload are checked, vectorised,
before anything is viewed through them, so a hand-made index cannot lead a reader outside its files.

The files are read into private memory, not mapped: a million takes are 100 MB, and what is in memory can be neither cut
nor changed under a reader. Columns are views of those bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.corpus.datafile import DataFile, ShardFile
from koekao.corpus.header import Header
from koekao.corpus.shards import index_schema, sources_schema
from koekao.corpus.split import SPLITS
from koekao.corpus.viewed import viewed
from koekao.errors import CorpusError

_ALIGNMENT_BYTES = 8  # Arrow aligns every buffer to at least this
_PIECE_ROWS = 1 << 16  # what is checked at a time stays in the cache, whatever the number of takes


def read_index(folder: Path, header: Header) -> Any:
    """The index as a pyarrow record batch in memory.

    Raises:
        CorpusError: missing, changed since it was packed, other columns, or rows that cannot be.
    """
    rows, path = read_rows(folder, header.index, index_schema()), folder / header.index.file
    _check_names(rows, path)
    strange = set(rows.column("split").dictionary.to_pylist()) - set(SPLITS)
    if strange:
        raise CorpusError(f"{strange.pop()!r}", where=f"{path}:split", expected=" or ".join(SPLITS))
    _check_ranges(rows, header, path)
    return rows


def read_sources(folder: Path, header: Header) -> Any:
    """The file of sources as a pyarrow record batch in memory, row for row as the index.

    Raises:
        CorpusError: missing, changed since it was packed, other columns, or another number of rows.
    """
    rows = read_rows(folder, header.sources, sources_schema())
    if rows.num_rows != header.n_takes:
        raise CorpusError(f"{rows.num_rows} rows", where=folder / header.sources.file, expected=f"{header.n_takes}")
    return rows


def numbers(rows: Any, name: str) -> NDArray[np.int64]:
    """A column of integers as a read-only view."""
    return viewed(rows.column(name))


def read_rows(folder: Path, file: DataFile, schema: Any) -> Any:
    """The only record batch of an Arrow file, with the columns of ``schema`` and a value in each cell.

    Raises:
        CorpusError: missing, changed since it was packed, no Arrow file, other columns.
    """
    path = folder / file.file
    data = file.content_in(folder)
    try:
        reader = pa.ipc.open_file(pa.BufferReader(data))
        if reader.num_record_batches != 1:
            raise CorpusError(f"{reader.num_record_batches} record batches", where=path, expected="1")
        rows = reader.get_batch(0)
        rows.validate(full=True)
        columns = {field.name: field.type for field in rows.schema}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorpusError(f"is no Arrow file ({error})", where=path, do=file.remedy) from error
    for field in schema:
        if columns.get(field.name) != field.type:
            raise CorpusError("missing or of another type", where=f"{path}:{field.name}", expected=str(field.type))
        if _has_null(rows.column(field.name)):
            raise CorpusError("an empty cell", where=f"{path}:{field.name}", expected="a value in each row")
    return rows


def _has_null(column: Any) -> bool:
    """Whether a cell is empty, or one inside a list, a struct or a dictionary."""
    inner: list[Any] = []
    if pa.types.is_list(column.type):
        inner = [column.values]
    elif pa.types.is_struct(column.type):
        inner = column.flatten()
    elif pa.types.is_dictionary(column.type):
        inner = [column.dictionary]
    return bool(column.null_count) or any(map(_has_null, inner))


def _check_names(rows: Any, path: Path) -> None:
    """Not by pyarrow.compute: no more than these names wants it, and it is 4 MB in each process that reads a corpus."""
    before = ""
    for start, piece in _pieces(rows):
        for row, name in enumerate(piece.column("name").to_pylist(), start=start):
            if row and not before < name:
                raise CorpusError(
                    f"take {name!r} follows {before!r}", where=f"{path}:row {row}", expected="rising names"
                )
            before = name


def _check_ranges(rows: Any, header: Header, path: Path) -> None:
    """Every payload lies inside its shard. No product or sum of untrusted numbers is taken, so none can overflow."""
    check_shards(rows, header.shards, path)
    sizes = np.array([entry.bytes for entry in header.shards], np.int64)
    for start, piece in _pieces(rows):
        _check_places(piece, sizes[numbers(piece, "shard")], header.audio_dtype, start, path)


def check_shards(rows: Any, shards: Sequence[ShardFile], path: Path) -> None:
    """Raise CorpusError unless every row names one of the shards, and each shard has the takes that it should."""
    takes, counted = np.array([entry.takes for entry in shards], np.int64), np.zeros(len(shards), np.int64)
    for start, piece in _pieces(rows):
        shard = numbers(piece, "shard")
        refuse_rows((shard < 0) | (shard >= len(shards)), piece, path, "shard", f"0 to {len(shards) - 1}", start)
        counted += np.bincount(shard, minlength=len(shards))
    for number in np.flatnonzero(takes != counted).tolist():
        what = f"{counted[number]} takes of {shards[number].file}"
        raise CorpusError(what, where=f"{path}:shard", expected=f"{takes[number]}")


def _check_places(piece: Any, size: NDArray[np.int64], audio_dtype: str, start: int, path: Path) -> None:
    for name, length, item_bytes in (
        ("audio_offset", "n_samples", np.dtype(audio_dtype).itemsize),
        ("curves_offset", "n_frames", N_CURVES * 4),
        ("valid_offset", "n_frames", 1),
    ):
        offset, count = numbers(piece, name), numbers(piece, length)
        refuse_rows(count < 1, piece, path, length, "at least 1", start)
        wrong = (offset < 0) | (offset > size) | (offset & (_ALIGNMENT_BYTES - 1) != 0)
        refuse_rows(wrong, piece, path, name, f"a multiple of {_ALIGNMENT_BYTES} inside the shard", start)
        too_long = count > (size - offset) // item_bytes
        refuse_rows(too_long, piece, path, name, f"room for all of {length} inside the shard", start)


def _pieces(rows: Any) -> Iterator[tuple[int, Any]]:
    """(first row, some rows) after each other."""
    for start in range(0, rows.num_rows, _PIECE_ROWS):
        yield start, rows.slice(start, _PIECE_ROWS)


def refuse_rows(
    wrong: NDArray[np.bool_], piece: Any, path: Path, column: str, expected: str, first_row: int = 0
) -> None:
    """Raise CorpusError if any row is wrong, naming the first: its number, its value, and its take if it has a name."""
    if wrong.any():
        row = int(np.argmax(wrong))
        named = "name" in piece.schema.names
        take = f" for take {piece.column('name')[row].as_py()!r}" if named else ""
        where = f"{path}:row {first_row + row}:{column}"
        what = f"{piece.column(column)[row].as_py()}{take}"
        raise CorpusError(what, where=where, expected=expected, do="pack it again")

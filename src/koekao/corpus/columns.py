"""Frame columns: numbers for every frame of every take, packed once beside a corpus and read like its curves.

A column lies in ``CORPUS/columns/<name>-<key>/``: ``column.json``, ``rows.arrow`` (where each take's values begin) and
Arrow shards with one row a take, which pyarrow reads without koekao. The key is the SHA-256 of the settings that the
values were computed with, so columns of other settings lie side by side; the corpus' own files and id stay as they are.
A column belongs to one corpus and names its id. What that gives up: packing the takes again means packing the columns
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.corpus.column_header import (
    AGAIN,
    DTYPE,
    HEADER_FILE,
    KEY_LETTERS,
    ROWS_FILE,
    ColumnHeader,
    column_folders,
    column_names,
    frame_bytes,
    key_of,
    name_of,
    read_column_header,
)
from koekao.corpus.index import check_shards, numbers, read_rows, refuse_rows
from koekao.corpus.mapped import MappedFiles, Mark, mark_of
from koekao.corpus.remote.fetched import FetchedFiles
from koekao.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from koekao.corpus.corpus import Corpus

ROWS_SCHEMA = pa.schema([("n_frames", pa.int64()), ("shard", pa.int64()), ("offset", pa.int64())])


class ColumnFiles(MappedFiles):
    """The shards of a column by number, and its header."""

    def __init__(
        self, folder: Path, header: ColumnHeader, mark: Mark | None = None, fetched: FetchedFiles | None = None
    ) -> None:
        super().__init__(folder, header.shards, HEADER_FILE, mark, fetched)
        self.header, self.fetched = header, fetched
        if fetched is not None:
            fetched.shards = header.shards

    @property
    def id(self) -> str:
        return self.header.id

    def id_there(self) -> str:
        return read_column_header(self.folder).id


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FrameColumn:
    """A column as seen by a corpus or a selection of its takes.

    Attributes:
        name, key: what it is called, and the SHA-256 of its settings.
        config: the settings.
        frame_shape: of one frame's values. dtype: float32. frame_bytes: bytes a frame.
        n_frames: ``[n]`` int64 of each take of the selection, the same as the corpus says.
        shard: ``[n]`` int64, number of the file of this column that holds the take's values.
        offset: ``[n]`` int64, byte in it where they begin.
        files: the maps behind it.
    """

    name: str
    key: str
    config: Mapping[str, Any]
    frame_shape: tuple[int, ...]
    n_frames: NDArray[np.int64]
    shard: NDArray[np.int64]
    offset: NDArray[np.int64]
    files: ColumnFiles

    @property
    def dtype(self) -> np.dtype[np.float32]:
        return DTYPE

    @property
    def frame_bytes(self) -> int:
        return frame_bytes(self.frame_shape)

    @property
    def path(self) -> Path:
        return self.files.folder

    def __repr__(self) -> str:
        return f"FrameColumn({self.name!r}, {len(self)} takes, frames of {self.frame_shape}, key {self.key[:12]})"

    def __len__(self) -> int:
        return len(self.n_frames)

    def frames(self, i: int) -> NDArray[np.float32]:
        """Values of take ``i``: ``[n_frames, *frame_shape]`` float32, a read-only view.

        Raises:
            CorpusError: a shard that is missing, or was cut or replaced since.
        """
        number, start, n_frames = int(self.shard[i]), int(self.offset[i]), int(self.n_frames[i])
        whole = self.files.shard(number)
        self.files.refuse_truncated((number,))
        mine = whole[start : start + n_frames * self.frame_bytes]
        return mine.view(DTYPE).reshape(n_frames, *self.frame_shape)


def open_column(corpus: Corpus, name: str, key: str | None = None) -> FrameColumn:
    """The column ``name`` of ``corpus``, for the takes of this selection.

    Args:
        key: its key, or the beginning of it; needed where there are several of that name.

    Raises:
        ConfigError: none of that name or key, or several. CorpusError: damaged, or of another corpus.
    """
    files = _find(corpus, name, key)
    header, path = files.header, files.folder / HEADER_FILE
    if header.corpus != corpus.id:
        what = f"a column of corpus {header.corpus[:12]}..."
        raise CorpusError(what, where=path, expected=f"corpus {corpus.id[:12]}...", do=AGAIN)
    rows = read_column_rows(files)
    n_takes = corpus.n_packed
    if len(rows["n_frames"]) != n_takes:
        what = f"{len(rows['n_frames'])} takes"
        raise CorpusError(what, where=files.folder / ROWS_FILE, expected=f"{n_takes}, as in the corpus", do=AGAIN)
    mine = {column: values[corpus.take_ids] for column, values in rows.items()}
    wrong = np.flatnonzero(mine["n_frames"] != corpus.n_frames)
    if wrong.size:
        i = int(wrong[0])
        what = f"{mine['n_frames'][i]} frames of take {corpus.names[i]!r}"
        raise CorpusError(what, where=files.folder / ROWS_FILE, expected=f"{corpus.n_frames[i]}", do=AGAIN)
    config, shape = header.config, header.frame_shape
    return FrameColumn(name=header.name, key=header.key, config=config, frame_shape=shape, files=files, **mine)


def _find(of: Corpus, name: str, key: str | None) -> ColumnFiles:
    of.files.fetch_columns()
    corpus, where = of.path, of.files.place
    there = [path for path in column_folders(corpus) if name_of(path) == name]
    found = [path for path in there if key_of(path).startswith((key or "")[:KEY_LETTERS])]
    if len(found) != 1:
        keys = ", ".join(key_of(path) for path in found or there)
        if found:
            raise ConfigError(f"holds {len(found)} columns {name!r}", where=where, do=f"name the key: {keys}")
        if there:
            raise ConfigError(f"holds no column {name!r} with key {key!r}", where=where, expected=f"one of {keys}")
        names = ", ".join(column_names(corpus)) or "none yet: koekao features makes one"
        raise ConfigError(f"holds no column {name!r}", where=where, do=f"the columns there: {names}")
    mark = mark_of(found[0] / HEADER_FILE)
    header = read_column_header(found[0])
    if key is not None and not header.key.startswith(key):
        raise ConfigError(f"holds no column {name!r} with key {key!r}", where=where, expected=f"{header.key}")
    return ColumnFiles(found[0], header, mark, of.files.fetched_column(found[0]))


def read_column_rows(files: ColumnFiles) -> dict[str, NDArray[np.int64]]:
    """``n_frames``, ``shard`` and ``offset`` of every take of the corpus, each range of bytes inside its shard.

    Raises:
        CorpusError: a file missing, changed or of another size, or rows that cannot be.
    """
    header, folder = files.header, files.folder
    if files.fetched is not None:
        files.fetched.have(header.rows)
    for entry in header.shards if files.fetched is None else ():
        problem = entry.problem(folder, checksum=False)
        if problem is not None:
            raise problem
    table, path = read_rows(folder, header.rows, ROWS_SCHEMA), folder / ROWS_FILE
    columns = {name: numbers(table, name) for name in ROWS_SCHEMA.names}
    check_shards(table, header.shards, path)
    size = np.array([entry.bytes for entry in header.shards], np.int64)[columns["shard"]]
    offset, n_frames = columns["offset"], columns["n_frames"]
    refuse_rows(n_frames < 1, table, path, "n_frames", "at least 1")
    refuse_rows(
        (offset < 0) | (offset > size) | (offset & 7 != 0), table, path, "offset", "a multiple of 8 in the shard"
    )
    too_long = n_frames > (size - offset) // frame_bytes(header.frame_shape)
    refuse_rows(too_long, table, path, "offset", "room for all of n_frames inside the shard")
    return columns

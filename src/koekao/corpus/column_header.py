"""``column.json``: whose column it is, what a frame of it is, the settings it was made with, its files.

The key is the SHA-256 of the settings, the id that of everything; both are computed anew at each reading, as for a
corpus.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from koekao.corpus.datafile import DataFile, ShardFile
from koekao.corpus.fields import content_id, data_file_of, field_of, read_object, refuse_edited, shard_of
from koekao.errors import CorpusError

FORMAT = "koekao-column"
VERSION = 1
COLUMNS_FOLDER = "columns"
HEADER_FILE = "column.json"
ROWS_FILE = "rows.arrow"
KEY_LETTERS = 12
DTYPE = np.dtype(np.float32)
AGAIN = "remove its folder and make the column again (koekao features, or pack_column)"
_FOLDER = re.compile(rf"([a-z][a-z0-9_]*)-([0-9a-f]{{{KEY_LETTERS}}})")
MAX_VALUES = 1 << 24
"""Numbers a frame; 64 MB of them are no frame."""


@dataclass(frozen=True, kw_only=True)
class ColumnFile(DataFile):
    """A file of a column; what to do about a damaged one is another thing than for a corpus."""

    remedy: ClassVar[str] = AGAIN


@dataclass(frozen=True, kw_only=True)
class ColumnShard(ShardFile):
    """A shard of a column, with the number of takes in it."""

    remedy: ClassVar[str] = AGAIN


@dataclass(frozen=True, kw_only=True)
class ColumnHeader:
    """The content of ``column.json``: whose column it is, what a frame is, the settings, the files."""

    corpus: str
    name: str
    frame_shape: tuple[int, ...]
    config: Mapping[str, Any]
    rows: ColumnFile
    shards: tuple[ColumnShard, ...]

    @property
    def key(self) -> str:
        return content_id(self.config)

    def content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "corpus": self.corpus,
            "name": self.name,
            "key": self.key,
            "config": dict(self.config),
            "dtype": str(DTYPE),
            "frame_shape": list(self.frame_shape),
            "rows": self.rows.entry(),
            "shards": [shard.entry() for shard in self.shards],
        }

    @property
    def id(self) -> str:
        return content_id(self.content())

    def to_bytes(self) -> bytes:
        """The file, always the same bytes for the same column."""
        return json.dumps({**self.content(), "id": self.id}, indent=1).encode("ascii") + b"\n"


def read_column_header(folder: Path) -> ColumnHeader:
    """Read and check ``column.json``.

    Raises:
        CorpusError: missing, no JSON, another format or version, a field that cannot be, edited by hand.
    """
    path = folder / HEADER_FILE
    try:
        data = read_object(path, FORMAT, VERSION, AGAIN)
    except OSError as error:
        raise CorpusError(f"cannot be read ({error.strerror})", where=path, do=AGAIN) from error
    shape = field_of(data, "frame_shape", list, path)
    if not shape or any(type(size) is not int or size < 1 for size in shape) or math.prod(shape) > MAX_VALUES:
        raise CorpusError(f"{shape!r}", where=f"{path}:frame_shape", expected="sizes of at least 1", do=AGAIN)
    if data.get("dtype") != str(DTYPE):
        raise CorpusError(f"{data.get('dtype')!r}", where=f"{path}:dtype", expected=str(DTYPE), do=AGAIN)
    shards = [shard_of(item, path) for item in field_of(data, "shards", list, path)]
    header = ColumnHeader(
        corpus=field_of(data, "corpus", str, path),
        name=field_of(data, "name", str, path),
        frame_shape=tuple(shape),
        config=field_of(data, "config", dict, path),
        rows=ColumnFile(**data_file_of(field_of(data, "rows", dict, path), path, "rows", ROWS_FILE).entry()),
        shards=tuple(ColumnShard(**shard.entry()) for shard in shards),
    )
    refuse_edited(data, "key", header.key, path)
    refuse_edited(data, "id", header.id, path)
    if column_folder(Path(), header.name, header.key).name != folder.name:
        expected = column_folder(Path(), header.name, header.key).name
        raise CorpusError(f"a column in the folder {folder.name!r}", where=path, expected=expected, do=AGAIN)
    return header


def column_folder(corpus: Path, name: str, key: str) -> Path:
    return corpus / COLUMNS_FOLDER / f"{name}-{key[:KEY_LETTERS]}"


def column_folders(corpus: Path) -> list[Path]:
    """The folders of all columns that lie beside a corpus, by name; what a killed packer left is none."""
    return sorted(path for path in (corpus / COLUMNS_FOLDER).glob("*") if _FOLDER.fullmatch(path.name))


def is_column_folder(name: str) -> bool:
    """Whether a folder of this name is that of a column."""
    return _FOLDER.fullmatch(name) is not None


def column_names(corpus: Path) -> tuple[str, ...]:
    """Every name once, rising."""
    return tuple(sorted({name_of(folder) for folder in column_folders(corpus)}))


def name_of(folder: Path) -> str:
    return folder.name.rpartition("-")[0]


def key_of(folder: Path) -> str:
    """The beginning of the key."""
    return folder.name.rpartition("-")[2]


def frame_bytes(frame_shape: tuple[int, ...]) -> int:
    return math.prod(frame_shape) * DTYPE.itemsize

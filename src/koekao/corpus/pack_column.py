"""Making a frame column: computed take by take, checked, written beside the corpus whole or not at all."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.atomic import publish_folder
from koekao.corpus.column_header import (
    DTYPE,
    FORMAT,
    HEADER_FILE,
    MAX_VALUES,
    ROWS_FILE,
    VERSION,
    ColumnFile,
    ColumnHeader,
    ColumnShard,
    column_folder,
)
from koekao.corpus.columns import ROWS_SCHEMA, FrameColumn, open_column
from koekao.corpus.corpus import Corpus
from koekao.corpus.datafile import measure
from koekao.corpus.fields import content_id
from koekao.corpus.packing import DEFAULT_SHARD_BYTES
from koekao.corpus.shards import mapped_batches, write_rows
from koekao.errors import ConfigError, TakeError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def pack_column(
    corpus: Corpus,
    name: str,
    frame_shape: Sequence[int],
    config: Mapping[str, Any],
    compute: Callable[[int], NDArray[np.float32]],
    *,
    on_take: Callable[[str], None] | None = None,
    overwrite: bool = False,
    shard_bytes: int = DEFAULT_SHARD_BYTES,
) -> FrameColumn:
    """Compute a column for every take of ``corpus`` and keep it beside the corpus, whose own files stay as they are.

    Args:
        corpus: all takes of one; a selection is refused.
        name: small letters, digits and underscores.
        frame_shape: of one frame's values.
        config: what the values depend on, as JSON values; its hash is the key of the column.
        compute: number of a take -> its values ``[n_frames, *frame_shape]`` float32, finite; one take is in memory.
        on_take: called with the name of each take that was written.
        overwrite: replace the column of the same name and key.
        shard_bytes: a new shard is begun once one is larger than this.

    Returns:
        The column, opened.

    Raises:
        ConfigError: a name, shape or config that cannot be, a selection, values of another shape or type.
        TakeError: a value that is not finite, named with take and frame.
        OutputError: the column exists already, or cannot be written; nothing is published then.
        CorpusError: the corpus was replaced meanwhile.
    """
    shape, settings = _checked(corpus, name, frame_shape, config)
    key = content_id(settings)
    with publish_folder(column_folder(corpus.path, name, key), overwrite=overwrite) as folder:
        writer = _ColumnWriter(folder, name, shape, {"corpus": corpus.id, "key": key}, shard_bytes)
        with writer:
            for i, take in enumerate(corpus.names):
                writer.add(take, _values(compute(i), take, int(corpus.n_frames[i]), shape))
                if on_take is not None:
                    on_take(take)
        rows = write_rows(folder / ROWS_FILE, ROWS_SCHEMA, writer.rows)
        header = ColumnHeader(
            corpus=corpus.id,
            name=name,
            frame_shape=shape,
            config=settings,
            rows=ColumnFile(**rows.entry()),
            shards=tuple(writer.shards),
        )
        (folder / HEADER_FILE).write_bytes(header.to_bytes())
        corpus.files.refuse_replaced()
    return open_column(corpus, name, key)


def _checked(
    corpus: Corpus, name: str, frame_shape: Sequence[int], config: Mapping[str, Any]
) -> tuple[tuple[int, ...], dict[str, Any]]:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a column named {name!r}", expected="small letters, digits and _, a letter first")
    shape = tuple(int(size) for size in frame_shape)
    if not shape or min(shape) < 1 or math.prod(shape) > MAX_VALUES:
        raise ConfigError(f"frame_shape {shape}", expected=f"sizes of at least 1, up to {MAX_VALUES} numbers a frame")
    if len(corpus) != corpus.n_packed:
        what = f"a selection of {len(corpus)} of {corpus.n_packed} takes"
        raise ConfigError(what, where=corpus.place, do="pack the column on the whole corpus; selections can use it")
    if corpus.files.fetched is not None:
        what, do = "is read from elsewhere", "make the column where the corpus was packed, and upload columns/ with it"
        raise ConfigError(what, where=corpus.place, expected="a corpus in a folder here", do=do)
    try:
        settings = json.loads(json.dumps(dict(config), allow_nan=False, sort_keys=True))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"config is no JSON ({error})", expected="text, finite numbers, lists, mappings") from error
    return shape, settings


def _values(values: NDArray[np.float32], take: str, n_frames: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """What ``compute`` delivered, if it is what it should be."""
    if not isinstance(values, np.ndarray) or values.dtype != DTYPE or values.shape != (n_frames, *shape):
        seen = f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else type(values).__name__
        raise ConfigError(f"computed {seen}", where=take, expected=f"{DTYPE} {[n_frames, *shape]}")
    finite = np.isfinite(values)
    if not finite.all():
        place = tuple(np.argwhere(~finite)[0].tolist())
        what = f"{values[place]} is no value of a column"
        raise TakeError(what, where=f"{take}:frame {place[0]}:{list(place[1:])}", expected="finite numbers")
    return np.ascontiguousarray(values)


class _ColumnWriter:
    """Writes takes into the shards of a column, one row and one record batch a take.

    Use it as a context manager; after the block :attr:`shards` and :attr:`rows` are complete.
    """

    def __init__(
        self, folder: Path, name: str, shape: tuple[int, ...], belongs: Mapping[str, str], shard_bytes: int
    ) -> None:
        self.shards: list[ColumnShard] = []
        self.rows: dict[str, list[int]] = {name: [] for name in ROWS_SCHEMA.names}
        self._folder, self._shape, self._shard_bytes = folder, shape, shard_bytes
        told = {"format": FORMAT, "version": str(VERSION), "column": name, **belongs}
        columns = [("name", pa.string()), ("n_frames", pa.int64()), ("values", pa.large_list(_nested_type(shape)))]
        self._schema = pa.schema(columns, told)
        self._open = contextlib.ExitStack()
        self._sink: Any = None
        self._batches: Any = None
        self._takes = 0

    def add(self, take: str, values: NDArray[np.float32]) -> None:
        if self._sink is None:
            self._sink = self._open.enter_context(self._path.open("wb"))
            self._batches = self._open.enter_context(pa.ipc.new_file(self._sink, self._schema))
        nested = pa.array(values.reshape(-1))
        for size in reversed(self._shape):
            nested = pa.FixedSizeListArray.from_arrays(nested, size)
        listed = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), nested, self._schema.types[-1])
        arrays = [pa.array([take]), pa.array([len(values)], pa.int64()), listed]
        self._batches.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._takes += 1
        self.rows["n_frames"].append(len(values))
        self.rows["shard"].append(len(self.shards))
        if self._sink.tell() >= self._shard_bytes:
            self._end()

    def __enter__(self) -> _ColumnWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._sink is not None:
            self._end()
        self._open.close()

    @property
    def _path(self) -> Path:
        return self._folder / f"shard-{len(self.shards):05}.arrow"

    def _end(self) -> None:
        """Close the shard and learn where in it the values begin."""
        self._open.close()
        for base, batch in mapped_batches(self._path):
            self.rows["offset"].append(batch.column("values").values.buffers()[-1].address - base)
        self.shards.append(ColumnShard(**measure(self._path).entry(), takes=self._takes))
        self._sink, self._takes = None, 0


def _nested_type(shape: tuple[int, ...]) -> Any:
    """float32 in fixed-size lists, so that a reader of Arrow sees the shape of a frame."""
    kind: Any = pa.float32()
    for size in reversed(shape):
        kind = pa.list_(kind, size)
    return kind

"""Takes as rows of Arrow IPC files, and the index that says at which byte each take's payload begins.

A shard is an uncompressed Arrow IPC *file* with one row and one record batch a take: packing streams one take at a
time, and every array lies in one contiguous piece that NumPy can view where it stands. Shards are written with plain
writes (a full disk is an error then, not a SIGBUS) and opened memory-mapped once afterwards, only to learn the offsets
of the payload. Anything that reads Arrow (pyarrow, DuckDB, Polars, HF datasets) reads a shard without koekao.

What it gives up: compression (speech and curves would shrink by a third) for reading without a copy. ``valid`` is a
byte a frame because Arrow packs booleans into bits.

Source of the format: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.arkit import N_CURVES, NAMES
from koekao.clock import Clock
from koekao.corpus.datafile import DataFile, ShardFile, measure
from koekao.corpus.header import FORMAT, INDEX_FILE, SOURCES_FILE, VERSION
from koekao.takes.take import Source, Take

_SOURCE = pa.struct([("path", pa.string()), ("size", pa.int64()), ("sha256", pa.string())])
FACTS: Mapping[str, Any] = {
    "name": pa.string(),
    "speaker": pa.string(),
    "split": pa.string(),
    "sources": pa.list_(_SOURCE),
    "repairs": pa.list_(pa.string()),
    "fps": pa.string(),
    "n_frames": pa.int64(),
    "n_samples": pa.int64(),
}
"""The small columns of a shard: everything there is to know of a take."""
SOURCES = ("sources", "repairs", "fps")
"""The facts that only those ask for who ask where a take came from; the index does without."""
PLACES = ("shard", "audio_offset", "curves_offset", "valid_offset")
"""The further columns of the index: number of the shard, and the byte in it where each payload begins."""
_PAYLOAD = ("audio", "curves", "valid")


def index_schema() -> Any:
    """Columns of the index: what reading needs. All numbers are int64, to be viewed without a copy."""
    words = {"speaker": pa.dictionary(pa.int32(), pa.string()), "split": pa.dictionary(pa.int8(), pa.string())}
    facts = {name: words.get(name, kind) for name, kind in FACTS.items() if name not in SOURCES}
    return pa.schema({**facts, **dict.fromkeys(PLACES, pa.int64())})


def sources_schema() -> Any:
    """Columns of the file of sources, which has the rows of the index in the same order."""
    return pa.schema({name: FACTS[name] for name in SOURCES})


def shard_schema(clock: Clock, audio_dtype: str) -> Any:
    """Columns of a shard; the metadata says what the numbers mean to somebody who has only this file."""
    payload = {
        "audio": pa.large_list(pa.int16() if audio_dtype == "int16" else pa.float32()),
        "curves": pa.large_list(pa.list_(pa.float32(), N_CURVES)),
        "valid": pa.large_list(pa.uint8()),
    }
    metadata = {"format": FORMAT, "version": str(VERSION), "sample_rate": str(clock.sample_rate)}
    return pa.schema({**FACTS, **payload}, {**metadata, "fps": str(clock.fps), "curves": ",".join(NAMES)})


def facts_of(take: Take, split: str, root: Path | None) -> dict[str, Any]:
    """The small columns of one take. Paths of sources are written relative to ``root``, never absolute."""
    return {
        "name": take.name,
        "speaker": take.speaker,
        "split": split,
        "sources": [
            {"path": _relative(source, root), "size": source.size, "sha256": source.sha256} for source in take.sources
        ],
        "repairs": list(take.repairs),
        "fps": str(take.fps),
        "n_frames": take.n_frames,
        "n_samples": take.n_samples,
    }


def _relative(source: Source, root: Path | None) -> str:
    path = PurePath(source.path)
    if root is not None and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.name if path.is_absolute() else path.as_posix()


class ShardWriter:
    """Writes takes into shards of a folder, one at a time; begins a new shard once ``shard_bytes`` are passed.

    Use it as a context manager; :attr:`files`, :meth:`write_index` and :meth:`write_sources` are complete after it.
    """

    def __init__(self, folder: Path, clock: Clock, audio_dtype: str, shard_bytes: int, root: Path | None) -> None:
        self.files: list[ShardFile] = []
        self._folder, self._root, self._shard_bytes = folder, root, shard_bytes
        self._schema = shard_schema(clock, audio_dtype)
        self._columns: dict[str, list[Any]] = {name: [] for name in (*FACTS, *PLACES)}
        self._open: contextlib.ExitStack | None = None
        self._sink: Any = None
        self._batches: Any = None
        self._takes = 0

    def add(self, take: Take, split: str) -> None:
        """Append one take, which has been checked and has the sound type of the corpus."""
        if self._open is None:
            self._begin()
        facts = facts_of(take, split, self._root)
        flat = pa.FixedSizeListArray.from_arrays(pa.array(take.curves.reshape(-1)), N_CURVES)
        payload = (pa.array(take.audio), flat, pa.array(take.valid.view(np.uint8)))
        arrays = [pa.array([facts[name]], kind) for name, kind in FACTS.items()]
        arrays += [
            pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values, self._schema.field(name).type)
            for name, values in zip(_PAYLOAD, payload, strict=True)
        ]
        self._batches.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._takes += 1
        for name, fact in (facts | {"shard": len(self.files)}).items():
            self._columns[name].append(fact)
        if self._sink.tell() >= self._shard_bytes:
            self._end()

    def rows(self, shard: ShardFile) -> dict[str, list[Any]]:
        """The rows of the index, by column, of the shard that was finished last."""
        return {name: values[-shard.takes :] for name, values in self._columns.items()}

    def take_over(self, shard: ShardFile, rows: Mapping[str, Sequence[Any]]) -> None:
        """Go on after a shard that is in the folder already, whose :meth:`rows` are these."""
        self.files.append(shard)
        for name, values in self._columns.items():
            values.extend(rows[name])

    def write_index(self) -> DataFile:
        """Write the index of all takes added so far."""
        return write_rows(self._folder / INDEX_FILE, index_schema(), self._columns)

    def write_sources(self) -> DataFile:
        """Write where all takes added so far came from."""
        return write_rows(self._folder / SOURCES_FILE, sources_schema(), self._columns)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._open is not None:
            self._end()
        elif self._open is not None:
            self._open.close()

    def _begin(self) -> None:
        with contextlib.ExitStack() as stack:
            self._sink = stack.enter_context((self._folder / f"shard-{len(self.files):05}.arrow").open("wb"))
            self._batches = stack.enter_context(pa.ipc.new_file(self._sink, self._schema))
            self._open, self._takes = stack.pop_all(), 0

    def _end(self) -> None:
        stack, self._open = self._open, None
        if stack is not None:
            stack.close()
        path = self._folder / f"shard-{len(self.files):05}.arrow"
        for offsets in payload_offsets(path):
            for name, offset in zip(PLACES[1:], offsets, strict=True):
                self._columns[name].append(offset)
        self.files.append(ShardFile(**measure(path).entry(), takes=self._takes))


def write_rows(path: Path, schema: Any, columns: Mapping[str, Any]) -> DataFile:
    """Write columns (lists, or arrays of Arrow) as an Arrow file of one record batch, so that each is one piece."""
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    with path.open("wb") as sink, pa.ipc.new_file(sink, schema) as batches:
        batches.write_batch(pa.record_batch(arrays, schema=schema))
    return measure(path)


def payload_offsets(path: Path) -> list[tuple[int, int, int]]:
    """For each take of a shard, the bytes at which its sound, curves and valid flags begin in the file.

    They are found by letting Arrow open the mapped file and comparing addresses with that of its first byte.
    """
    offsets = []
    for base, batch in mapped_batches(path):
        audio, curves, valid = (batch.column(name).values for name in _PAYLOAD)
        starts = (values.buffers()[-1].address - base for values in (audio, curves.values, valid))
        offsets.append(tuple(starts))
    return offsets


def mapped_batches(path: Path) -> Iterator[tuple[int, Any]]:
    """(address of the first byte of the mapped file, record batch) for each batch of an Arrow file."""
    mapped: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
    reader = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped)))
    for i in range(reader.num_record_batches):
        yield mapped.ctypes.data, reader.get_batch(i)

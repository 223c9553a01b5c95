"""The journal of a packing: which shards are finished and what went into them, so that a killed packing goes on.

A line of JSON a shard, begun with the line's own SHA-256, so a line that a kill or a full disk cut short is no line.
The first line holds the settings that decide the bytes of a shard; a journal of other settings counts as empty. A shard
is on the disk before its line is written, and the line is on the disk before the next shard is begun.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from koekao.atomic import sync
from koekao.corpus.datafile import ShardFile
from koekao.corpus.report import TakeReport
from koekao.takes.take import Source


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished shard: its file, its rows in the index by column, and of each take a report and its sources."""

    shard: ShardFile
    rows: Mapping[str, Sequence[Any]]
    takes: tuple[TakeReport, ...]
    sources: tuple[tuple[Source, ...], ...]


class Journal:
    """The journal at ``path``, which an earlier packing may have begun."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self._path = path
        self._head = _line({"settings": settings})
        self._ends: list[int] = []

    def entries(self) -> Iterator[Finished]:
        """The shards that are finished, in the order of the corpus; one is in memory."""
        with self._path.open("rb") as file:
            if file.readline() != self._head:
                return
            self._ends = [len(self._head)]
            for line in file:
                entry = _parsed(line)
                if entry is None:
                    return
                self._ends.append(self._ends[-1] + len(line))
                yield entry

    def keep(self, n: int) -> None:
        """Forget all but the first ``n`` of the :meth:`entries` that were looked at, and what else is in the file."""
        os.truncate(self._path, self._ends[n] if n else 0)
        sync(self._path)

    def add(self, entry: Finished) -> None:
        """Note one more shard, which is on the disk already."""
        with self._path.open("ab") as file:
            file.write(b"" if file.tell() else self._head)
            file.write(_line(asdict(entry)))
            file.flush()
            os.fsync(file.fileno())


def _line(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(text).hexdigest().encode("ascii") + b" " + text + b"\n"


def _parsed(line: bytes) -> Finished | None:
    """The entry in a line; None if the line is not whole."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or hashlib.sha256(text).hexdigest().encode("ascii") != checksum:
        return None
    entry = json.loads(text)
    return Finished(
        shard=ShardFile(**entry["shard"]),
        rows=entry["rows"],
        takes=tuple(_report(take) for take in entry["takes"]),
        sources=tuple(tuple(Source(**source) for source in sources) for sources in entry["sources"]),
    )


def _report(values: dict[str, Any]) -> TakeReport:
    return TakeReport(**values | {key: tuple(values[key]) for key in ("moving", "repairs")})

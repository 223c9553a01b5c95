"""``corpus.json``: what a corpus is made of, and the identity that everything made from it refers to.

The header holds the rates, the names of the curves, every data file with its size and SHA-256, and the takes that were
refused. Two of the data files have one row a take: the index, which every reader needs, and the sources, for those who
ask where a take came from. The header holds no time and no absolute path, so the same takes and settings give the same
bytes on any machine. The ``id`` is the SHA-256 of the parts that decide content, and ``record_sha256`` that of the
rest; both are computed anew at each reading, so a header edited by hand is found out at once. What it gives up:
changing anything means packing again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from koekao.arkit import NAMES
from koekao.clock import Clock
from koekao.corpus.datafile import REPACK, DataFile, ShardFile
from koekao.errors import ConfigError, CorpusError

FORMAT = "koekao-corpus"
VERSION = 2
HEADER_FILE = "corpus.json"
INDEX_FILE = "takes.arrow"
SOURCES_FILE = "sources.arrow"
AUDIO_DTYPES = ("int16", "float32")
_SHARD_NAME = re.compile(r"shard-\d{5,9}\.arrow")
_MAX_COUNT = 1 << 62

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Header:
    """The content of ``corpus.json``."""

    sample_rate: int
    fps: Fraction
    audio_dtype: str
    shards: tuple[ShardFile, ...]
    index: DataFile
    sources: DataFile
    totals: Mapping[str, Any]
    refused: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[DataFile, ...]:
        """Every file beside the header."""
        return self.index, self.sources, *self.shards

    def content(self) -> dict[str, Any]:
        """The parts that decide content, in the spelling of the file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "sample_rate": self.sample_rate,
            "fps": str(self.fps),
            "audio_dtype": self.audio_dtype,
            "curves": list(NAMES),
            "shards": [shard.entry() for shard in self.shards],
            "index": self.index.entry(),
            "sources": self.sources.entry(),
        }

    def record(self) -> dict[str, Any]:
        """The parts that only tell about the packing, in the spelling of the file."""
        return {
            "totals": dict(self.totals),
            "refused": [{"take": take, "reason": reason} for take, reason in self.refused],
            "ignored": list(self.ignored),
        }

    @cached_property
    def id(self) -> str:
        return content_id(self.content())

    def to_bytes(self) -> bytes:
        """The file, always the same bytes for the same corpus. A name that is no UTF-8 is written as an escape."""
        data = {"format": FORMAT, "version": VERSION, "id": self.id, **self.content(), **self.record()}
        data["record_sha256"] = content_id(self.record())
        return json.dumps(data, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def content_id(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces, ASCII) of ``content``."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def read_header(folder: Path) -> Header:
    """Read and check ``corpus.json`` in ``folder``.

    Raises:
        CorpusError: missing, no JSON, another format, a newer version, a field that cannot be, or edited by hand.
    """
    path = folder / HEADER_FILE
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise _not_a_corpus(folder, error) from error
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"is no JSON ({error})", where=path, do=REPACK) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        seen = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise CorpusError(f"format {seen!r}", where=path, expected=repr(FORMAT), do="name the folder of a corpus")
    version = _field(data, "version", int, path)
    if version != VERSION:
        do = "install a newer koekao, or " + REPACK if version > VERSION else REPACK
        raise CorpusError(f"version {version} of the format", where=path, expected=f"version {VERSION}", do=do)
    return _parse(data, path)


def _parse(data: dict[str, Any], path: Path) -> Header:
    """Build the header and compare its id with the one that is written."""
    if data.get("curves") != list(NAMES):
        raise CorpusError("other curves, or in another order", where=f"{path}:curves", expected="the 52 of ARKit")
    audio_dtype = _field(data, "audio_dtype", str, path)
    if audio_dtype not in AUDIO_DTYPES:
        raise CorpusError(f"{audio_dtype!r}", where=f"{path}:audio_dtype", expected=" or ".join(AUDIO_DTYPES))
    try:
        clock = Clock(_field(data, "sample_rate", int, path), Fraction(_field(data, "fps", str, path)))
    except (ConfigError, ValueError, ZeroDivisionError) as error:
        raise CorpusError(f"a rate that cannot be: {error}", where=path, do=REPACK) from error
    refused = [_entry(item, path, "refused") for item in _field(data, "refused", list, path)]
    header = Header(
        sample_rate=clock.sample_rate,
        fps=clock.fps,
        audio_dtype=audio_dtype,
        shards=tuple(_shard(item, path) for item in _field(data, "shards", list, path)),
        index=_data_file(_field(data, "index", dict, path), path, "index", INDEX_FILE),
        sources=_data_file(_field(data, "sources", dict, path), path, "sources", SOURCES_FILE),
        totals=_field(data, "totals", dict, path),
        refused=tuple((_field(item, "take", str, path), _field(item, "reason", str, path)) for item in refused),
        ignored=tuple(str(name) for name in _field(data, "ignored", list, path)),
    )
    for key, seen in (("id", header.id), ("record_sha256", content_id(header.record()))):
        if seen != data.get(key):
            what = f"its {key} {str(data.get(key))[:12]}... is not that of its content ({seen[:12]}...)"
            raise CorpusError(what, where=path, do="the file was edited; " + REPACK)
    return header


def _shard(item: object, path: Path) -> ShardFile:
    entry = _entry(item, path, "shards")
    name = _field(entry, "file", str, path)
    if not _SHARD_NAME.fullmatch(name):
        raise CorpusError(f"a shard named {name!r}", where=f"{path}:shards", expected="shard-00000.arrow and so on")
    base = _data_file(entry, path, "shards", name)
    takes = _field(entry, "takes", int, path)
    if not 0 <= takes < _MAX_COUNT:
        raise CorpusError(f"{takes} takes in {name}", where=f"{path}:shards", expected="a number of takes")
    return ShardFile(**base.entry(), takes=takes)


def _data_file(entry: dict[str, Any], path: Path, key: str, name: str) -> DataFile:
    if entry.get("file") != name:
        raise CorpusError(f"a file named {entry.get('file')!r}", where=f"{path}:{key}", expected=name)
    return DataFile(file=name, bytes=_field(entry, "bytes", int, path), sha256=_field(entry, "sha256", str, path))


def _entry(item: object, path: Path, key: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise CorpusError(f"{item!r}", where=f"{path}:{key}", expected="an object", do=REPACK)
    return item


def _field(data: Mapping[str, Any], key: str, kind: type[T], path: Path) -> T:
    value = data.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        seen = repr(value)[:60] if key in data else "missing"
        raise CorpusError(seen, where=f"{path}:{key}", expected=f"a JSON {kind.__name__}", do=REPACK)
    return value


def _not_a_corpus(folder: Path, error: OSError) -> CorpusError:
    if not folder.is_dir():
        return CorpusError("no such folder" if not folder.exists() else "is a file", where=folder, expected="a corpus")
    if (folder / HEADER_FILE).exists():
        return CorpusError(f"cannot be read ({error.strerror})", where=folder / HEADER_FILE)
    sounds = {".wav", ".flac", ".ogg", ".mp3", ".mov", ".mp4"}
    if any(path.suffix.lower() in sounds for level in ("*", "*/*") for path in folder.glob(level)):
        do = f"this is a folder of takes: make a corpus of it with `koekao pack {folder} CORPUS`"
        return CorpusError(f"holds no {HEADER_FILE}", where=folder, do=do)
    return CorpusError(f"holds no {HEADER_FILE}", where=folder, expected="a corpus", do="name the folder of a corpus")

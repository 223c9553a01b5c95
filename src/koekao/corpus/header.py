"""``corpus.json``: what a corpus is made of, and the identity that everything made from it refers to.

The header holds the rates, the names of the curves, every data file with its size and SHA-256, and the takes that were
refused. Two of the data files have one row a take: the index, which every reader needs, and the sources, for those who
ask where a take came from. The header holds no time and no absolute path, so the same takes and settings give the same
bytes on any machine. The ``id`` is the SHA-256 of the parts that decide content, and ``record_sha256`` that of the
rest; both are computed anew at each reading, so a header edited by hand is found out at once. What it gives up:
changing anything means packing again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from koekao.arkit import NAMES
from koekao.clock import Clock
from koekao.corpus.datafile import REPACK, DataFile, ShardFile
from koekao.corpus.fields import content_id, data_file_of, entry_of, field_of, read_object, refuse_edited, shard_of
from koekao.errors import ConfigError, CorpusError

FORMAT = "koekao-corpus"
VERSION = 2
HEADER_FILE = "corpus.json"
INDEX_FILE = "takes.arrow"
SOURCES_FILE = "sources.arrow"
AUDIO_DTYPES = ("int16", "float32")


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

    @property
    def n_takes(self) -> int:
        """Of all shards."""
        return sum(shard.takes for shard in self.shards)

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


def read_header(folder: Path) -> Header:
    """Read and check ``corpus.json`` in ``folder``.

    Raises:
        CorpusError: missing, no JSON, another format, a newer version, a field that cannot be, or edited by hand.
    """
    path = folder / HEADER_FILE
    try:
        data = read_object(path, FORMAT, VERSION)
    except OSError as error:
        raise _not_a_corpus(folder, error) from error
    return _parse(data, path)


def _parse(data: dict[str, Any], path: Path) -> Header:
    """Build the header and compare its id with the one that is written."""
    if data.get("curves") != list(NAMES):
        raise CorpusError("other curves, or in another order", where=f"{path}:curves", expected="the 52 of ARKit")
    audio_dtype = field_of(data, "audio_dtype", str, path)
    if audio_dtype not in AUDIO_DTYPES:
        raise CorpusError(f"{audio_dtype!r}", where=f"{path}:audio_dtype", expected=" or ".join(AUDIO_DTYPES))
    try:
        clock = Clock(field_of(data, "sample_rate", int, path), Fraction(field_of(data, "fps", str, path)))
    except (ConfigError, ValueError, ZeroDivisionError) as error:
        raise CorpusError(f"a rate that cannot be: {error}", where=path, do=REPACK) from error
    refused = [entry_of(item, path, "refused") for item in field_of(data, "refused", list, path)]
    header = Header(
        sample_rate=clock.sample_rate,
        fps=clock.fps,
        audio_dtype=audio_dtype,
        shards=tuple(shard_of(item, path) for item in field_of(data, "shards", list, path)),
        index=data_file_of(field_of(data, "index", dict, path), path, "index", INDEX_FILE),
        sources=data_file_of(field_of(data, "sources", dict, path), path, "sources", SOURCES_FILE),
        totals=field_of(data, "totals", dict, path),
        refused=tuple((field_of(item, "take", str, path), field_of(item, "reason", str, path)) for item in refused),
        ignored=tuple(str(name) for name in field_of(data, "ignored", list, path)),
    )
    refuse_edited(data, "id", header.id, path)
    refuse_edited(data, "record_sha256", content_id(header.record()), path)
    return header


def _not_a_corpus(folder: Path, error: OSError) -> CorpusError:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        do = "check the path, or make a corpus: koekao pack TAKES CORPUS"
        return CorpusError(what, where=folder, expected="a corpus", do=do)
    if (folder / HEADER_FILE).exists():
        return CorpusError(f"cannot be read ({error.strerror})", where=folder / HEADER_FILE)
    sounds = {".wav", ".flac", ".ogg", ".mp3", ".mov", ".mp4"}
    if any(path.suffix.lower() in sounds for level in ("*", "*/*") for path in folder.glob(level)):
        do = f"this is a folder of takes: make a corpus of it with `koekao pack {folder} CORPUS`"
        return CorpusError(f"holds no {HEADER_FILE}", where=folder, do=do)
    return CorpusError(f"holds no {HEADER_FILE}", where=folder, expected="a corpus", do="name the folder of a corpus")

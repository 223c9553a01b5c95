"""Reading a JSON header field by field, believing nothing: every field has its type, or is named with its file.

Headers of corpora and of columns are read so. What JSON leaves open (the order of keys, spaces) is settled by
:func:`content_id`, the one spelling over which hashes are taken.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from koekao.corpus.datafile import REPACK, DataFile, ShardFile
from koekao.errors import CorpusError

_SHARD_NAME = re.compile(r"shard-\d{5,9}\.arrow")
_MAX_COUNT = 1 << 62
_AGAIN = "pack it again"

T = TypeVar("T")


def content_id(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces, ASCII) of ``content``."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def read_object(path: Path, format: str, version: int, remedy: str = REPACK) -> dict[str, Any]:
    """The JSON object in a file, of this format and version.

    Raises:
        OSError: it cannot be read. CorpusError: no JSON, another format, another version.
    """
    try:
        data = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"is no JSON ({error})", where=path, do=remedy) from error
    if not isinstance(data, dict) or data.get("format") != format:
        seen = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise CorpusError(f"format {seen!r}", where=path, expected=repr(format), do="name the folder of a corpus")
    seen_version = field_of(data, "version", int, path)
    if seen_version != version:
        do = "install a newer koekao, or " + remedy if seen_version > version else remedy
        raise CorpusError(f"version {seen_version} of the format", where=path, expected=f"version {version}", do=do)
    return data


def refuse_edited(data: Mapping[str, Any], key: str, seen: str, path: Path) -> None:
    """Raise CorpusError unless the hash that stands under ``key`` is the one that was computed anew."""
    if seen != data.get(key):
        what = f"its {key} {str(data.get(key))[:12]}... is not that of its content ({seen[:12]}...)"
        raise CorpusError(what, where=path, do="the file was edited; " + _AGAIN)


def shard_of(item: object, path: Path) -> ShardFile:
    entry = entry_of(item, path, "shards")
    name = field_of(entry, "file", str, path)
    if not _SHARD_NAME.fullmatch(name):
        raise CorpusError(f"a shard named {name!r}", where=f"{path}:shards", expected="shard-00000.arrow and so on")
    base = data_file_of(entry, path, "shards", name)
    takes = field_of(entry, "takes", int, path)
    if not 0 <= takes < _MAX_COUNT:
        raise CorpusError(f"{takes} takes in {name}", where=f"{path}:shards", expected="a number of takes")
    return ShardFile(**base.entry(), takes=takes)


def data_file_of(entry: dict[str, Any], path: Path, key: str, name: str) -> DataFile:
    if entry.get("file") != name:
        raise CorpusError(f"a file named {entry.get('file')!r}", where=f"{path}:{key}", expected=name)
    return DataFile(file=name, bytes=field_of(entry, "bytes", int, path), sha256=field_of(entry, "sha256", str, path))


def entry_of(item: object, path: Path, key: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise CorpusError(f"{item!r}", where=f"{path}:{key}", expected="an object", do=_AGAIN)
    return item


def field_of(data: Mapping[str, Any], key: str, kind: type[T], path: Path) -> T:
    value = data.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        seen = repr(value)[:60] if key in data else "missing"
        raise CorpusError(seen, where=f"{path}:{key}", expected=f"a JSON {kind.__name__}", do=_AGAIN)
    return value

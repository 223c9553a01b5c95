"""The formats that curves are written in, and which one a file is to be.

The ending of a file says its format. Where several formats have one ending, the first in :data:`FORMATS` is meant, and
the others are asked for by name. A new format is one module and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from koekao.errors import OutputError
from koekao.outputs import audio2face_csv, gltf, jsonl, livelink_csv, named_json, unreal_json, usd
from koekao.outputs.target import Writing


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of files.

    Attributes:
        endings: of its files, the usual one first.
        writing: the function that writes one (see :mod:`koekao.outputs.target`).
        has_pose: whether it has a place for the rotations of head and eyes.
        takes_face: whether it can animate a face of the caller's own.
    """

    endings: tuple[str, ...]
    writing: Writing
    has_pose: bool = False
    takes_face: bool = False


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "livelink_csv": Format(endings=(".csv",), writing=livelink_csv.writing, has_pose=True),
        "jsonl": Format(endings=(".jsonl",), writing=jsonl.writing, has_pose=True),
        "named_json": Format(endings=(".json",), writing=named_json.writing),
        "gltf": Format(endings=(".glb", ".gltf"), writing=gltf.writing, has_pose=True, takes_face=True),
        "usd": Format(endings=(".usdc", ".usda", ".usd"), writing=usd.writing),
        "audio2face_csv": Format(endings=(".csv",), writing=audio2face_csv.writing),
        "beat_json": Format(endings=(".json",), writing=named_json.writing_beat),
        "unreal_json": Format(endings=(".json",), writing=unreal_json.writing),
    }
)
"""Format name -> format."""


def format_name(path: Path, format: str | None = None) -> str:
    """A name in :data:`FORMATS`: ``format``, or what the ending of ``path`` says, in capitals or not.

    Raises:
        OutputError: no such format, or an ending of none.
    """
    if format is not None:
        if format not in FORMATS:
            raise OutputError(f"unknown format {format!r}", where=path, expected="one of " + ", ".join(FORMATS))
        return format
    meant = _by_ending()
    if path.suffix.lower() in meant:
        return meant[path.suffix.lower()]
    others = [name for name in FORMATS if name not in meant.values()]
    raise OutputError(
        f"unknown ending {path.suffix!r}",
        where=path,
        expected=", ".join(f"{ending} ({name})" for ending, name in meant.items())
        + (f", or by name {', '.join(others)}" if others else ""),
        do="end the file's name with one of these, or name the format",
    )


def _by_ending() -> dict[str, str]:
    """Ending -> the name of the format that it means."""
    meant: dict[str, str] = {}
    for name, format in FORMATS.items():
        for ending in format.endings:
            meant.setdefault(ending, name)
    return meant

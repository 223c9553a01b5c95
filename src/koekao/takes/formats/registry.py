"""Which curve formats there are, and which one a file is.

A file is known by its content, never by its name: ``.csv`` and ``.json`` say nothing. A new format is one line in
:data:`CURVE_FORMATS` and a module beside this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from koekao.clock import parse_fps
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.jsonl import read_jsonl, sniff_jsonl
from koekao.takes.formats.livelink import read_livelink, sniff_livelink
from koekao.takes.source import TextFile, read_text

_SNIFFED_CHARACTERS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What a caller may know that a file does not say.

    Attributes:
        order: a name in :data:`koekao.arkit.ORDERS`, for curves without names.
        timecode_rate: frames a second of the file's timecode clock.
        fps: rows a second, for files whose rows have no times.
    """

    order: str | None = None
    timecode_rate: Fraction | int | None = None
    fps: Fraction | None = None


@dataclass(frozen=True)
class CurveFormat:
    """A format: its name, what it looks like (for error texts), a test of the first characters, and the reader."""

    name: str
    looks: str
    sniff: Callable[[str], bool]
    read: Callable[[TextFile, ReadOptions], CurveTrack]


CURVE_FORMATS: tuple[CurveFormat, ...] = (
    CurveFormat(
        "jsonl",
        'a line a frame: {"timestamp": seconds, "blendshapes": {name: value}}',
        sniff_jsonl,
        lambda file, options: read_jsonl(file, order=options.order),
    ),
    CurveFormat(
        "livelink",
        "Live Link Face CSV: Timecode,BlendShapeCount,EyeBlinkLeft,...",
        sniff_livelink,
        lambda file, options: read_livelink(file, timecode_rate=options.timecode_rate),
    ),
)


def read_curves(
    path: str | Path,
    *,
    order: str | None = None,
    format: str | None = None,
    timecode_rate: Fraction | int | None = None,
    fps: Fraction | int | float | str | None = None,
) -> CurveTrack:
    """Read a curve file of any known format.

    Args:
        path: the file.
        order: a name in :data:`koekao.arkit.ORDERS`, for files whose curves have no names; names in a file win over it.
        format: the name of a format, where the content is not to decide.
        timecode_rate: frames a second of the file's timecode clock, where the rows cannot tell it.
        fps: rows a second, for files whose rows have no times; times in a file win over it.

    Raises:
        ConfigError: ``fps`` is no frame rate.
        CurvesError: not readable, of no known format, or whatever its reader finds; naming file and place.
    """
    file = read_text(Path(path))
    options = ReadOptions(order=order, timecode_rate=timecode_rate, fps=None if fps is None else parse_fps(fps))
    return _format_of(file, format).read(file, options)


def begins_as_curves(path: Path) -> bool:
    """Whether a file begins as one of the known formats does; true as well where it cannot be looked into, so that
    whoever reads it says why."""
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFFED_CHARACTERS)
    except OSError:
        return True
    text = head.decode("utf-8-sig", "replace")
    return any(candidate.sniff(text) for candidate in CURVE_FORMATS)


def _format_of(file: TextFile, name: str | None) -> CurveFormat:
    head = file.text[:_SNIFFED_CHARACTERS]
    for candidate in CURVE_FORMATS:
        if candidate.name == name if name is not None else candidate.sniff(head):
            return candidate
    known = "; ".join(f"{candidate.name} ({candidate.looks})" for candidate in CURVE_FORMATS)
    if name is not None:
        raise CurvesError(f"unknown curve format {name!r}", where=file.path, expected=known)
    first = head.lstrip().split("\n", 1)[0].rstrip("\r")
    raise CurvesError(
        f"no known curve format; it begins {first[:60]!r}",
        where=f"{file.path}:1",
        expected="one of: " + known,
        do="export the curves in one of these formats",
    )

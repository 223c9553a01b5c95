"""Which curve formats there are, and which one a file is.

A file is known by its content, never by its name: ``.csv`` and ``.json`` say nothing. A new format is one entry in
:data:`CURVE_FORMATS` and a module beside this one. Formats in JSON are told apart by the keys of the whole document,
which is parsed once for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from koekao.clock import parse_fps
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.audio2face import read_audio2face, sniff_audio2face
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.gltf import LOOKS as GLTF_LOOKS
from koekao.takes.formats.gltf import read_gltf, sniff_gltf
from koekao.takes.formats.ifacialmocap import LOOKS as IFACIALMOCAP_LOOKS
from koekao.takes.formats.ifacialmocap import read_ifacialmocap, sniff_ifacialmocap
from koekao.takes.formats.jsonl import read_jsonl, sniff_jsonl
from koekao.takes.formats.livelink import read_livelink, sniff_livelink
from koekao.takes.formats.mediapipe_json import LOOKS as MEDIAPIPE_LOOKS
from koekao.takes.formats.mediapipe_json import read_mediapipe_json, sniff_mediapipe_json
from koekao.takes.formats.named_csv import read_mediapipe_csv, read_named_csv, sniff_mediapipe_csv, sniff_named_csv
from koekao.takes.formats.named_json import LOOKS as NAMED_JSON_LOOKS
from koekao.takes.formats.named_json import read_named_json, sniff_named_json
from koekao.takes.formats.unreal import LOOKS as UNREAL_LOOKS
from koekao.takes.formats.unreal import read_unreal_csv, read_unreal_json, sniff_unreal_csv, sniff_unreal_json

_OURS = re.compile(rb'\s*\{\s*"format"\s*:\s*"koekao')
"""Reports and headers that koekao writes name curves too."""
_MENTIONED = re.compile(rb"(?i)jaw_?open|brow_?down|mouth_?smile|\"weights\"|\"blendshapes\"|targetNames")


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
    """A format: its name, what it looks like (for error texts), whether a file is one, and the reader."""

    name: str
    looks: str
    sniff: Callable[[CurveFile], bool]
    read: Callable[[CurveFile, ReadOptions], CurveTrack]


def _text(sniff: Callable[[str], bool]) -> Callable[[CurveFile], bool]:
    """A format that its first characters tell, and that is no JSON document."""
    return lambda file: not file.is_json and sniff(file.head)


def _json(sniff: Callable[[Any], bool]) -> Callable[[CurveFile], bool]:
    """A format that the keys of its JSON document tell."""
    return lambda file: file.is_json and sniff(file.document)


def _either(text: Callable[[str], bool], document: Callable[[Any], bool]) -> Callable[[CurveFile], bool]:
    """A format that is written as text and as JSON."""
    return lambda file: _json(document)(file) if file.is_json else text(file.head)


def _read_mediapipe(file: CurveFile, options: ReadOptions) -> CurveTrack:
    if file.is_json:
        return read_mediapipe_json(file, fps=options.fps)
    return read_mediapipe_csv(file.text, fps=options.fps)


def _read_unreal(file: CurveFile, options: ReadOptions) -> CurveTrack:
    if file.is_json:
        return read_unreal_json(file, fps=options.fps)
    return read_unreal_csv(file.text, fps=options.fps)


CURVE_FORMATS: tuple[CurveFormat, ...] = (
    # The one that may be binary is asked first: what comes after it takes the file for text.
    CurveFormat("gltf", GLTF_LOOKS, sniff_gltf, lambda file, options: read_gltf(file, order=options.order)),
    CurveFormat(
        "jsonl",
        'a line a frame: {"timestamp": seconds, "blendshapes": {name: value}}',
        _text(sniff_jsonl),
        lambda file, options: read_jsonl(file.text, order=options.order),
    ),
    CurveFormat(
        "livelink_csv",
        "Live Link Face CSV: Timecode,BlendShapeCount,EyeBlinkLeft,...",
        _text(sniff_livelink),
        lambda file, options: read_livelink(file.text, timecode_rate=options.timecode_rate),
    ),
    CurveFormat(
        "audio2face",
        "Audio2Face-3D CSV: ,timeCode,blendShapes.EyeBlinkLeft,...",
        _text(sniff_audio2face),
        lambda file, options: read_audio2face(file.text),
    ),
    CurveFormat(
        "mediapipe",
        f"timestamp,_neutral,browDownLeft,... or {MEDIAPIPE_LOOKS}",
        _either(sniff_mediapipe_csv, sniff_mediapipe_json),
        _read_mediapipe,
    ),
    CurveFormat(
        "named_csv",
        "a CSV with a column a curve: time,browDownLeft,...",
        _text(sniff_named_csv),
        lambda file, options: read_named_csv(file.text, format="named_csv", fps=options.fps),
    ),
    CurveFormat(
        "ifacialmocap",
        IFACIALMOCAP_LOOKS,
        _text(sniff_ifacialmocap),
        lambda file, options: read_ifacialmocap(file.text, fps=options.fps),
    ),
    CurveFormat("unreal", UNREAL_LOOKS, _either(sniff_unreal_csv, sniff_unreal_json), _read_unreal),
    CurveFormat(
        "named_json",
        NAMED_JSON_LOOKS,
        _json(sniff_named_json),
        lambda file, options: read_named_json(file, fps=options.fps),
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

    >>> import koekao
    >>> track = koekao.read_curves("takes/aoi_0001.jsonl")
    >>> track.values.shape, round(track.rate_hz, 3), track.format
    ((150, 52), 30.0, 'jsonl')

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
    file = CurveFile.read(Path(path))
    options = ReadOptions(order=order, timecode_rate=timecode_rate, fps=None if fps is None else parse_fps(fps))
    return _format_of(file, format).read(file, options)


def may_be_curves(path: Path) -> bool:
    """Whether a file mentions what only curves have: for endings that most files of are something else. True as well
    where it cannot be looked into, so that whoever reads it says why."""
    try:
        data = path.read_bytes()
    except OSError:
        return True
    return _MENTIONED.search(data) is not None and _OURS.match(data) is None


def _format_of(file: CurveFile, name: str | None) -> CurveFormat:
    for candidate in CURVE_FORMATS:
        if candidate.name == name if name is not None else candidate.sniff(file):
            return candidate
    known = "; ".join(f"{candidate.name} ({candidate.looks})" for candidate in CURVE_FORMATS)
    if name is not None:
        raise CurvesError(f"unknown curve format {name!r}", where=file.path, expected=known)
    first = file.head.lstrip().split("\n", 1)[0].rstrip("\r")
    raise CurvesError(
        f"no known curve format; it begins {first[:60]!r}",
        where=f"{file.path}:1",
        expected="one of: " + known,
        do="export the curves in one of these formats",
    )

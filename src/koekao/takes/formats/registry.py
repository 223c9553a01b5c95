"""Which curve formats there are, and which one a file is.

A file is known by its content, never by its name: ``.csv`` and ``.json`` say nothing. A new format of koekao's own is
one entry in :data:`CURVE_FORMATS` and a module beside this one. Formats in JSON are told apart by the keys of the whole
document, which is parsed once for all of them.

A format that koekao does not have comes in by :func:`register_format`, from wherever it is written
(:mod:`koekao.plugins` says how the command line finds it); then ``check``, ``pack``, ``convert`` and everything else
read it like any other. It is asked before koekao's own formats, for whoever registers one knows what his files are.
``examples/custom_format.py`` is a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from koekao.arkit import NAMES
from koekao.clock import parse_fps
from koekao.errors import ConfigError, CurvesError, KoekaoError
from koekao.plugins import load_plugins
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
    """A format: its name, what it looks like (for error texts), whether a file is one, and the reader.

    ``endings`` are those by which files of it are found in a folder of takes (``(".fcap",)``), beside those of
    koekao's own formats; where an ending is also that of much else (``.txt``), ``sniff`` decides.
    """

    name: str
    looks: str
    sniff: Callable[[CurveFile], bool]
    read: Callable[[CurveFile, ReadOptions], CurveTrack]
    endings: tuple[str, ...] = ()


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


_registered: dict[str, CurveFormat] = {}
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENDING = re.compile(r"\.[a-z0-9_]+")
_NOT_CURVES = (".wav", ".flac", ".ogg", ".mp3", ".mov", ".mp4", ".m4v", ".m4a")


def register_format(format: CurveFormat) -> CurveFormat:
    """Make a format of your own known to everything that reads curves; a second one of its name takes its place.

    Its reader is given a :class:`~koekao.takes.formats.curve_file.CurveFile` (``text.lines``, ``document``, ``data``)
    and returns a :class:`~koekao.takes.curves.CurveTrack`. ``layout_of`` (finds the 52 curves among names in any
    spelling) and ``Rows`` (row by row, with the place of each), both here in :mod:`koekao.takes.formats`, give it the
    error texts of koekao's own readers. Whatever else its reader raises, and values that are no numbers, are told as a
    CurvesError with the file, so that one take is refused and not a whole packing.

    Raises:
        ConfigError: a name that is taken or cannot be, or an ending that is none or belongs to sound.
    """
    if not _NAME.fullmatch(format.name):
        raise ConfigError(f"a curve format called {format.name!r}", expected="small letters, digits and _")
    if format.name in {known.name for known in CURVE_FORMATS}:
        raise ConfigError(f"curve format {format.name!r} is koekao's own", do="choose another name")
    for ending in format.endings:
        if not _ENDING.fullmatch(ending) or ending in _NOT_CURVES:
            what = f"ending {ending!r} of curve format {format.name!r}"
            raise ConfigError(what, expected="small letters after a point, and none that sound or movies have")
    _registered[format.name] = format
    return format


def registered_formats() -> tuple[CurveFormat, ...]:
    """The formats that are not koekao's own.

    Raises:
        ConfigError: a plugin cannot be imported.
    """
    load_plugins("koekao.formats")
    return tuple(_registered.values())


def curve_formats() -> tuple[CurveFormat, ...]:
    """All formats in the order in which they are asked: registered ones, which may be binary, then koekao's own."""
    return (*registered_formats(), *CURVE_FORMATS)


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
    chosen = _format_of(file, format)
    return _read_registered(chosen, file, options) if chosen.name in _registered else chosen.read(file, options)


def may_be_curves(path: Path) -> bool:
    """Whether a file mentions what only curves have, or a registered format that has its ending knows it: for endings
    that most files of are something else. True as well where it cannot be looked into, so that whoever reads it says
    why."""
    try:
        data = path.read_bytes()
    except OSError:
        return True
    if _MENTIONED.search(data) is not None and _OURS.match(data) is None:
        return True
    asked = [known for known in registered_formats() if path.name.lower().endswith(known.endings)] if data else []
    return bool(asked) and any(_is_one(known, CurveFile.read(path)) for known in asked)


def _format_of(file: CurveFile, name: str | None) -> CurveFormat:
    formats = curve_formats()
    for candidate in formats:
        if candidate.name == name if name is not None else _is_one(candidate, file):
            return candidate
    known = "; ".join(f"{candidate.name} ({candidate.looks})" for candidate in formats)
    if name is not None:
        raise CurvesError(f"unknown curve format {name!r}", where=file.path, expected=known)
    first = file.head.lstrip().split("\n", 1)[0].rstrip("\r")
    raise CurvesError(
        f"no known curve format; it begins {first[:60]!r}",
        where=f"{file.path}:1",
        expected="one of: " + known,
        do="export the curves in one of these formats",
    )


def _is_one(format: CurveFormat, file: CurveFile) -> bool:
    """Whether ``format`` knows ``file``. A registered one that cannot so much as look at it (it wants text, and this is
    binary) does not, and those after it say what is wrong."""
    if format.name not in _registered:
        return format.sniff(file)
    try:
        return bool(format.sniff(file))
    except CurvesError:
        return False
    except Exception as error:
        raise _broken(format, file, "is asked whether it knows it", error) from error


def _read_registered(format: CurveFormat, file: CurveFile, options: ReadOptions) -> CurveTrack:
    try:
        track: object = format.read(file, options)
    except KoekaoError:
        raise
    except Exception as error:
        raise _broken(format, file, "reads it", error) from error
    if not isinstance(track, CurveTrack):
        what = f"the reader of {format.name} returned a {type(track).__name__}"
        raise CurvesError(what, where=file.path, expected="a CurveTrack", do="mend the reader")
    wrong = np.argwhere(~np.isfinite(track.values))
    if len(wrong):
        row, curve = (int(i) for i in wrong[0])
        where = f"{file.path}:frame {row}:{NAMES[curve]}"
        raise CurvesError(f"{track.values[row, curve]}", where=where, expected="a finite number", do="mend the file")
    return replace(track, format=format.name, values=track.values.astype(np.float32, copy=False))


def _broken(format: CurveFormat, file: CurveFile, when: str, error: Exception) -> CurvesError:
    """A fault of code that is not koekao's, told of the file that brought it out."""
    what = f"curve format {format.name} fails when it {when} ({type(error).__name__}: {error})"
    where = getattr(format.read, "__module__", "")
    return CurvesError(what, where=file.path, do=f"mend the file, or the reader in {where}")

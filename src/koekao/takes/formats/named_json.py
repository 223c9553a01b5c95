"""One JSON document that names its curves: the layout of BEAT, LAM, and of koekao's own ``.json``.

``{"names": [...], "frames": [{"weights": [...], "time": seconds}, ...]}``; LAM adds ``"metadata": {"fps": 30,
"frame_count": n, "blendshape_names": [...]}``. The order of the weights is the file's own ``names`` and nothing else:
BEAT and LAM do not agree, and BEAT has 51 of them without ``tongueOut``. Keys stand in any order; a file may begin with
all of its frames. Source: the files of the BEAT data set, and of LAM Audio2Expression.

Times in the frames are honoured; ``metadata.fps`` is only kept as the track's ``stated_fps``. Where frames have no
time, frame k stands at k / fps, by the rate that the caller states or else by the file's.

What it gives up: nothing is read before the whole document is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from koekao.clock import parse_fps
from koekao.errors import ConfigError, CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.row_times import row_times
from koekao.takes.formats.rows import NO_TONGUE, Rows, ignored, layout_of, missing_note, numbers
from koekao.takes.formats.strict_json import number, shown

LOOKS = '{"names": [...], "frames": [{"weights": [...], "time": seconds}, ...]}'
_METADATA = ("fps", "frame_count", "blendshape_names")


def sniff_named_json(document: Any) -> bool:
    """Whether a JSON document is this format."""
    return isinstance(document, dict) and "names" in document and "frames" in document


def read_named_json(file: CurveFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read a named JSON document.

    Args:
        file: the file.
        fps: frames a second, for frames without ``time``; wins over ``metadata.fps``.

    Raises:
        CurvesError: at ``file:frame k`` (the first is 0) and ``:curve``: names missing or twice, weights that are too
            few or no numbers, times that are missing in some frames or do not increase, metadata that disagrees.
    """
    path, document = file.path, file.document
    if not sniff_named_json(document):
        raise CurvesError("no document with names and frames", where=path, expected=LOOKS)
    names, frames = _names(document["names"], f"{path}:names"), document["frames"]
    if not isinstance(frames, list) or not frames:
        raise CurvesError(shown(frames), where=f"{path}:frames", expected="a list of frames")
    layout = layout_of(names, f"{path}:names", may_lack=NO_TONGUE)
    metadata, stated = _metadata(document, names, len(frames), path)
    timed = isinstance(frames[0], dict) and "time" in frames[0]
    times = row_times(("time",) if timed else (), fps or stated, f"{path}:frame 0")
    rows = Rows(lambda row: f"{path}:frame {row}", "time")
    others: dict[str, None] = {}
    for k, frame in enumerate(frames):
        where = rows.where
        weights = _weights(frame, len(names), timed, where)
        time_s = times.at(number(frame["time"], f"{where}:time") if timed else 0.0, k, where)
        rows.add(time_s, numbers(layout.pick(weights), layout.spelt, where))
        if len(frame) > 1 + timed:
            others.update(dict.fromkeys(frame))
    beside = [key for key in document if key not in ("names", "frames", "metadata")]
    notes = (
        *missing_note(layout),
        *ignored(layout.unknown),
        *ignored([*beside, *(f"metadata.{key}" for key in metadata if key not in _METADATA)], "keys of the document"),
        *ignored([key for key in others if key not in ("weights", "time")], "keys beside weights and time"),
        *times.notes,
    )
    return rows.track(path, "named_json", file.source, notes, stated)


def _names(names: Any, where: str) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CurvesError(shown(names), where=where, expected="a list of names")
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise CurvesError(f"{shown(twice)} stands twice", where=where, do="keep one of them")
    return names


def _weights(frame: Any, n: int, timed: bool, where: str) -> list[Any]:
    weights = frame.get("weights") if isinstance(frame, dict) else None
    if not isinstance(weights, list):
        raise CurvesError(f"no frame: {shown(frame)}", where=where, expected='{"weights": [...], "time": seconds}')
    if len(weights) != n:
        raise CurvesError(f"{len(weights)} weights", where=where, expected=f"{n}, one for each of the names")
    if timed is not ("time" in frame):
        what = "a frame without time" if timed else "a time, and the first frame has none"
        raise CurvesError(what, where=where, expected="a time in every frame or in none")
    return weights


def _metadata(
    document: Mapping[str, Any], names: list[str], n_frames: int, path: str
) -> tuple[dict[str, Any], Fraction | None]:
    """The metadata, compared with what it is about, and the rate that it states."""
    where, metadata = f"{path}:metadata", document.get("metadata", {})
    if not isinstance(metadata, dict):
        raise CurvesError(shown(metadata), where=where, expected="an object")
    for key, found in (("frame_count", n_frames), ("blendshape_names", names)):
        if key in metadata and (metadata[key] != found or type(metadata[key]) is not type(found)):
            raise CurvesError(
                shown(metadata[key]),
                where=f"{where}.{key}",
                expected=f"{shown(found)}, as the file has them",
                do="the file was cut or put together of two: export it again",
            )
    if "fps" not in metadata:
        return metadata, None
    rate = metadata["fps"]
    try:
        return metadata, parse_fps(rate if type(rate) in (int, float) else "")
    except (ConfigError, ValueError):  # ValueError: an int of thousands of digits, as text
        raise CurvesError(shown(rate), where=f"{where}.fps", expected="frames a second, a number in 0..1000") from None

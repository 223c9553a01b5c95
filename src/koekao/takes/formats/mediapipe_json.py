"""MediaPipe's face blendshapes as JSON: a list of frames, or an object that holds one.

MediaPipe hands out categories and leaves the file to its users, so the spelling varies, and each is read. A frame's
curves are under ``blendshapes``, ``faceBlendshapes``, ``face_blendshapes`` or ``categories``; as a list of
``{"categoryName" | "category_name": name, "score": value}``, alone or wrapped as the result object has it (a list with
one entry for each face, itself such a list or ``{"categories": [...]}``), or as ``{name: value}``. An empty list is a
frame without a face. A frame's time is read by its key (:mod:`koekao.takes.formats.row_times`). ``tongueOut`` is not
among MediaPipe's curves and may be missing. Source: the result classes of MediaPipe Tasks in Python and JavaScript, and
files written from them.

What it gives up: frames with two faces are refused, because nothing says which one speaks; ``index`` is not read, since
names are there.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.row_times import RowTimes, row_times
from koekao.takes.formats.rows import NO_TONGUE, Cells, Layout, Rows, ignored, layout_of, missing_note, numbers
from koekao.takes.formats.strict_json import listed, number, shown

LOOKS = '[{"timestamp": seconds, "blendshapes": [{"categoryName": name, "score": value}, ...]}, ...]'
_SHAPES = ("blendshapes", "faceBlendshapes", "face_blendshapes", "categories")
_NAMES = ("categoryName", "category_name")
_NEUTRAL = "_neutral"


def sniff_mediapipe_json(document: Any) -> bool:
    """Whether a JSON document is a list of frames with blendshapes, or holds one."""
    return bool(_lists(document))


def _lists(document: Any) -> dict[str, list[Any]]:
    """The lists of frames in a document, by key; the whole document has the key ``""``."""
    under = {"": document} if isinstance(document, list) else document if isinstance(document, dict) else {}
    return {
        key: frames for key, frames in under.items() if isinstance(frames, list) and _is_frame(next(iter(frames), 0))
    }


def _is_frame(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), (list, dict)) for key in _SHAPES)


def read_mediapipe_json(file: CurveFile, *, fps: Fraction | None = None) -> CurveTrack:
    """Read MediaPipe's blendshapes.

    Args:
        file: the file.
        fps: frames a second, for frames that have a number or nothing instead of a time.

    Raises:
        CurvesError: at ``file:frame k`` (the first is 0) and ``:curve``: no blendshapes, several faces, curves missing
            or twice, a score that is no number, times that are missing or do not increase.
    """
    path, lists = file.path, _lists(file.document)
    if len(lists) != 1:
        what = f"several lists of frames: {listed(lists)}" if lists else "no list of frames with blendshapes"
        raise CurvesError(what, where=path, expected=LOOKS)
    ((under, frames),) = lists.items()
    times = row_times(tuple(frames[0]), fps, f"{path}:frame 0")
    rows = Rows(lambda row: f"{path}:frame {row}", times.key or "frame")
    curves = _Curves()
    others: dict[str, None] = {}
    for k, frame in enumerate(frames):
        where = rows.where
        if not isinstance(frame, dict):
            raise CurvesError(f"no frame: {shown(frame)}", where=where, expected=LOOKS)
        others.update(dict.fromkeys(frame))
        rows.add(_time_s(frame, times, k, where), curves.cells(_shapes(frame, where), where))
    beside = [key for key in file.document if key != under] if under else []
    read = {*_SHAPES, times.key}
    notes = (
        *curves.notes(),
        *ignored([*beside, *(key for key in others if key not in read)], "keys beside time and blendshapes"),
        *times.notes,
    )
    return rows.track(path, "mediapipe", file.source, notes)


def _time_s(frame: dict[str, Any], times: RowTimes, row: int, where: str) -> float:
    if times.key is None:
        return times.at(0.0, row, where)
    if times.key not in frame:
        what = f"no {times.key!r}"
        raise CurvesError(what, where=where, expected="the same key for the time in every frame", do="add it")
    return times.at(number(frame[times.key], f"{where}:{times.key}"), row, where)


def _shapes(frame: dict[str, Any], where: str) -> list[Any] | dict[str, Any]:
    """What a frame holds of one face: a list of categories or values by name; empty where there is no face."""
    found = [key for key in _SHAPES if key in frame]
    if len(found) != 1:
        what = f"blendshapes under {listed(found)}" if found else f"no blendshapes, only {listed(frame) or 'nothing'}"
        raise CurvesError(what, where=where, expected="one of " + ", ".join(_SHAPES))
    shapes = frame[found[0]]
    if isinstance(shapes, list) and shapes and _is_face(shapes[0]):
        if len(shapes) > 1:
            what = f"{len(shapes)} faces"
            raise CurvesError(what, where=where, expected="one", do="write only the face of the speaker")
        (shapes,) = shapes
        shapes = shapes["categories"] if isinstance(shapes, dict) else shapes
    if not isinstance(shapes, (list, dict)):
        raise CurvesError(f"{found[0]} is {shown(shapes)}", where=where, expected="categories, or values by name")
    return shapes


def _is_face(value: Any) -> bool:
    """Whether an entry of a list is a face of its own and no category."""
    return isinstance(value, list) or (isinstance(value, dict) and "categories" in value)


class _Curves:
    """The curves of each frame, and where they stand, remembered for each sequence of names that was seen."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[str, ...], Layout] = {}

    def cells(self, shapes: list[Any] | dict[str, Any], where: str) -> Cells | None:
        """The cells of a frame in canonical order, as floats; None where it has no face."""
        if not shapes:
            return None
        if isinstance(shapes, dict):
            names, row = tuple(shapes), list(shapes.values())
        else:
            names, row = _categories(shapes, where)
        layout = self._layouts.get(names)
        if layout is None:
            layout = self._layouts[names] = layout_of(names, where, may_lack=NO_TONGUE)
        return numbers(layout.pick(row), layout.spelt, where)

    def notes(self) -> tuple[str, ...]:
        unknown = dict.fromkeys(name for layout in self._layouts.values() for name in layout.unknown)
        missing = dict.fromkeys(note for layout in self._layouts.values() for note in missing_note(layout))
        return (*missing, *ignored([name for name in unknown if name != _NEUTRAL]))


def _categories(categories: list[Any], where: str) -> tuple[tuple[str, ...], list[Any]]:
    """Names and scores of a list of categories."""
    first = categories[0]
    spelt = next((key for key in _NAMES if isinstance(first, dict) and key in first), _NAMES[0])
    try:
        names = tuple([category[spelt] for category in categories])
        scores = [category["score"] for category in categories]
    except (KeyError, TypeError):
        names, scores = (), []
    if not names or set(map(type, names)) != {str}:
        odd = next((one for one in categories if not _is_category(one, spelt)), first)
        raise CurvesError(f"no category: {shown(odd)}", where=where, expected=f'{{"{spelt}": name, "score": value}}')
    return names, scores


def _is_category(value: Any, spelt: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(spelt), str) and "score" in value

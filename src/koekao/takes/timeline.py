"""Where curves lie on the sound, when each of the two tells of its own start.

Two ways. Where both files tell the time of day (a BWF's ``bext`` chunk, a movie's timecode; the timecode of a Live Link
CSV) the two are laid by it, across midnight too. Where somebody knows better, a file ``NAME.timeline.json`` beside the
two says when each starts, in seconds on one clock of any kind, and wins::

    {"sound_start_s": 12.0, "curves_start_s": 12.48}

Else the curves' times count from the start of the sound.

What it gives up: rates. Clocks that run at different speeds are a drift, which the doctor measures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from koekao.errors import TakeError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.take import Source

_LOOKS = '{"sound_start_s": seconds, "curves_start_s": seconds}'
_KEYS = ("sound_start_s", "curves_start_s")
_HALF_A_DAY_S = 43_200
_LONGEST_S = 1e9


@dataclass(frozen=True, kw_only=True)
class SoundSpan:
    """What there is to know of a sound: its name for errors, how long it lasts, its time of day or None."""

    path: Path
    duration_s: float
    origin_s: float | None


def is_told(sound: SoundSpan, track: CurveTrack, timeline: Path | None) -> bool:
    """Whether anything tells where the curves lie, so that a difference in length is no sign of a wrong pair."""
    return timeline is not None or (sound.origin_s is not None and track.origin_s is not None)


def on_one_timeline(
    sound: SoundSpan, track: CurveTrack, timeline: Path | None
) -> tuple[CurveTrack, list[str], tuple[Source, ...]]:
    """The track with times from the start of the sound, what is to be said of it, and what else was read for it.

    Args:
        timeline: the file that tells when each starts, where there is one.

    Raises:
        TakeError: they do not meet, or that file cannot be read.
    """
    if timeline is not None:
        later_s, source = _stated_s(timeline)
        return *_moved(sound, track, later_s, f"by {timeline.name}"), (source,)
    if track.origin_s is None:
        return track, [], ()
    if sound.origin_s is None:
        first = "note: first row of the timecode taken as the start of the sound, which tells no time of day"
        return track, [first], ()
    later_s = (track.origin_s - sound.origin_s + _HALF_A_DAY_S) % (2 * _HALF_A_DAY_S) - _HALF_A_DAY_S
    return *_moved(sound, track, later_s, "by their timecodes"), ()


def _moved(sound: SoundSpan, track: CurveTrack, later_s: float, how: str) -> tuple[CurveTrack, list[str]]:
    """The track as it lies when its time 0 is ``later_s`` after the start of the sound."""
    moved = replace(track, time_s=track.time_s + later_s, origin_s=sound.origin_s)
    if moved.time_s[-1] < 0 or moved.time_s[0] > sound.duration_s:
        raise TakeError(
            f"the curves begin {later_s:+.3f} s from the start of the sound, {how}, and do not meet it",
            where=f"{sound.path} and {track.path}",
            expected="times of one recording, from one clock",
            do="check that the two are of one recording; if their clocks differ, say when each starts in "
            f"{sound.path.stem}.timeline.json: {_LOOKS}",
        )
    if not later_s:
        return moved, []
    return moved, [f"start: curves begin {1000 * later_s:+.1f} ms from the start of the sound, {how}"]


def _stated_s(path: Path) -> tuple[float, Source]:
    """How much later than the sound the curves start, as the file states it, and the file."""
    file = CurveFile.read(path)
    stated = file.document
    if not isinstance(stated, dict) or set(stated) - set(_KEYS) or not stated:
        seen = ", ".join(stated) if isinstance(stated, dict) else type(stated).__name__
        raise TakeError(f"no timeline: {seen or 'nothing'}", where=path, expected=_LOOKS)
    for key, value in stated.items():
        if type(value) not in (int, float) or not (math.isfinite(value) and abs(value) <= _LONGEST_S):
            raise TakeError(f"{value!r}"[:60], where=f"{path}:{key}", expected="seconds")
    sound_s, curves_s = (float(stated.get(key, 0)) for key in _KEYS)
    return curves_s - sound_s, file.source

"""Files to clips: an animation, a take, a sound; laid on one clock as packing would lay them, but never refused.

Rows are brought to the frame rate that they mean (59.9 rows a second called 60 are 60), by their times. A take whose
sound and curves end apart is shown as it is, because seeing that is what looking is for.
"""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES
from koekao.errors import TakeError
from koekao.takes.curves import CurveTrack
from koekao.takes.doctor.subjects import Subject, find_subjects
from koekao.takes.formats.registry import read_curves
from koekao.takes.rates import on_frames
from koekao.takes.sound.reading import Sound, probe_sound, read_sound
from koekao.takes.take import Take
from koekao.takes.timeline import SoundSpan, on_one_timeline
from koekao.viewer.clip import Clip, Curves

_WHOLE = tuple(Fraction(n) for n in (24, 25, 30, 48, 50, 60, 90, 100, 120))
_BROADCAST = tuple(Fraction(1000 * n, 1001) for n in (24, 30, 60, 120))
_NEAR, _EXACT = 0.005, 2e-4
_SLOWEST_HZ, _FASTEST_HZ = 5, 240


def clip_of(place: str | Path, *, sound: str | Path | None = None) -> Clip:
    """The clip of a take, an animation file or a sound.

    Args:
        place: a file of curves, a sound, or what a take's two files have in common; what lies beside it belongs to it.
        sound: the sound, where it lies elsewhere.

    Raises:
        TakeError: it is not there, or cannot be read.
    """
    subject = _only(Path(place))
    heard = Path(sound) if sound is not None else subject.sound
    return clip_of_files(subject.name, heard, subject.curves, subject.timeline)


def clip_of_files(name: str, sound: Path | None, curves: Path | None, timeline: Path | None = None) -> Clip:
    """The clip of a take's files; either may be missing.

    Raises:
        TakeError: one of them cannot be read, or they do not meet.
    """
    heard = None if sound is None else read_sound(sound, sample_rate=probe_sound(sound).sample_rate)
    notes = () if heard is None else (*heard.repairs, *heard.notes)
    tracks: tuple[Curves, ...] = ()
    if curves is not None:
        read, said = curves_of(curves, heard, timeline=timeline)
        tracks, notes = (read,), (*notes, *said)
    return Clip(
        name=name,
        sound=None if heard is None else heard.samples,
        sample_rate=1 if heard is None else heard.sample_rate,
        tracks=tracks,
        notes=notes,
    )


def curves_of(
    path: str | Path, sound: Sound | None = None, *, label: str | None = None, timeline: Path | None = None
) -> tuple[Curves, tuple[str, ...]]:
    """A file of curves as a track on the sound's clock, and what is to be said of it.

    Raises:
        CurvesError: it cannot be read. TakeError: it does not meet the sound.
    """
    track, notes = read_curves(path), ()
    if sound is not None:
        span = SoundSpan(
            path=Path(sound.source.path), duration_s=len(sound.samples) / sound.sample_rate, origin_s=sound.origin_s
        )
        track, _, _ = on_one_timeline(span, track, timeline)
    fps = rate_of(track)
    n_frames = max(1, int(np.floor(float(track.time_s[-1] * fps) + 0.5)) + 1)
    values, valid = on_frames(track, fps, n_frames)
    curves = Curves(
        label=label or Path(path).name, fps=fps, values=values, valid=valid, head=_head_on_frames(track, fps, n_frames)
    )
    return curves, (*track.notes, *notes)


def clip_of_take(take: Take, *, label: str = "take") -> Clip:
    """The clip of a take in memory; its repairs are its notes."""
    track = Curves(label=label, fps=take.fps, values=take.curves, valid=take.valid.astype(bool))
    return Clip(name=take.name, sound=take.audio, sample_rate=take.sample_rate, tracks=(track,), notes=take.repairs)


def rate_of(track: CurveTrack) -> Fraction:
    """The frame rate that a track's rows mean: a usual one within half a percent of the measured one, else that."""
    rate_hz = track.rate_hz
    if not np.isfinite(rate_hz):
        return track.stated_fps or Fraction(30)
    for usual, share in ((_BROADCAST, _EXACT), (_WHOLE, _NEAR)):
        near = min(usual, key=lambda fps: abs(float(fps) / rate_hz - 1))
        if abs(float(near) / rate_hz - 1) <= share:
            return near
    return Fraction(round(min(max(rate_hz, _SLOWEST_HZ), _FASTEST_HZ) * 100), 100)


def _only(place: Path) -> Subject:
    found = find_subjects(place)
    if len(found) != 1:
        raise TakeError(f"{len(found)} takes", where=place, expected="one", do="name one of them")
    if found[0].error is not None:
        raise found[0].error
    return found[0]


def _head_on_frames(track: CurveTrack, fps: Fraction, n_frames: int) -> NDArray[np.float32] | None:
    """Yaw, pitch and roll ``[n_frames, 3]``, where the file has them, a row each."""
    rows = head_of(Path(track.path), track.format)
    if rows is None or len(rows) != len(track):
        return None
    at_s = np.arange(n_frames) / float(fps)
    return np.stack([np.interp(at_s, track.time_s, angle) for angle in rows.T], axis=1).astype(np.float32)


def head_of(path: Path, format: str) -> NDArray[np.float64] | None:
    """``[n_rows, 3]`` radians of HeadYaw, HeadPitch and HeadRoll, from the formats that have them; else None.

    The readers of curves leave rotations aside, for nothing is trained on them. Rows that are not whole give None.
    """
    text = path.read_text("utf-8-sig") if format in ("livelink_csv", "jsonl") else ""
    try:
        if format == "livelink_csv":
            wanted = HEAD_AND_EYES[:3]
            rows = list(csv.DictReader(io.StringIO(text)))
            return np.array([[float(row[name]) for name in wanted] for row in rows if row[wanted[0]]])
        if format == "jsonl" and '"pose"' in text[:10_000]:
            return np.array([json.loads(line)["pose"][:3] for line in text.splitlines() if line.strip()], np.float64)
    except (KeyError, TypeError, ValueError):
        return None
    return None

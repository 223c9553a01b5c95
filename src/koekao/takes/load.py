"""Two files to one take: sound and curves on one clock, beginning together and ending together.

Time 0 is the start of the sound, and :mod:`koekao.takes.timeline` says where the curves lie on it. Curves are brought
to the corpus's frame rate by interpolation on time. Nothing is ever stretched to fit: if the two end farther apart than
the tolerance they do not belong together, or one of them tells its times wrongly, and the take is refused with both
lengths (unless a timeline told where they lie: a recorder may run on). An offset or a drift is taken out only where
somebody asks for it, and measured then.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.clock import Clock, parse_fps
from koekao.errors import CurvesError, TakeError
from koekao.takes.curves import GAP_STEPS, CurveTrack
from koekao.takes.folder import TakeFiles
from koekao.takes.formats.registry import read_curves
from koekao.takes.policies import NOTE, REPAIRS, TakePolicies, name_of, refuse_repairs
from koekao.takes.rates import GRID_TOLERANCE_S, is_filtered, is_on_grid, on_frames
from koekao.takes.sound.reading import Sound, read_sound
from koekao.takes.synced import synced
from koekao.takes.take import Take
from koekao.takes.timeline import SoundSpan, is_told, on_one_timeline

SCALE_OF_A_HUNDRED = 2.0
"""A largest value beyond this is on a scale of 0 to 100: trackers overshoot 1 by some hundredths, never by as much."""

_DEFAULT = TakePolicies()
_ROUNDING_S = 1e-6


def load_take(
    files: TakeFiles,
    *,
    sample_rate: int = 16000,
    fps: Fraction | int | float | str = Fraction(30),
    dtype: str = "int16",
    policies: TakePolicies = _DEFAULT,
) -> Take:
    """Read a take's two files and lay them on one clock.

    The take has as many frames as sound and curves both cover (as one of them covers, where the other is padded); a row
    of curves covers one frame of ``fps``. Its sound is exactly as long as its frames:
    ``n_samples == clock.frame_start(n_frames)``.

    Raises:
        SoundError, CurvesError: a file cannot be read, or its values are refused.
        TakeError: the two differ by more than the tolerance, do not cover one frame together, or are out of sync, too
            short or in need of a repair where that is refused.
        ConfigError: a rate or policy that cannot be.
    """
    clock = Clock(sample_rate, parse_fps(fps))
    sound = read_sound(
        files.sound, sample_rate=sample_rate, mono=policies.mono, dtype=dtype, truncated=policies.truncated
    )
    track = read_curves(
        files.curves,
        format=policies.read,
        order=policies.order,
        timecode_rate=policies.timecode_rate,
        fps=policies.rows_fps,
    )
    track, values_said = _on_unit_scale(track, policies.values)
    span = SoundSpan(path=files.sound, duration_s=sound.duration_s, origin_s=sound.origin_s)
    apart_s = float("inf") if is_told(span, track, files.timeline) else policies.length_tolerance_s
    track, start_said, told_by = on_one_timeline(span, track, files.timeline)
    track, sync_said = synced(files.name, sound, track, policies)
    _refuse_apart(files, sound, track, clock, apart_s)
    n_frames = _frames_of(files, sound, track, clock, policies)
    curves, valid = on_frames(track, clock.fps, n_frames, max_gap_s=policies.max_gap_s, method=policies.method)
    n_samples = clock.frame_start(n_frames)
    repairs = (
        *sound.repairs,
        *(said if name_of(said) in REPAIRS else f"{NOTE}: {said}" for said in (*sound.notes, *track.notes)),
        *values_said,
        *start_said,
        *sync_said,
        *_rate_said(track, clock, policies.method),
        *_ends_said(sound, track, clock, n_frames),
        *_gaps_said(track, valid, policies.max_gap_s),
    )
    if policies.strict:
        refuse_repairs(repairs, f"{files.sound} and {files.curves}")
    return Take(
        name=files.name,
        speaker=files.speaker,
        audio=_of_length(sound, n_samples),
        sample_rate=sample_rate,
        curves=curves,
        valid=valid,
        fps=clock.fps,
        repairs=repairs,
        sources=(sound.source, track.source, *told_by),
    )


def _of_length(sound: Sound, n_samples: int) -> NDArray[np.int16] | NDArray[np.float32]:
    """The first samples of the sound, and silence for what there is not."""
    audio: NDArray[Any] = np.zeros(n_samples, sound.samples.dtype)
    audio[: len(sound.samples)] = sound.samples[:n_samples]
    return audio


def _refuse_apart(files: TakeFiles, sound: Sound, track: CurveTrack, clock: Clock, tolerance_s: float) -> None:
    """Raise TakeError if sound and curves end farther apart than that."""
    curves_end_s = float(track.time_s[-1]) + float(1 / clock.fps)
    if abs(sound.duration_s - curves_end_s) > tolerance_s + _ROUNDING_S:
        raise TakeError(
            f"the sound lasts {sound.duration_s:.3f} s, the curves {curves_end_s:.3f} s",
            where=f"{files.sound} and {files.curves}",
            expected=f"ends within {tolerance_s:g} s of each other",
            do="check that the two are of one recording and that the curves' times are seconds from the start of the "
            "sound; only if the rest really is to be cut, allow a larger length_tolerance_s",
        )


def _frames_of(files: TakeFiles, sound: Sound, track: CurveTrack, clock: Clock, policies: TakePolicies) -> int:
    """How many whole frames the take has, from time 0."""
    where, curves_end_s = f"{files.sound} and {files.curves}", float(track.time_s[-1]) + float(1 / clock.fps)
    heard, seen = clock.frame_at(len(sound.samples)), _frames_seen(curves_end_s, clock)
    if policies.ends == "refuse" and heard != seen:
        what = f"the sound lasts {sound.duration_s:.3f} s, the curves {curves_end_s:.3f} s"
        raise TakeError(what, where=where, expected="ends in the same frame", do="say ends=trim, or ends=pad")
    n_frames = max(heard, seen) if policies.ends == "pad" and min(heard, seen) > 0 else min(heard, seen)
    if n_frames <= 0:
        raise TakeError(
            f"not one frame: the sound lasts {sound.duration_s:.3f} s, the curves {curves_end_s:.3f} s",
            where=where,
            expected=f"at least one frame of {float(1 / clock.fps):.3f} s from the start of the sound",
        )
    if clock.time_s(n_frames) < policies.shortest_s:
        what = f"{n_frames} frames, {float(clock.time_s(n_frames)):.3f} s"
        raise TakeError(what, where=where, expected=f"at least {policies.shortest_s:g} s", do="allow shorter takes")
    return n_frames


def _frames_seen(curves_end_s: float, clock: Clock) -> int:
    """Whole frames that the rows cover."""
    return int(np.floor((curves_end_s + GRID_TOLERANCE_S) * float(clock.fps)))


def _on_unit_scale(track: CurveTrack, policy: str) -> tuple[CurveTrack, list[str]]:
    """The track under a values policy, and what is to be said of values outside [0, 1]."""
    seen = track.values[track.tracked]
    outside = int(np.count_nonzero((seen < 0) | (seen > 1)))
    if not outside:
        return track, []
    low, high = track.value_range
    is_hundred = high > SCALE_OF_A_HUNDRED
    reach = f"{outside} values outside [0, 1], from {low:.3f} to {high:.3f}"
    if policy == "refuse":
        row, curve = np.argwhere((track.values < 0) | (track.values > 1))[0]
        raise CurvesError(
            f"{reach}; the first is {track.values[row, curve]:g}",
            where=f"{track.path}:frame {row}:{NAMES[curve]}",
            expected="0 to 1",
            do="say values=rescale if the scale is 0 to 100, values=clip, or values=keep",
        )
    if policy == "rescale" and is_hundred:
        values: NDArray[Any] = track.values / np.float32(100)
        return replace(track, values=values), [f"rescale: values from {low:g} to {high:g} divided by 100"]
    if policy == "clip":
        values = np.clip(track.values, np.float32(0), np.float32(1))
        return replace(track, values=values), [f"clip: {reach}"]
    looks = "; they look like 0 to 100, which values=rescale brings to 0 to 1" if is_hundred else ""
    return track, [f"note: {reach}, kept{looks}"]


def _rate_said(track: CurveTrack, clock: Clock, method: str) -> list[str]:
    """How the curves came to the frame rate."""
    if is_on_grid(track, clock.fps):
        return []
    on_clock = f" on a {track.stated_clock} clock" if track.stated_clock else ""
    how = "filtered cubic" if is_filtered(track, clock.fps, method) else method
    return [f"rate: curves {track.rate_hz:.2f} rows/s{on_clock} -> {clock.fps} fps by {how} interpolation in time"]


def _ends_said(sound: Sound, track: CurveTrack, clock: Clock, n_frames: int) -> list[str]:
    """What was cut or filled up; less than a frame of sound that no frame holds is only noted."""
    said = []
    # The last row at or before 0 s is still needed, for what lies between it and the next.
    unused = max(0, int(np.searchsorted(track.time_s, GRID_TOLERANCE_S, side="right")) - 1)
    if unused:
        said.append(f"trim: {_rows(unused)} of curves before the sound begins")
    samples = len(sound.samples) - clock.frame_start(n_frames)
    if samples:
        ms = abs(samples) * 1000 / clock.sample_rate
        length = f"{ms:.0f} ms" if ms >= 1 else f"{abs(samples)} samples"
        if samples < 0:
            said.append(f"pad: {length} of silence at the end")
        elif len(sound.samples) < clock.frame_start(n_frames + 1):
            said.append(f"note: {length} of sound at the end, less than a frame, not used")
        else:
            said.append(f"trim: {length} of sound at the end")
    rows = int(np.count_nonzero(track.time_s > clock.time_s(n_frames) - GRID_TOLERANCE_S))
    if rows:
        said.append(f"trim: {_rows(rows)} of curves at the end")
    missing = n_frames - _frames_seen(float(track.time_s[-1]) + float(1 / clock.fps), clock)
    if missing > 0:
        said.append(f"pad: {missing} invalid frames at the end")
    return said


def _gaps_said(track: CurveTrack, valid: NDArray[np.bool_], max_gap_s: float) -> list[str]:
    """How many gaps were bridged, and how many frames nobody saw."""
    steps = np.diff(track.time_s[track.tracked])
    bridged = int(np.count_nonzero((steps > GAP_STEPS * track.median_step_s) & (steps <= max_gap_s + 1e-9)))
    said = [f"gaps: {bridged} of up to {1000 * max_gap_s:.0f} ms bridged"] if bridged else []
    lost = int(np.count_nonzero(~valid))
    return said + ([f"gaps: {lost} of {len(valid)} frames not tracked, filled and marked invalid"] if lost else [])


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"

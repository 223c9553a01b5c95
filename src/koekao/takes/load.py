"""Two files to one take: sound and curves on one clock, beginning together and ending together.

Time 0 is the start of the sound. Curves are brought to the corpus's frame rate by interpolation on time; what one of
the two has more at the end is cut. Nothing is ever stretched: if the two differ by more than the tolerance they do not
belong together, or one of them tells its times wrongly, and the take is refused with both lengths.

What it gives up: an offset or a drift between sound and curves is not looked for here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao import arkit
from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError, TakeError
from koekao.takes.curves import CurveTrack
from koekao.takes.folder import TakeFiles
from koekao.takes.formats.registry import read_curves
from koekao.takes.rates import GRID_TOLERANCE_S, is_on_grid, on_frames
from koekao.takes.sound.reading import MONO_POLICIES, Sound, read_sound
from koekao.takes.take import Take

VALUE_POLICIES = ("keep", "clip")


@dataclass(frozen=True, kw_only=True)
class TakePolicies:
    """What may be done to a recording to make it a take.

    Attributes:
        mono: what to do with several channels, see :func:`koekao.takes.sound.reading.read_sound`.
        max_gap_s: the longest stretch without tracked rows that is bridged as valid.
        length_tolerance_s: by how much sound and curves may differ at the end; what is over is cut.
        values: ``keep`` values outside [0, 1], or ``clip`` them.
        order: the order of curves without names, one of :data:`koekao.arkit.ORDERS`.
        timecode_rate: frames a second of a timecode's clock, where the rows cannot tell it.
    """

    mono: str = "mix"
    max_gap_s: float = 0.1
    length_tolerance_s: float = 1.0
    values: str = "keep"
    order: str | None = None
    timecode_rate: Fraction | int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("mono", MONO_POLICIES), ("values", VALUE_POLICIES), ("order", (None, *arkit.ORDERS))):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"{name}={getattr(self, name)!r}", expected="one of " + ", ".join(map(str, allowed)))
        for name in ("max_gap_s", "length_tolerance_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name}={getattr(self, name)!r}", expected="seconds, 0 or more")


_DEFAULT = TakePolicies()


def load_take(
    files: TakeFiles,
    *,
    sample_rate: int = 16000,
    fps: Fraction | int | float | str = Fraction(30),
    dtype: str = "int16",
    policies: TakePolicies = _DEFAULT,
) -> Take:
    """Read a take's two files and lay them on one clock.

    The take has as many frames as sound and curves both cover; a row of curves covers one frame of ``fps``. Its sound
    is exactly as long as its frames: ``n_samples == clock.frame_start(n_frames)``.

    Raises:
        SoundError, CurvesError: a file cannot be read.
        TakeError: the two differ by more than the tolerance, or do not cover one frame together.
        ConfigError: a rate or policy that cannot be.
    """
    clock = Clock(sample_rate, parse_fps(fps))
    sound = read_sound(files.sound, sample_rate=sample_rate, mono=policies.mono, dtype=dtype)
    track = read_curves(files.curves, order=policies.order, timecode_rate=policies.timecode_rate)
    n_frames = _common_frames(files, sound, track, clock, policies.length_tolerance_s)
    curves, valid = on_frames(track, clock.fps, n_frames, max_gap_s=policies.max_gap_s)
    curves, values_said = _within(curves, policies.values)
    n_samples = clock.frame_start(n_frames)
    return Take(
        name=files.name,
        speaker=files.speaker,
        audio=sound.samples[:n_samples],
        sample_rate=sample_rate,
        curves=curves,
        valid=valid,
        fps=clock.fps,
        repairs=(
            *sound.repairs,
            *track.notes,
            *_timing_said(track, clock, n_frames),
            *_trimming_said(sound, track, clock, n_frames),
            *([f"{np.count_nonzero(~valid)} of {n_frames} frames not tracked"] if not valid.all() else []),
            *values_said,
        ),
        sources=(sound.source, track.source),
    )


def _common_frames(files: TakeFiles, sound: Sound, track: CurveTrack, clock: Clock, tolerance_s: float) -> int:
    """How many whole frames both cover, from time 0."""
    curves_end_s = float(track.time_s[-1]) + float(1 / clock.fps)
    if abs(sound.duration_s - curves_end_s) > tolerance_s:
        raise TakeError(
            f"the sound lasts {sound.duration_s:.3f} s, the curves {curves_end_s:.3f} s",
            where=f"{files.sound} and {files.curves}",
            expected=f"ends within {tolerance_s:g} s of each other",
            do="check that the two are of one recording and that the curves' times are seconds from the start of the "
            "sound; only if the rest really is to be cut, allow a larger length_tolerance_s",
        )
    covered = int(np.floor((curves_end_s + GRID_TOLERANCE_S) * float(clock.fps)))
    n_frames = min(clock.frame_at(len(sound.samples)), covered)
    if n_frames <= 0:
        raise TakeError(
            f"not one frame: the sound lasts {sound.duration_s:.3f} s, the curves {curves_end_s:.3f} s",
            where=f"{files.sound} and {files.curves}",
            expected=f"at least one frame of {float(1 / clock.fps):.3f} s from the start of the sound",
        )
    return n_frames


def _timing_said(track: CurveTrack, clock: Clock, n_frames: int) -> list[str]:
    """What is to be said of the curves' times."""
    said = ["start: first row of the timecode taken as the start of the sound"] if track.start_timecode else []
    # The last row at or before 0 s is still needed, for what lies between it and the next.
    unused = max(0, int(np.searchsorted(track.time_s, GRID_TOLERANCE_S, side="right")) - 1)
    if unused:
        said.append(f"{_rows(unused)} before 0 s not used")
    if not is_on_grid(track, clock.fps):
        on_clock = f" on a {track.stated_clock} clock" if track.stated_clock else ""
        said.append(f"curves {track.rate_hz:.2f} rows/s{on_clock} -> {clock.fps} fps by linear interpolation in time")
    return said


def _trimming_said(sound: Sound, track: CurveTrack, clock: Clock, n_frames: int) -> list[str]:
    """What was cut at the end."""
    said = []
    samples = len(sound.samples) - clock.frame_start(n_frames)
    if samples:
        ms = samples * 1000 / clock.sample_rate
        said.append(f"trimmed {f'{ms:.0f} ms' if ms >= 1 else f'{samples} samples'} of sound at the end")
    rows = int(np.count_nonzero(track.time_s > clock.time_s(n_frames) - GRID_TOLERANCE_S))
    if rows:
        said.append(f"trimmed {_rows(rows)} of curves at the end")
    return said


def _within(curves: NDArray[np.float32], policy: str) -> tuple[NDArray[np.float32], list[str]]:
    """The curves under a values policy, and what is to be said of values outside [0, 1]."""
    outside = int(np.count_nonzero((curves < 0) | (curves > 1)))
    if not outside:
        return curves, []
    reach = f"{outside} values outside [0, 1], from {curves.min():.3f} to {curves.max():.3f}"
    if policy == "clip":
        clipped: NDArray[Any] = np.clip(curves, np.float32(0), np.float32(1))
        return clipped, [f"{reach}, clipped"]
    return curves, [f"{reach}, kept"]


def _rows(n: int) -> str:
    return f"{n} row" if n == 1 else f"{n} rows"

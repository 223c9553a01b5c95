"""A take examined: everything that can be measured of its sound, its curves, and the two together, as plain numbers.

Nothing is judged here; what the numbers mean is said by :mod:`koekao.takes.doctor.findings`. A file that cannot be read
is not an exception of the examination but a result of it: its error is kept, and the other file is examined all the
same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.errors import TakeError
from koekao.takes.curves import CurveTrack
from koekao.takes.doctor.curve_health import CurveHealth, examine_curves
from koekao.takes.doctor.sound_health import SoundHealth, examine_sound
from koekao.takes.doctor.subjects import Subject
from koekao.takes.doctor.sync import Sync, estimate_sync
from koekao.takes.doctor.traces import Trace, trace
from koekao.takes.formats.registry import read_curves
from koekao.takes.timeline import SoundSpan, on_one_timeline


@dataclass(frozen=True, kw_only=True)
class Health:
    """One take.

    Attributes:
        name: the take's name in its folder.
        sound_path, curves_path: its files; None where there is none.
        sound, curves: what was measured of each; None where it is missing or cannot be read.
        sync: how sound and curves lie to each other; None where one is missing or it was not to be measured.
        errors: what keeps a file, or the take, from being used; empty for a take that is whole or has one file.
        plotted: the take in slices of time; None where nothing could be read.
    """

    name: str
    sound_path: Path | None
    curves_path: Path | None
    sound: SoundHealth | None
    curves: CurveHealth | None
    sync: Sync | None
    errors: tuple[TakeError, ...]
    plotted: Trace | None = None

    @property
    def usable(self) -> bool:
        return not self.errors

    @property
    def length_s(self) -> float | None:
        """How long the take is: its sound's length, or else its curves'."""
        if self.sound is not None:
            return self.sound.duration_s
        return None if self.curves is None else self.curves.duration_s

    @property
    def curves_longer_s(self) -> float | None:
        """By how many seconds the curves end after the sound; negative where they end before it."""
        if self.sound is None or self.curves is None:
            return None
        return self.curves.end_s - self.sound.duration_s


def examine(
    subject: Subject,
    *,
    read: str | None = None,
    order: str | None = None,
    fps: Fraction | int | float | str | None = None,
    sync: bool = True,
) -> Health:
    """Read and measure the files of one take.

    Args:
        subject: which files.
        read: the format of the curves, where their content is not to decide.
        order: a name in :data:`koekao.arkit.ORDERS`, for curves without names.
        fps: rows a second, for curves without times.
        sync: whether to estimate how sound and curves lie to each other, which takes longest.

    Raises:
        ConfigError: ``fps`` is no frame rate.
    """
    errors = [] if subject.error is None else [subject.error]
    sound: SoundHealth | None = None
    samples: NDArray[np.float32] | None = None
    curves: CurveHealth | None = None
    track: CurveTrack | None = None
    if subject.sound is not None:
        try:
            sound, samples = examine_sound(subject.sound)
        except TakeError as error:
            errors.append(error)
    if subject.curves is not None:
        try:
            track = read_curves(subject.curves, format=read, order=order, fps=fps)
            track = _on_the_sound(track, subject, sound)
            curves = examine_curves(track)
        except TakeError as error:
            errors.append(error)
    rate_hz = 1 if sound is None else sound.sample_rate_hz
    estimate = None
    if sync and samples is not None and track is not None:
        estimate = estimate_sync(samples, rate_hz, track.time_s, track.values, track.tracked)
    return Health(
        name=subject.name,
        sound_path=subject.sound,
        curves_path=subject.curves,
        sound=sound,
        curves=curves,
        sync=estimate,
        errors=tuple(errors),
        plotted=None if samples is None and track is None else trace(samples, rate_hz, track),
    )


def _on_the_sound(track: CurveTrack, subject: Subject, sound: SoundHealth | None) -> CurveTrack:
    """The track as packing will lay it on the sound; what is said of that is among its notes."""
    if sound is None or subject.sound is None:
        return track
    span = SoundSpan(path=subject.sound, duration_s=sound.duration_s, origin_s=sound.origin_s)
    track, said, _ = on_one_timeline(span, track, subject.timeline)
    return replace(track, notes=(*track.notes, *said))

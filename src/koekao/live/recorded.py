"""A recording animated as if it came live: block by block, written as it is made, however long it is.

What it gives up: soxr's resampling, which packed recordings have had. Sound of another rate than the model's passes the
filter that live sound passes (:mod:`koekao.live.resampling`), so that a file and a microphone give one face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from koekao.live.performance import Performance, Played, perform
from koekao.outputs import open_curves
from koekao.takes import passing_sound


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was made of a recording: frames, their rate, seconds of sound."""

    n_frames: int
    fps: Fraction
    heard_s: float


def animated(
    sound: str | Path,
    performance_at: Callable[[int], Performance],
    output: str | Path | None = None,
    *,
    format: str | None = None,
    face: str | Path | None = None,
    on_played: Callable[[Played], None] | None = None,
    on_progress: Callable[[float, float], None] | None = None,
) -> Recorded:
    """Animate a sound file.

    Args:
        sound: a file, as for :func:`koekao.takes.passing_sound`.
        performance_at: gives a fresh performance that hears sound of that many Hz.
        output: the file to write, if any. format, face: as for :func:`koekao.outputs.open_curves`.
        on_played: told of all frames, in order.
        on_progress: told now and then how many seconds are done, and of how many.

    Raises:
        SoundError, OutputError: naming the file and the place; nothing is published then.
    """
    with ExitStack() as stack:
        heard = stack.enter_context(passing_sound(sound))
        performance = performance_at(heard.info.sample_rate)
        n_frames, file = 0, None
        if output is not None:
            file = stack.enter_context(open_curves(output, performance.fps, format=format, face=face))
        for played in _told(perform(performance, heard.blocks), performance, heard.info.duration_s, on_progress):
            n_frames += len(played.curves)
            if file is not None:
                file.append(played.curves, played.pose)
            if on_played is not None:
                on_played(played)
    return Recorded(n_frames=n_frames, fps=performance.fps, heard_s=heard.info.duration_s)


def _told(
    parts: Iterator[Played], performance: Performance, of_s: float, on_progress: Callable[[float, float], None] | None
) -> Iterator[Played]:
    for played in parts:
        yield played
        if on_progress is not None:
            on_progress(float(performance.heard_s), of_s)

"""One voice to one face: sound of any rate, the model, the animator's controls, and frames with the time of the sound.

Shapes: S samples, T frames.

Frame k belongs to the moment k / fps of the sound, and that is counted in samples; no clock on the wall has a part in
it. A file is performed by the very calls that a microphone is (:func:`perform`), so what was tried offline is what
comes live.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from koekao.animation import Animator
from koekao.animation.engine import Engine
from koekao.arkit import HEAD_AND_EYES
from koekao.controls import Controls, ControlSettings
from koekao.live.resampling import StreamResampler
from koekao.wire.frame import FaceFrame

Sound = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Played:
    """Frames that have become ready.

    Attributes:
        first_frame: the number of the first; frame k is the moment k / fps.
        curves: ``[T, 52]`` float32 in 0..1. pose: ``[T, 9]`` float32 radians (:data:`koekao.arkit.HEAD_AND_EYES`).
    """

    first_frame: int
    curves: NDArray[np.float32]
    pose: NDArray[np.float32]


class Performance:
    """``push(samples) -> Played``.

    Args:
        animator: of the model; nothing else may push to it.
        sample_rate: Hz of the sound that comes; the model's where not given.
        controls: at the model's frame rate; none where not given, and then head and eyes are still.
    """

    def __init__(self, animator: Animator, *, sample_rate: int | None = None, controls: Controls | None = None) -> None:
        self._animator, self._controls = animator, controls
        self._resampler = StreamResampler(sample_rate or animator.clock.sample_rate, animator.clock.sample_rate)
        self.fps: Fraction = animator.clock.fps if controls is None else controls.fps_out
        self._next_frame = 0

    @property
    def sample_rate(self) -> int:
        """Hz of the sound that is pushed."""
        return self._resampler.rate_in

    @property
    def latency_s(self) -> Fraction:
        """How long after its own moment a frame is ready: its interval, the look-ahead, resampling and controls."""
        clock, ahead = self._animator.clock, self._animator.look_ahead_frames
        controlled = Fraction(0) if self._controls is None else self._controls.latency_s
        return Fraction(1 + ahead) / clock.fps + self._resampler.delay_s + controlled

    @property
    def heard_s(self) -> Fraction:
        """Seconds of sound heard by the model: the clock of this performance."""
        return Fraction(self._animator.heard_samples, self._animator.clock.sample_rate)

    def push(self, samples: Sound) -> Played:
        """Hear ``[S]`` float32 in [-1, 1] at :attr:`sample_rate`.

        Raises:
            SoundError: a sample that is not finite; nothing of ``samples`` is heard then.
        """
        return self._played(self._animator.push(self._resampler.push(samples)), over=False)

    def finish(self) -> Played:
        """The frames still owed: all that begin before the end of the sound."""
        last = [self._animator.push(self._resampler.finish()), self._animator.finish()]
        return self._played(np.concatenate(last), over=True)

    def warm_up(self) -> None:
        """Do everything once, in silence, and begin anew: what a machine does for the first time takes long."""
        self.push(np.zeros(self.sample_rate, np.float32))
        self.reset()

    def reset(self) -> None:
        """Begin anew, as if nothing had been heard."""
        self._animator.reset()
        self._resampler.reset()
        if self._controls is not None:
            self._controls.reset()
        self._next_frame = 0

    def _played(self, curves: NDArray[np.float32], *, over: bool) -> Played:
        pose = np.zeros((len(curves), len(HEAD_AND_EYES)), np.float32)
        if self._controls is not None:
            parts = [self._controls.push(curves), *([self._controls.finish()] if over else [])]
            curves, pose = np.concatenate([p.curves for p in parts]), np.concatenate([p.pose for p in parts])
        first, self._next_frame = self._next_frame, self._next_frame + len(curves)
        return Played(first_frame=first, curves=curves, pose=pose)


@dataclass(frozen=True, kw_only=True)
class Performances:
    """One face for any number of voices: what makes fresh performances of it.

    Attributes:
        engine: what animates. controls: the animator's. fps: frames a second that come out, the model's where None.
        seed: of what the controls add.
    """

    engine: Engine
    controls: ControlSettings | None = None
    fps: Fraction | None = None
    seed: int = 0

    def at(self, sample_rate: int) -> Performance:
        """A fresh performance that hears sound of ``sample_rate`` Hz."""
        controls = None
        if self.controls is not None or self.fps is not None:
            settings = self.controls or ControlSettings()
            controls = Controls(settings, self.engine.clock.fps, fps_out=self.fps, seed=self.seed)
        return Performance(Animator(self.engine), sample_rate=sample_rate, controls=controls)


def perform(performance: Performance, blocks: Iterable[Sound]) -> Iterator[Played]:
    """A whole sound, block by block, and what is owed at its end."""
    for block in blocks:
        yield performance.push(block)
    yield performance.finish()


def frames_of(played: Played, fps: Fraction) -> list[FaceFrame]:
    """The same as single frames, for sinks."""
    numbers = range(played.first_frame, played.first_frame + len(played.curves))
    return [
        FaceFrame(number, number / fps, curves, pose)
        for number, curves, pose in zip(numbers, played.curves, played.pose)
    ]

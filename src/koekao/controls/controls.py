"""The animator's controls over the curves that a model predicts: the same settings, offline and live.

Shapes: T frames, 52 curves in the order of :data:`koekao.arkit.NAMES`, 9 rotations in that of
:data:`koekao.arkit.HEAD_AND_EYES`.

The order of the stages is fixed, and each is there only where its settings ask for it:

1. ``response``: gain, offset and response of each curve, then ``balance``: strengths and symmetry. What a face is.
2. ``smoothing`` by region.
3. ``lips``: closures that were missed are shut, after smoothing, which may have opened them.
4. ``hold``: closures and peaks stay, those that were just shut too.
5. ``resampling`` to another frame rate, which keeps closures.
6. ``eyes`` and ``blinks``, at the frames that come out: a blink is never smoothed, and the same at any rate.
7. Everything within [0, 1], and the pose: the head's own motion, the eyes' from the curves.

A take is a stream that is pushed at once. In blocks of some thousand frames inside, so a long one needs little memory.

What it gives up: nothing here hears the sound. A closure, a nod or a raised brow that is not in the curves is not
found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import HEAD_AND_EYES, N_CURVES, NAMES
from koekao.clock import parse_fps
from koekao.controls import balance, response
from koekao.controls.blinks import BlinkStage
from koekao.controls.eyes import EyeStage, eye_rotations
from koekao.controls.head import HeadStream
from koekao.controls.hold import Hold
from koekao.controls.lip_press import LipsMeet
from koekao.controls.resampling import Resampling
from koekao.controls.settings import ControlSettings
from koekao.controls.smoothing import smoothing_stages
from koekao.controls.stage import Frames, Stage, limited, no_frames
from koekao.errors import ConfigError, CurvesError

_VERSION = 1
_BLOCK_FRAMES = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Controlled:
    """Frames that are ready.

    Attributes:
        curves: ``[T, 52]`` float32 in [0, 1].
        pose: ``[T, 9]`` float32, radians.
    """

    curves: NDArray[np.float32]
    pose: NDArray[np.float32]


class Controls:
    """A stream of faces under control.

    Args:
        settings: what is done; the default does nothing.
        fps: frames a second that go in. fps_out: that come out, the same if not said.
        seed: of blinks, glances and the head's motion; 0 or above.

    Raises:
        ConfigError: a rate or a seed that cannot be.
    """

    def __init__(
        self, settings: ControlSettings, fps: Fraction, *, fps_out: Fraction | None = None, seed: int = 0
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ConfigError(f"seed {seed!r}", expected="a whole number, 0 or above")
        self.settings, self.seed, self.fps = settings, seed, parse_fps(fps)
        self.fps_out = self.fps if fps_out is None else parse_fps(fps_out)
        self._stages = list(_stages(settings, self.fps, self.fps_out, seed))
        self._head = HeadStream(settings.head, self.fps_out, seed)
        self._n_in = self._n_out = 0
        self._finished = False

    @property
    def latency_s(self) -> Fraction:
        """Frames up to time t are out, at the latest, when the frames up to t + latency_s have been pushed."""
        return sum((stage.latency_s for stage in self._stages), Fraction(0))

    @property
    def latencies_s(self) -> dict[str, Fraction]:
        """What each stage that is there adds to it, in their order."""
        return {stage.name: stage.latency_s for stage in self._stages}

    def push(self, curves: NDArray[np.float32]) -> Controlled:
        """The frames that are ready after ``curves`` ``[T, 52]`` float32 in [0, 1]; T may be 0.

        Raises:
            CurvesError: another shape or type, a value that is not finite or outside [0, 1], named by frame and curve;
                or the stream is finished. Nothing is taken then.
        """
        self._check(curves)
        self._n_in += len(curves)
        parts = [
            self._through(curves[first : first + _BLOCK_FRAMES].astype(np.float64))
            for first in range(0, len(curves), _BLOCK_FRAMES)
        ]
        return self._out(parts)

    def finish(self) -> Controlled:
        """The frames still owed; after the last frame its face stays. Then only :meth:`reset` starts another stream."""
        if self._finished:
            return self._out([])
        self._finished = True
        owed = no_frames()
        for stage in self._stages:
            owed = np.concatenate([stage.push(owed), stage.finish()])
        return self._out([owed])

    def reset(self) -> None:
        """Begin another stream, as if just made."""
        for stage in self._stages:
            stage.reset()
        self._n_in = self._n_out = 0
        self._finished = False

    def state_dict(self) -> dict[str, Any]:
        """Where the stream is: numbers, lists and float64 arrays. It goes on bit-exactly from there."""
        stages = {stage.name: stage.state_dict() for stage in self._stages}
        return self._made_of() | {
            "n_in": self._n_in,
            "n_out": self._n_out,
            "finished": self._finished,
            "stages": stages,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken; arrays may have become lists.

        Raises:
            ConfigError: it was taken with other settings, rates or seed, or by another version.
        """
        for name, mine in self._made_of().items():
            if state.get(name) != mine:
                what = f"a state with {name} {state.get(name)!r}"
                raise ConfigError(what, expected=repr(mine), do="load it into the same controls, or begin a new stream")
        for stage in self._stages:
            stage.load_state_dict(state["stages"][stage.name])
        self._n_in, self._n_out = int(state["n_in"]), int(state["n_out"])
        self._finished = bool(state["finished"])

    def _made_of(self) -> dict[str, Any]:
        made: dict[str, Any] = {"version": _VERSION, "settings": self.settings.as_dict(), "seed": self.seed}
        return made | {"fps": str(self.fps), "fps_out": str(self.fps_out)}

    def _through(self, frames: Frames) -> Frames:
        for stage in self._stages:
            frames = stage.push(frames)
        return frames

    def _out(self, parts: list[Frames]) -> Controlled:
        frames = parts[0] if len(parts) == 1 else np.concatenate([no_frames(), *parts])
        curves = limited(frames)
        pose = np.empty((len(curves), len(HEAD_AND_EYES)), np.float32)
        pose[:, :3] = self._head.frames(self._n_out, len(curves))
        pose[:, 3:] = eye_rotations(curves)
        self._n_out += len(curves)
        return Controlled(curves=curves.astype(np.float32), pose=pose)

    def _check(self, curves: NDArray[np.float32]) -> None:
        if self._finished:
            raise CurvesError("curves after finish()", do="reset() begins another stream")
        if not isinstance(curves, np.ndarray) or curves.ndim != 2 or curves.shape[1] != N_CURVES:
            raise CurvesError(f"curves of shape {np.shape(curves)}", expected=f"[n_frames, {N_CURVES}]")
        if curves.dtype != np.float32:
            raise CurvesError(f"curves of {curves.dtype}", expected="float32")
        if len(curves) and not (curves.min() >= 0 and curves.max() <= 1):  # nan is neither
            row, column = np.argwhere(~((curves >= 0) & (curves <= 1)))[0].tolist()
            where = f"frame {self._n_in + row}:{NAMES[column]}"
            raise CurvesError(f"{curves[row, column]}", where=where, expected="a number in 0..1", do="limit it first")


def controlled(
    settings: ControlSettings,
    curves: NDArray[np.float32],
    fps: Fraction,
    *,
    fps_out: Fraction | None = None,
    seed: int = 0,
) -> Controlled:
    """A whole take ``[T, 52]`` float32 in [0, 1] under control: one push and what is owed.

    Frame k of what comes out belongs to k / fps_out, as frame k of what went in to k / fps: there is no delay in it.

    Raises:
        ConfigError, CurvesError: as :class:`Controls` and :meth:`Controls.push` do.
    """
    controls = Controls(settings, fps, fps_out=fps_out, seed=seed)
    parts = controls.push(curves), controls.finish()
    return Controlled(
        curves=np.concatenate([part.curves for part in parts]), pose=np.concatenate([part.pose for part in parts])
    )


def _stages(settings: ControlSettings, fps: Fraction, fps_out: Fraction, seed: int) -> Iterator[Stage]:
    """The stages that settings ask for, in their order."""
    if not response.is_neutral(settings):
        yield response.Response(settings)
    if not balance.is_neutral(settings):
        yield balance.Balance(settings)
    yield from smoothing_stages(settings.smoothing, fps)
    if settings.lips.strength > 0:
        yield LipsMeet(settings.lips, fps)
    if settings.hold_ms > 0:
        yield Hold(settings.hold_ms, fps)
    if fps_out != fps:
        yield Resampling(fps, fps_out)
    if settings.eyes.amount_deg > 0 and settings.eyes.when != "never":
        yield EyeStage(settings.eyes, fps_out, seed)
    if settings.blinks.amount > 0 and settings.blinks.when != "never":
        yield BlinkStage(settings.blinks, fps_out, seed)

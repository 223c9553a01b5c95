"""A stretch without speech over a mouth at rest: what recordings of people who talk all the time lack.

A model trained on nothing but speech moves its mouth in pauses. Here a stretch of sound gives way to the tone of a
quiet room, and the curves of the lower face are led to rest and back. The face is led inside the stretch: it closes
after the speech has ended and opens just before it begins again, as mouths do. Brows and eyes go on: they are not what
is heard.

What it gives up: the speech is cut off as by a switch, between words or in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES, REGIONS
from koekao.errors import ConfigError
from koekao.training.augmentation.effect import Range, Window, WindowEffect, amplitude, draw
from koekao.training.augmentation.noise import make_noise

LOWER_FACE = tuple(INDEX[name] for region in ("jaw", "mouth", "cheek", "nose", "tongue") for name in REGIONS[region])
"""The curves that are led to rest."""


@dataclass(frozen=True, kw_only=True)
class Silence(WindowEffect):
    """One stretch, anywhere in the window; a window shorter than the stretch stays as it is.

    Attributes:
        length_s: of the stretch, edges included.
        room_db: root mean square of the room's tone, of full scale; it is pink.
        sound_edge_s: in which the sound goes over into the room's tone, inside the stretch at both ends.
        curve_edge_s: in which the face goes to rest, likewise.
        rest: the 52 curves of this face at rest, in canonical order; a neutral face by default.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {
        "length_s": (0.05, 60),
        "room_db": (-160, -20),
        "sound_edge_s": (0.001, 5),
        "curve_edge_s": (0.001, 5),
    }
    length_s: Range = (0.4, 1.5)
    room_db: Range = (-75.0, -55.0)
    sound_edge_s: float = 0.03
    curve_edge_s: float = 0.12
    rest: tuple[float, ...] = (0.0,) * N_CURVES

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "rest", tuple(float(value) for value in self.rest))
        if len(self.rest) != N_CURVES or not np.isfinite(self.rest).all():
            raise ConfigError(f"Silence.rest {self.rest!r}", expected=f"{N_CURVES} finite numbers")
        longest = self.length_s[0] / 2
        for name in ("sound_edge_s", "curve_edge_s"):
            if getattr(self, name) > longest:
                raise ConfigError(
                    self._named(name),
                    expected=f"at most half of the shortest stretch, {longest:g} s, for there are two",
                )

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        length_s, room_db, place = draw(self.length_s, generator), draw(self.room_db, generator), generator.random()
        rate, fps = window.clock.sample_rate, float(window.clock.fps)
        window_s = len(window.curves) / fps if window.curves is not None else _length(window) / rate
        if length_s > window_s:
            return
        begin_s = place * (window_s - length_s)
        end_s = begin_s + length_s
        if window.sound is not None:
            inside = slice(round(begin_s * rate), min(round(end_s * rate), len(window.sound)))
            stretch = window.sound[inside]
            kept = speech_kept(np.arange(inside.start, inside.stop) / rate, begin_s, end_s, self.sound_edge_s)
            room = np.float32(amplitude(room_db)) * make_noise(len(stretch), rate, "pink", generator)
            stretch[:] = room + kept * (stretch - room)
        if window.curves is not None:
            kept = speech_kept(np.arange(len(window.curves)) / fps, begin_s, end_s, self.curve_edge_s)[:, None]
            rest = np.array(self.rest, np.float32)[list(LOWER_FACE)]
            mouth = window.curves[:, LOWER_FACE]
            window.curves[:, LOWER_FACE] = np.where(kept == 1, mouth, rest + kept * (mouth - rest))


def _length(window: Window) -> int:
    return 0 if window.sound is None else len(window.sound)


def speech_kept(times_s: NDArray[np.float64], begin_s: float, end_s: float, edge_s: float) -> NDArray[np.float32]:
    """How much of the speech is left at each time: 1 outside the stretch, 0 inside, in smooth steps of ``edge_s``."""
    inside = np.clip(np.minimum(times_s - begin_s, end_s - times_s) / edge_s, 0, 1)
    return (1 - inside * inside * (3 - 2 * inside)).astype(np.float32)

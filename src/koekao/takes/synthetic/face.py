"""The face of a score: 38 of the 52 curves, each a fixed function of what can be heard.

Every phone has a target for lips, jaw and tongue and, for each of these, a grip: a /p/ insists on closed lips whatever
stands beside it, a /k/ does not care about them. Targets run into each other in proportion to their grip (Cohen &
Massaro, "Modeling coarticulation in synthetic visual speech", 1993), over about 80 ms and never more than 40 ms ahead.
Brows follow accents and mood, lids close a fixed time after a phrase ends, as people's do.

It is the same for all voices and takes: no style, no drift, no chance, so that a model which hears only the past can
learn it whole. What it gives up is everything a real face does that is not in the sound. Fourteen curves (glances, side
movements, wide eyes, the frown) stay exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import INDEX, N_CURVES
from koekao.takes.synthetic.score import PAUSE, PHONES, TICK_S, Floats, Score, at_times, smooth

RIGHT_SIDE: Final = 0.94
"""The right side of this face moves a little less than the left, as most faces do."""
BLINK_DELAY_S: Final = 0.120
"""From the end of a phrase to the first movement of the lids: longer than any closure inside speech is silent."""
BLINK_CLOSE_S: Final = 0.100
BLINK_OPEN_S: Final = 0.150

_GRIP: dict[str, tuple[float, float]] = {
    "pause": (1.0, 1.0),
    "m": (6.0, 3.0), "n": (0.25, 1.2), "ng": (0.15, 0.4),
    "l": (0.3, 1.0), "r": (1.2, 1.0), "w": (4.0, 1.2), "y": (0.8, 1.2), "h": (0.1, 0.2),
    "f": (5.0, 2.5), "v": (5.0, 2.5), "th": (0.6, 1.5), "dh": (0.6, 1.5),
    "s": (0.9, 3.0), "z": (0.9, 3.0), "sh": (2.5, 3.0),
    "p": (6.0, 3.0), "t": (0.25, 1.2), "k": (0.15, 0.4), "b": (6.0, 3.0), "d": (0.25, 1.2), "g": (0.15, 0.4),
    "p+": (0.3, 0.3), "t+": (0.2, 0.6), "k+": (0.2, 0.3), "b+": (0.3, 0.3), "d+": (0.2, 0.6), "g+": (0.2, 0.3),
}  # fmt: skip
"""Phone -> how firmly it grips (lips, jaw); a phone that is not here, which is a vowel, grips both with 1."""

_CLOSED = {"jawOpen": 0.08, "mouthClose": 0.16, "mouthPress": 0.38, "mouthRollLower": 0.30, "mouthRollUpper": 0.24,
           "mouthShrugLower": 0.14, "mouthShrugUpper": 0.10}  # fmt: skip
_ON_TEETH = {"jawOpen": 0.10, "mouthRollLower": 0.48, "mouthUpperUp": 0.20, "mouthShrugLower": 0.10, "noseSneer": 0.10}
_GUM = {"jawOpen": 0.16, "mouthLowerDown": 0.15, "mouthStretch": 0.08}
_HISS = {"jawOpen": 0.06, "jawForward": 0.16, "mouthLowerDown": 0.26, "mouthUpperUp": 0.16, "mouthStretch": 0.24,
         "mouthSmile": 0.20, "noseSneer": 0.18}  # fmt: skip
_BACK = {"jawOpen": 0.22, "mouthLowerDown": 0.12}

_TARGETS: dict[str, dict[str, float]] = {
    "pause": {"jawOpen": 0.02, "mouthClose": 0.03, "mouthPress": 0.05},
    "a": {"jawOpen": 0.68, "mouthLowerDown": 0.36, "mouthUpperUp": 0.24},
    "ae": {"jawOpen": 0.56, "mouthLowerDown": 0.42, "mouthUpperUp": 0.32, "mouthStretch": 0.26, "mouthSmile": 0.22},
    "e": {"jawOpen": 0.38, "mouthLowerDown": 0.34, "mouthUpperUp": 0.24, "mouthStretch": 0.22, "mouthSmile": 0.34,
          "mouthDimple": 0.12},
    "i": {"jawOpen": 0.16, "mouthLowerDown": 0.32, "mouthUpperUp": 0.20, "mouthStretch": 0.32, "mouthSmile": 0.55,
          "mouthDimple": 0.26},
    "o": {"jawOpen": 0.42, "mouthFunnel": 0.58, "mouthPucker": 0.34, "mouthLowerDown": 0.12, "mouthShrugUpper": 0.06},
    "u": {"jawOpen": 0.16, "mouthFunnel": 0.36, "mouthPucker": 0.76, "mouthShrugUpper": 0.12},
    "uh": {"jawOpen": 0.36, "mouthLowerDown": 0.24, "mouthUpperUp": 0.12},
    "er": {"jawOpen": 0.26, "mouthFunnel": 0.30, "mouthPucker": 0.26, "mouthLowerDown": 0.12},
    "m": _CLOSED,
    "n": _GUM | {"tongueOut": 0.06},
    "ng": _BACK,
    "l": {"jawOpen": 0.28, "mouthLowerDown": 0.20, "mouthUpperUp": 0.10, "tongueOut": 0.24},
    "r": {"jawOpen": 0.20, "mouthFunnel": 0.34, "mouthPucker": 0.22},
    "w": {"jawOpen": 0.10, "mouthFunnel": 0.30, "mouthPucker": 0.84, "mouthShrugUpper": 0.12},
    "y": {"jawOpen": 0.14, "mouthStretch": 0.24, "mouthSmile": 0.40, "mouthDimple": 0.20},
    "h": {"jawOpen": 0.30},
    "f": _ON_TEETH, "v": _ON_TEETH,
    "th": {"jawOpen": 0.18, "mouthLowerDown": 0.22, "mouthUpperUp": 0.10, "tongueOut": 0.40, "noseSneer": 0.06},
    "dh": {"jawOpen": 0.18, "mouthLowerDown": 0.22, "mouthUpperUp": 0.10, "tongueOut": 0.36, "noseSneer": 0.06},
    "s": _HISS, "z": _HISS,
    "sh": {"jawOpen": 0.09, "jawForward": 0.24, "mouthFunnel": 0.62, "mouthPucker": 0.30, "mouthUpperUp": 0.20,
           "mouthLowerDown": 0.20, "noseSneer": 0.16},
    "p": _CLOSED | {"cheekPuff": 0.22}, "b": _CLOSED | {"cheekPuff": 0.22},
    "t": _GUM | {"tongueOut": 0.04}, "d": _GUM | {"tongueOut": 0.04}, "k": _BACK, "g": _BACK,
    "p+": {"jawOpen": 0.20, "cheekPuff": 0.36}, "b+": {"jawOpen": 0.20, "cheekPuff": 0.36},
    "t+": _GUM, "d+": _GUM, "k+": _BACK, "g+": _BACK,
}  # fmt: skip
"""Phone -> curve without its side -> target at full loudness."""

_FIRM = {"mouthClose", "mouthPress", "mouthRollLower", "mouthRollUpper", "cheekPuff"}
"""Lips close as far in a soft voice as in a loud one; everything else moves less."""

_FREE = {"tongueOut", "noseSneer", "cheekPuff"}
"""These have no neighbour's gesture to give way to."""

_MOUTH = sorted({curve for target in _TARGETS.values() for curve in target})
_LIPS = {"sigma_s": 0.026, "delay_s": 0.018, "ahead_s": 0.040}
_BROW = {"sigma_s": 0.045, "delay_s": 0.035, "ahead_s": 0.040}


def face_of(score: Score, times_s: Floats) -> NDArray[np.float32]:
    """The face at ``times_s`` ``[n]``: ``[n, 52]`` float32 in [0, 1], canonical order.

    The score should reach 40 ms past the last time.
    """
    curves = np.zeros((len(times_s), N_CURVES), np.float32)
    for name, track in chain(_mouth(score), _brows_and_lids(score)):
        values = np.clip(at_times(track, times_s), 0.0, 1.0)
        if name in INDEX:
            curves[:, INDEX[name]] = values
        else:
            curves[:, INDEX[name + "Left"]] = values
            curves[:, INDEX[name + "Right"]] = RIGHT_SIDE * values
    return curves


def _mouth(score: Score) -> Iterator[tuple[str, Floats]]:
    """Lips, jaw, tongue and nose on the ticks, one curve at a time, and the squint that a broad mouth pushes up."""
    lips, jaw = np.array([_GRIP.get(phone.name, (1.0, 1.0)) for phone in PHONES]).T[:, score.phone]
    grips = {"lips": lips, "jaw": jaw, "free": np.ones(len(score.phone))}
    sums = {part: smooth(grip, **_LIPS) for part, grip in grips.items()}
    amount = np.where(score.phone == PAUSE, 1.0, 0.55 + 0.45 * score.effort)
    for curve in _MOUTH:
        part = "jaw" if curve.startswith("jaw") else "free" if curve in _FREE else "lips"
        target = np.array([_TARGETS[phone.name].get(curve, 0.0) for phone in PHONES])[score.phone]
        if curve not in _FIRM:
            target *= amount
        track = smooth(target * grips[part], **_LIPS) / sums[part]
        yield curve, track
        if curve == "mouthSmile":
            smile = smooth(track, sigma_s=0.030, delay_s=0.020, ahead_s=0.0)
            yield "cheekSquint", 0.55 * smile
            yield "eyeSquint", 0.40 * smile


def _brows_and_lids(score: Score) -> Iterator[tuple[str, Floats]]:
    speaks = score.phone != PAUSE
    accent = smooth(score.accent, **_BROW)
    effort = smooth(score.effort * speaks, **_BROW)
    stern = smooth(score.stern * np.clip(score.effort, 0.0, 1.0), **_BROW)
    blink = _blinks(score)
    yield "browInnerUp", accent * (0.35 + 0.30 * effort) + 0.10 * effort
    yield "browOuterUp", accent * (0.20 + 0.35 * effort)
    yield "browDown", 0.55 * stern
    yield "eyeBlink", blink
    yield "eyeLookDown", 0.25 * smooth(blink, sigma_s=0.015, delay_s=0.015, ahead_s=0.0)


def _blinks(score: Score) -> Floats:
    """One blink a phrase end: the lids fall for 100 ms and rise for 150, each as half a cosine."""
    blink = np.zeros(len(score.phone))
    middle_s = (np.arange(len(blink)) + 0.5) * TICK_S
    for end in score.phrase_ends:
        since_s = middle_s[end : end + 100] - end * TICK_S - BLINK_DELAY_S
        phase = np.where(since_s < BLINK_CLOSE_S, since_s / BLINK_CLOSE_S, 1 + (since_s - BLINK_CLOSE_S) / BLINK_OPEN_S)
        blink[end : end + 100] = 0.95 * (0.5 - 0.5 * np.cos(np.pi * np.clip(phase, 0.0, 2.0)))
    return blink

"""What a synthetic speaker says, and when: phones, accents, loudness and pitch on a grid of 5 ms.

The score is what the sound (:mod:`koekao.takes.synthetic.voice`) and the face (:mod:`koekao.takes.synthetic.face`) have
in common, so the two fit each other by construction. It is babble with the build of speech: phrases of syllables of
phones, with accents, a pitch that falls through the phrase, and pauses. Its one rule beyond that: whatever moves the
face can be heard in time. Hence a voiceless stop, whose closure is silent, only follows a sonorant, whose formants bend
towards the place of the closure; after anything else its voiced brother stands.

What it gives up: words, grammar, overlapping gestures, and speech sounds beyond the thirty of the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

TICK_S: Final = 0.005
"""One tick of the score; tick i is the time from i * TICK_S to (i + 1) * TICK_S."""
OFF: Final = -math.inf
Floats = NDArray[np.float64]


class Phone(NamedTuple):
    """One speech sound. Levels are dB against the loudest vowel; formants are those of an adult man.

    ``hold`` says how firmly the sound insists on its formants against its neighbours', ``murmur_db`` how many dB an
    octave it loses above 300 Hz because the mouth is shut.
    """

    name: str
    kind: str
    formants_hz: tuple[int, int, int]
    voiced_db: float
    hiss_db: float
    hiss_hz: int
    puff_db: float
    length_ms: int
    hold: float = 1.0
    murmur_db: float = 0.0


# Formants near Peterson & Barney's (1952) for vowels and Klatt's (1980) for consonants, rounded and drawn apart.
PHONES: tuple[Phone, ...] = (
    Phone("pause", "pause", (500, 1500, 2500), OFF, OFF, 3000, OFF, 0, 0.1),
    Phone("a", "vowel", (740, 1150, 2450), 0, OFF, 3000, OFF, 125),
    Phone("ae", "vowel", (670, 1720, 2420), -1, OFF, 3000, OFF, 125),
    Phone("e", "vowel", (520, 1850, 2500), -2, OFF, 3000, OFF, 105),
    Phone("i", "vowel", (280, 2280, 3000), -3, OFF, 3000, OFF, 110),
    Phone("o", "vowel", (480, 830, 2420), -2, OFF, 3000, OFF, 120),
    Phone("u", "vowel", (310, 890, 2250), -3, OFF, 3000, OFF, 110),
    Phone("uh", "vowel", (600, 1250, 2450), -2, OFF, 3000, OFF, 75),
    Phone("er", "vowel", (490, 1350, 1690), -2, OFF, 3000, OFF, 110),
    Phone("m", "nasal", (270, 950, 2100), -8, OFF, 3000, OFF, 75, 3.0, 4.0),
    Phone("n", "nasal", (330, 1700, 2550), -10, OFF, 3000, OFF, 70, 2.0, 4.0),
    Phone("ng", "nasal", (360, 2150, 2450), -11, OFF, 3000, OFF, 75, 2.0, 4.0),
    Phone("l", "liquid", (340, 1100, 2900), -6, OFF, 3000, OFF, 70, 1.5, 1.0),
    Phone("r", "liquid", (330, 1150, 1550), -6, OFF, 3000, OFF, 75, 1.5),
    Phone("w", "liquid", (290, 620, 2200), -7, OFF, 3000, OFF, 75, 1.5, 1.0),
    Phone("y", "liquid", (260, 2250, 3050), -7, OFF, 3000, OFF, 65, 1.5),
    Phone("h", "fricative", (500, 1500, 2500), OFF, OFF, 3000, -20, 65, 0.05),
    Phone("f", "fricative", (340, 1050, 2150), OFF, -21, 1700, OFF, 95),
    Phone("v", "fricative", (300, 1050, 2150), -12, -25, 1700, OFF, 70, 1.5, 3.0),
    Phone("th", "fricative", (320, 1350, 2600), OFF, -22, 7400, OFF, 90),
    Phone("dh", "fricative", (290, 1350, 2600), -12, -26, 7400, OFF, 60, 1.5, 3.0),
    Phone("s", "fricative", (320, 1600, 2600), OFF, -13, 5700, OFF, 100),
    Phone("z", "fricative", (280, 1600, 2600), -13, -18, 5700, OFF, 80, 1.5, 3.0),
    Phone("sh", "fricative", (300, 1850, 2700), OFF, -11, 3100, OFF, 100),
    Phone("p", "stop", (300, 850, 2050), OFF, OFF, 1000, OFF, 75, 3.0),
    Phone("t", "stop", (320, 1700, 2750), OFF, OFF, 4400, OFF, 70, 3.0),
    Phone("k", "stop", (300, 2150, 2350), OFF, OFF, 2300, OFF, 70, 3.0),
    Phone("b", "stop", (210, 850, 2050), -13, OFF, 1000, OFF, 70, 3.0, 4.0),
    Phone("d", "stop", (210, 1700, 2750), -16, OFF, 4400, OFF, 60, 3.0, 4.0),
    Phone("g", "stop", (210, 2150, 2350), -16, OFF, 2300, OFF, 65, 3.0, 4.0),
    Phone("p+", "release", (380, 900, 2100), OFF, -19, 1000, -26, 30, 0.5),
    Phone("t+", "release", (380, 1700, 2700), OFF, -13, 4400, -26, 35, 0.5),
    Phone("k+", "release", (380, 2100, 2350), OFF, -15, 2300, -25, 40, 0.5),
    Phone("b+", "release", (330, 900, 2100), -14, -22, 1000, OFF, 10, 0.5),
    Phone("d+", "release", (330, 1700, 2700), -14, -18, 4400, OFF, 15, 0.5),
    Phone("g+", "release", (330, 2100, 2350), -14, -19, 2300, OFF, 20, 0.5),
)
NUMBER: dict[str, int] = {phone.name: i for i, phone in enumerate(PHONES)}
PAUSE: Final = NUMBER["pause"]

_VOWELS = [p.name for p in PHONES if p.kind == "vowel"]
# Lips that close are what a viewer misses first, so /m/, /p/ and /b/ come twice as often as the others.
_ONSETS = [p.name for p in PHONES if p.kind in ("stop", "fricative", "liquid")] + ["m", "n", "m", "p", "b"]
_CODAS = ["m", "n", "ng", "l", "r", "s", "z", "f", "v", "sh", "th"]
_SONORANT = ("vowel", "nasal", "liquid")
_VOICED_BROTHER = {"p": "b", "t": "d", "k": "g"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Score:
    """The score on its ticks; every array is ``[n_ticks]`` except ``phrase_ends``.

    Attributes:
        phone: which row of :data:`PHONES`.
        accent: 0..1, from the vowel of an accented syllable to its end.
        effort: 0..1, how loudly; constant in a phrase but for accents.
        stern: 1 from the first voiced sound of a low, loud, pressed phrase to its end.
        pitch_semitones: against the voice's own pitch.
        phrase_ends: the ticks at which a phrase ends and its pause begins.
    """

    phone: NDArray[np.int16]
    accent: Floats
    effort: Floats
    stern: Floats
    pitch_semitones: Floats
    phrase_ends: NDArray[np.int64]


class _Segment(NamedTuple):
    """One phone of the score while it is written."""

    phone: int
    ticks: int
    accent: float = 0.0
    effort: float = 0.0
    stern: float = 0.0
    pitch_from: float = 0.0
    pitch_to: float = 0.0


def write_score(rng: np.random.Generator, n_ticks: int, rate: float) -> Score:
    """Write ``n_ticks`` of speech at ``rate`` times the usual pace. The last phrase is cut where the time is up."""
    segments = [_Segment(PAUSE, int(rng.integers(30, 70)))]
    phrase_ends: list[int] = []
    written = segments[0].ticks
    while written < n_ticks:
        phrase = _phrase(rng, rate)
        pause = _Segment(PAUSE, int(rng.integers(65, 190)))
        phrase_ends.append(written + sum(segment.ticks for segment in phrase))
        written = phrase_ends[-1] + pause.ticks
        segments += [*phrase, pause]
    return _on_ticks(segments, phrase_ends, n_ticks)


def _on_ticks(segments: list[_Segment], phrase_ends: list[int], n_ticks: int) -> Score:
    columns = np.array(segments, np.float64)
    ticks = columns[:, _Segment._fields.index("ticks")].astype(np.int64)
    phone, length, accent, effort, stern, pitch_from, pitch_to = np.repeat(columns, ticks, axis=0)[:n_ticks].T
    within = (np.arange(ticks.sum()) - np.repeat(np.cumsum(ticks) - ticks, ticks))[:n_ticks]
    pitch = pitch_from + (pitch_to - pitch_from) * within / length
    return Score(
        phone=phone.astype(np.int16),
        accent=accent,
        effort=effort,
        stern=stern,
        pitch_semitones=smooth(pitch, sigma_s=0.030),
        phrase_ends=np.array([end for end in phrase_ends if end < n_ticks], np.int64),
    )


def _phrase(rng: np.random.Generator, rate: float) -> list[_Segment]:
    """Three to ten syllables in one mood and loudness; the pitch falls, and at the end falls faster or rises.

    A stern phrase is low, loud and even; any other is soft but for its accents, which are high and loud.
    """
    n_syllables = int(rng.integers(3, 11))
    stern = float(rng.random() < 0.3)
    effort = rng.uniform(0.85, 0.95) if stern else rng.uniform(0.18, 0.32)
    pitch = 1.5 - 3.0 * np.arange(n_syllables + 1) / n_syllables
    pitch += -4.5 if stern else rng.uniform(-0.5, 1.5)
    pitch[-1] += -2.5 if rng.random() < 0.75 else 2.5
    segments: list[_Segment] = []
    before, heard = "pause", 0.0
    for i in range(n_syllables):
        accent = rng.uniform(0.7, 1.0) if rng.random() < 0.4 * (1 - stern) else 0.0
        last = i == n_syllables - 1
        names = _syllable(rng, before, last=last)
        nucleus = next(k for k, name in enumerate(names) if PHONES[NUMBER[name]].kind == "vowel")
        steps = np.linspace(pitch[i], pitch[i + 1], len(names) + 1)
        for k, name in enumerate(names):
            phone = PHONES[NUMBER[name]]
            heard = max(heard, stern * (phone.voiced_db > OFF))
            here = accent * (k >= nucleus)
            length_s = phone.length_ms / 1000
            if phone.kind != "release":
                length_s *= rng.uniform(0.9, 1.2) / rate * (1.0 + (0.25 * accent + 0.35 * last) * (k == nucleus))
            ticks = max(2, round(length_s / TICK_S))
            raised = steps[k : k + 2] + 6.0 * here
            segments.append(_Segment(NUMBER[name], ticks, here, effort + 0.5 * here, heard, *raised))
        before = names[-1]
    return segments


def _syllable(rng: np.random.Generator, before: str, *, last: bool) -> list[str]:
    phones: list[str] = []
    if rng.random() < 0.9:
        onset = _ONSETS[rng.integers(len(_ONSETS))]
        if PHONES[NUMBER[before]].kind not in _SONORANT:
            onset = _VOICED_BROTHER.get(onset, onset)
        phones += [onset, onset + "+"] if onset + "+" in NUMBER else [onset]
        if len(phones) == 2 and rng.random() < 0.2:
            phones.append(("l", "r", "w")[rng.integers(3)])
    vowel = _VOWELS[rng.integers(len(_VOWELS))]
    phones.append(vowel)
    if rng.random() < (0.5 if last else 0.3):
        phones.append(_CODAS[rng.integers(len(_CODAS))])
    return phones


def smooth(track: Floats, *, sigma_s: float, delay_s: float = 0.0, ahead_s: float = math.inf) -> Floats:
    """Average ``track`` ``[n_ticks, ...]`` over time with a Gaussian that looks at most ``ahead_s`` into the future.

    The Gaussian has its middle ``delay_s`` in the past and ends three sigmas from it; the ends of the track are held.
    """
    reach = 3 * sigma_s
    ahead = math.floor(min(ahead_s, max(0.0, reach - delay_s)) / TICK_S + 1e-9)
    behind = math.floor((reach + delay_s) / TICK_S + 1e-9)
    lags = np.arange(-ahead, behind + 1)
    kernel = np.exp(-0.5 * ((lags * TICK_S - delay_s) / sigma_s) ** 2)
    weights: list[float] = (kernel / kernel.sum()).tolist()
    held = np.concatenate([np.repeat(track[:1], behind, axis=0), track, np.repeat(track[-1:], ahead, axis=0)])
    out: Floats = np.zeros_like(track)
    for lag, weight in zip(lags.tolist(), weights):
        out += weight * held[behind - lag : behind - lag + len(track)]
    return out


def at_times(track: Floats, times_s: Floats) -> Floats:
    """Read ``track`` ``[n_ticks, ...]``, whose values stand in the middle of their ticks, at ``times_s`` ``[n]``."""
    position = np.clip(times_s / TICK_S - 0.5, 0.0, len(track) - 1.0)
    left = np.minimum(position.astype(np.int64), max(0, len(track) - 2))
    part = (position - left).reshape(-1, *[1] * (track.ndim - 1))
    values: Floats = track[left] * (1.0 - part) + track[np.minimum(left + 1, len(track) - 1)] * part
    return values

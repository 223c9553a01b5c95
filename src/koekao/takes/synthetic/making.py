"""Synthetic takes: speech-like sound and the face that fits it, made from a seed.

They are what tests, demonstrations and a first training run on a machine without recordings work with: the sound has
pitch, formants, noise, pauses and loudness, and the face can be predicted from it, by a model that hears only the past,
in a voice it has not heard. A take is a function of its arguments alone. The same seed says the same phones in every
voice; at another sample rate or frame rate it is the same speech and the same face, sampled otherwise.

What it gives up: it is babble. A model trained on it knows nothing of real mouths, and its scores here are no promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError
from koekao.takes.synthetic.face import face_of
from koekao.takes.synthetic.score import TICK_S, write_score
from koekao.takes.synthetic.voice import Voice, speak
from koekao.takes.take import Take

__all__ = ["VOICES", "Voice", "make_take", "make_takes"]

VOICES: Mapping[str, Voice] = MappingProxyType(
    {
        voice.name: voice
        for voice in (
            Voice(name="ken", pitch_hz=112, formant_scale=1.00, breath=0.15, rate=1.00, slope_db=5.0),
            Voice(name="aoi", pitch_hz=208, formant_scale=1.17, breath=0.35, rate=1.05, slope_db=5.5),
            Voice(name="sora", pitch_hz=285, formant_scale=1.32, breath=0.25, rate=0.90, slope_db=5.2),
            Voice(name="ren", pitch_hz=140, formant_scale=1.06, breath=0.30, rate=1.12, slope_db=5.3),
            Voice(name="gen", pitch_hz=86, formant_scale=0.94, breath=0.10, rate=0.88, slope_db=5.0),
            Voice(name="yuki", pitch_hz=236, formant_scale=1.22, breath=0.50, rate=1.10, slope_db=5.8),
            Voice(name="haru", pitch_hz=166, formant_scale=1.11, breath=0.20, rate=0.95, slope_db=5.2),
            Voice(name="mei", pitch_hz=258, formant_scale=1.26, breath=0.15, rate=1.02, slope_db=5.0),
        )
    }
)
"""Name -> voice. The first three (a man, a woman, a child) span the range of the others."""

MIN_SAMPLE_RATE = 8000
_MARGIN_TICKS = 20


def make_take(
    seed: int,
    *,
    seconds: float,
    voice: str | Voice | None = None,
    name: str | None = None,
    sample_rate: int = 16000,
    fps: Fraction | int | str = 30,
) -> Take:
    """Make one take of ``seconds``, to the nearest frame; its frames tile its sound.

    >>> import koekao
    >>> koekao.make_take(seed=7, seconds=2, voice="ken").name
    'ken_0007'

    It takes about a hundredth of the take's length on one core, and 60 kB of memory a second beyond the take itself.

    Args:
        seed: which speech, 0 or above.
        seconds: how long; at least half a frame.
        voice: a name in :data:`VOICES`, a voice of your own, or None for the seed's choice among :data:`VOICES`.
        name: the take's name, by default ``"{voice}_{seed:04d}"``.
        sample_rate: 8000 Hz or above.
        fps: frames a second of the curves.

    Raises:
        ConfigError: a seed below 0, no such voice, a rate or a length that cannot be.
    """
    clock = Clock(sample_rate, parse_fps(fps))
    if sample_rate < MIN_SAMPLE_RATE:
        raise ConfigError(
            f"sample rate {sample_rate}", expected=f"{MIN_SAMPLE_RATE} Hz or above, so that speech fits in"
        )
    if seed < 0:
        raise ConfigError(f"seed {seed}", expected="0 or above")
    if not (np.isfinite(seconds) and seconds > 0 and clock.frames_of(seconds) > 0):
        raise ConfigError(f"a take of {seconds!r} s at {clock.fps} fps", expected="at least one frame")
    voice = _voice(voice, seed)
    n_frames = clock.frames_of(seconds)
    n_samples = clock.frame_start(n_frames)
    n_ticks = int(n_samples / sample_rate / TICK_S) + _MARGIN_TICKS
    score = write_score(np.random.default_rng([seed, 0]), n_ticks, voice.rate)
    return Take(
        name=f"{voice.name}_{seed:04d}" if name is None else name,
        speaker=voice.name,
        audio=speak(score, voice, n_samples, sample_rate, np.random.default_rng([seed, 1])),
        sample_rate=sample_rate,
        curves=face_of(score, np.arange(n_frames) / float(clock.fps)),
        valid=np.ones(n_frames, np.bool_),
        fps=clock.fps,
    )


def make_takes(
    n: int,
    *,
    seconds: float | tuple[float, float],
    seed: int = 0,
    voices: int = 3,
    sample_rate: int = 16000,
    fps: Fraction | int | str = 30,
) -> Iterator[Take]:
    """Make ``n`` takes, one at a time; take i has the seed ``10_000 * seed + i`` and the voice ``i % voices``.

    >>> import koekao
    >>> [take.name for take in koekao.make_takes(3, seconds=1)]
    ['ken_0000', 'aoi_0001', 'sora_0002']

    Args:
        n: how many.
        seconds: their length, or the range that each draws its own from.
        seed: which set; sets of up to 10 000 takes have no take in common.
        voices: how many of :data:`VOICES`, from the first on.

    Raises:
        ConfigError: ``n`` below 0, more voices than there are, a range that is none; or as :func:`make_take` does.
    """
    shortest, longest = seconds if isinstance(seconds, tuple) else (seconds, seconds)
    if n < 0 or seed < 0:
        raise ConfigError(f"{n} takes of seed {seed}", expected="both 0 or above")
    if not 1 <= voices <= len(VOICES):
        raise ConfigError(f"{voices} voices", expected=f"1..{len(VOICES)}")
    if not 0 < shortest <= longest:
        raise ConfigError(f"takes of {shortest}..{longest} s", expected="0 < shortest <= longest")
    return _takes(n, shortest, longest, seed, list(VOICES.values())[:voices], sample_rate, fps)


def _takes(
    n: int, shortest: float, longest: float, seed: int, voices: list[Voice], sample_rate: int, fps: Fraction | int | str
) -> Iterator[Take]:
    for i in range(n):
        take_seed = 10_000 * seed + i
        length_s = float(np.random.default_rng([take_seed, 2]).uniform(shortest, longest))
        yield make_take(take_seed, seconds=length_s, voice=voices[i % len(voices)], sample_rate=sample_rate, fps=fps)


def _voice(voice: str | Voice | None, seed: int) -> Voice:
    if isinstance(voice, Voice):
        return voice
    if voice is None:
        return list(VOICES.values())[seed % len(VOICES)]
    if voice not in VOICES:
        raise ConfigError(f"no voice {voice!r}", expected="one of " + ", ".join(VOICES))
    return VOICES[voice]

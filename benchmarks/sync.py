"""Question: how well are offset and drift between sound and mouth found, and how often is something found that is not?

Command: python benchmarks/sync.py [--takes N] [--real FOLDER]

Synthetic takes in all eight voices, 30 to 120 s, at 30 and 60 frames a second, none of which the hearing was trained
on, are put out of time by an offset (0, +-20, +-50, +-100, +-200 ms) and a drift (0, +-10, +-40 ms a minute): half by
their curves' times, half by their sound, which is cut or preceded by silence and played faster or slower. Found is what
lies within 15 ms and 5 ms a minute. For false answers each sound is also given the curves of another take of 10 to 120
s. Real takes from a folder go through the same, against their own answer when nothing was put in, for nobody knows
better; every sound with the curves of every other take tells their false answers.

Result:

(``--takes 240 --real FOLDER``, five takes of one speaker, one of two cores; off by: median / 95 %)

    takes               n     found   no answer   ms          ms/min      x real time
    synthetic, 30 s     48    97.9 %  0           0.7 / 1.7   1.7 / 4.2    794
    synthetic, 45 s     48   100.0 %  0           0.4 / 1.0   0.7 / 2.1    772
    synthetic, 60 s     48   100.0 %  0           0.5 / 1.2   0.5 / 1.5    898
    synthetic, 90 s     48   100.0 %  0           0.5 / 1.2   0.3 / 1.1    881
    synthetic, 120 s    48   100.0 %  0           0.4 / 0.8   0.2 / 0.5    892
    synthetic, all     240    99.6 %  0           0.5 / 1.3   0.5 / 2.5    863
    real               225    98.2 %  4           0.0 / 1.3   0.0 / 2.0   1079

    False answers: 0 of 240 synthetic, 0 of 20 real. The real takes' own answers lie between -6.2 and +26.3 ms, with
    standard errors of 6 to 10 ms, and between -25.6 and +5.1 ms/min, with standard errors of 6 to 24 (the 24 is that
    of the shortest, 49 s).

Reading: the error of the drift falls with the length to the power 1.5, so 30 s are the hardest: 5 ms a minute are 2.5
ms from end to end there. The row of the real takes tells that nothing is lost by putting them out of time; how well
their own zero is known, their standard errors tell.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy is imported

import numpy as np
from numpy.typing import NDArray

from koekao.takes import Take, find_takes, load_take
from koekao.takes.doctor.sync import Sync, estimate_sync
from koekao.takes.synthetic import VOICES, make_take

OFFSETS_MS = (0, 20, -20, 50, -50, 100, -100, 200, -200)
DRIFTS_MS_PER_MIN = (0, 10, -10, 40, -40)
WITHIN_MS, WITHIN_MS_PER_MIN = 15.0, 5.0
LENGTHS_S = (30, 45, 60, 90, 120)
FIRST_SEED = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """One take put out of time: its length, what the answer is off by (nan where there is none), and how long it was
    measured."""

    length_s: float
    offset_ms: float
    drift_ms_per_min: float
    took_s: float

    @property
    def within(self) -> bool:
        return abs(self.offset_ms) <= WITHIN_MS and abs(self.drift_ms_per_min) <= WITHIN_MS_PER_MIN


def sync_of(audio: NDArray[np.int16], take: Take, curves_of: Take, time_s: NDArray[np.float64]) -> Sync:
    return estimate_sync(audio, take.sample_rate, time_s, curves_of.curves, curves_of.valid)


def times_of(take: Take) -> NDArray[np.float64]:
    return np.arange(take.n_frames) / float(take.fps)


def put_out(
    take: Take, offset_ms: float, drift_ms_per_min: float, *, by_sound: bool
) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """Sound and times of a take whose sound comes late by the offset and later by the drift."""
    offset_s, stretch = offset_ms / 1000, 1 + drift_ms_per_min / 60_000
    if not by_sound:
        return take.audio.astype(np.int16), (times_of(take) - offset_s) / stretch
    came_from = (np.arange(take.n_samples) / take.sample_rate - offset_s) / stretch * take.sample_rate
    sound = np.interp(came_from, np.arange(take.n_samples), take.audio.astype(np.float64), left=0.0, right=0.0)
    return np.rint(sound).astype(np.int16), times_of(take)


def found(take: Take, offset_ms: float, drift: float, *, by_sound: bool, own: Sync | None = None) -> Found:
    """Put a take out of time and measure it, against ``own`` where its own zero is not 0."""
    audio, time_s = put_out(take, offset_ms, drift, by_sound=by_sound)
    began = time.perf_counter()
    sync = sync_of(audio, take, take, time_s)
    took_s = time.perf_counter() - began
    return Found(
        length_s=take.duration_s,
        offset_ms=_number(sync.sync_ms) - offset_ms - (_number(own.sync_ms) if own else 0.0),
        drift_ms_per_min=_number(sync.drift_ms_per_min) - drift - (_number(own.drift_ms_per_min) if own else 0.0),
        took_s=took_s,
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def synthetic(n: int) -> list[Found]:
    rng = np.random.default_rng(0)
    answers = []
    for i in range(n):
        voice = list(VOICES)[i % len(VOICES)]
        length_s, fps = LENGTHS_S[i // 2 % len(LENGTHS_S)], (30, 60)[i // 16 % 2]
        take = make_take(FIRST_SEED + i, seconds=length_s, voice=voice, fps=fps)
        offset_ms, drift = float(rng.choice(OFFSETS_MS)), float(rng.choice(DRIFTS_MS_PER_MIN))
        answers.append(found(take, offset_ms, drift, by_sound=bool(rng.random() < 0.5)))
    return answers


def false_answers(n: int) -> int:
    """How many of ``n`` sounds get an answer with the curves of another take."""
    answered = 0
    for i in range(n):
        length_s = (10, *LENGTHS_S)[i % 6]
        sound = make_take(FIRST_SEED + 50_000 + i, seconds=length_s)
        curves = make_take(FIRST_SEED + 80_000 + i, seconds=length_s)
        answered += sync_of(sound.audio.astype(np.int16), sound, curves, times_of(curves)).sync_ms is not None
    return answered


def real(takes: list[Take]) -> Iterator[Found]:
    for take in takes:
        own = sync_of(take.audio.astype(np.int16), take, take, times_of(take))
        print(
            f"{take.name}: {_number(own.sync_ms):+.1f} ± {_number(own.sync_error_ms):.1f} ms, "
            f"{_number(own.drift_ms_per_min):+.1f} ± {_number(own.drift_error_ms_per_min):.1f} ms/min, "
            f"confidence {own.confidence:.2f}"
        )
        for i, offset_ms in enumerate(OFFSETS_MS):
            for j, drift in enumerate(DRIFTS_MS_PER_MIN):
                yield found(take, offset_ms, drift, by_sound=bool((i + j) % 2), own=own)


def row(name: str, answers: list[Found]) -> str:
    offsets, drifts = (np.abs([getattr(a, what) for a in answers]) for what in ("offset_ms", "drift_ms_per_min"))
    within = 100 * np.mean([answer.within for answer in answers])
    none = int(np.count_nonzero(np.isnan(offsets) | np.isnan(drifts)))
    speed = sum(answer.length_s for answer in answers) / sum(answer.took_s for answer in answers)
    middle = f"{np.nanmedian(offsets):.1f} / {np.nanquantile(offsets, 0.95):.1f}"
    drift = f"{np.nanmedian(drifts):.1f} / {np.nanquantile(drifts, 0.95):.1f}"
    return f"| {name} | {len(answers)} | {within:.1f} % | {none} | {middle} | {drift} | {speed:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--takes", type=int, default=240, help="synthetic takes, and as many that do not belong together"
    )
    parser.add_argument("--real", type=Path, help="a folder of real takes")
    options = parser.parse_args()
    print("| takes | n | found | no answer | offset off by, ms, median / 95 % | drift, ms/min | x real time |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    answers = synthetic(options.takes)
    for length_s in LENGTHS_S:
        print(row(f"synthetic, {length_s} s", [a for a in answers if round(a.length_s) == length_s]))
    print(row("synthetic, all", answers), flush=True)
    takes = [load_take(files) for files in find_takes(options.real).pairs] if options.real else []
    if takes:
        print(row("real", list(real(takes))))
    pairs = [(a, b) for a in takes for b in takes if a is not b]
    wrong = sum(sync_of(a.audio.astype(np.int16), a, b, times_of(b)).sync_ms is not None for a, b in pairs)
    print(
        f"\nFalse answers: {false_answers(options.takes)} of {options.takes} synthetic, {wrong} of {len(pairs)} real."
    )


if __name__ == "__main__":
    main()

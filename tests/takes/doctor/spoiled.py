"""Takes for the doctor: a good one that moves all over, and the same take spoiled in one way at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from koekao.arkit import INDEX, LIVELINK_CSV_CURVES, N_CURVES, NAMES, ORDERS, canonical
from koekao.takes.synthetic.making import make_take

RATE = 16000
_STILL = ("eyeLookIn", "eyeLookOut", "jaw", "mouth")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """A take before it is written: sound ``[n]`` or ``[n, channels]`` float64, rows at their times."""

    sound: np.ndarray | None
    rate: int
    time_s: np.ndarray
    values: np.ndarray

    def write(self, folder: Path, name: str, subtype: str = "PCM_16") -> Path:
        """``name.wav`` and ``name.jsonl``; returns their path without the ending."""
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if self.sound is not None:
            soundfile.write(folder / f"{name}.wav", self.sound, self.rate, subtype=subtype)
        write_rows(folder / f"{name}.jsonl", self.time_s, self.values)
        return folder / name


def write_rows(path: Path, time_s: Iterable[float], values: np.ndarray) -> None:
    rows = (dict(zip(NAMES, map(float, row), strict=True)) for row in values)
    lines = [json.dumps({"timestamp": float(t), "blendshapes": row}) for t, row in zip(time_s, rows, strict=True)]
    path.write_text("\n".join(lines) + "\n")


def good(seed: int = 0, seconds: float = 12.0) -> Recording:
    """A synthetic take that also looks about and moves its jaw and mouth to the sides, as a face does it."""
    take = make_take(seed, seconds=seconds)
    time_s = np.arange(take.n_frames) / 30
    values = take.curves.astype(np.float64)
    glance, side = np.sin(2 * np.pi * 0.31 * time_s), np.sin(2 * np.pi * 0.23 * time_s + 1)
    add = {
        "eyeLookInLeft": 0.5 * np.maximum(0, glance),
        "eyeLookOutRight": 0.5 * np.maximum(0, glance),
        "eyeLookOutLeft": 0.5 * np.maximum(0, -glance),
        "eyeLookInRight": 0.5 * np.maximum(0, -glance),
        "jawLeft": 0.2 * np.maximum(0, side),
        "jawRight": 0.2 * np.maximum(0, -side),
        "mouthLeft": 0.5 * np.maximum(0, side),
        "mouthRight": 0.5 * np.maximum(0, -side),
        "mouthStretchRight": 0.3 * np.maximum(0, side),
        "mouthStretchLeft": 0.3 * np.maximum(0, -side),
    }
    for name, motion in add.items():
        values[:, INDEX[name]] = np.clip(values[:, INDEX[name]] + motion, 0, 1)
    return Recording(sound=take.audio / 32768, rate=RATE, time_s=time_s, values=values)


def swap(recording: Recording, *stems: str) -> Recording:
    """Left and right of the named curves in each other's places."""
    values = recording.values.copy()
    for stem in stems:
        left, right = INDEX[stem + "Left"], INDEX[stem + "Right"]
        values[:, [left, right]] = values[:, [right, left]]
    return replace(recording, values=values)


def with_value(recording: Recording, value: float, row: int = 50, name: str = "jawOpen") -> Recording:
    values = recording.values.copy()
    values[row, INDEX[name]] = value
    return replace(recording, values=values)


def without_rows(recording: Recording, first: int, n: int) -> Recording:
    keep = np.r_[0:first, first + n : len(recording.time_s)]
    return replace(recording, time_s=recording.time_s[keep], values=recording.values[keep])


def holding(recording: Recording, names: Iterable[str], first: int, n: int) -> Recording:
    """The named curves keep for ``n`` rows what they have in row ``first``, or 0.4 where that is 0."""
    values = recording.values.copy()
    for name in names:
        values[first : first + n, INDEX[name]] = values[first, INDEX[name]] or 0.4
    return replace(recording, values=values)


def loud(recording: Recording, gain: float) -> Recording:
    return replace(recording, sound=np.clip(gain * recording.sound, -1, 32767 / 32768))


def livelink(path: Path, values: np.ndarray, *, step: float, clock: int = 60, untracked: Iterable[int] = ()) -> Path:
    """As the phone writes it, ``step`` frames of the clock between rows."""
    lines, lost = [",".join(ORDERS["livelink_csv"])], set(untracked)
    for k, row in enumerate(values):
        thousandths = round(k * step * 1000)
        seconds, within = divmod(thousandths, clock * 1000)
        code = f"13:{seconds // 60:02}:{seconds % 60:02}:{within // 1000:02}.{within % 1000:03}"
        at = dict(zip(NAMES, row, strict=True))
        cells = [f"{at[canonical(name)]:.8f}" for name in LIVELINK_CSV_CURVES]
        lines.append(f"{code},0" if k in lost else ",".join([code, "61", *cells, *["0.0"] * 9]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


SPOILED: dict[str, Callable[[Recording], Recording]] = {
    "silent": lambda r: replace(r, sound=0 * r.sound),
    "mostly_silent": lambda r: replace(r, sound=np.where(np.arange(len(r.sound)) < 0.12 * len(r.sound), r.sound, 0)),
    "clipped": lambda r: loud(r, 20),
    "noisy": lambda r: replace(r, sound=r.sound + np.random.default_rng(1).normal(0, 0.05, len(r.sound))),
    "dc_offset": lambda r: replace(r, sound=0.8 * r.sound + 0.05),
    "faint": lambda r: replace(r, sound=0.02 * r.sound),
    "channels": lambda r: replace(r, sound=np.stack([r.sound, 0.7 * r.sound], axis=1)),
    "silent_channel": lambda r: replace(r, sound=np.stack([r.sound, 0 * r.sound], axis=1)),
    "low_rate": lambda r: replace(r, sound=r.sound[::2], rate=RATE // 2),
    "gaps": lambda r: without_rows(r, 100, 12),
    "mostly_lost": lambda r: without_rows(r, 60, 200),
    "jitter": lambda r: replace(r, time_s=r.time_s + np.random.default_rng(2).uniform(0, 0.015, len(r.time_s))),
    "scale_0_to_100": lambda r: replace(r, values=100 * r.values),
    "outside": lambda r: with_value(r, -0.2),
    "nothing_moves": lambda r: replace(r, values=np.full_like(r.values, 0.1)),
    "few_move": lambda r: replace(
        r, values=r.values * np.isin(NAMES, ("browInnerUp", "eyeBlinkLeft", "eyeBlinkRight"))
    ),
    "stuck": lambda r: holding(r, ["mouthFunnel"], 100, 170),
    "frozen": lambda r: holding(r, NAMES, 100, 80),
    "one_sided": lambda r: replace(r, values=r.values * (np.arange(N_CURVES) != INDEX["mouthSmileRight"])),
    "sides_swapped": lambda r: swap(r, "jaw", "mouth"),
    "lengths_differ": lambda r: replace(r, sound=r.sound[: -2 * RATE]),
    "starts_differ": lambda r: replace(r, time_s=r.time_s[:-15] + 0.5, values=r.values[:-15]),
    "short": lambda r: replace(r, sound=r.sound[: 4 * RATE], time_s=r.time_s[:120], values=r.values[:120]),
}
"""Finding -> what spoils a good take of 12 s so that it fires."""

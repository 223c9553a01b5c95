"""Files of recordings, made byte by byte, for the tests of this folder."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from koekao import arkit

LIVELINK_HEADER = arkit.ORDERS["livelink_csv"]


def survives_pickling(error: Exception) -> bool:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what worker processes do with an error
    return type(again) is type(error) and str(again) == str(error)


def sine(n: int, rate: int, hz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    return peak * np.sin(2 * np.pi * hz * np.arange(n) / rate)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-20000, 20000, n).astype(np.int16)


def wav_bytes(samples: np.ndarray, rate: int = 16000, *, before: bytes = b"", after: bytes = b"") -> bytes:
    """A plain 16-bit WAV of ``[n]`` or ``[n, channels]`` int16, with further chunks before and after the sound."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16))
    body = b"WAVE" + fmt + before + chunk(b"data", samples.astype("<i2").tobytes()) + after
    return b"RIFF" + struct.pack("<I", len(body)) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def write_wav(path: Path, samples: np.ndarray, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_bytes(samples, rate))
    return path


def curves(n: int, seed: int = 0) -> np.ndarray:
    """``[n, 52]`` float32 in [0, 1], every value another."""
    return np.random.default_rng(seed).random((n, arkit.N_CURVES), np.float32)


def jsonl_line(time_s: Any, values: Mapping[str, Any] | Sequence[Any]) -> str:
    return json.dumps({"timestamp": time_s, "blendshapes": values})


def named(row: Iterable[float], names: Sequence[str] = arkit.NAMES) -> dict[str, float]:
    return dict(zip(names, map(float, row), strict=True))


def write_jsonl(path: Path, values: np.ndarray, times_s: Iterable[float] | None = None, fps: float = 30) -> Path:
    times = [k / fps for k in range(len(values))] if times_s is None else times_s
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [jsonl_line(float(time_s), named(row)) for time_s, row in zip(times, values, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def timecode(frame: float, clock: int = 60, start_s: int = 13 * 3600) -> str:
    """The timecode ``frame`` frames of the clock after ``start_s``."""
    whole, within = divmod(round(frame * 1000), clock * 1000)
    seconds = (start_s + whole) % 86400
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{within // 1000:02}.{within % 1000:03}"


def livelink_rows(values: np.ndarray, codes: Sequence[str]) -> list[list[str]]:
    """Rows in the phone's column order, the header first; the rotations are 0."""
    rows = [list(LIVELINK_HEADER)]
    for code, row in zip(codes, values, strict=True):
        at = named(row)
        rows.append([code, "61", *(f"{at[arkit.canonical(c)]:.10f}" for c in arkit.LIVELINK_CSV_CURVES), *["0.0"] * 9])
    return rows


def write_rows(path: Path, rows: Iterable[Iterable[str]], end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(",".join(row) + end for row in rows).encode())
    return path


def write_livelink(path: Path, values: np.ndarray, *, step: float = 2, clock: int = 60, start_s: int = 46800) -> Path:
    """As the phone writes it: ``step`` frames of the clock between rows."""
    codes = [timecode(k * step, clock, start_s) for k in range(len(values))]
    return write_rows(path, livelink_rows(values, codes))

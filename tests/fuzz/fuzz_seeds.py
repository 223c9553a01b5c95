"""Small good files of every format, the smaller the better: damages then fall where something stands."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from koekao.arkit import N_CURVES
from koekao.outputs import write_curves

N_ROWS = 3
VALUES = np.round(np.random.default_rng(0).random((N_ROWS, N_CURVES)), 2).astype(np.float32)


@contextmanager
def a_file() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder, "file")


def written(format: str) -> bytes:
    with a_file() as path:
        write_curves(path, VALUES, Fraction(30), format=format)
        return path.read_bytes()


def livelink() -> list[bytes]:
    whole = written("livelink_csv")
    header, first, second, third, _ = whole.split(b"\n")
    untracked = b"\n".join([header, first, second.split(b",")[0] + b",0", third, b""])
    return [whole, untracked, whole.replace(b"\n", b"\r\n")]


def jsonl() -> list[bytes]:
    bare = b'{"timestamp": 0.0, "blendshapes": [%s]}\n' % b",".join([b"0.5"] * N_CURVES)
    return [written("jsonl"), bare]


def encoded(kind: str, subtype: str, n_channels: int = 1, rate: int = 8000) -> bytes:
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (400, n_channels))
    out = io.BytesIO()
    soundfile.write(out, sound, rate, subtype=subtype, format=kind)
    return out.getvalue()


CURVE_SEEDS: Mapping[str, Callable[[], list[bytes]]] = {
    "jsonl": jsonl,
    "livelink": livelink,
}
SOUND_SEEDS: Mapping[str, Callable[[], list[bytes]]] = {
    "wav": lambda: [
        encoded("WAV", "PCM_16", rate=16000),
        encoded("WAV", "PCM_U8"),
        encoded("WAV", "PCM_24", 2),
        encoded("WAV", "FLOAT"),
        encoded("WAV", "ULAW"),
        encoded("WAVEX", "PCM_16", 2),
        encoded("RF64", "PCM_16"),
    ],
    "flac": lambda: [encoded("FLAC", "PCM_16"), encoded("FLAC", "PCM_24", 2)],
    "ogg": lambda: [encoded("OGG", "VORBIS")],
    "mp3": lambda: [encoded("MP3", "MPEG_LAYER_III")],
}

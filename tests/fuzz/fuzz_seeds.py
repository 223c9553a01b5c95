"""Small good files of every format, the smaller the better: damages then fall where something stands."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from movies import write_movie
from take_files import curves, noise, one_of_each


def curve_seeds() -> dict[str, list[bytes]]:
    """Format -> files of it, in every way it is written."""
    seeds: dict[str, list[bytes]] = defaultdict(list)
    with TemporaryDirectory() as folder:
        for (name, _), path in one_of_each(Path(folder), np.round(curves(3), 2)).items():
            seeds[name].append(path.read_bytes())
    seeds["jsonl"].append(b'{"timestamp": 0.0, "blendshapes": [%s]}\n' % b",".join([b"0.5"] * N_CURVES))
    header, first, second, *rest = seeds["livelink_csv"][0].split(b"\n")
    seeds["livelink_csv"].append(b"\n".join([header, first, second.split(b",")[0] + b",0", *rest]))
    return dict(seeds)


def encoded(kind: str, subtype: str, n_channels: int = 1, rate: int = 8000) -> bytes:
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (400, n_channels))
    out = io.BytesIO()
    soundfile.write(out, sound, rate, subtype=subtype, format=kind)
    return out.getvalue()


def filmed(sound: NDArray[np.int16], rate: int, ending: str, **how: Any) -> bytes:
    with TemporaryDirectory() as folder:
        return write_movie(Path(folder, "a" + ending), sound, rate, n_pictures=3, **how).read_bytes()


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
    "movie": lambda: [
        filmed(noise(800), 8000, ".mov", codec="pcm_s16le"),
        filmed(noise(1600), 16000, ".mp4", codec="aac"),
        filmed(np.stack([noise(800)] * 2, axis=1), 8000, ".mov", codec="pcm_f32le", timecode="10:00:00:00"),
        filmed(noise(800), 8000, ".mov", sound_start=80),
    ],
}

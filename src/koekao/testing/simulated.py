"""Corpora of any size that cost no disk: real headers, indexes and sources over shards that are holes.

A hole reads as zeros and takes no space, so a corpus of ten thousand hours (1.4 TB by its sizes) is written in seconds
and opens, plans and gathers through the ordinary code. Everything is as ``pack`` would lay it out, except what the
holes give up: a shard is no Arrow file, all sound and curves are zeros with no frame tracked, and the SHA-256 of
shards in the header is a placeholder of zeros. Opening does not compare those; ``verify`` does, and will complain of
every shard. Nothing waits for the disk either, so after a loss of power the corpus may be a wreck.
"""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.atomic import refuse_existing
from koekao.clock import Clock
from koekao.corpus.datafile import ShardFile
from koekao.corpus.header import HEADER_FILE, INDEX_FILE, SOURCES_FILE, Header
from koekao.corpus.packing import DEFAULT_SHARD_BYTES
from koekao.corpus.shards import index_schema, sources_schema, write_rows
from koekao.corpus.split import SPLITS
from koekao.errors import ConfigError

PLACEHOLDER_SHA256 = "0" * 64
_ROW_BYTES = 1024  # what Arrow writes around a take, and the small columns
_VAL_EVERY, _TEST_EVERY = 20, 100
_TAKES_A_SESSION = 500


def simulate_corpus(
    folder: str | Path,
    n_takes: int,
    frames_a_take: int = 900,
    *,
    spread_frames: int = 0,
    n_speakers: int = 200,
    sample_rate: int = 16_000,
    fps: Fraction = Fraction(30),
    shard_bytes: int = DEFAULT_SHARD_BYTES,
    seed: int = 0,
) -> Path:
    """Write a corpus of ``n_takes`` takes of zeros; 1,200,000 of 900 frames are 10,000 hours.

    Args:
        folder: the corpus to make; it may not exist.
        n_takes: takes in it, named ``session_00000/take_0000000`` and so on.
        frames_a_take: frames of curves a take.
        spread_frames: takes are longer or shorter by up to this, drawn from ``seed``.
        n_speakers: different speakers; a session has one.
        sample_rate, fps: the clock. shard_bytes: size after which a shard is full.

    Returns:
        ``folder``. One take in 100 is of the test split, four more are for validation.

    Raises:
        ConfigError: numbers that make no corpus. OutputError: the folder is in the way.
    """
    if min(n_takes, n_speakers, shard_bytes, frames_a_take - spread_frames) < 1 or spread_frames < 0:
        what = f"{n_takes} takes of {frames_a_take} frames, give or take {spread_frames}"
        raise ConfigError(what, expected="at least one take, of at least one frame")
    clock, take = Clock(sample_rate, fps), np.arange(n_takes, dtype=np.int64)
    off = np.random.default_rng(seed).integers(-spread_frames, spread_frames + 1, n_takes)
    n_frames = frames_a_take + off
    columns = _places(n_frames, clock.frame_starts(n_frames), shard_bytes)
    shards = columns.pop("shards")
    columns |= {"name": _names(take), "speaker": _speakers(take, n_speakers), "split": _splits(take)}
    path = Path(folder)
    refuse_existing(path, overwrite=False)
    path.mkdir(parents=True)
    for shard in shards:
        with (path / shard.file).open("wb") as file:
            os.truncate(file.fileno(), shard.bytes)
    header = Header(
        sample_rate=sample_rate,
        fps=clock.fps,
        audio_dtype="int16",
        shards=tuple(shards),
        index=write_rows(path / INDEX_FILE, index_schema(), columns),
        sources=write_rows(path / SOURCES_FILE, sources_schema(), _sources(columns["name"], clock)),
        totals={"takes": n_takes, "frames": int(n_frames.sum()), "samples": int(columns["n_samples"].sum())},
    )
    (path / HEADER_FILE).write_bytes(header.to_bytes())  # last: without it the folder is no corpus
    return path


def _places(n_frames: NDArray[np.int64], n_samples: NDArray[np.int64], shard_bytes: int) -> dict[str, Any]:
    """Lengths and byte offsets of takes that lie one behind the other, and the shards that hold them."""
    audio, curves = _aligned(2 * n_samples), _aligned(n_frames * N_CURVES * 4)
    n_bytes = _ROW_BYTES + audio + curves + _aligned(n_frames)
    ends, firsts = np.cumsum(n_bytes), [0]
    while firsts[-1] < len(ends):  # a take after which a shard is larger than shard_bytes is its last
        begun = ends[firsts[-1] - 1] if firsts[-1] else 0
        firsts.append(min(int(np.searchsorted(ends, begun + shard_bytes)) + 1, len(ends)))
    takes = np.diff(firsts)
    shard = np.repeat(np.arange(len(takes)), takes)
    begins = np.concatenate([[0], ends])[np.array(firsts)]
    start = ends - n_bytes - begins[shard] + _ROW_BYTES
    shards = [
        ShardFile(file=f"shard-{number:05}.arrow", bytes=size, sha256=PLACEHOLDER_SHA256, takes=count)
        for number, (size, count) in enumerate(zip(np.diff(begins).tolist(), takes.tolist(), strict=True))
    ]
    offsets = {"audio_offset": start, "curves_offset": start + audio, "valid_offset": start + audio + curves}
    return {"n_frames": n_frames, "n_samples": n_samples, "shard": shard, **offsets, "shards": shards}


def _aligned(n_bytes: NDArray[np.int64]) -> NDArray[np.int64]:
    return (n_bytes + 63) // 64 * 64


def _numbered(numbers: NDArray[np.int64], digits: int) -> Any:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")


def _names(take: NDArray[np.int64]) -> Any:
    session = pc.binary_join_element_wise("session_", _numbered(take // _TAKES_A_SESSION, 5), "")
    return pc.binary_join_element_wise(session, pc.binary_join_element_wise("take_", _numbered(take, 7), ""), "/")


def _speakers(take: NDArray[np.int64], n_speakers: int) -> Any:
    words = [f"speaker_{number:04}" for number in range(n_speakers)]
    codes = pa.array(take // _TAKES_A_SESSION % n_speakers, pa.int32())
    return pa.DictionaryArray.from_arrays(codes, pa.array(words))


def _splits(take: NDArray[np.int64]) -> Any:
    code = np.where(take % _TEST_EVERY == 0, 2, take % _VAL_EVERY == 0).astype(np.int8)
    return pa.DictionaryArray.from_arrays(pa.array(code), pa.array(SPLITS))


def _sources(names: Any, clock: Clock) -> dict[str, Any]:
    """One sound file a take, without a hash that anybody could compare."""
    n = len(names)
    paths = pc.binary_join_element_wise(names, pa.repeat(".wav", n), "")
    files = pa.StructArray.from_arrays(
        [paths, pa.array(np.zeros(n, np.int64)), pa.repeat(PLACEHOLDER_SHA256, n)], ["path", "size", "sha256"]
    )
    sources = pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32)), files)
    repairs = pa.ListArray.from_arrays(pa.array(np.zeros(n + 1, np.int32)), pa.array([], pa.string()))
    return {"sources": sources, "repairs": repairs, "fps": pa.repeat(str(clock.fps), n)}

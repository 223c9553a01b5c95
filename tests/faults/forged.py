"""A small corpus, and hands that forge it: what is changed is signed again, as a careful forger would."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from koekao.clock import Clock
from koekao.corpus import PackConfig, pack_takes
from koekao.corpus.datafile import sha256_of
from koekao.corpus.header import content_id
from koekao.takes.take import Source, Take

CONFIG = PackConfig(shard_bytes=100_000, val=0.2, test=("s0/t4",))
CONTENT = ("format", "version", "sample_rate", "fps", "audio_dtype", "curves", "shards", "index", "sources")
RECORD = ("totals", "refused", "ignored")


def noise(i: int, **more: Any) -> Take:
    """Take ``s0/t0``, ``s1/t1`` ... of 20, 25 ... frames of noise."""
    rng, n_frames = np.random.default_rng([37, i]), 20 + 5 * i
    n_samples = Clock(16_000, Fraction(30)).frame_start(n_frames)
    facts: dict[str, Any] = {
        "audio": rng.integers(-32768, 32768, n_samples).astype(np.int16),
        "curves": rng.random((n_frames, 52), np.float32),
        "valid": rng.random(n_frames) > 0.1,
        "repairs": (f"resample: 48000 Hz to 16000 Hz for {i}",),
        "sources": (Source(path=f"s{i % 2}/t{i}.wav", size=n_samples, sha256="0" * 64),),
    }
    return Take(name=f"s{i % 2}/t{i}", speaker=f"p{i % 3}", sample_rate=16_000, fps=Fraction(30), **(facts | more))


def ten() -> list[Take]:
    return [noise(i) for i in range(10)]


def pack_ten(folder: Path) -> Path:
    """Ten takes in several shards, two of them to validate on and one to test on."""
    pack_takes(ten(), folder, CONFIG)
    return folder


def edit_header(folder: Path, *, sign: bool = True, **changes: Any) -> None:
    """Change ``corpus.json``; signed, its hashes are right again."""
    path = folder / "corpus.json"
    data = json.loads(path.read_bytes()) | changes
    if sign:
        data["id"] = content_id({key: data[key] for key in CONTENT})
        data["record_sha256"] = content_id({key: data[key] for key in RECORD})
    path.write_bytes(json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n")


def read_rows(path: Path) -> Any:
    return pa.ipc.open_file(pa.BufferReader(path.read_bytes())).read_all()


def sign_file(folder: Path, key: str, file: str) -> None:
    """Make the header say of ``file`` what is true of it now."""
    path = folder / file
    edit_header(folder, **{key: {"file": file, "bytes": path.stat().st_size, "sha256": sha256_of(path)}})


def forge_rows(folder: Path, key: str = "index", file: str = "takes.arrow", **columns: list[Any]) -> None:
    """Rewrite columns of the index or of the sources."""
    table = read_rows(folder / file)
    for name, values in columns.items():
        i = table.schema.get_field_index(name)
        table = table.set_column(i, name, pa.array(values, table.schema.field(name).type))
    with (folder / file).open("wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    sign_file(folder, key, file)

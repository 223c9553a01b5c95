"""A packing of twelve takes in shards of three, interrupted, and what must come of it when it is started again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.arkit import NAMES
from koekao.corpus import PackConfig, PackReport, pack
from koekao.takes.take import Take

N_TAKES, PER_SHARD = 12, 3
CONFIG = PackConfig(shard_bytes=90_000, val=("t03", "t10"))
"""Takes of 30 frames (32 KB of sound, 6 KB of curves) fill a shard with every third."""


def write(folder: Path, take: Take) -> None:
    soundfile.write(folder / f"{take.name}.wav", take.audio, take.sample_rate, subtype="PCM_16")
    rows = enumerate(take.curves.astype(np.float64).tolist())
    lines = [json.dumps({"timestamp": k / 30, "blendshapes": dict(zip(NAMES, row))}) for k, row in rows]
    (folder / f"{take.name}.jsonl").write_text("\n".join(lines) + "\n")


def names(*numbers: int) -> list[str]:
    return [f"t{i:02}" for i in numbers]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def packed_at_once(takes: Path, config: PackConfig = CONFIG) -> tuple[dict[str, bytes], PackReport]:
    """What a packing without interruption gives."""
    target = takes.parent / "at_once"
    report = pack(takes, target, config)
    files = bytes_of(target)
    shutil.rmtree(target)
    return files, report


def interrupt(takes: Path, target: Path, after: int, config: PackConfig = CONFIG) -> None:
    """Ctrl-C once ``after`` takes are written."""
    n = 0

    def count(_: object) -> None:
        nonlocal n
        n += 1
        if n == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(takes, target, config, on_take=count)
    assert not target.exists()


def assert_goes_on(takes: Path, target: Path, resumed: int, config: PackConfig = CONFIG) -> PackReport:
    """The packing ends as one without interruption, of which it took over so many takes."""
    files, at_once = packed_at_once(takes, config)
    report = pack(takes, target, config)
    assert bytes_of(target) == files
    assert report.resumed == resumed
    assert report == replace(at_once, path=target, resumed=resumed)
    assert sorted(path.name for path in target.parent.iterdir()) == ["c", "takes"]
    return report

"""``koekao synthesize FOLDER``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from koekao.cli.console import OUT, length


def synthesize(
    folder: Path,
    /,
    *,
    takes: int = 12,
    seconds: float = 20.0,
    voices: int = 3,
    fps: str = "30",
    sample_rate: int = 16000,
    seed: int = 0,
    format: Literal["jsonl", "livelink_csv"] = "jsonl",
) -> None:
    """Make synthetic takes: speech-like sound and the curves that fit it, for trying things out.

    Args:
        folder: where to write them.
        takes: how many.
        seconds: length of each.
        voices: how many different voices.
        fps: frames a second.
        sample_rate: Hz.
        seed: the same seed makes the same takes.
        format: format of the curve files.
    """
    n_seconds = write_synthetic(
        folder, takes=takes, seconds=seconds, voices=voices, fps=fps, sample_rate=sample_rate, seed=seed, format=format
    )
    OUT.print(f"{takes} synthetic takes, {length(n_seconds)}, in {folder}")
    OUT.print(f"next: koekao pack {folder} CORPUS")


def write_synthetic(
    folder: Path,
    *,
    takes: int,
    seconds: float,
    voices: int = 3,
    fps: str = "30",
    sample_rate: int = 16000,
    seed: int = 0,
    format: str = "jsonl",
) -> float:
    """Write synthetic takes; returns their length together in seconds."""
    from koekao.clock import parse_fps
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic import make_takes

    total_s = 0.0
    for take in make_takes(
        takes, seconds=seconds, seed=seed, voices=voices, sample_rate=sample_rate, fps=parse_fps(fps)
    ):
        write_take(folder, take.name, take.audio, take.sample_rate, take.curves, take.fps, format=format)
        total_s += take.duration_s
    return total_s

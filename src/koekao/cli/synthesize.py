"""``koekao synthesize FOLDER``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from koekao.cli.console import Making, count, json_out, length
from koekao.cli.progress import WorkProgress


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
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Make synthetic takes: speech-like sound and curves that fit.

    They are for trying things out, and for tests; nobody speaks in them.

    Args:
        folder: where to write them; a new or an empty one.
        takes: how many.
        seconds: length of each.
        voices: how many different voices.
        fps: frames a second.
        sample_rate: sample rate of the sound in Hz.
        seed: the same seed makes the same takes.
        format: format of the curve files.
        overwrite: write into a folder that holds something; takes of the same names are replaced.
        json: print what was made as JSON.

    Examples:
        koekao synthesize takes
        koekao synthesize takes --takes 100 --seconds 60 --fps 59.94
    """
    from koekao.api.takes import synthesize as make
    from koekao.errors import OutputError

    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file", where=folder, expected="a folder", do="choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise OutputError("is not empty", where=folder, do="choose another folder, or say --overwrite")
    making = Making()
    with WorkProgress("making takes", "takes") as progress:
        n_seconds = make(
            folder,
            takes=takes,
            seconds=seconds,
            voices=voices,
            fps=fps,
            sample_rate=sample_rate,
            seed=seed,
            format=format,
            on_take=progress.tell,
        )
    then = ("koekao", "pack", folder, "CORPUS")
    if json:
        told = {"folder": str(folder), "takes": takes, "seconds": n_seconds}
        return json_out(told | making.as_dict([folder], *then))
    return making.say(f"{folder} ({count(takes, 'synthetic take')}, {length(n_seconds)})", *then)

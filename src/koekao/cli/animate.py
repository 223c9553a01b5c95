"""``koekao animate RUN SPEECH.wav -o face.csv``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import OUT, length


def animate(run: Path, sound: Path, /, *, output: Annotated[Path, Parameter(alias="-o")]) -> None:
    """Animate a sound file: every frame of it, any length, at the model's frame rate.

    Args:
        run: a run made by koekao train.
        sound: speech; wav, flac, ogg or mp3, any rate.
        output: the file to write; .csv (Live Link Face), .jsonl, or .json (named, LAM layout).
    """
    from koekao.api import animate as animate_sound
    from koekao.training import open_run

    began_s = time.perf_counter()
    fps = open_run(run).model().clock.fps
    curves = animate_sound(run, sound, output)
    took_s, long_s = time.perf_counter() - began_s, len(curves) / float(fps)
    OUT.print(
        f"{output}: {len(curves)} frames at {fps} fps ({length(long_s)}) in {took_s:.1f} s, "
        f"{long_s / took_s:.0f} times real time",
        soft_wrap=True,
    )

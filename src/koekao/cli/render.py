"""``koekao render ANIMATION -o face.mp4``: the face as a movie with its sound, or as a strip of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out
from koekao.cli.progress import WorkProgress


def render(
    animation: Path,
    other: Path | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    sound: Path | None = None,
    run: Path | None = None,
    size: int | None = None,
    at: Annotated[list[float] | None, Parameter(consume_multiple=True)] = None,
    pictures: int = 8,
    yaw: float = 0.0,
    pitch: float = 0.0,
    json: bool = False,
) -> None:
    """Draw a face as a movie with sound, or a strip of pictures.

    No window is needed. A movie is .mp4 (extra video), a strip .png.

    Args:
        animation: a file of curves, or a take.
        other: a second animation, whose face stands to the right.
        output: face.mp4 or strip.png; what stands there is replaced.
        sound: the sound, where it does not lie beside the animation.
        run: a run or model.onnx whose prediction stands to the right.
        size: pixels of a face. Default: 720 in movies, 320 in strips.
        at: seconds at which the pictures of a strip are taken. Default: evenly over the whole.
        pictures: of a strip.
        yaw: degrees the camera goes round to the subject's left.
        pitch: degrees the camera rises.
        json: print what was done as JSON.

    Examples:
        koekao render face.csv --sound speech.wav -o face.mp4
        koekao render take.jsonl -o strip.png --pictures 12
    """
    from koekao.api.pictures import render as draw

    making = Making()
    with WorkProgress(f"drawing {output}", "frames") as progress:
        done = draw(
            animation,
            output,
            other=other,
            sound=sound,
            run=run,
            size=size,
            at=at or (),
            pictures=pictures,
            yaw=yaw,
            pitch=pitch,
            on_frame=progress.tell,
        )
    if json:
        told = {"output": str(output), "pictures": done.pictures, "seconds": done.seconds, "sound": done.sound}
        return json_out(told | making.as_dict([output]))
    silent = "" if output.suffix.lower() == ".png" or done.sound else ", no sound"
    return making.say(f"{output} ({count(done.pictures, 'picture')}{silent})")

"""``koekao render ANIMATION -o face.mp4``: the face as a movie with its sound, or as a strip of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out
from koekao.cli.progress import WorkProgress
from koekao.errors import ConfigError

if TYPE_CHECKING:
    from koekao.viewer import Clip


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
    from koekao.head.render import Camera
    from koekao.viewer.movie import write_movie
    from koekao.viewer.strip import draw_strip, strip_times, write_png

    ending = output.suffix.lower()
    if ending not in (".mp4", ".png"):
        raise ConfigError(f"unknown ending {output.suffix!r}", where=output, expected=".mp4 or .png")
    making = Making()
    camera = Camera(yaw_deg=yaw, pitch_deg=pitch)
    clip = clip_to_draw(animation, other, sound, run)
    if ending == ".png":
        import numpy as np

        times = strip_times(clip.tracks[0].seconds, pictures, tuple(at or ()))
        strips = [draw_strip(track, times, size=320 if size is None else size, camera=camera) for track in clip.tracks]
        write_png(output, np.concatenate(strips, axis=0))
        n = len(times)
    else:
        with WorkProgress(f"drawing {output}", "frames") as progress:
            side = 720 if size is None else size
            n = write_movie(output, clip, width=side, height=side, camera=camera, on_frame=progress.tell)
    if json:
        told = {"output": str(output), "pictures": n, "seconds": clip.seconds, "sound": clip.sound is not None}
        return json_out(told | making.as_dict([output]))
    silent = "" if ending == ".png" or clip.sound is not None else ", no sound"
    return making.say(f"{output} ({count(n, 'picture')}{silent})")


def clip_to_draw(animation: Path, other: Path | None, sound: Path | None, run: Path | None) -> Clip:
    """The clip of an animation with what is to stand beside it: a run's prediction, or another animation."""
    from koekao.cli.view import compared, predicting
    from koekao.viewer import clip_of

    clip = clip_of(animation, sound=sound)
    if run is not None:
        clip = predicting(run)(clip)
    if not clip.tracks:
        raise ConfigError("a sound without curves", where=animation, do="say with --run who animates it")
    return clip if other is None else compared(clip, other)

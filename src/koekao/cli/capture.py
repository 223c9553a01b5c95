"""``koekao capture VIDEO --model face_landmarker.task``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out, length, say
from koekao.cli.progress import WorkProgress


def capture(
    video: Path,
    /,
    *,
    model: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path(),
    overwrite: bool = False,
    json: bool = False,
) -> None:
    """Make a take from a video of a face (extra capture).

    A take is the video's sound, and the curves that MediaPipe sees in its pictures.

    Args:
        video: a mov or mp4 with pictures and sound.
        model: MediaPipe's face_landmarker.task; koekao does not download it.
        out: the folder for the take's wav and jsonl.
        overwrite: replace a take of this name.
        json: print what was found as JSON.

    Examples:
        koekao capture me.mp4 --model face_landmarker.task -o takes
    """
    from koekao.takes.capture import capture as write_take
    from koekao.takes.capture import media_pipe

    making = Making()
    with WorkProgress(f"looking at {video.name}", "pictures") as progress, media_pipe(model) as landmarker:
        made = write_take(
            video,
            out,
            landmarker,
            overwrite=overwrite,
            tell=lambda n: progress.tell(n, None),
        )
    then = ("koekao", "check", out)
    rate_hz = None if made.pictures < 2 else made.rate_hz
    if json:
        return json_out(
            {
                "sound": str(made.sound),
                "curves": str(made.curves),
                "pictures": made.pictures,
                "tracked": made.seen / made.pictures,
                "rate_hz": rate_hz,
                "duration_s": made.duration_s,
                "gaps": made.gaps,
                "longest_gap_s": made.longest_gap_s,
                "repairs": list(made.repairs),
            }
            | making.as_dict([made.sound, made.curves], *then)
        )
    rate = "" if rate_hz is None else f" at {rate_hz:.2f} a second"
    gaps = f"{count(made.gaps, 'gap')} (the longest {1000 * made.longest_gap_s:.0f} ms)" if made.gaps else "no gap"
    say(
        f"{length(made.duration_s)}: {count(made.pictures, 'picture')}{rate}, "
        f"a face in {made.seen / made.pictures:.1%} of them, {gaps}"
    )
    for repair in made.repairs:
        say(f"sound: {repair}")
    say("tongueOut is not measured and stands as 0")
    return making.say(f"{made.sound} and {made.curves}", *then)

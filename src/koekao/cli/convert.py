"""``koekao convert IN OUT``."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out, say
from koekao.takes.policies import Method, Order


def convert(
    source: Annotated[Path, Parameter(name="IN")],
    target: Annotated[Path, Parameter(name="OUT")],
    /,
    *,
    fps: str | None = None,
    method: Method = "linear",
    read: str | None = None,
    write: Annotated[str | None, Parameter(name=["--write", "--format"])] = None,
    face: Path | None = None,
    order: Order | None = None,
    timecode_rate: Fraction | int | None = None,
    rows_fps: str | None = None,
    json: bool = False,
) -> None:
    """Convert a file of curves to another format.

    Each row in which a face was tracked becomes a row, at its own time. What IN is is known by its content. What OUT is
    is known by its ending: .jsonl, .csv (Live Link Face), .json (with names, as LAM writes it), .glb or .gltf (an
    animation of morph targets), .usda, .usdc or .usd.

    Args:
        source: a file of curves.
        target: the file to make; what stands there is replaced.
        fps: bring the curves to this frame rate; frames that nobody saw are left out.
        method: how they are brought there.
        read: the format of IN, where its content is not to decide.
        write: the format of OUT, where its ending is not to decide: jsonl, livelink_csv, audio2face_csv, named_json,
            beat_json, unreal_json, gltf, usd.
        face: a .glb or .gltf whose meshes are animated; its morph targets are named as ARKit's curves.
        order: the order of curves in a file that does not name them.
        timecode_rate: frames a second of a timecode's clock, where the rows cannot tell it.
        rows_fps: rows a second of a file whose rows have no times.
        json: print what was done as JSON.

    Examples:
        koekao convert take.csv take.jsonl
        koekao convert face.json face.glb --fps 30
    """
    from koekao.conversion import convert as convert_file

    making = Making()
    done = convert_file(
        source,
        target,
        fps=fps,
        method=method,
        read=read,
        write=write,
        face=face,
        order=order,
        timecode_rate=timecode_rate,
        rows_fps=rows_fps,
    )
    then = ("koekao", "view", target)
    if json:
        plain = {"source": str(source), "target": str(target), "fps": None if done.fps is None else str(done.fps)}
        return json_out(asdict(done) | plain | making.as_dict([target], *then))
    for note in done.notes:
        say(f"{source}: {note}")
    lost = f" ({done.untracked} not tracked)" if done.untracked else ""
    rate = "" if done.rate_hz is None else f", {done.rate_hz:.2f} rows/s"
    at = "" if done.fps is None else f" at {done.fps} fps"
    say(f"{source}: {done.read}, {count(done.rows, 'row')}{lost}{rate}")
    return making.say(f"{target} ({done.written}, {count(done.written_rows, 'row')}{at})", *then)

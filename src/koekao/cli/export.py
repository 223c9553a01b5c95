"""``koekao export RUN -o model.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out, say, working
from koekao.cli.place import expect


def export(
    run: Path, /, *, output: Annotated[Path, Parameter(alias="-o")], check_frames: int = 1000, json: bool = False
) -> None:
    """Write a run's model as one .onnx file (extra onnx).

    Sound goes in and curves come out, in Python without torch, in browsers, C++ and others. The features and all memory
    are inside. Before the file is there, torch and onnxruntime walk the same sound with it; where their curves differ
    by more than 1e-4, nothing is written.

    Args:
        run: a run made by koekao train.
        output: the file to write, or to replace; .onnx.
        check_frames: frames of that walk.
        json: print what was written as JSON.

    Examples:
        koekao export run -o model.onnx
        koekao animate model.onnx speech.wav -o face.csv
    """
    from koekao.api.runs import export_onnx

    expect("run", run, "train one on it: koekao train CORPUS RUN")
    making = Making()
    with working(f"exporting {run}"):
        done = export_onnx(run, output, check_frames=check_frames)
    header, then = done.header, ("koekao", "animate", done.path, "SPEECH.wav", "-o", "face.csv")
    if json:
        return json_out(
            {
                "output": str(done.path),
                "bytes": done.n_bytes,
                "model": header.model,
                "fps": str(header.clock.fps),
                "sample_rate": header.clock.sample_rate,
                "look_ahead_frames": header.look_ahead_frames,
                "weights_sha256": header.weights_sha256,
                "largest_difference": done.largest_difference,
                "checked_frames": done.checked_frames,
            }
            | making.as_dict([done.path], *then)
        )
    ahead = count(header.look_ahead_frames, "frame")
    say(f"{header.model}, {header.clock.fps} fps, look-ahead {ahead}")
    say(f"largest difference from torch over {count(done.checked_frames, 'frame')}: {done.largest_difference:.1g}")
    return making.say(f"{done.path} ({done.n_bytes / 1e6:.1f} MB)", *then)

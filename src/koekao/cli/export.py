"""``koekao export RUN -o model.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import count, json_out, say, working


def export(
    run: Path, /, *, output: Annotated[Path, Parameter(alias="-o")], check_frames: int = 1000, json: bool = False
) -> None:
    """Write a run's model as one .onnx file: sound in, curves out, for Python without torch, browsers, C++ and others.

    The features and all memory are inside. Before the file is there, torch and onnxruntime walk the same sound with it;
    where their curves differ by more than 1e-4, nothing is written.

    Args:
        run: a run made by koekao train.
        output: the file to write, or to replace; .onnx.
        check_frames: frames of that walk.
        json: print what was written as JSON.
    """
    from koekao.api import export_onnx

    with working(f"exporting {run}"):
        done = export_onnx(run, output, check_frames=check_frames)
    header, size_mb = done.header, done.n_bytes / 1e6
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
        )
    ahead = count(header.look_ahead_frames, "frame")
    say(f"{done.path}: {size_mb:.1f} MB, {header.model}, {header.clock.fps} fps, look-ahead {ahead}")
    say(f"largest difference from torch over {count(done.checked_frames, 'frame')}: {done.largest_difference:.1g}")
    return None

"""``koekao animate RUN SPEECH.wav -o face.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from koekao.cli.console import Making, count, json_out, length
from koekao.cli.place import expect
from koekao.cli.progress import WorkProgress


def animate(
    run: Path,
    sound: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    format: str | None = None,
    face: Path | None = None,
    controls: str | None = None,
    fps: str | None = None,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Animate a sound file: speech in, a file of curves out.

    It may be of any length, for curves are written as they are made.

    Args:
        run: a run made by koekao train, or a model.onnx made by koekao export.
        sound: speech; wav, flac, ogg, mp3 or a movie, any rate.
        output: the file to write, or to replace. Its ending says the format: .csv (Live Link Face), .jsonl, .json
            (named, LAM layout), .glb or .gltf (morph targets), .usda, .usdc or .usd.
        format: the format, where the ending is not to decide: livelink_csv, audio2face_csv, jsonl, named_json,
            beat_json, unreal_json, gltf, usd.
        face: a .glb or .gltf of your own to animate; its morph targets are named as ARKit's curves.
        controls: the animator's controls: a YAML file, or a preset (natural, subtle, expressive, crisp_lips).
        fps: frames a second that come out, 24, 25, 29.97, 60 ...; the model's if not said.
        seed: of the blinks and small motions that controls add.
        json: print what was done as JSON.

    Examples:
        koekao animate run speech.wav -o face.csv
        koekao animate run speech.wav -o face.glb --controls natural --fps 60
    """
    from koekao.api.faces import performances
    from koekao.live.recorded import animated

    expect("run", run, "train one on it: koekao train CORPUS RUN")
    making = Making()
    face_of = performances(run, output, format=format, controls=controls, fps=fps, seed=seed)
    with WorkProgress(f"animating {sound}") as progress:
        done = animated(sound, face_of.at, output, format=format, face=face, on_progress=progress.tell)
    long_s, then = done.n_frames / float(done.fps), ("koekao", "view", output, "--sound", sound)
    if json:
        told = {"output": str(output), "frames": done.n_frames, "fps": str(done.fps), "seconds": long_s}
        return json_out(told | making.as_dict([output], *then))
    frames = f"{count(done.n_frames, 'frame')} at {done.fps} fps, {length(long_s)}"
    return making.say(f"{output} ({frames})", *then, more=f", {long_s / making.took_s:.0f} times real time")

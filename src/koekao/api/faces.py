"""Faces: a run's model over new sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from koekao.clock import parse_fps
from koekao.errors import ConfigError
from koekao.models import build
from koekao.training import open_run

if TYPE_CHECKING:
    from koekao.animation.engine import Engine
    from koekao.controls import ControlSettings
    from koekao.live.performance import Performances
    from koekao.viewer import Clip


def animate(
    run: str | Path,
    sound: str | Path,
    output: str | Path | None = None,
    *,
    format: str | None = None,
    face: str | Path | None = None,
    controls: str | Path | ControlSettings | None = None,
    fps: str | Fraction | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Animate a sound file with a run's model: ``[n_frames, 52]`` float32 in 0..1, frame k at k / fps.

    >>> import koekao
    >>> from koekao.arkit import NAMES
    >>> curves = koekao.animate("run", "speech.wav", "face.csv")
    >>> curves.shape, curves[:, NAMES.index("jawOpen")].shape
    ((60, 52), (60,))

    Args:
        run: a run's folder, or an exported ``.onnx``.
        sound: any length; another rate than the model's is resampled as live sound is.
        output: also write it there as it is made; the ending says the format unless ``format`` does
            (:data:`koekao.outputs.FORMATS`).
        face: a ``.glb`` or ``.gltf`` of your own to animate, for ``.glb`` and ``.gltf``.
        controls: the animator's: settings, a YAML file of them, or the name of a preset.
        fps: frames a second that come out; the model's where not given.
        seed: of blinks and small motions that the controls add.

    Raises:
        RunError, ModelError, SoundError, ConfigError, OutputError: naming the file and what to do.
    """
    from koekao.live.recorded import animated

    parts: list[NDArray[np.float32]] = []
    animated(
        sound,
        performances(run, output, format=format, controls=controls, fps=fps, seed=seed).at,
        output,
        format=format,
        face=face,
        on_played=lambda played: parts.append(played.curves),
    )
    return np.concatenate(parts)


def performances(
    run: str | Path | None,
    output: str | Path | None = None,
    *,
    format: str | None = None,
    controls: str | Path | ControlSettings | None = None,
    fps: str | Fraction | None = None,
    seed: int = 0,
) -> Performances:
    """What makes fresh performances of a run's face; arguments as of :func:`animate`.

    Without a run it is the face of an untrained model, which moves somehow: to test what lies around it.

    Raises:
        as :func:`animate`, before any sound is heard.
    """
    from koekao.live.performance import Performances
    from koekao.outputs import format_name

    if output is not None:
        format_name(Path(output), format)  # refuse an unknown ending before the work
    settings, rate = _settings_of(controls), None if fps is None else parse_fps(fps)
    return Performances(engine=engine(run), controls=settings, fps=rate, seed=seed)


def engine(run: str | Path | None) -> Engine:
    """What animates: the model of a run's folder, or an exported ``.onnx``; without either an untrained model.

    Raises:
        RunError, ModelError: it is not there, damaged, or newer than this koekao. ConfigError: onnxruntime is missing.
    """
    from koekao.animation.torch_engine import TorchEngine
    from koekao.runtime import OnnxEngine

    if run is not None and Path(run).suffix.lower() == ".onnx":
        return OnnxEngine(run)
    return TorchEngine(build("stream", {}) if run is None else open_run(run).model())


def predicting(run: str | Path) -> Callable[[Clip], Clip]:
    """What puts a run's prediction beside the curves of a clip.

    Raises:
        as :func:`engine`; and of a clip without sound ConfigError.
    """
    from koekao.animation import animate as animated_by
    from koekao.takes.sound.shaping import to_rate
    from koekao.takes.take import as_float
    from koekao.viewer import Curves

    face = engine(run)
    clock = face.clock

    def add(clip: Clip) -> Clip:
        if clip.sound is None:
            raise ConfigError("no sound to animate", where=clip.name, do="name a take with its sound, or a sound")
        heard, _ = to_rate(as_float(clip.sound), clip.sample_rate, clock.sample_rate, Path(clip.name))
        values = animated_by(face, np.ascontiguousarray(heard, np.float32))
        said = Curves(label=f"prediction ({Path(run).name})", fps=Fraction(clock.fps), values=values)
        truth = tuple(replace(track, label="truth") for track in clip.tracks)
        return replace(clip, tracks=(*truth, said))

    return add


def _settings_of(controls: str | Path | ControlSettings | None) -> ControlSettings | None:
    """The name of a preset, else a file."""
    from koekao.controls import PRESETS, ControlSettings, load_controls, preset

    if controls is None or isinstance(controls, ControlSettings):
        return controls
    return preset(str(controls)) if str(controls) in PRESETS else load_controls(controls)

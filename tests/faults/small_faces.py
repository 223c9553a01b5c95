"""One small untrained face of each model, that moves; speech for them; and batches of a task, by hand."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.animation import Animator, Animators
from koekao.animation.torch_engine import TorchEngine
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

Sound = NDArray[np.float32]
SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {"dim": 16, "dilations": (3, 1), "initial_alpha": 0.6},
    "frame": {"dim": 16, "past_frames": 4, "target_frame": 4, "future_frames": 3},
    "stream": {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3), "look_ahead_frames": 1},
    "window": {"dim": 16, "width": 8, "heads": 2, "mel_frames": 5, "emotion_frames": 3, "emotion": {"past_s": 1.0}},
}
SPREADS = {"sequential": 0.2, "frame": 4.0, "stream": 0.3, "window": 0.2}


@cache
def speech(seed: int = 7, seconds: float = 2.4) -> Sound:
    return as_float(make_take(seed, seconds=seconds).audio)


@cache
def face(name: str, seed: int = 3) -> FaceModel:
    """At 30 fps and 16 kHz."""
    torch.manual_seed(seed)
    model = build(name, SETTINGS[name] | {"features": {"n_mels": 24}})
    model.fit_features(lambda: [speech()])
    spread = SPREADS[name]
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, spread, np.float32))
    return model.eval()


def animators(name: str, n_rows: int) -> Animators:
    return Animators(TorchEngine(face(name)), n_rows)


def chunks(sound: Sound, size: int) -> Iterable[Sound]:
    return (sound[i : i + size] for i in range(0, len(sound), size))


def live(model: FaceModel, sound: Sound, size: int) -> Sound:
    """``[T, 52]``: the frames of a whole sound that comes in chunks."""
    animator = Animator(model)
    return np.concatenate([*(animator.push(chunk) for chunk in chunks(sound, size)), animator.finish()])


def windows_of(model: FaceModel, starts: list[list[int]], resets: list[list[bool]], frames: int = 12) -> dict[str, Any]:
    """A batch of the sequential task: a row of ``starts`` is a stream, its numbers the frames that windows begin at."""
    start, reset = torch.tensor(starts), torch.tensor(resets)
    begins = [model.clock.frame_start(frame) for frame in start.flatten().tolist()]
    n_samples = model.clock.window_samples(frames)
    return {
        "audio": torch.from_numpy(np.stack([speech()[begin : begin + n_samples] for begin in begins])),
        "start_frames": start.flatten(),
        "valid_frames": torch.full((start.numel(),), frames),
        "reset": reset.flatten(),
        "gap_frames": torch.where(reset, 0, 3).flatten(),
    }

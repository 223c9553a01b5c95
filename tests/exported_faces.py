"""Small untrained faces as ONNX files, each drawn once for all processes of a test run: drawing one takes 8 s."""

from __future__ import annotations

import fcntl
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from koekao.export import export_onnx
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

SPEECH = as_float(make_take(5, seconds=4).audio)
STREAM: dict[str, Any] = {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3)}
SMALL: dict[str, Any] = {"n_mels": 24}
ODD: dict[str, Any] = {"n_mels": 21, "n_fft": 600, "columns_per_frame": 3, "f_min_hz": 60.0, "f_max_hz": 7000.0}
FACES: dict[str, tuple[str, dict[str, Any]]] = {
    "stream 29.97 fps, look-ahead 3": (
        "stream",
        STREAM | {"look_ahead_frames": 3, "features": ODD | {"fps": "30000/1001"}},
    ),
    "stream 59.94 fps, no look-ahead, lively": (
        "stream",
        STREAM
        | {"look_ahead_frames": 0, "front_frames": 0, "blur_bands": 1, "liveliness": 1.0}
        | {"features": {"fps": "60000/1001"}},
    ),
    "sequential 59.94 fps": (
        "sequential",
        {"dim": 16, "dilations": (3, 1), "initial_alpha": 0.4, "features": SMALL | {"fps": "60000/1001"}},
    ),
    "frame 24 fps": (
        "frame",
        {"dim": 16, "past_frames": 1, "target_frame": 1, "future_frames": 3, "features": SMALL | {"fps": "24"}},
    ),
}


@cache
def exported_face(name: str) -> FaceModel:
    """The model, in training mode, as it is built: dropout must not get into a file."""
    torch.manual_seed(3)
    kind, settings = FACES[name]
    model = build(kind, settings)
    model.fit_features(lambda: [SPEECH])
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 0.3, np.float32))
    model.set_pace(3.0)  # far more than it moves; only a lively face asks
    return model


def exported_file(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its file; to be read alone. The export itself has walked 200 frames with torch."""
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.onnx"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            done = export_onnx(exported_face(name), path, check_frames=200)
            assert 0 < done.largest_difference <= 1e-4 and done.checked_frames == 200
            assert done.n_bytes == path.stat().st_size
    return path

"""Question: how fast is an exported model beside torch, offline and live, and how soon is the runtime ready?

Command: python benchmarks/export.py [--minutes 5] [--model stream]

One core for both (OMP_NUM_THREADS=1, one thread of torch, one of onnxruntime), a fresh model of the default settings
with fitted features (weights do not change the speed), made speech-like sound. Offline: the whole sound by
``animate``, the two by turns, medians over the rounds, as share of the sound's length (RTF). Live: the sound of one
frame at a time through :class:`koekao.animation.Animator`, ms a frame. Cold start: a fresh process that imports
``koekao.runtime``, loads the file and has its first frame, from the start of the process to that frame, median of 5;
beside it the same with torch. Last: the power spectrum of 1024 samples in onnxruntime, as ONNX's DFT operator and as
the two matrix products that the export uses.

Result (two shared cores, one used; torch 2.13, onnxruntime 1.32; 2 minutes of sound):

    stream: 0.98 MB, largest difference 2e-05
    torch: offline RTF 0.00068; live ms a frame p50 0.86, p99 5.40; cold 2.44 s
    onnxruntime: offline RTF 0.00174; live ms a frame p50 0.36, p99 4.54; cold 0.18 s
    DFT operator: 18.5 microseconds a spectrum, 16 at once; 19.3, 600 at once
    products: 6.3 microseconds a spectrum, 16 at once; 7.7, 600 at once

Reading: live, where a face is made, the exported model takes less than half of torch's time, and it is ready fourteen
times sooner; offline torch's FFT and cache blocks win, both hundreds of times faster than the sound. The p99 is that of
a machine which others use, too. The frame model computes 13 frames of log-mel for each frame: its offline RTF is 0.02.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from koekao.animation import Animator, animate
from koekao.animation.engine import Engine
from koekao.animation.torch_engine import TorchEngine
from koekao.export import export_onnx
from koekao.export.fourier import PowerSpectrum
from koekao.export.parity import made_sound
from koekao.models import FaceModel, build, save_model
from koekao.runtime import OnnxEngine

RATE = 16_000
WITH_ONNX = """
import numpy as np, koekao.runtime
live = koekao.runtime.load({path!r})
while not len(live.push(np.zeros(533, np.float32))): pass
"""
WITH_TORCH = """
import numpy as np
from koekao.animation import Animator
from koekao.models import load_model
live = Animator(load_model({path!r})[0])
while not len(live.push(np.zeros(533, np.float32))): pass
"""


def fitted(name: str) -> FaceModel:
    """A model whose features know some sound, so that its numbers are of the usual size."""
    torch.manual_seed(0)
    model = build(name, {})
    model.fit_features(lambda: [made_sound(10 * RATE, RATE, np.random.default_rng(1))])
    return model.eval()


def rtf(engine: Engine, sound: NDArray[np.float32]) -> float:
    """Seconds of work a second of sound."""
    began_s = time.perf_counter()
    animate(engine, sound)
    return (time.perf_counter() - began_s) / (len(sound) / RATE)


def live_ms(engine: Engine, sound: NDArray[np.float32], n_frames: int) -> NDArray[np.float64]:
    """What each of ``n_frames`` frames takes when its sound has come, ms; the first ten are not counted."""
    live, took = Animator(engine), []
    for frame in range(n_frames + 10):
        piece = sound[live.clock.frame_start(frame) : live.clock.frame_start(frame + 1)]
        began_s = time.perf_counter()
        live.push(piece)
        took.append(time.perf_counter() - began_s)
    return 1e3 * np.array(took[10:])


def cold_s(code: str, path: Path) -> float:
    """A fresh process to its first frame, median of 5."""
    took = []
    for _ in range(5):
        began_s = time.perf_counter()
        subprocess.run([sys.executable, "-c", code.format(path=str(path))], check=True)
        took.append(time.perf_counter() - began_s)
    return statistics.median(took)


class _Fft(torch.nn.Module):
    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft(pieces)
        power: torch.Tensor = spectrum.real.square() + spectrum.imag.square()
        return power


def spectra_us(module: torch.nn.Module, n: int) -> float:
    """Microseconds a piece of 1024 samples in onnxruntime, ``n`` at once, median of 50."""
    pieces = torch.randn(n, 1024)
    program = torch.onnx.export(module, (pieces,), dynamo=True, dynamic_shapes=({0: "n"},), verbose=False)
    if program is None:
        raise ValueError("no graph")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    data = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: pieces.numpy()}
    took = []
    for _ in range(50):
        began_s = time.perf_counter()
        session.run(None, given)
        took.append(time.perf_counter() - began_s)
    return 1e6 * statistics.median(took) / n


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="stream")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the sound that is animated offline")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = fitted(options.model)
    sound = made_sound(int(options.minutes * 60 * RATE), RATE, np.random.default_rng(2))
    with tempfile.TemporaryDirectory() as folder:
        path, weights = Path(folder) / "model.onnx", Path(folder) / "model.safetensors"
        done = export_onnx(model, path)
        save_model(model, weights)
        print(f"{options.model}: {done.n_bytes / 1e6:.2f} MB, largest difference {done.largest_difference:.1g}")
        engines: dict[str, Any] = {"torch": TorchEngine(model), "onnxruntime": OnnxEngine(path)}
        shares: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(options.rounds):
            for name, engine in engines.items():
                shares[name].append(rtf(engine, sound))
        live = {name: live_ms(engine, sound, 1000) for name, engine in engines.items()}
        cold = {"torch": cold_s(WITH_TORCH, weights), "onnxruntime": cold_s(WITH_ONNX, path)}
    for name in engines:
        p50, p99 = np.percentile(live[name], [50, 99])
        share = statistics.median(shares[name])
        print(f"{name}: offline RTF {share:.5f}; live ms a frame p50 {p50:.2f}, p99 {p99:.2f}; cold {cold[name]:.2f} s")
    spectra: dict[str, Callable[[], torch.nn.Module]] = {"DFT operator": _Fft, "products": lambda: PowerSpectrum(1024)}
    for name, make in spectra.items():
        few, many = spectra_us(make(), 16), spectra_us(make(), 600)
        print(f"{name}: {few:.1f} microseconds a spectrum, 16 at once; {many:.1f}, 600 at once")


if __name__ == "__main__":
    main()

"""Question: does what is killed again and again end as what is left alone, and does an hour of live sound hold?

Command: python benchmarks/soak.py [--minutes 20] [--hours 1] [--seed 0]; ``KOEKAO_SOAK_MINUTES`` says the same.

- **Runs**: a run is trained to its end by one process. Then the same run by many, each of which is killed (SIGKILL) at
  a moment drawn at random, mostly while it trains, and gone on with by the next. A checkpoint follows each step. At the
  end all tensors of the last checkpoint have to be equal, to the bit, and the best weights to the byte. Round after
  round, each with another trainer and other seeds, for as long as was asked for.
- **Live**: sound at 44.1 kHz, over and over, in blocks of 10 ms, through resampling, the model and an animator's
  controls, as fast as it goes. Frames are counted against the clock of the samples, every curve has to be finite and in
  0..1, and memory may grow by no more than 2 MB after the first tenth.

Result (2 minutes, other work on both cores): 3 rounds, 41 kills, every tensor equal; an hour of sound: see the README.

Reading: it ends with 1 and says where if anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from koekao.animation.torch_engine import TorchEngine
from koekao.controls import ControlSettings
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.live.performance import Performances
from koekao.models import build
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_take, make_takes
from koekao.takes.take import as_float
from koekao.training import TrainConfig, Trainer, trainer

STEPS = 60
MOST_GROWN_BYTES = 2_000_000
SETTINGS: dict[str, dict[str, Any]] = {
    "sequential": {
        "model": {"dim": 16, "dilations": (2, 1), "dropout": 0.3, "noise": 0.2},
        "batch_size": 4,
        "n_streams": 2,
        "window_frames": 24,
        "initial_stride": 8,
        "final_stride": 5,
    },
    "clips": {"model": {"dim": 16, "future_frames": 2, "dropout": 0.3}, "batch_size": 16, "clip_s": 0.8},
    "stream": {
        "model": {"dim": 16, "channels": 4, "dilations": (1, 2), "dropout": 0.3},
        "batch_size": 4,
        "window_frames": 24,
        "hop_frames": 6,
    },
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("KOEKAO_SOAK_MINUTES", "20")))
    parser.add_argument("--hours", type=float, default=1.0, help="of live sound")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        train(*args.train)
        return 0
    differ = live(args.hours)
    with tempfile.TemporaryDirectory() as folder:
        differ += runs(Path(folder), args.minutes, args.seed)
    for line in differ:
        print("DIFFERS:", line)
    return bool(differ)


def train(corpus: str, run: str, name: str, seed: str) -> None:
    """Train a run to its end, or go on with it; what the rounds start and kill."""
    torch.set_num_threads(1)
    trainer._SAVE_EVERY_S = -1.0
    basics: dict[str, Any] = {
        "trainer": name,
        "epochs": 1000,
        "max_steps": STEPS,
        "num_workers": 1,
        "device": "cpu",
        "plots": False,
    }
    config = TrainConfig(**basics | SETTINGS[name] | {"seed": int(seed), "validations": 3})
    Trainer(Corpus.open(corpus), run, config, resume=(Path(run) / "run.json").is_file()).fit()


def runs(folder: Path, minutes: float, seed: int) -> list[str]:
    """Rounds of one run left alone and one that is killed; what differed between them."""
    until_s, rng, differ = time.monotonic() + 60 * minutes, np.random.default_rng(seed), list[str]()
    pack_takes(make_takes(6, seconds=(2, 4), seed=1), folder / "corpus", PackConfig(val=("ken_10003",)))
    kills = rounds = 0
    for number, name in enumerate(itertools.cycle(SETTINGS)):
        if number and time.monotonic() > until_s:
            break
        alone, killed = folder / f"{number}-alone", folder / f"{number}-killed"
        began_s = time.monotonic()
        started(folder, alone, name, seed + number).wait()
        took_s = time.monotonic() - began_s
        here = 0
        while (process := started(folder, killed, name, seed + number)).poll() is None:
            try:
                process.wait(float(rng.uniform(0.2, 1.1)) * took_s)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                here += 1
        found = differences(alone, killed) if process.returncode == 0 else [f"ended with {process.returncode}"]
        differ += [f"round {number}, {name}: {what}" for what in found]
        kills, rounds = kills + here, rounds + 1
        told = "every tensor equal" if not found else f"{len(found)} differ"
        print(f"round {number}: {name}, {STEPS} steps, {here} kills, {told}", flush=True)
    print(f"runs: {rounds} rounds, {kills} kills", flush=True)
    return differ


def started(folder: Path, run: Path, name: str, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", __file__, "--train", str(folder / "corpus"), str(run), name, str(seed)]
    return subprocess.Popen(command)


def differences(alone: Path, killed: Path) -> list[str]:
    """What is not equal between the last checkpoints and the best weights; and what nobody swept."""
    (mine, my_header), (theirs, their_header) = (read_tensors(run / "last.safetensors") for run in (alone, killed))
    found = [key for key in mine.keys() | theirs.keys() if key not in mine or key not in theirs]
    found += [key for key in mine.keys() & theirs.keys() if not torch.equal(mine[key], theirs[key])]
    for header in (my_header, their_header):
        header["progress"].pop("seconds")
    if my_header != their_header:
        found.append("the header")
    if my_header["progress"]["step"] != STEPS:
        found.append(f"step {my_header['progress']['step']}")
    if (alone / "best.safetensors").read_bytes() != (killed / "best.safetensors").read_bytes():
        found.append("best.safetensors")
    return found + [f"left over: {path.name}" for path in killed.rglob(".*")]


def live(hours: float) -> list[str]:
    """So many hours of sound through a face, as fast as it goes; what did not hold."""
    torch.set_num_threads(1)
    rate, model = 44_100, build("stream", {})
    sound = as_float(make_take(5, seconds=60).audio)
    model.fit_features(lambda: [sound])
    at_rate = np.interp(np.arange(60 * rate) * 16_000 / rate, np.arange(len(sound)), sound).astype(np.float32)
    engine = TorchEngine(model)
    performance = Performances(engine=engine, controls=ControlSettings(), fps=Fraction(60)).at(rate)
    n_blocks, n_frames, began_s = int(hours * 360_000), 0, time.monotonic()
    before_bytes, differ = 0, list[str]()
    for number, block in enumerate(itertools.islice(blocks(at_rate, rate // 100), n_blocks)):
        played = performance.push(block)
        if len(played.curves):
            inside = np.isfinite(played.curves).all() and played.curves.min() >= 0 and played.curves.max() <= 1
            if played.first_frame != n_frames or not inside or not np.isfinite(played.pose).all():
                differ.append(f"live: frame {played.first_frame} at {number / 100} s")
                break
            n_frames += len(played.curves)
        if number == n_blocks // 10:
            before_bytes = memory_bytes()
    grown = memory_bytes() - before_bytes
    n_frames += len(performance.finish().curves)
    expected = -(-n_blocks * 60 // 100)
    if abs(n_frames - expected) > 1:
        differ.append(f"live: {n_frames} frames, expected {expected}")
    if grown > MOST_GROWN_BYTES:
        differ.append(f"live: memory grew by {grown / 1e6:.1f} MB")
    took_s = time.monotonic() - began_s
    told = f"{n_frames:,} frames, memory grown by {grown / 1e6:.2f} MB, {hours * 3600 / took_s:.0f} times real time"
    print(f"live: {hours:g} h of sound at 44.1 kHz to 60 fps: {told}", flush=True)
    return differ


def blocks(sound: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The sound over and over."""
    while True:
        yield from (sound[i : i + size] for i in range(0, len(sound) - size + 1, size))


def memory_bytes() -> int:
    """What this process has taken for itself; its share of the libraries' pages depends on what else runs."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


if __name__ == "__main__":
    sys.exit(main())

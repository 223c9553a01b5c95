"""Question: do two processes train twice as fast as one, each with one thread?

Command: python benchmarks/ddp.py [--trainer stream sequential clips] [--steps 120] [--rounds 5] [--takes 24]

Three ways, one after the other, round after round, each with one thread a process and the same rows a process (so the
batch of two processes is twice that of one: *weak scaling*; ``--same-batch`` divides one batch among them instead):

- **one**: one process by itself;
- **strangers**: two such processes at the same time that know nothing of each other: what the machine gives two at
  most, with its caches and memory shared;
- **ranks**: two processes of one run, started by torchrun, which add up losses and gradients.

Frames that a model was shown in a second, counted on the first rank from step 20 on; the share of that time that it
waited for data; and the share that it waited for the other rank or was sending. Medians over the rounds. *Efficiency*
is ranks / (2 x one); of what the machine gave: ranks / strangers. Load before and after is printed: on a busy machine
``one`` has a core while ``ranks`` share one, and all of it is worth little.

Result, reading: docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from koekao.batches import Batch
from koekao.batches.position import this_rank
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer, distributed, ridge
from koekao.training.parts import Parts

WARM_STEPS = 20
ROWS = {"stream": 16, "sequential": 16, "clips": 64}
"""Rows a process: a batch of the stream trainer as it is; fewer than the others' defaults, for a step of some 0.1 s."""
WAYS = {"one": (1, 1), "strangers": (2, 1), "ranks": (1, 2)}
"""How many runs at once, and how many processes each has."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", nargs="*", choices=list(ROWS), default=["stream", "sequential"])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--takes", type=int, default=24)
    parser.add_argument("--same-batch", action="store_true", help="the same rows a step on one and on two")
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.train:
        train(*args.train)
        return 0
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        pack_takes(make_takes(args.takes, seconds=(15, 30), seed=3), corpus, PackConfig(val=0.0))
        for name in args.trainer:
            print_table(name, compared(Path(folder), name, args), args)
    print(f"load after: {os.getloadavg()[0]:.1f}", flush=True)
    return 0


def compared(folder: Path, name: str, args: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """What each way measured, round by round; the ways take turns."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for number in range(args.rounds):
        for way, (n_runs, n_ranks) in WAYS.items():
            rows = ROWS[name] * (2 if args.same_batch or n_ranks == 2 else 1)
            config = {"trainer": name, "batch_size": rows, "max_steps": args.steps, "model": {}}
            if name == "sequential":
                config["n_streams"] = rows // 4
            paths = [folder / f"{name}-{number}-{way}-{run}" for run in range(n_runs)]
            processes = [started(folder / "corpus", path, config, n_ranks) for path in paths]
            if any(process.wait() for process in processes):
                raise SystemExit(f"{way} of {name} did not come to its end")
            runs = [json.loads(path.with_suffix(".json").read_text("utf-8")) for path in paths]
            both = {key: statistics.mean(run[key] for run in runs) for key in runs[0]}
            both["frames_per_s"] = sum(run["frames_per_s"] for run in runs)
            found[way].append(both)
    return found


def started(corpus: Path, path: Path, config: dict[str, Any], n_ranks: int) -> subprocess.Popen[bytes]:
    path.with_suffix(".config.json").write_text(json.dumps(config), "utf-8")
    launch = ["-m", "torch.distributed.run", f"--nproc-per-node={n_ranks}", "--master-port", str(free_port())]
    words = [*(launch if n_ranks > 1 else []), __file__, "--train", str(corpus), str(path)]
    return subprocess.Popen([sys.executable, "-W", "ignore", *words], env=os.environ | {"OMP_NUM_THREADS": "1"})


def free_port() -> int:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        return int(here.getsockname()[1])


def print_table(name: str, found: dict[str, list[dict[str, float]]], args: argparse.Namespace) -> None:
    def median(way: str, key: str) -> float:
        return statistics.median(each[key] for each in found[way])

    same = f"{ROWS[name]} rows a process" if not args.same_batch else f"{2 * ROWS[name]} rows a step"
    print(f"\n{name}, {same}, {args.steps - WARM_STEPS} steps, {args.rounds} rounds, medians\n")
    print("| | frames/s | step, ms | waits for data | waits for the other | CPU ms a step |")
    print("|---|---:|---:|---:|---:|---:|")
    for way in WAYS:
        cells = f"{median(way, 'frames_per_s'):,.0f} | {1000 * median(way, 'step_s'):.1f}"
        cells += f" | {median(way, 'data'):.1%} | {median(way, 'other'):.1%} | {1000 * median(way, 'cpu_s'):.1f}"
        print(f"| {way} | {cells} |")
    ones, ranks, strangers = (median(way, "frames_per_s") for way in ("one", "ranks", "strangers"))
    by_round = [two["frames_per_s"] / one["frames_per_s"] / 2 for one, two in zip(found["one"], found["ranks"])]
    print(f"\nefficiency {ranks / ones / 2:.2f} (rounds {min(by_round):.2f} to {max(by_round):.2f});", end=" ")
    print(f"{ranks / strangers:.2f} of what the machine gives two strangers", flush=True)


# One of the processes


class Watched(Trainer):
    """Trains, and keeps an account of its time after the first steps."""

    waited_s = other_s = 0.0
    frames = 0

    def _prepare(self) -> Parts:
        parts = super()._prepare()
        parts.loader = Waiting(parts.loader, self)  # type: ignore[assignment]
        return parts

    def _hear(self, batch: Batch) -> None:
        super()._hear(batch)
        self.frames += len(batch["valid_frames"]) * self.config.window_frames

    def _step(self) -> tuple[bool, ...]:
        wishes = super()._step()
        if self.step == WARM_STEPS:
            self.waited_s = self.other_s = 0.0
            self.frames, self.from_s, self.from_cpu_s = 0, time.perf_counter(), time.process_time()
        if self.step == self.n_steps:
            took_s, n_steps = time.perf_counter() - self.from_s, self.step - WARM_STEPS
            self.account = {
                "frames_per_s": self.frames * this_rank(None, None)[1] / took_s,
                "step_s": took_s / n_steps,
                "data": self.waited_s / took_s,
                "other": self.other_s / took_s,
                "cpu_s": (time.process_time() - self.from_cpu_s) / n_steps,
            }
        return wishes


class Waiting:
    """A loader whose batches are waited for with a watch in hand."""

    def __init__(self, loader: Any, trainer: Watched) -> None:
        self._loader, self._trainer = loader, trainer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        batches = iter(self._loader)
        while True:
            began_s = time.perf_counter()
            batch = next(batches, None)
            self._trainer.waited_s += time.perf_counter() - began_s
            if batch is None:
                return
            yield batch


@contextmanager
def watching_the_other(trainer: Watched) -> Iterator[None]:
    """Count the time inside collectives: what is sent, and what is waited for."""

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            began_s = time.perf_counter()
            try:
                return call(*given)
            finally:
                trainer.other_s += time.perf_counter() - began_s

        return timed

    distributed._reduced, before = watched(distributed._reduced), distributed._reduced
    try:
        yield
    finally:
        distributed._reduced = before


def train(corpus_path: str, path: str) -> None:
    torch.set_num_threads(1)
    ridge.PAST_FRAMES = 1
    settings: dict[str, Any] = json.loads(Path(path).with_suffix(".config.json").read_text("utf-8"))
    config = TrainConfig(epochs=1000, validations=1, device="cpu", plots=False, seed=1, **settings)
    with distributed.together():
        trainer = Watched(Corpus.open(corpus_path), path, config)
        with watching_the_other(trainer):
            trainer.fit()
        if distributed.is_first():
            Path(path).with_suffix(".json").write_text(json.dumps(trainer.account), "utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""Question: how fast does koekao deliver batches, beside the loaders of the field and beside what the machine can do?

Command, all of it (35 minutes on 2 idle cores), and a part of it:

    python benchmarks/loaders.py
    python benchmarks/loaders.py --peers koekao,memmap,limit-c --workloads clips --rounds 5

Every contestant delivers the same: float32 sound [B, N], float32 curves [B, T, 52], take and start frame of each row,
of the same takes. First each is compared with wav and jsonl, bit for bit, and tuned: 0, 1, 2, 4 workers, once for
speed and once for the wait beside a training step (on ``streams-8`` for all streams, and on ``clips``). Then come the
rounds, each contestant once a round, always in a fresh process under the same rules: one thread for torch, its files
read from the disk before so that they lie in the page cache, the same warm-up, the same seconds. For speed all
contestants of a round stand ready and take turns of 0.2 s, so that each meets the machine's fast and slow moments
alike; a round's figure is the median of its turns, a table's the median of the rounds.

Result: raw runs in WORK/results.json (parts are merged into it), tables in docs/benchmarks.md between the markers,
pictures in docs/benchmarks-loaders.svg and .png.

Reading: *of the limit* is against one thread that converts int16 to float32 into one buffer (``limits.py``). *First
batch* is from the start of the process, less its ``import torch``. *Memory* is the peak of anonymous and shared memory
of all processes, less what torch alone has. *Wait* is how long ``next`` took (median / 99 %) between training steps of
5 ms: asleep, as if another device worked, and multiplying matrices.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chart import draw
from contestant import Task
from contestants import CONTESTANTS, Contestant
from recordings import make_recordings, names_of
from results import Run, figures, merged, read_runs, write_runs
from stores import STORES
from tables import page, put_between_markers
from turns import SAME_FOR_ALL, in_fresh_process, in_turns
from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
TUNING_S, TUNING_STEPS, VERIFIED_BATCHES, WAIT_STEPS = 0.4, 30, 2, 120
TURN_S = 0.2
MADE = "64 takes made from a seed"
DRAWN = {"streams-8": "streams: 4 × 256 frames, stride 8", "clips": "clips: 16 × 10 s, shuffled"}


@dataclass(frozen=True, kw_only=True)
class Session:
    """One call of this program: what is measured, on which takes, for how long."""

    id: str
    corpus: str
    takes: Path
    stores: Path
    contestants: tuple[Contestant, ...]
    workloads: tuple[str, ...]
    seconds: float
    rounds: int

    def task(self, name: str, workload: str, workers: int) -> Task:
        return Task(name=name, workload=workload, workers=workers, stores=str(self.stores), takes=str(self.takes))

    def run(self, task: Task, phase: str, round: int = 0) -> Run:
        """One fresh process; what it found, or its last words as ``error``."""
        self._bring_into_cache(task)
        return self._told(task, phase, round, in_fresh_process(task))

    def run_in_turns(self, tasks: list[Task], phase: str, round: int) -> list[Run]:
        """A fresh process each, which take turns."""
        for task in tasks:
            self._bring_into_cache(task)
        everything = in_turns(tasks, max(1, int(self.seconds / TURN_S + 0.5)))
        return [self._told(task, phase, round, found) for task, found in zip(tasks, everything)]

    def _bring_into_cache(self, task: Task) -> None:
        bring_into_cache([self.stores / name for name in CONTESTANTS[task.name].reads])

    def _told(self, task: Task, phase: str, round: int, found: dict[str, Any]) -> Run:
        place = {"session": self.id, "corpus": self.corpus, "phase": phase, "round": round}
        run = {**place, "name": task.name, "workload": task.workload, "workers": task.workers, **found}
        print(_said(run), flush=True)
        return run

    @property
    def tuned_on(self) -> dict[str, str]:
        """The workload that each workload's number of workers is chosen on."""
        streams = [name for name in self.workloads if name != "clips"]
        on = "streams-8" if "streams-8" in streams else streams[0] if streams else ""
        return {name: name if name == "clips" else on for name in self.workloads}


def bring_into_cache(folders: list[Path]) -> None:
    """Read every file once, so that no contestant waits for the disk."""
    buffer = bytearray(1 << 23)
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def read_anew(folders: list[Path]) -> None:
    """Let the page cache forget every file and read it from the disk, as it is read after a machine was started.

    A file that lies in the cache since it was written lies there in small pieces, and one that was read in large ones:
    windows from here and there then take a quarter less time. Stores are written at different times and in different
    ways, so all are read in the same way. Where the system cannot forget a file it stays as it is.
    """
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        with path.open("rb") as file:
            if hasattr(os, "posix_fadvise"):
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    bring_into_cache(folders)


def _said(run: Run) -> str:
    where = f"{run['phase']:6} {run['round']} {run['workload']:10} {run['name']:24} {run['workers']} workers"
    if "error" in run:
        return f"{where}  could not run: {run['error']}"
    speed = f"  {run['windows_per_s']:>9,.0f} windows/s" if "windows_per_s" in run else ""
    wait = f"  wait {1e3 * statistics.median(run['wait_sleep_s']):.2f} ms" if "wait_sleep_s" in run else ""
    return where + speed + wait


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Numbers of workers that were found best."""

    for_speed: int
    for_wait: int


def verify_and_tune(session: Session) -> tuple[list[Run], dict[tuple[str, str], Choice]]:
    """Compare every contestant with the files, and choose its workers for each workload.

    A contestant that cannot run a workload, or delivers anything else than the files hold, has no choice for it.
    """
    runs: list[Run] = []
    choices: dict[tuple[str, str], Choice] = {}
    ahead = sorted(session.workloads, key=lambda name: session.tuned_on[name] != name)  # tuned ones first
    for contestant in session.contestants:
        for workload in ahead:
            tuned_on = session.tuned_on[workload]
            if workload == tuned_on:
                tried = list(_tried(session, contestant, workload))
            elif (contestant.name, tuned_on) in choices:
                choice = choices[contestant.name, tuned_on]
                task = session.task(contestant.name, workload, choice.for_speed)
                tried = [session.run(replace(task, warm_up_s=0, verify_batches=VERIFIED_BATCHES), "verify")]
            else:
                continue
            runs += tried
            if good := [run for run in tried if "error" not in run]:
                choices[contestant.name, workload] = (
                    _best(good) if workload == tuned_on else choices[contestant.name, tuned_on]
                )
    return runs, choices


def _tried(session: Session, contestant: Contestant, workload: str) -> Iterator[Run]:
    """One short run for each number of workers; where there is but one, only the comparison with the files."""
    tuned = len(contestant.workers) > 1
    for workers in contestant.workers:
        task = session.task(contestant.name, workload, workers)
        task = replace(task, verify_batches=VERIFIED_BATCHES)
        if tuned:
            task = replace(task, seconds=TUNING_S, wait_steps=TUNING_STEPS)
        yield session.run(task, "verify")


def _best(tried: list[Run]) -> Choice:
    if len(tried) == 1:
        return Choice(for_speed=tried[0]["workers"], for_wait=tried[0]["workers"])
    fastest = max(tried, key=lambda run: run["windows_per_s"])
    readiest = min(tried, key=lambda run: statistics.mean(run["wait_sleep_s"] + run["wait_matmul_s"]))
    return Choice(for_speed=fastest["workers"], for_wait=readiest["workers"])


def rounds(session: Session, choices: dict[tuple[str, str], Choice]) -> Iterator[Run]:
    """Every contestant once a round: speed, all in turns, then the wait where workers were chosen for it."""
    for round in range(1, session.rounds + 1):
        for workload in session.workloads:
            chosen = {c: choices[c.name, workload] for c in session.contestants if (c.name, workload) in choices}
            tasks = [session.task(c.name, workload, choice.for_speed) for c, choice in chosen.items()]
            yield from session.run_in_turns([replace(task, seconds=session.seconds) for task in tasks], "speed", round)
            for contestant, choice in chosen.items():
                if workload in session.tuned_on.values() and contestant.kind != "limit":
                    task = session.task(contestant.name, workload, choice.for_wait)
                    yield session.run(replace(task, wait_steps=WAIT_STEPS), "wait", round)


def prepare(session: Session) -> None:
    """Make the takes and the stores that are missing, each store in a process of its own; koekao's always anew."""
    if session.corpus == MADE:
        make_recordings(session.takes)
    shutil.rmtree(session.stores / "koekao", ignore_errors=True)  # its format and packing are what is developed here
    for name in STORES:
        if any(name in contestant.reads for contestant in session.contestants) and not (session.stores / name).exists():
            print(f"store  {name}", flush=True)
            arguments = [str(HERE / "stores.py"), str(session.takes), str(session.stores), name]
            made = subprocess.run([sys.executable, *arguments], env=os.environ | SAME_FOR_ALL, check=False)
            if made.returncode:
                print(f"store  {name} could not be made; who reads it will say so", flush=True)
    read_anew([session.stores / name for name in sorted({name for c in session.contestants for name in c.reads})])


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    versions = {name: version(name) for name in ("torch", "numpy", "numba")}
    return {"CPU": f"{names[0] if names else platform.machine()} × {os.cpu_count()}", **versions}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", default=",".join(CONTESTANTS), help="who takes part; default: all of %(default)s")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=1.4, help="timed seconds a run, in turns of 0.2")
    parser.add_argument("--rounds", type=int, default=3, help="at least 3 for a figure to be published")
    parser.add_argument("--takes", type=Path, help="a folder of wav and jsonl to measure on, instead of made takes")
    parser.add_argument("--work", type=Path, default=Path("out/benchmarks"), help="takes, stores and raw results")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/ as it is")
    return parser.parse_args()


def _named(text: str, known: dict[str, Any], what: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no {what} {', '.join(unknown)}; there are: {', '.join(known)}")
    return names


def main() -> None:
    options = arguments()
    corpus, folder = MADE, options.work / "made"
    if options.takes is not None:
        corpus = f"{len(names_of(options.takes))} recorded takes ({options.takes.name})"
        folder = options.work / options.takes.resolve().name
    session = Session(
        id=time.strftime("%Y-%m-%dT%H:%M:%S"),
        corpus=corpus,
        takes=(options.takes or folder / "takes").resolve(),
        stores=(folder / "stores").resolve(),
        contestants=tuple(CONTESTANTS[name] for name in _named(options.peers, CONTESTANTS, "contestant")),
        workloads=tuple(_named(options.workloads, WORKLOADS, "workload")),
        seconds=options.seconds,
        rounds=options.rounds,
    )
    folder.mkdir(parents=True, exist_ok=True)
    prepare(session)
    path, on = options.work / "results.json", machine()
    runs, choices = verify_and_tune(session)
    for run in rounds(session, choices):
        runs.append(run)
        write_runs(path.with_name("unmerged.json"), runs, on)  # what a broken-off run leaves
    everything = merged(read_runs(path), runs)
    write_runs(path, everything, on)
    text = page(everything, on)
    print(text)
    if not options.no_docs:
        put_between_markers(DOCS / "benchmarks.md", "loaders", text)
        drawn = {title: rows for name, title in DRAWN.items() if (rows := figures(everything, MADE, name))}
        if drawn:
            draw(drawn, DOCS / "benchmarks-loaders")


if __name__ == "__main__":
    main()

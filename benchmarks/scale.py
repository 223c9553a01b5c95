"""How do opening a corpus and planning an epoch of it grow with the takes, up to ten thousand hours?

    python benchmarks/scale.py [--takes 1200 12000 120000 1200000] [--shard-mb 256] [--markdown] [--folder SPACE]

For each size a corpus is simulated (30 s a take, 30 fps, 16 kHz; shards are holes, so 1.4 TB cost no disk) and opened
in a fresh process that loads no torch. `write` is the simulation. `open` is Corpus.open, wall and CPU; `peak` is the
largest resident memory of that process, of which `libraries` were there before it opened anything; `private` is what
it shares with nobody afterwards. `open + plan` adds an epoch of streams at stride 1 and `peak then` is that process';
`batch` is one from the middle of the epoch by its number, `resume` a position taken up there, `then batch` its first.
`plan us, 1 of W` is the CPU of one rank for planning one of its batches (4 rows) where W ranks train, far on in the
epoch. `node` is one of 100 nodes that read an epoch, each its own hundredth of the rows: how many GB of shards it
touches, and how many GB its own takes are. docs/scale.md holds the tables and what they mean.

Result on 2 cores of an AMD EPYC, Python 3.11, pyarrow 26 (MB are 10**6 bytes):

                         1,200      12,000     120,000   1,200,000      growth
    write s              0.017       0.075       0.097       1.407       x80.7
    hours               10.027     100.004     999.992   10000.467      x997.4
    TB                   0.001       0.014       0.138       1.379      x997.4
    open s               0.002       0.005       0.024       0.227       x94.5
    open CPU s           0.002       0.005       0.024       0.224       x93.3
    peak MB             83.472      84.435      95.506     202.584        x2.4
    libraries MB        74.895      74.801      74.768      74.858        x1.0
    private MB          34.595      35.639      46.580     153.936        x4.4
    open + plan s        0.029       0.046       0.063       0.398       x13.7
    peak MB then       136.253     137.986     152.756     281.661        x2.1
    batches M            0.194       1.935      19.350     193.513      x995.6
    batch ms             7.323       7.718       7.464       6.997        x1.0
    resume ms            0.055       0.057       0.085       0.371        x6.7
    then batch ms        2.387       2.160       2.244       1.269        x0.5
    state B            511.000     513.000     515.000     517.000        x1.0

Reading: opening is linear in takes, 0.17 microseconds of CPU each: a third of it is reading 100 MB of index, a third
their SHA-256, a third 5,376 shards (JSON, and a look at the size of each). Memory grows by 110 bytes a take for the
corpus, the bytes of the index itself, and by 22 for a plan of it; 53 MB of the plan's process are the linker's library.
A batch costs the same in all: half of it is page faults of memory that is touched for the first time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FRAMES_A_TAKE, SPREAD_FRAMES = 900, 100
RANKS, ROWS_A_RANK, LOOKS, NODES = (1, 8, 64, 800), 4, 4, 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takes", type=int, nargs="+", default=[1_200, 12_000, 120_000, 1_200_000])
    parser.add_argument("--shard-mb", type=float, default=256.0, help="size of a shard, 10**6 bytes")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/scale.md")
    parser.add_argument("--folder", type=Path, help="where corpora are simulated; it must know sparse files")
    parser.add_argument("--step", choices=[step.__name__ for step in STEPS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        step = next(step for step in STEPS if step.__name__ == given.step)
        print(json.dumps(step(given.folder, given.takes[0], int(given.shard_mb * 1e6))))
        return
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="scale-") as space:
        rows = [measure(Path(space) / str(n_takes), n_takes, given.shard_mb) for n_takes in given.takes]
    (print_markdown if given.markdown else print_growth)(rows)


def measure(folder: Path, n_takes: int, shard_mb: float) -> dict[str, float]:
    """Every step on a corpus of so many takes, each in a process of its own."""
    row: dict[str, float] = {"takes": n_takes}
    for step in STEPS:
        command = [sys.executable, __file__, "--step", step.__name__, "--folder", str(folder), "--takes", str(n_takes)]
        command += ["--shard-mb", str(shard_mb)]
        row |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row


def write(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    from koekao.testing.simulated import simulate_corpus

    clocked = Stopwatch()
    simulate_corpus(folder, n_takes, FRAMES_A_TAKE, spread_frames=SPREAD_FRAMES, shard_bytes=shard_bytes)
    return {"write s": clocked.wall_s}


def open_corpus(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    from koekao.corpus import Corpus

    libraries_mb, clocked = peak_mb(), Stopwatch()
    corpus = Corpus.open(folder)
    row = {"open s": clocked.wall_s, "open CPU s": clocked.cpu_s, "peak MB": peak_mb(), "libraries MB": libraries_mb}
    if "torch" in sys.modules or len(corpus) != n_takes:
        raise SystemExit("this is not what was to be measured")
    shards = corpus.files.header.shards
    size = {"hours": corpus.seconds / 3600, "TB": sum(shard.bytes for shard in shards) / 1e12}
    return size | row | {"private MB": private_mb()}


def plan_epoch(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    """Open, plan an epoch of streams at stride 1, and still no torch."""
    from koekao.corpus import Corpus
    from koekao.windows import Grid, StreamPlan, StridePolicy

    clocked = Stopwatch()
    corpus = Corpus.open(folder)
    grid = Grid.of(corpus.n_frames, window_frames=256, policy=StridePolicy())
    plan = StreamPlan(grid, batch_size=4, n_streams=2)
    row = {"open + plan s": clocked.wall_s, "peak MB then": peak_mb(), "batches M": plan.n_batches / 1e6}
    if "torch" in sys.modules:
        raise SystemExit("this is not what was to be measured")
    return row


def find_batch(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    """One batch far on in the epoch by its number, and one by resuming there in another loader."""
    import koekao

    corpus = koekao.open(folder)
    loader, again = corpus.streams(), corpus.streams()
    far = len(loader) * 50 // 194  # number 50 million of the 194 million that 10,000 hours have
    loader.batch(0)
    found = Stopwatch()
    loader.batch(far)
    row = {"batch ms": 1e3 * found.wall_s}
    state = loader.state_dict() | {"batch": far}
    resumed = Stopwatch()
    again.load_state_dict(state)
    row["resume ms"] = 1e3 * resumed.wall_s
    next(iter(again))
    return row | {"then batch ms": 1e3 * resumed.wall_s - row["resume ms"], "state B": len(json.dumps(state))}


def plan_ranks(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    """What planning costs one rank a step, however many ranks there are."""
    from koekao.corpus import Corpus
    from koekao.windows import Grid, StreamPlan, StridePolicy

    corpus, row = Corpus.open(folder), {}
    grid = Grid.of(corpus.n_frames, window_frames=256, policy=StridePolicy())
    for n_ranks in RANKS:
        plan = StreamPlan(grid, batch_size=ROWS_A_RANK * n_ranks, n_streams=2 * n_ranks)
        at_a_time, last = 256, slice(ROWS_A_RANK * (n_ranks - 1), ROWS_A_RANK * n_ranks)
        far = max(0, min(plan.n_batches // 2, plan.n_batches - LOOKS * at_a_time))
        plan.batches(far, 1, share=last)
        clocked = Stopwatch()
        for look in range(LOOKS):
            plan.batches(far + look * at_a_time, at_a_time, share=last)
        row[f"plan us, 1 of {n_ranks}"] = 1e6 * clocked.cpu_s / (LOOKS * at_a_time)
    return row


def shards_of_a_node(folder: Path, n_takes: int, shard_bytes: int) -> dict[str, float]:
    """What one of 100 nodes has to have on its disk in an epoch: whole shards, of which some takes are its own."""
    import numpy as np

    from koekao.corpus import Corpus
    from koekao.windows import Grid, StreamPlan, StridePolicy

    corpus = Corpus.open(folder)
    longest = int(corpus.n_frames.max())
    once = StridePolicy.of("sparse", initial_stride=longest, final_stride=1, max_epochs=1)
    grid = Grid.of(corpus.n_frames, window_frames=256, policy=once)
    plan = StreamPlan(grid, batch_size=ROWS_A_RANK * NODES, n_streams=2 * NODES)
    takes = np.unique(plan.batches(0, plan.n_batches, share=slice(0, ROWS_A_RANK)).take)
    takes = takes[takes >= 0]
    sizes = np.array([shard.bytes for shard in corpus.files.header.shards])
    own = corpus.n_samples[takes] * corpus.audio_dtype.itemsize + corpus.n_frames[takes] * (52 * 4 + 1)
    touched = np.unique(corpus.shard[takes])
    return {"shards": len(sizes), "node touches GB": sizes[touched].sum() / 1e9, "node's takes GB": own.sum() / 1e9}


STEPS: tuple[Callable[[Path, int, int], dict[str, float]], ...] = (
    *(write, open_corpus, plan_epoch, find_batch),
    *(plan_ranks, shards_of_a_node),
)
"""Each runs alone in a fresh process and gives columns of the table."""


class Stopwatch:
    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.perf_counter(), time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall_s

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._cpu_s


def peak_mb() -> float:
    """Largest resident memory of this process so far (Linux: ru_maxrss is in KiB)."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def private_mb() -> float:
    """Memory that no other process shares."""
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()]
    return sum(int(line[1]) for line in lines if line[0] in ("Private_Clean:", "Private_Dirty:")) * 1024 / 1e6


def print_growth(rows: list[dict[str, Any]]) -> None:
    """A column a size, and how much each row grew from the first size to the last."""
    first, last = rows[0], rows[-1]
    print(f"{'':14}" + "".join(f"{row['takes']:>12,}" for row in rows) + f"{'growth':>12}")
    for name in list(first)[1:]:
        values = "".join(f"{row[name]:>12.3f}" for row in rows)
        print(f"{name:14}{values}{'x' + format(last[name] / max(first[name], 1e-9), ',.1f'):>12}")


def print_markdown(rows: list[dict[str, Any]]) -> None:
    first, last = rows[0], rows[-1]
    print(
        "| | "
        + " | ".join(f"{row['takes']:,} takes" for row in rows)
        + " | growth |\n|---|"
        + "---:|" * (len(rows) + 1)
    )
    for name in list(first)[1:]:
        growth = f"x{last[name] / max(first[name], 1e-9):,.1f}"
        print(f"| {name} | " + " | ".join(f"{row[name]:,.3f}" for row in rows) + f" | {growth} |")


if __name__ == "__main__":
    main()

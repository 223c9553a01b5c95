"""How much faster than it was spoken does one core pack recordings (wav + jsonl) into a corpus?

    python benchmarks/packing.py                        # 64 takes of 60 to 180 s, curves by name
    python benchmarks/packing.py --curves bare          # the same curves as bare lists, read by a stated order
    python benchmarks/packing.py --takes-dir FOLDER     # takes of your own
    python benchmarks/packing.py --resume               # how fast finished shards are taken over after a kill

Everything runs in one process and is measured by its CPU time, imports left out. Beside ``pack`` runs a naive packer
that checks nothing, hashes nothing and is not safe from a kill: json.loads, soundfile.read, np.save.

RESULT (one of two cores of an AMD EPYC that others were using, Python 3.11, msgspec 0.22, pyarrow 26)

    64 takes, 7,631 s           koekao a core   naive a core   CPU time, naive to koekao
    curves by name                     3,353          1,279                         2.62
    bare lists                         4,985          1,999                         2.49
    5 real takes, 495 s                3,591          1,390                         2.58

    of koekao's, by name: curves 65 %, shards 23 %, sound 10 %, frames 4 % (measured in one more run)
    taken over: 59 takes, 7,172 s, in 1.3 s: 12,637 times real time a core, 4.4 times as fast as packing them

READING

An hour of recordings takes about a second of a core, with every value checked and every file hashed; the naive packer
spends in json.loads alone more than all that. By the clock it is what the disk does: on this busy machine 700 to 3,000
times real time, since a corpus is on the disk before it has its name. Two thirds of what is left are reading numbers
written as text. Taking over costs reading and hashing sources and shards once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import koekao.takes.load
from koekao.arkit import NAMES
from koekao.corpus import PackConfig, PackProgress, pack
from koekao.corpus.shards import ShardWriter
from koekao.outputs.folder import write_take
from koekao.takes import TakePolicies
from koekao.takes.synthetic.making import make_take

SHORTEST_S, LONGEST_S = 60.0, 180.0
RESUME_SHARD_BYTES = 32_000_000
"""For --resume, so that the standard takes make nine shards."""


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    words.add_argument("--takes", type=int, default=64, help="how many synthetic takes")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--curves", choices=("named", "bare"), default="named")
    words.add_argument("--takes-dir", type=Path, help="pack this folder instead of synthetic takes")
    words.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    words.add_argument("--resume", action="store_true", help="measure how finished shards are taken over")
    args = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="koekao-packing-") as folder:
        takes = args.takes_dir or make_takes(Path(folder, "takes"), args.takes, args.seed, args.curves)
        config = PackConfig(policies=TakePolicies(order="apple" if args.curves == "bare" else None), overwrite=True)
        pack(takes, Path(folder, "corpus"), config)  # for the imports, and to have the takes in the page cache
        measure = measure_resume if args.resume else measure_pack
        measure(takes, Path(folder), config, args.rounds)


def make_takes(folder: Path, n: int, seed: int, curves: str) -> Path:
    """Takes of 60 to 180 s, a function of the seed."""
    for i, seconds in enumerate(np.random.default_rng(seed).uniform(SHORTEST_S, LONGEST_S, n)):
        take = make_take(seed + i, seconds=float(seconds), name=f"take_{i:03}")
        write_take(folder, take.name, take.audio, take.sample_rate, take.curves, take.fps)
        if curves == "bare":
            path = folder / f"{take.name}.jsonl"
            frames = [json.loads(line) for line in path.read_text().splitlines()]
            bare = [frame | {"blendshapes": [frame["blendshapes"][name] for name in NAMES]} for frame in frames]
            path.write_text("".join(json.dumps(frame) + "\n" for frame in bare))
    return folder


def measure_pack(takes: Path, folder: Path, config: PackConfig, rounds: int) -> None:
    ours, naive = [], []
    for _ in range(rounds):  # turn by turn, so that a slow minute of the machine hits both
        ours.append(timed(lambda: pack(takes, folder / "corpus", config)))
        naive.append(timed(lambda: pack_naively(takes, folder / "naive")))
    cpu_s, wall_s = np.min(ours, axis=0)
    naive_cpu_s, naive_wall_s = np.min(naive, axis=0)
    with phases() as spent_s:
        report = pack(takes, folder / "corpus", config)
    s = report.seconds
    print(f"{report.packed} takes, {s:,.0f} s of recording, best of {rounds}; times real time:")
    print(f"  koekao  {s / cpu_s:6,.0f} a core, {s / wall_s:6,.0f} by the clock")
    print(f"  naive   {s / naive_cpu_s:6,.0f} a core, {s / naive_wall_s:6,.0f} by the clock")
    print(f"CPU time, naive to koekao: {naive_cpu_s / cpu_s:.2f}")
    print("of koekao's:", ", ".join(f"{name} {phase_s / cpu_s:.0%}" for name, phase_s in spent_s.items()))


def measure_resume(takes: Path, folder: Path, config: PackConfig, rounds: int) -> None:
    """Interrupt before the last take; go on, and interrupt again once what is finished has been taken over."""
    config = replace(config, shard_bytes=RESUME_SHARD_BYTES)
    ours, again = [], []
    last: PackProgress = PackProgress()

    def stop(when: Callable[[PackProgress], bool]) -> Callable[[PackProgress], None]:
        def listen(so_far: PackProgress) -> None:
            nonlocal last
            last = so_far
            if when(so_far):
                raise KeyboardInterrupt

        return listen

    def interrupted(when: Callable[[PackProgress], bool]) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            pack(takes, folder / "resumed", config, on_progress=stop(when))

    for _ in range(rounds):
        ours.append(timed(lambda: interrupted(lambda so_far: so_far.done == so_far.total - 1)))
        again.append(timed(lambda: interrupted(lambda so_far: True)))
        pack(takes, folder / "resumed", config)
    (cpu_s, _), (again_cpu_s, again_wall_s) = np.min(ours, axis=0), np.min(again, axis=0)
    print(f"{last.resumed} of {last.total} takes, {last.resumed_s:,.0f} s of recording, taken over, best of {rounds}:")
    print(f"  {last.resumed_s / again_cpu_s:,.0f} times real time a core, {again_wall_s:.2f} s by the clock")
    print(f"CPU time, packing to taking over: {cpu_s / again_cpu_s:.1f}")


def pack_naively(takes: Path, folder: Path) -> None:
    """What one would write in five minutes."""
    folder.mkdir(exist_ok=True)
    for path in sorted(takes.glob("*.wav")):
        sound, _ = soundfile.read(path, dtype="int16")
        frames = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
        rows = [frame["blendshapes"] for frame in frames]
        curves = [list(row.values()) if isinstance(row, dict) else row for row in rows]
        np.save(folder / f"{path.stem}.wav.npy", sound)
        np.save(folder / f"{path.stem}.curves.npy", np.array(curves, np.float32))


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds and wall seconds."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu_s, time.perf_counter() - wall_s


@contextlib.contextmanager
def phases() -> Iterator[dict[str, float]]:
    """CPU seconds by phase of the packings inside the block; what is left is listing, checks, reports, publishing."""
    spent_s: dict[str, float] = defaultdict(float)

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            began_s = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent_s[name] += time.process_time() - began_s

        return run

    places: list[tuple[str, Any, str]] = [
        ("curves", koekao.takes.load, "read_curves"),
        ("sound", koekao.takes.load, "read_sound"),
        ("frames", koekao.takes.load, "on_frames"),
        ("shards", ShardWriter, "add"),
    ]
    before = [getattr(owner, attribute) for _, owner, attribute in places]
    for (name, owner, attribute), function in zip(places, before, strict=True):
        setattr(owner, attribute, watched(name, function))
    yield spent_s
    for (_, owner, attribute), function in zip(places, before, strict=True):
        setattr(owner, attribute, function)


if __name__ == "__main__":
    main()

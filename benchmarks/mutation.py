"""Question: would the tests notice? Of small faults put into the exact rooms of the house, how many make a test fail?

Command: make mutation; or python benchmarks/mutation.py [clock state windows batches] [--workers 2]
[--survivors] [--again] [--markdown]

Each mutant (:mod:`mutants`) is made in a copy of the tree, and that room's tests run over it, the module's own first,
until one fails. A hang is a failure. Kernels are compiled anew for each, since object files are kept by the text of
their source. Of large rooms some mutants are drawn, by seed. Now and then the source as it
is takes the place of a mutant: if a test fails then, nothing here is worth anything, and the program says so.

What is found lies in ``out/mutation/ROOM.jsonl``, a line a mutant; a mutant that is there already is not tried again
unless its source or ``--again`` says so. ``--markdown`` writes docs/mutation.md from them, with why each survivor
cannot be killed, from ``benchmarks/mutants_alive.json``.

Result, reading: docs/mutation.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from queue import Queue
from typing import IO, Any, cast

import numpy as np

from mutants import Mutant, mutants

ROOT = Path(__file__).parents[1]
FOUND = ROOT / "out" / "mutation"
ALIVE = Path(__file__).with_name("mutants_alive.json")
PAGE = ROOT / "docs" / "mutation.md"
FORKS = Path(__file__).with_name("forked_tests.py")
CONTROL_EVERY = 25
SLOWEST_S, FIRST_S = 120.0, 600.0
"""The least time that tests have before they count as hanging, and what they have until it is known how long they take:
three times that, if it is more."""


@dataclass(frozen=True)
class Room:
    """Sources to be mutated, and the tests that hold them."""

    sources: str
    tests: Sequence[str]
    own: dict[str, Sequence[str]] = field(default_factory=dict)
    """Tests that come first for the source of this name; ``test_NAME.py`` does anyway."""
    most: int = 10**9
    """Mutants that are tried; of more that many are drawn, by seed."""


ROOMS = {
    "clock": Room("clock.py", ["tests/test_clock.py", "tests/laws/test_time_law.py"]),
    "state": Room("models/state.py", ["tests/models/test_state.py", "tests/laws/test_state_law.py"]),
    "windows": Room(
        "windows/*.py",
        ["tests/windows", "tests/laws/test_window_law.py"],
        {"deal": ["tests/windows/test_streams.py"], "deal_source": ["tests/windows/test_streams.py"]},
        most=150,
    ),
    "batches": Room(
        "batches/*.py",
        [
            "tests/batches/test_loader.py",
            "tests/batches",
            "tests/laws/test_resume_law.py",
            "tests/faults/test_fault_06_workers_lost.py",
            "tests/faults/test_fault_07_error_lost_on_the_way.py",
            "tests/faults/test_fault_08_left_early.py",
            "tests/faults/test_fault_10_resumed_as_another.py",
            "tests/faults/test_fault_12_uneven_ranks.py",
            "tests/corpus/remote/test_remote_batches.py",
        ],
        {
            "kernel_source": ["tests/batches/test_gather.py"],
            "kernel": ["tests/batches/test_gather.py"],
            "numbering": ["tests/batches/test_gather.py"],
            "clip_views": ["tests/batches/test_views.py", "tests/batches/test_stateful_views.py"],
            "position": ["tests/batches/test_stateful_views.py"],
            "items": ["tests/batches/test_views.py"],
            "foresight": ["tests/corpus/remote/test_remote_batches.py"],
            "slots": ["tests/batches/test_transfer.py"],
        },
        most=80,
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], default=[])
    parser.add_argument("--most", type=int, help="mutants of one room; as said in ROOMS")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="also what was tried before")
    parser.add_argument("--survivors", action="store_true", help="only what was tried before and lived")
    parser.add_argument("--markdown", action="store_true", help="write the page; try nothing")
    args = parser.parse_args()
    if args.markdown:
        PAGE.write_text(page(args.most, args.seed), "utf-8")
        return 0
    return max(tried(name, args) for name in args.rooms or ROOMS)


# Which mutants


def drawn(room: Room, most: int | None, seed: int) -> list[tuple[Path, Mutant]]:
    """The mutants of a room, all or ``most`` of them; the same for the same sources and seed."""
    most = room.most if most is None else most
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / "src" / "koekao").glob(room.sources))]
    every = [(path, made) for path in paths for made in mutants((ROOT / path).read_text("utf-8"))]
    picked = sorted(np.random.default_rng(seed).permutation(len(every))[:most])
    return [every[i] for i in picked]


def named(path: Path, made: Mutant) -> dict[str, Any]:
    """What a mutant is known by: the source it is of, and the place; its line and change are for people."""
    source = sha256((ROOT / path).read_bytes()).hexdigest()[:12]
    place = f"{source}:{made.begin}:{made.end}:{made.becomes}"
    return {"file": str(path), "line": made.line, "change": str(made), "place": place}


def known(name: str) -> dict[str, dict[str, Any]]:
    """What was found before, by place; a later line counts."""
    with contextlib.suppress(FileNotFoundError):
        lines = (FOUND / f"{name}.jsonl").read_text("utf-8").splitlines()
        return {entry["place"]: entry for entry in map(json.loads, lines)}
    return {}


# Trying them


def tried(name: str, args: argparse.Namespace) -> int:
    """Try the mutants of a room and keep what became of them; 1 if the tests fail without any."""
    FOUND.mkdir(parents=True, exist_ok=True)
    room, before = ROOMS[name], known(name)
    todo: list[tuple[Path, Mutant | None]] = []
    for number, (path, made) in enumerate(drawn(room, args.most, args.seed)):
        was = before.get(named(path, made)["place"])
        if args.again or (was is None and not args.survivors) or (args.survivors and was and not was["killed"]):
            if number % CONTROL_EVERY == 0:
                todo.append((path, None))
            todo.append((path, made))
    failed = 0
    with workplaces(args.workers) as places, (FOUND / f"{name}.jsonl").open("a", encoding="utf-8") as log:

        def one(job: tuple[Path, Mutant | None]) -> dict[str, Any]:
            place = places.get()
            try:
                return place.tried(room, *job)
            finally:
                places.put(place)

        with ThreadPoolExecutor(args.workers) as crew:
            for number, (job, end) in enumerate(zip(todo, crew.map(one, todo), strict=True)):
                path, tried_one = job
                if tried_one is None:
                    failed += end["killed"]
                    if end["killed"]:
                        print(f"{name}: THE TESTS FAIL ON THE SOURCE AS IT IS: {end['by']}", flush=True)
                        if number == 0:
                            os._exit(1)
                    continue
                log.write(json.dumps(named(path, tried_one) | end, ensure_ascii=False) + "\n")
                log.flush()
                told = f"killed by {end['by']}" if end["killed"] else "LIVES"
                print(f"{name} {number}/{len(todo)} {path}:{tried_one.line} {tried_one} {told}", flush=True)
    print(summary(name, args.most, args.seed), flush=True)
    return int(failed > 0)


class Workplace:
    """A copy of the tree, and the process that forks in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._stamp = folder, 1_000_000_000
        for part in ("src", "tests", "benchmarks", "pyproject.toml", "docs", "web"):
            source = ROOT / part
            copy: Any = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)
        settings = {"PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache")}
        self._forks = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(FORKS), str(folder)],
            cwd=folder,
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask, self._answer = cast(IO[str], self._forks.stdin), cast(IO[str], self._forks.stdout)
        self._limits_s: dict[str, float] = {}

    def tried(self, room: Room, path: Path, made: Mutant | None) -> dict[str, Any]:
        """Whether a test fails, and which; those of the room only where the source's own do not."""
        source = (ROOT / path).read_bytes()
        self._write(path, made.applied(source) if made else source)
        own, took_s = self._own(room, path.stem), 0.0
        end: dict[str, Any] = {"killed": False, "by": "no test of its own"}
        for tests in (own, [test for test in room.tests if test not in own]):
            if tests and not end["killed"]:
                key = f"{room.sources} {path.stem if tests is own else ''}"
                end = self._run(tests, SLOWEST_S if tests is own else self._limits_s.get(key, FIRST_S))
                took_s += end["took_s"]
                if made is None and not end["killed"] and tests is not own:
                    self._limits_s[key] = max(SLOWEST_S, 3 * end["took_s"])
        self._write(path, source)
        return end | {"took_s": round(took_s, 1)}

    def _write(self, path: Path, data: bytes) -> None:
        """A compiled file is taken for good if the source's time and length are those it knows: no time comes twice."""
        self._stamp += 1
        (self.folder / path).write_bytes(data)
        os.utime(self.folder / path, (self._stamp, self._stamp))

    def _own(self, room: Room, stem: str) -> list[str]:
        """The tests of one source: said in the room, and those of its name."""
        of_name = [path.parent / f"test_{stem}.py" for path in (ROOT / test / "x" for test in room.tests)]
        found = [str(path.relative_to(ROOT)) for path in of_name if path.is_file()]
        found += [test for test in room.tests if Path(test).name == f"test_{stem}.py"]
        return list(dict.fromkeys([*found, *room.own.get(stem, [])]))

    def _run(self, tests: list[str], limit_s: float) -> dict[str, Any]:
        self._ask.write(json.dumps({"tests": tests, "limit_s": limit_s}) + "\n")
        self._ask.flush()
        end: dict[str, Any] = json.loads(self._answer.readline())
        return end

    def close(self) -> None:
        self._ask.close()
        self._forks.wait()


@contextlib.contextmanager
def workplaces(n: int) -> Iterator[Queue[Workplace]]:
    with tempfile.TemporaryDirectory(prefix="koekao-mutation-") as folder:
        places: Queue[Workplace] = Queue()
        made = []
        for number in range(n):
            place = Path(folder) / str(number)
            place.mkdir()
            made.append(Workplace(place))
            places.put(made[-1])
        try:
            yield places
        finally:
            for each in made:
                each.close()


# The page


def summary(name: str, most: int | None, seed: int) -> str:
    found, of_all = counted(name, most, seed)
    killed = sum(entry["killed"] for entry in found)
    return f"{name}: {killed} of {len(found)} killed ({killed / max(1, len(found)):.1%}), {of_all} there are"


def counted(name: str, most: int | None, seed: int) -> tuple[list[dict[str, Any]], int]:
    """What was found of the mutants that would be drawn now, and how many there are in all."""
    before, room = known(name), ROOMS[name]
    places = [named(path, made)["place"] for path, made in drawn(room, most, seed)]
    return [before[place] for place in places if place in before], len(drawn(room, 10**9, seed))


def page(most: int | None, seed: int) -> str:
    """docs/mutation.md."""
    rows, survivors, why = [], [], json.loads(ALIVE.read_text("utf-8"))
    for name, room in ROOMS.items():
        found, of_all = counted(name, most, seed)
        for source in sorted({entry["file"] for entry in found}):
            of_source = [entry for entry in found if entry["file"] == source]
            killed = sum(entry["killed"] for entry in of_source)
            rows.append(f"| `{source.removeprefix('src/koekao/')}` | {len(of_source)} | {killed} | |")
        killed = sum(entry["killed"] for entry in found)
        of = f"{len(found)} of {of_all}"
        rows.append(f"| **{room.sources}** | **{of}** | **{killed}** | **{killed / max(1, len(found)):.1%}** |")
        for entry in found:
            if not entry["killed"]:
                key = f"{entry['file']}:{entry['change']}"
                survivors.append(
                    f"- `{entry['file']}:{entry['line']}` {entry['change']}: {why.get(key, 'NOT LOOKED AT')}"
                )
    table = "\n".join(["| source | mutants | killed | |", "|---|---:|---:|---:|", *rows])
    return PAGE_SAYS.format(table=table, survivors="\n".join(survivors), day=time.strftime("%Y-%m-%d"))


PAGE_SAYS = """# Would the tests notice?

Small faults are put into the sources on which everything rests, one at a time, and the tests of that room run until
one fails: a comparison turned or moved by its edge, + for -, a number one more, `and` for `or`, a condition denied, the
smaller for the larger, a statement left out, nothing returned. Annotations, words of errors and assignments of names
are left alone: they could not matter, or anything that runs would notice. Of the large rooms as many as the table says
were drawn, by seed. Each was tried in a copy of the tree; kernels were compiled anew. A hang counts as noticed, and the
sources as they are were tried in between.

<!-- test
skip: hours of running other tests against broken copies
-->
```
make mutation                                            # what is not known yet, then this page
python benchmarks/mutation.py windows --survivors        # those that lived, after a test was written
```

As of {day}. The share is of all that were tried; those that cannot be noticed are not taken out of it.

{table}

## What lives, and why

{survivors}
"""


if __name__ == "__main__":
    sys.exit(main())

"""Raw results in one JSON file, partial runs merged, and the figures that are made from them.

A run of one process is a dictionary; :func:`merged` replaces what was measured before for the same corpus, contestant,
workload and phase, so that a part can be measured anew. Each carries the session it was measured in: ratios across
sessions are ratios across moods of the machine, and the table says so where it happens.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contestants import CONTESTANTS, LIMITS_OF_ONE_THREAD
from workloads import WORKLOADS

Run = dict[str, Any]
"""``session, corpus, name, workload, phase, workers, round`` and what :mod:`contestant` found, or ``error``."""


def read_runs(path: Path) -> list[Run]:
    """What was measured so far; nothing where there is no file."""
    runs: list[Run] = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else []
    return runs


def _cell(run: Run) -> tuple[Any, ...]:
    return run["corpus"], run["name"], run["workload"], run["phase"]


def merged(old: Iterable[Run], new: Iterable[Run]) -> list[Run]:
    """The old runs, except those of which there are new ones, and the new ones."""
    new = list(new)
    again = {_cell(run) for run in new}
    return [run for run in old if _cell(run) not in again] + new


def write_runs(path: Path, runs: list[Run], machine: dict[str, str]) -> None:
    """Publish all runs and the machine they were measured on, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"machine": machine, "runs": runs}, indent=1), "utf-8")
    unfinished.replace(path)


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Seconds that the next batch was waited for beside a step of 5 ms."""

    median_s: float
    p99_s: float

    @classmethod
    def of(cls, waits: Sequence[float]) -> Wait | None:
        return cls(median_s=float(np.median(waits)), p99_s=float(np.quantile(waits, 0.99))) if waits else None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One contestant on one workload: medians over the rounds.

    Attributes:
        windows_per_s, lowest, highest: median and range. of_limit, of_fastest_peer: ratios, None where unknown.
        workers, wait_workers: what was best for speed, and for the wait. wait_*: None where it was not measured.
    """

    name: str
    label: str
    kind: str
    workers: int
    windows_per_s: float
    lowest: float
    highest: float
    megabytes_per_s: float
    of_limit: float | None
    of_fastest_peer: float | None
    first_batch_s: float
    peak_megabytes: float
    cpu_s_per_1000: float
    wait_workers: int | None
    wait_sleep: Wait | None
    wait_matmul: Wait | None


def figures(runs: Iterable[Run], corpus: str, workload: str) -> list[Figures]:
    """Every contestant that was measured on this workload, fastest first."""
    here = [run for run in runs if run["corpus"] == corpus and run["workload"] == workload and "error" not in run]
    by_name = {name: [run for run in here if run["name"] == name] for name in CONTESTANTS}
    speeds = {name: [run["windows_per_s"] for run in mine if run["phase"] == "speed"] for name, mine in by_name.items()}
    medians = {name: statistics.median(measured) for name, measured in speeds.items() if measured}
    limit = max((medians[name] for name in LIMITS_OF_ONE_THREAD if name in medians), default=None)
    peer = max((speed for name, speed in medians.items() if CONTESTANTS[name].kind == "peer"), default=None)
    found = [_figures(name, by_name[name], limit, peer) for name in medians]
    return sorted(found, key=lambda row: -row.windows_per_s)


def _figures(name: str, runs: list[Run], limit: float | None, peer: float | None) -> Figures:
    speed = [run for run in runs if run["phase"] == "speed"]
    wait = [run for run in runs if run["phase"] == "wait"]

    def median(key: str) -> float:
        return float(statistics.median(run[key] for run in speed))

    def waits(key: str) -> Wait | None:
        return Wait.of([second for run in wait for second in run[key]])

    per_s = [run["windows_per_s"] for run in speed]
    middle = statistics.median(per_s)
    return Figures(
        name=name,
        label=CONTESTANTS[name].label,
        kind=CONTESTANTS[name].kind,
        workers=speed[-1]["workers"],
        windows_per_s=middle,
        lowest=min(per_s),
        highest=max(per_s),
        megabytes_per_s=middle * WORKLOADS[speed[-1]["workload"]].window_bytes / 1e6,
        of_limit=middle / limit if limit else None,
        of_fastest_peer=middle / peer if peer else None,
        first_batch_s=median("first_batch_s"),
        peak_megabytes=statistics.median(run["peak_bytes"] - run["torch_bytes"] for run in speed) / 1e6,
        cpu_s_per_1000=1000 * median("cpu_s_per_window"),
        wait_workers=wait[-1]["workers"] if wait else None,
        wait_sleep=waits("wait_sleep_s"),
        wait_matmul=waits("wait_matmul_s"),
    )

"""Figures as markdown, put between two markers of a page so that the text around them is written by people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from contestants import CONTESTANTS
from results import Figures, Run, Wait, figures
from workloads import WORKLOADS

_HEADERS = (
    "",
    "workers",
    "windows/s [min-max]",
    "MB/s",
    "of the limit",
    "× fastest peer",
    "first batch s",
    "memory MB",
    "CPU s / 1000",
)
_WAIT_HEADERS = ("wait ms, sleep", "wait ms, matmul", "workers then")


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _wait(wait: Wait | None) -> str:
    return "" if wait is None else f"{wait.median_s * 1e3:.2f} / {wait.p99_s * 1e3:.2f}"


def _cells(row: Figures, *, with_wait: bool) -> list[str]:
    label = f"**{row.label}**" if row.kind == "koekao" else row.label
    limit = row.kind == "limit"
    cells = [
        label,
        "" if limit else str(row.workers),
        f"{row.windows_per_s:,.0f} [{row.lowest:,.0f}-{row.highest:,.0f}]",
        f"{row.megabytes_per_s:,.0f}",
        _ratio(row.of_limit),
        _ratio(row.of_fastest_peer),
        "" if limit else f"{row.first_batch_s:.2f}",
        "" if limit else f"{row.peak_megabytes:,.0f}",
        f"{row.cpu_s_per_1000:.3f}",
    ]
    if with_wait:
        workers = "" if row.wait_workers is None else str(row.wait_workers)
        cells += [_wait(row.wait_sleep), _wait(row.wait_matmul), workers]
    return cells


def table(rows: Sequence[Figures]) -> str:
    """One workload; the columns of the wait only where it was measured."""
    with_wait = any(row.wait_sleep is not None for row in rows)
    headers = _HEADERS + _WAIT_HEADERS if with_wait else _HEADERS
    lines = [_row(headers), _row(["---"] + ["---:"] * (len(headers) - 1))]
    return "\n".join(lines + [_row(_cells(row, with_wait=with_wait)) for row in rows])


def failures(runs: Iterable[Run], corpus: str) -> str:
    """A line for each contestant that could not run, with its last words."""
    errors = {
        (run["name"], run["workload"]): run["error"] for run in runs if run["corpus"] == corpus and "error" in run
    }
    return "\n".join(
        f"- {CONTESTANTS[name].label}, {workload}: could not run: {error}" for (name, workload), error in errors.items()
    )


def page(runs: Sequence[Run], machine: dict[str, str]) -> str:
    """All tables of all corpora, with the machine and whatever has to be said about how they came about."""
    parts = [", ".join(f"{key} {value}" for key, value in machine.items()) + "."]
    for corpus in dict.fromkeys(run["corpus"] for run in runs):
        parts.append(f"### {corpus[:1].upper() + corpus[1:]}")
        for workload in WORKLOADS:
            if rows := figures(runs, corpus, workload):
                parts += [f"**{workload}**", table(rows)]
                if _sessions(runs, corpus, workload) > 1:
                    parts.append("Not all rows of this table were measured in one run; compare them with care.")
        parts.append(failures(runs, corpus))
    return "\n\n".join(part for part in parts if part)


def _sessions(runs: Iterable[Run], corpus: str, workload: str) -> int:
    measured = (run for run in runs if run["corpus"] == corpus and run["workload"] == workload)
    return len({run["session"] for run in measured if run["phase"] == "speed"})


def put_between_markers(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name:begin -->`` and ``<!-- name:end -->``.

    Raises:
        ValueError: the page does not have both markers, once each and in this order.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before = page.read_text("utf-8")
    head, found_begin, rest = before.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end or before.count(begin) != 1 or before.count(end) != 1:
        raise ValueError(f"{page}: expected {begin} and after it {end}, once each")
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", "utf-8")

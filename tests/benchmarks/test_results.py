"""Figures, tables and the picture, from results that were made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chart
from results import Figures, Run, figures, merged, read_runs, write_runs
from tables import page, put_between_markers, table

MACHINE = {"CPU": "two of something", "torch": "2"}


def run(name: str, speed: float, round: int = 1, **more: Any) -> Run:
    found = {
        "windows_per_s": speed,
        "cpu_s_per_window": 1e-4,
        "first_batch_s": 0.25,
        "peak_bytes": 150_000_000,
        "torch_bytes": 100_000_000,
    }
    place = {"session": "one", "corpus": "takes", "name": name, "workload": "clips", "phase": "speed", "round": round}
    return place | {"workers": 2} | found | more


def wait(name: str, seconds: list[float]) -> Run:
    return run(name, 0.0, phase="wait", workers=1, wait_sleep_s=seconds, wait_matmul_s=[2 * s for s in seconds])


@pytest.fixture
def runs() -> list[Run]:
    return [
        *(run("koekao", speed, round) for round, speed in enumerate((3000.0, 1000.0, 2000.0))),
        run("grain", 500.0),
        run("memmap", 1000.0),
        run("limit-c", 3000.0),
        run("limit-numba", 4000.0),
        run("limit-2-threads", 9000.0),
        wait("koekao", [0.001] * 98 + [0.005] * 2),
    ]


def of(runs: list[Run], name: str) -> Figures:
    return next(row for row in figures(runs, "takes", "clips") if row.name == name)


def test_figures_are_medians_with_their_range(runs: list[Run]) -> None:
    koekao = of(runs, "koekao")
    assert (koekao.lowest, koekao.windows_per_s, koekao.highest) == (1000, 2000, 3000)
    assert koekao.megabytes_per_s == pytest.approx(2000 * 4 * (160_000 + 300 * 52) / 1e6)
    assert koekao.cpu_s_per_1000 == pytest.approx(0.1)
    assert koekao.peak_megabytes == pytest.approx(50)


def test_the_limit_is_the_faster_of_one_thread_and_the_peer_the_fastest_of_them(runs: list[Run]) -> None:
    koekao = of(runs, "koekao")
    assert koekao.of_limit == pytest.approx(0.5)
    assert koekao.of_fastest_peer == pytest.approx(2.0)


def test_waits_are_taken_over_all_steps_and_with_their_own_workers(runs: list[Run]) -> None:
    koekao = of(runs, "koekao")
    assert koekao.wait_sleep is not None and koekao.wait_matmul is not None
    assert koekao.wait_sleep.median_s == pytest.approx(0.001)
    assert koekao.wait_matmul.p99_s == pytest.approx(0.01)
    assert (koekao.workers, koekao.wait_workers) == (2, 1)
    assert of(runs, "grain").wait_sleep is None


def test_rows_come_fastest_first_and_errors_make_no_row(runs: list[Run]) -> None:
    broken = {"session": "one", "corpus": "takes", "name": "spdl", "workload": "clips", "phase": "verify", "workers": 1}
    rows = figures([*runs, broken | {"error": "ImportError: no spdl"}], "takes", "clips")
    speeds = [row.windows_per_s for row in rows]
    assert speeds == sorted(speeds, reverse=True)
    assert "spdl" not in {row.name for row in rows}


def test_a_part_measured_anew_replaces_its_own_runs_and_no_others(runs: list[Run]) -> None:
    new = [run("koekao", 8000.0, session="two")]
    together = merged(runs, new)
    assert of(together, "koekao").windows_per_s == 8000
    assert of(together, "koekao").wait_sleep is not None
    assert of(together, "grain").windows_per_s == 500
    assert len(together) == len(runs) - 2


def test_runs_are_read_as_they_were_written(tmp_path: Path, runs: list[Run]) -> None:
    path = tmp_path / "results.json"
    assert read_runs(path) == []
    write_runs(path, runs, MACHINE)
    assert read_runs(path) == runs
    assert json.loads(path.read_text("utf-8"))["machine"] == MACHINE
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_a_table_has_a_cell_for_every_column_of_every_row(runs: list[Run]) -> None:
    lines = table(figures(runs, "takes", "clips")).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "| **koekao, inline** | 2 | 2,000 [1,000-3,000] |" in "\n".join(lines)
    assert "1.00 / 5.00" in "\n".join(lines)


def test_the_columns_of_the_wait_are_there_where_it_was_measured(runs: list[Run]) -> None:
    assert "wait" in table(figures(runs, "takes", "clips"))
    assert "wait" not in table(figures(runs[:-1], "takes", "clips"))


def test_the_page_says_what_could_not_run_and_what_was_measured_apart(runs: list[Run]) -> None:
    broken = run("spdl", 0.0, phase="verify", error="ImportError: no spdl")
    text = page([*runs, broken], MACHINE)
    assert "two of something" in text
    assert "- SPDL, clips: could not run: ImportError: no spdl" in text
    assert "not all rows" not in text.lower()
    assert "not all rows" in page(merged(runs, [run("grain", 700.0, session="two")]), MACHINE).lower()


def test_text_is_put_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text("above\n<!-- loaders:begin -->\nold\n<!-- loaders:end -->\nbelow\n", "utf-8")
    for _ in range(2):
        put_between_markers(written, "loaders", "new")
    text = "above\n<!-- loaders:begin -->\n\nnew\n\n<!-- loaders:end -->\nbelow\n"
    assert written.read_text("utf-8") == text


@pytest.mark.parametrize("text", ["", "<!-- loaders:begin -->", "<!-- loaders:end --> <!-- loaders:begin -->"])
def test_a_page_without_its_markers_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    written = tmp_path / "page.md"
    written.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="expected <!-- loaders:begin -->"):
        put_between_markers(written, "loaders", "new")
    assert written.read_text("utf-8") == text


def test_the_picture_is_drawn_the_same_each_time(tmp_path: Path, runs: list[Run]) -> None:
    pytest.importorskip("matplotlib")
    drawn = {"clips": figures(runs, "takes", "clips")}
    for name in ("one", "two"):
        chart.draw(drawn, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")

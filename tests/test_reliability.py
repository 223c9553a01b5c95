"""The page of faults and the tests that it tells of are the same ones."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FAULTS, PAGE = ROOT / "tests" / "faults", ROOT / "docs" / "reliability.md"
sys.path.insert(0, str(FAULTS))

import rows  # noqa: E402 - it lies beside the faults


def table(text: str) -> list[list[str]]:
    """The cells of the rows of the table."""
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_of_the_matrix_has_its_tests() -> None:
    assert len(rows.ROWS) == 47
    assert list(rows.files_by_row(FAULTS)) == list(range(1, 48))


def test_the_page_names_every_row_and_every_test_file() -> None:
    found = table(PAGE.read_text("utf-8"))
    assert [int(cells[0]) for cells in found] == list(range(1, 48))
    for cells, (fault, does) in zip(found, rows.ROWS, strict=True):
        assert cells[1:3] == [fault, does]
        linked = re.findall(r"\]\(\.\./tests/faults/([^)]+)\)", cells[4])
        assert linked == rows.files_by_row(FAULTS)[int(cells[0])]
        assert all((FAULTS / name).is_file() for name in linked)


def test_the_page_tells_of_cases_and_of_no_failure() -> None:
    for cells in table(PAGE.read_text("utf-8")):
        assert re.fullmatch(r"[\d,]+ passed(, [\d,]+ skipped)?", cells[3]), cells


def test_what_was_skipped_or_failed_is_on_the_page() -> None:
    counts = {row: Counter(passed=1) for row in range(1, 48)} | {2: Counter(skipped=1), 3: Counter(passed=2, failed=1)}
    files = {row: [f"test_fault_{row:02}_x.py"] for row in range(1, 48)}
    text = rows.page(counts, {2: {"no mount"}}, files)
    cells = table(text)
    assert [cells[i][3] for i in range(3)] == ["1 passed", "1 skipped", "2 passed, 1 failed"]
    assert "In all: 47 passed, 1 skipped, 1 failed." in text and "- row 2: no mount" in text


@pytest.mark.parametrize(
    ("name", "row"), [("test_fault_07_lost.py", 7), ("tests/faults/test_fault_47_a.py", 47), ("test_page.py", None)]
)
def test_the_row_of_a_file_is_in_its_name(name: str, row: int | None) -> None:
    assert rows.row_of(name) == row

"""Speech for the faults of training, and the page that tells what became of all of them (``--reliability``)."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
import rows

from koekao.corpus import Corpus
from small_runs import corpus_at, quick


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Five takes of 2 to 3 s in three voices; ken_10003 is for validation, the others for training."""
    return corpus_at(tmp_path_factory.mktemp("spoken") / "corpus")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small baseline, every step told, no TensorBoard, for the test alone."""
    quick(monkeypatch.setattr)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", type=Path, help="write what became of every fault to this page")


class Reliability:
    """Counts the cases of each row, those of worker processes too, and writes the page where all rows were run."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.outcomes: dict[int, Counter[str]] = defaultdict(Counter)
        self.reasons: dict[int, set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row = rows.row_of(report.nodeid.partition("::")[0])
        if row is None or (report.when != "call" and report.passed):
            return
        self.outcomes[row][report.outcome] += 1
        if report.skipped and isinstance(report.longrepr, tuple):
            self.reasons[row].add(report.longrepr[2].removeprefix("Skipped: "))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lacking = [row for row in range(1, len(rows.ROWS) + 1) if not self.outcomes[row]]
        if lacking:
            terminalreporter.write_line(f"{self.page} is not written: nothing was run of rows {lacking}")
            return
        text = rows.page(self.outcomes, self.reasons, rows.files_by_row(Path(__file__).parent))
        self.page.write_text(text, "utf-8")
        terminalreporter.write_line(f"{self.page} is written")


def pytest_configure(config: pytest.Config) -> None:
    page = config.getoption("--reliability", None)
    if page is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reliability(page), "reliability")

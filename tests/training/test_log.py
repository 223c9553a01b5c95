"""One JSON line an event, on the disk when it happens; TensorBoard where it is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from koekao.training import log
from koekao.training.log import JsonLines, TensorBoard, listeners_of


def test_a_line_is_on_the_disk_when_it_was_told(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "log.jsonl")
    lines.tell("step", step=3, loss=0.5, rows={0: "声"})
    first = (tmp_path / "log.jsonl").read_text("utf-8")
    lines.tell("end", reason="all epochs done")
    lines.close()
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    assert json.loads(first) == told[0]
    assert told[0] == {"event": "step", "unix_s": told[0]["unix_s"], "step": 3, "loss": 0.5, "rows": {"0": "声"}}
    assert told[1]["event"] == "end" and told[1]["unix_s"] >= told[0]["unix_s"] > 1.6e9


def test_a_resumed_run_goes_on_in_the_same_log(tmp_path: Path) -> None:
    for event in ("one", "two"):
        lines = JsonLines(tmp_path / "log.jsonl")
        lines.tell(event)
        lines.close()
    told = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in told] == ["one", "two"]


def test_tensorboard_gets_scalars_of_steps_and_validations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.modules.get("tensorboard", "") is None:  # tests of the command line keep it out, for it is slow to import
        monkeypatch.delitem(sys.modules, "tensorboard")
    pytest.importorskip("tensorboard")
    board, written = TensorBoard(tmp_path / "tensorboard"), []
    board._writer.add_scalar = lambda name, value, step: written.append((name, value, step))
    board.tell("begin", steps=7)
    board.tell("step", step=3, loss=0.5, note="words")
    board.tell("validation", step=4, r=0.25, mae=None)
    board.close()
    assert written == [("step/loss", 0.5, 3), ("validation/r", 0.25, 4)]


@pytest.mark.parametrize("installed", [True, False])
def test_listeners_of_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    """The log always; TensorBoard only if it can be found, and it is not imported to find out."""
    asked: list[Any] = []
    util = SimpleNamespace(find_spec=lambda name: asked.append(name) or (name if installed else None))
    monkeypatch.setattr(log, "importlib", SimpleNamespace(util=util))
    monkeypatch.setattr(log, "TensorBoard", lambda folder: asked.append(folder) or "board")
    found = listeners_of(tmp_path, tmp_path / "log.jsonl")
    found[0].close()
    assert isinstance(found[0], JsonLines)
    assert found[1:] == (["board"] if installed else [])
    assert asked == (["tensorboard", tmp_path / "tensorboard"] if installed else ["tensorboard"])

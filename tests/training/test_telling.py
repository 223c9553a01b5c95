"""What listeners are told of batches and steps: rows of no take are no windows and no names."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from koekao.training import telling as telling_module
from koekao.training.telling import Telling


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.closed = False

    def tell(self, event: str, **values: Any) -> None:
        self.events.append((event, values))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(telling_module.time, "perf_counter", lambda: now.s)
    return now


def test_windows_a_second_are_those_of_takes_since_the_last_telling(clock: SimpleNamespace) -> None:
    heard = Heard()
    told = Telling([heard], takes=None)  # type: ignore[arg-type]  # asked for where there are several ranks
    for names in (["a", "a", "b", ""], ["b", "", "", ""]):
        told.heard({"file_names": names}, loader=None, number=0, step=0)  # type: ignore[arg-type]
    clock.s += 0.5
    losses = {"position": torch.tensor(0.25), "velocity": torch.tensor(0.5)}
    told.stepped(losses, step=1, epoch=0, learning_rate=0.1)
    expected = {"loss_position": 0.25, "loss_velocity": 0.5, "loss": 0.75, "windows_per_s": 8.0}
    assert heard.events == [("step", {"step": 1, "epoch": 0, "learning_rate": 0.1, **expected})]
    assert told.step_takes == {"a", "b"}
    clock.s += 2
    told.heard({"file_names": ["c"] * 4}, loader=None, number=1, step=1)  # type: ignore[arg-type]
    told.stepped(losses, step=2, epoch=0, learning_rate=0.1)
    assert heard.events[-1][1]["windows_per_s"] == 2.0


def test_takes_that_begin_are_told_by_row() -> None:
    heard = Heard()
    told = Telling([heard], takes=None)  # type: ignore[arg-type]
    reset = torch.tensor([True, False, True])
    told.heard({"file_names": ["a", "a", "b"], "reset": reset}, loader=None, number=0, step=7)  # type: ignore[arg-type]
    told.heard({"file_names": ["a", "a", "b"], "reset": reset & False}, loader=None, number=1, step=7)  # type: ignore[arg-type]
    assert heard.events == [("reset", {"step": 7, "rows": {0: "a", 2: "b"}})]


def test_who_joins_is_told_from_then_on_and_all_are_closed() -> None:
    first, second = Heard(), Heard()
    told = Telling([first], takes=None)  # type: ignore[arg-type]
    told.tell("begin")
    told.join(second)
    told.tell("end", step=3)
    told.close()
    assert (len(first.events), second.events) == (2, [("end", {"step": 3})])
    assert first.closed and second.closed

"""What is asked of CUDA to send a batch, and in which order: of a stand-in that keeps a record, where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from koekao.batches.buffers import pinned_memory
from koekao.batches.transfer import CudaWire

Record = list[tuple[str, ...]]


class Event:
    def __init__(self, record: Record, name: str) -> None:
        self.record, self.name = record, name

    def synchronize(self) -> None:
        self.record.append((self.name, "waited for"))


class Stream:
    def __init__(self, record: Record, name: str) -> None:
        self.record, self.name = record, name

    def wait_event(self, event: Event) -> None:
        self.record.append((self.name, "waits for", event.name))

    def record_event(self) -> Event:
        self.record.append((self.name, "comes to"))
        return Event(self.record, f"moment of {self.name}")


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    told: Record = []

    @contextmanager
    def inside(stream: Stream) -> Iterator[None]:
        told.append(("into", stream.name))
        yield
        told.append(("out of", stream.name))

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream(told, f"copying on {device}"))
    monkeypatch.setattr(torch.cuda, "stream", inside)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream(told, f"caller on {device}"))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    return told


class There:
    """Memory of a device that says when it is copied into."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def copy_(self, here: torch.Tensor, *, non_blocking: bool) -> None:
        self.record.append(("copied", str(tuple(here.shape)), str(non_blocking)))


def test_a_batch_is_copied_in_a_stream_of_its_own_after_the_one_before_is_used(record: Record) -> None:
    wire = CudaWire(torch.device("cuda", 1))
    raw, sound = torch.tensor([-32768, 16384], dtype=torch.int16), torch.zeros(2)
    moment = wire.send([(torch.zeros(4, 3), There(record))], [(raw, sound)], Event(record, "used"))  # type: ignore[list-item]
    copying = "copying on cuda:1"
    assert record == [
        ("into", copying),
        (copying, "waits for", "used"),
        ("copied", "(4, 3)", "True"),
        (copying, "comes to"),
        ("out of", copying),
    ]
    assert sound.tolist() == [-1.0, 0.5] and moment.name == f"moment of {copying}"


def test_the_stream_waits_and_the_caller_does_not_unless_memory_is_wanted_back(record: Record) -> None:
    wire = CudaWire(torch.device("cuda"))
    arrived: Any = Event(record, "arrived")
    wire.let_wait(arrived)
    assert record == [("caller on cuda:3", "waits for", "arrived")]
    wire.wait(arrived)
    assert record[1:] == [("arrived", "waited for")]
    assert wire.now().name == "moment of caller on cuda:3"  # type: ignore[attr-defined]


def test_memory_here_is_pinned(monkeypatch: pytest.MonkeyPatch, record: Record) -> None:
    asked: list[tuple[Any, ...]] = []

    def new_empty(self: torch.Tensor, shape: tuple[int, ...], *, pin_memory: bool) -> torch.Tensor:
        asked.append((shape, self.dtype, pin_memory))
        return torch.empty(shape, dtype=self.dtype)

    monkeypatch.setattr(torch.Tensor, "new_empty", new_empty)
    for memory in (pinned_memory, CudaWire(torch.device("cuda", 0)).host_memory):
        made = memory((2, 5), np.int16)
        assert made.shape == (2, 5) and made.dtype == torch.int16
    assert asked == [((2, 5), torch.int16, True)] * 2

"""What a run tells on its way, and what stands on the disk then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus
from koekao.training import Trainer, open_run, schedule
from koekao.training import trainer as trainer_module
from koekao.training.length import steps_of_run
from koekao.training.schedule import learning_rate

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])


@EVERY
def test_a_whole_run_and_its_folder(start: Start, events: Events, tmp_path: Path, name: str, spoken: Corpus) -> None:
    trainer = start(name)
    planned = steps_of_run(trainer.config, trainer.train_takes, trainer.config.epochs or 0)
    assert trainer.fit() == "all epochs done"
    assert trainer.step == planned > 10
    files = {entry.name for entry in (tmp_path / "run").iterdir()}
    assert files == {
        "config.yaml",
        "run.json",
        "log.jsonl",
        "last.safetensors",
        "best.safetensors",
        "ridge.safetensors",
        "scores.json",
        "model_card.md",
    }
    record = open_run(tmp_path / "run").read()
    assert record["config"] == json.loads(json.dumps(trainer.config.as_dict()))
    assert record["corpus"]["id"] == spoken.id and record["step"] == planned == record["steps_planned"]
    assert record["stopped"] == "all epochs done" and record["best"] == trainer.best
    assert set(record["trained_on"]) == {"ken_10000", "aoi_10001", "sora_10002", "aoi_10004"}
    told = [line["event"] for line in events()]
    assert told[:2] == ["begin", "saved"] and told[-2:] == ["saved", "end"]
    assert [line["step"] for line in events("step")] == list(range(1, planned + 1))
    begin, end = events("begin")[0], events("end")[0]
    assert (begin["train_takes"], begin["val_takes"], begin["steps"], begin["from_step"]) == (4, 1, planned, 0)
    assert (begin["trainer"], begin["device"]) == (name, "cpu")
    assert begin["parameters"] == sum(p.numel() for p in trainer.model.parameters())
    assert (end["step"], end["reason"]) == (planned, "all epochs done")


@EVERY
def test_steps_tell_their_losses_and_the_learning_rate(start: Start, events: Events, name: str) -> None:
    trainer = start(name, epochs=2, learning_rate=0.004, warmup=0.3)
    trainer.fit()
    for line in events("step"):
        expected = learning_rate(line["step"] - 1, trainer.n_steps, peak=0.004, warmup=0.3)
        assert line["learning_rate"] == pytest.approx(expected)
        terms = [value for key, value in line.items() if key.startswith("loss_")]
        assert line["loss"] == pytest.approx(sum(terms), abs=1e-5) and line["windows_per_s"] > 0
    first, last = events("step")[0], events("step")[-1]
    assert ("loss_velocity" in first) is (name != "clips") and ("loss_correlation" in first) is (name == "stream")
    assert last["learning_rate"] < first["learning_rate"]


def test_the_optimiser_uses_the_learning_rate_of_the_schedule(start: Start) -> None:
    """At a rate of 0 (after the last planned step) nothing moves: the schedule is obeyed by every group."""
    trainer = start(max_steps=1, weight_decay=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "learning_rate", lambda *args, **more: 0.0)
        before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
        trainer.fit()
    assert all(torch.equal(p, before[name]) for name, p in trainer.model.named_parameters())


def test_resets_are_told_by_take_name_and_row(start: Start, events: Events) -> None:
    """Each reset of the batches and no other, in every epoch: {row: take}."""
    trainer = start(epochs=2)
    trainer.fit()
    loader, expected, step = trainer.parts.loader, [], 0
    for epoch in (0, 1):
        loader.set_epoch(epoch)
        for batch in loader:
            rows = batch["reset"].nonzero().flatten().tolist()
            if rows:
                expected.append((step, {str(row): batch["file_names"][row] for row in rows}))
            step += 1
    assert [(line["step"], line["rows"]) for line in events("reset")] == expected
    names = [name for _, rows in expected for name in rows.values()]
    assert sorted(names) == sorted(trainer.train_takes.names * 2)  # every take begins once an epoch


def test_the_clip_trainer_has_nothing_to_reset(start: Start, events: Events) -> None:
    start("clips", max_steps=2).fit()
    assert events("reset") == []


def test_steps_are_told_now_and_then(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of a session, for the impatient, and then every tenth."""
    monkeypatch.setattr(trainer_module, "_TELL_EVERY_STEPS", 10)
    start(max_steps=21, epochs=9).fit()
    assert [line["step"] for line in events("step")] == [1, 10, 20]


def test_listeners_hear_everything_and_are_closed(start: Start, events: Events) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    closed: list[bool] = []
    listener = SimpleNamespace(
        tell=lambda event, **values: told.append((event, values)), close=lambda: closed.append(True)
    )
    start(max_steps=2, listeners=[listener]).fit()
    assert [event for event, _ in told] == [line["event"] for line in events()] and closed == [True]
    json.dumps(told)

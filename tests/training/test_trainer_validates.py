"""Whole takes that no step has seen choose the best weights, and change nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus
from koekao.models import load_model
from koekao.training import Trainer
from koekao.training import trainer as trainer_module
from koekao.training.length import steps_of_run

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


class Judge:
    """Stands in for the scores of the validation takes, with a mean r to order; remembers what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *marks: float | None) -> None:
        self.marks, self.asked = list(marks), []
        monkeypatch.setattr(trainer_module, "score_takes", self)
        monkeypatch.setattr("koekao.training.account.Account.validated", lambda *_, **__: {})  # it would ask for more

    def __call__(self, predict: Any, takes: Corpus) -> Any:
        self.asked.append((takes.names, takes.n_frames.tolist()))
        mark = self.marks[min(len(self.asked), len(self.marks)) - 1]
        return SimpleNamespace(average=lambda metric: mark if metric == "r" else 0.5)


def test_validation_is_on_whole_unseen_takes(start: Start, monkeypatch: pytest.MonkeyPatch, spoken: Corpus) -> None:
    judge = Judge(monkeypatch, 0.1)
    trainer = start(epochs=4, validations=1000)
    trainer.fit()
    length = int(spoken.n_frames[spoken.names.index("ken_10003")])
    assert judge.asked == [(("ken_10003",), [length])] * 4
    assert "ken_10003" not in trainer.train_takes.names
    seen = {name for batch in trainer.parts.loader for name in batch["file_names"] if name}
    assert seen == set(trainer.train_takes.names)


def test_about_as_often_as_asked_for(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the ends of epochs, and at the end; of six epochs with two validations at most every third."""
    judge = Judge(monkeypatch, 0.1)
    start(epochs=6, validations=2, stride="sparse").fit()
    assert 2 <= len(judge.asked) <= 3


def test_the_best_weights_are_those_with_the_highest_r(
    start: Start, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """r of 0.1, 0.4, 0.3, 0.4: the second, for a later one has to be better to replace it."""
    Judge(monkeypatch, 0.1, 0.4, 0.3, 0.4)
    weights: list[dict[str, torch.Tensor]] = []
    trainer = start(epochs=4, validations=1000)
    monkeypatch.setattr(
        trainer, "_validate", lambda validate=trainer._validate: (weights.append(weights_of(trainer)), validate())
    )
    trainer.fit()
    told = events("validation")
    assert [line["best"] for line in told] == [True, True, False, False]
    assert [line["r"] for line in told] == [0.1, 0.4, 0.3, 0.4]
    assert trainer.best == {"step": told[1]["step"], "r": 0.4}
    best, header = load_model(trainer.run.best)
    assert header["chosen_by"] == f"mean r of the validation takes at step {told[1]['step']}"
    assert all(torch.equal(value, weights[1][name]) for name, value in best.state_dict().items())
    last, _ = load_model(trainer.run.last)
    assert all(torch.equal(value, weights[3][name]) for name, value in last.state_dict().items())


@pytest.mark.parametrize("marks", [(None, None), (-0.3, -0.2)])
def test_even_bad_weights_are_chosen_among(
    start: Start, monkeypatch: pytest.MonkeyPatch, marks: tuple[float | None, ...]
) -> None:
    """A run whose validation takes do not move, or that is worse than nothing, still has weights to use."""
    Judge(monkeypatch, *marks)
    trainer = start(epochs=2, validations=1000)
    trainer.fit()
    assert trainer.run.best.is_file() and trainer.best["r"] == (marks[-1] or 0.0)


def test_the_best_so_far_survives_a_resume(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    Judge(monkeypatch, 0.9, 0.2)
    first = start(epochs=4, validations=1000)
    steps = steps_of_run(first.config, first.train_takes, 4)
    first._telling._listeners[0].step = steps - 2
    first.fit()
    before = first.run.best.read_bytes()
    again = start(resume=True)
    again.fit()
    assert again.best["r"] == 0.9 and again.run.best.read_bytes() == before
    told = [line["best"] for line in events("validation")]
    assert told[0] and not any(told[1:])


def test_a_run_is_decided_by_its_settings_alone(start: Start, tmp_path: Path) -> None:
    """Validated ten times as often, or with numbers drawn in between, it is the same run, dropout and all."""
    often, once = start(epochs=3, validations=30, run=tmp_path / "often"), start(epochs=3, run=tmp_path / "once")
    torch.rand(100)
    often.fit()
    once.fit()
    assert all(torch.equal(value, weights_of(once)[name]) for name, value in often.model.state_dict().items())
    other = start(epochs=3, seed=1, run=tmp_path / "other")
    other.fit()
    assert not all(torch.equal(value, weights_of(once)[name]) for name, value in other.model.state_dict().items())


def test_without_validation_takes_the_last_weights_are_used(start: Start, spoken: Corpus, events: Events) -> None:
    trainer = start(corpus=spoken.select(split="train"), max_steps=2)
    trainer.fit()
    model, header = load_model(trainer.run.best)
    assert "no validation takes" in header["chosen_by"] and trainer.best == {} and events("validation") == []
    assert all(torch.equal(value, weights_of(trainer)[name]) for name, value in model.state_dict().items())


def test_an_interrupted_run_is_not_kept_waiting_by_validation(
    start: Start, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    judge = Judge(monkeypatch, 0.1)
    assert start(stop_at=3).fit() == "interrupted"
    assert judge.asked == [] and [line["event"] for line in events()][-2:] == ["saved", "end"]

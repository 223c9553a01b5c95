"""A run that gets no better ends by itself, and its patience goes through a resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from koekao.corpus import Corpus
from koekao.errors import ConfigError, RunError
from koekao.models.weights import read_tensors
from koekao.training import TrainConfig, Trainer

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``judged(0.1, 0.2)``: mean r of the validations to come; the last one of all others."""

    def judge(*marks: float) -> None:
        left = list(marks)

        def scores(predict: Any, takes: Corpus) -> Any:
            mark = left.pop(0) if len(left) > 1 else left[0]
            return SimpleNamespace(average=lambda metric: mark)

        monkeypatch.setattr("koekao.training.trainer.score_takes", scores)
        monkeypatch.setattr("koekao.training.account.Account.validated", lambda *_, **__: {})  # it would ask for more

    return judge


EACH_EPOCH: dict[str, Any] = {"epochs": 9, "validations": 1000, "stride": "sparse"}


def test_it_ends_after_that_many_without_a_new_best(start: Start, events: Events, judged: Callable[..., None]) -> None:
    """0.1, 0.3, 0.2, 0.4 resets the count; 0.4 again is no better, 0.1 neither: the sixth validation is the last."""
    judged(0.1, 0.3, 0.2, 0.4, 0.4, 0.1, 0.9)
    trainer = start(patience=2, **EACH_EPOCH)
    assert trainer.fit() == "no better in 2 validations"
    assert [line["best"] for line in events("validation")] == [True, True, False, True, False, False]
    assert trainer.epoch == 5 and trainer.best["r"] == 0.4
    assert events("end")[0]["reason"] == "no better in 2 validations"


def test_without_patience_it_goes_on(start: Start, events: Events, judged: Callable[..., None]) -> None:
    judged(0.5, 0.1)
    assert start(**EACH_EPOCH).fit() == "all epochs done" and len(events("validation")) == 9


def test_patience_goes_through_a_resume(
    start: Start, judged: Callable[..., None], tmp_path: Path, same_checkpoint: Callable[..., None]
) -> None:
    """Cut when one validation of three had brought nothing; and a run that has ended so stays as it is."""
    judged(0.5, 0.1)
    straight = start(patience=3, run=tmp_path / "one", **EACH_EPOCH)
    straight.fit()
    cut = straight.best["step"] * 2 + 1
    judged(0.5, 0.1)
    start(patience=3, run=tmp_path / "parts", stop_at=cut, **EACH_EPOCH).fit()
    assert read_tensors(tmp_path / "parts" / "last.safetensors")[1]["progress"]["validations_without_best"] == 1
    judged(0.1)
    assert start(run=tmp_path / "parts", resume=True).fit() == "no better in 3 validations"
    same_checkpoint(tmp_path / "one", tmp_path / "parts")
    again = start(run=tmp_path / "parts", resume=True)
    assert again.fit() == "no better in 3 validations" and again._session_steps == 0


def test_patience_without_validation_takes_is_refused(start: Start, spoken: Corpus) -> None:
    with pytest.raises(RunError, match="patience 2, and no validation take") as error:
        start(patience=2, corpus=spoken.select(split="train"))
    assert "--val" in error.value.do


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"patience": -1}, "patience -1; expected 0 or more"),
        ({"keep_last": 0}, "keep_last 0; expected at least 1"),
        ({"accumulate": 0}, "accumulate 0; expected at least 1"),
        ({"ema_from_step": -1}, "ema_from_step -1"),
        ({"ema_decay": 1.0}, r"ema_decay 1.0; expected a share in \[0, 1\)"),
        ({"ema_decay": float("nan")}, "ema_decay nan"),
        ({"precision": "int8"}, "precision 'int8'; expected one of fp32, bf16, fp16"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrainConfig(**settings)

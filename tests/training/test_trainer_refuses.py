"""What a trainer refuses to do, and that the folder is then as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ConfigError, ModelError, RunError
from koekao.takes import Take
from koekao.takes.synthetic.making import make_take
from koekao.training import Trainer
from koekao.training import trainer as trainer_module

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]


def test_a_run_is_not_trained_over(start: Start, tmp_path: Path) -> None:
    start(max_steps=1).fit()
    before = {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()}
    with pytest.raises(RunError, match="holds a run already") as error:
        start(max_steps=1)
    assert error.value.where == str(tmp_path / "run") and "--resume" in error.value.do
    assert {entry.name: entry.read_bytes() for entry in (tmp_path / "run").iterdir()} == before


def test_resuming_without_a_run_is_an_error(start: Start, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        start(resume=True)
    assert not (tmp_path / "run").exists()


def test_resuming_on_another_corpus_is_refused_with_both(start: Start, tmp_path: Path, spoken: Corpus) -> None:
    start(max_steps=1).fit()
    pack_takes([make_take(1, seconds=2)], tmp_path / "corpus", PackConfig(val=0.0))
    other = Corpus.open(tmp_path / "corpus")
    with pytest.raises(RunError, match=f"trained on corpus {spoken.id[:12]}, this one is {other.id[:12]}"):
        start(resume=True, corpus=other)


def test_resuming_with_other_settings_uses_those_of_the_run(start: Start) -> None:
    """A run is one thing; what is said at resuming does not change it half way."""
    start(stop_at=2, seed=7, learning_rate=0.002).fit()
    trainer = start(resume=True, seed=8, learning_rate=0.5, stop_at=3)
    trainer.fit()
    assert trainer.config.seed == 7 and trainer.config.learning_rate == 0.002 and trainer.step == 3


@pytest.mark.parametrize("lost", ["last.safetensors"])
def test_resuming_without_the_checkpoint_is_an_error(start: Start, tmp_path: Path, lost: str) -> None:
    start(max_steps=1).fit()
    (tmp_path / "run" / lost).unlink()
    with pytest.raises(RunError, match="holds no checkpoint to resume from"):
        start(resume=True).fit()


def test_a_damaged_checkpoint_is_not_resumed(start: Start, tmp_path: Path) -> None:
    start(max_steps=1).fit()
    path = tmp_path / "run" / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be read") as error:
        start(resume=True).fit()
    assert error.value.where == str(path)


def test_no_training_take_is_an_error(start: Start, spoken: Corpus) -> None:
    with pytest.raises(RunError, match="has no training take"):
        start(corpus=spoken.select(split="val"))


def test_validation_takes_without_a_tracked_frame_are_refused_before_the_first_step(
    start: Start, spoken: Corpus, tmp_path: Path
) -> None:
    """And not at the first validation, an hour later."""
    lost = Take(**vars(make_take(1, seconds=1, name="lost")) | {"valid": np.zeros(30, bool)})
    pack_takes([make_take(2, seconds=2), lost], tmp_path / "corpus", PackConfig(val=("lost",)))
    with pytest.raises(RunError, match="no frame of the validation takes was tracked"):
        start(corpus=Corpus.open(tmp_path / "corpus"))
    assert not (tmp_path / "run").exists()
    seen = make_take(3, seconds=1, name="seen")
    pack_takes([make_take(2, seconds=2), lost, seen], tmp_path / "better", PackConfig(val=("lost", "seen")))
    assert start(corpus=Corpus.open(tmp_path / "better"), max_steps=1, n_streams=1).fit() == "1 steps done"


def test_settings_that_do_not_fit_leave_no_run(start: Start, tmp_path: Path) -> None:
    """What is found out on the way to the first step leaves the folder free for the next attempt."""
    for more in ({"batch_size": 4, "n_streams": 3}, {"stride": "zigzag"}, {"num_workers": -1}):
        with pytest.raises(ConfigError):
            start(**more).fit()
        assert not (tmp_path / "run" / "run.json").exists()
    with pytest.raises(ConfigError, match="settings of model 'sequential' do not fit"):
        start(model={"depth": 9})
    start(max_steps=1).fit()


def test_a_run_killed_before_its_first_minute_can_be_resumed(start: Start, tmp_path: Path) -> None:
    """Whatever has a record has a checkpoint: no dead end between "holds a run already" and "no checkpoint"."""

    def tell(event: str, **values: Any) -> None:
        if event == "step" and values["step"] == 2:
            raise MemoryError("as if killed")

    with pytest.raises(MemoryError):
        start(listeners=[SimpleNamespace(tell=tell, close=lambda: None)]).fit()
    assert (tmp_path / "run" / "run.json").is_file()
    resumed = start(resume=True, stop_at=1)
    assert resumed.fit() == "interrupted" and resumed.step == 1


def test_it_is_saved_now_and_then(start: Start, events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any step, once a minute has passed since the last time: an epoch may take hours."""
    monkeypatch.setattr(trainer_module, "_SAVE_EVERY_S", -1.0)
    trainer = start(epochs=2)
    trainer.fit()
    assert [line["step"] for line in events("saved")] == [*range(trainer.step + 1), trainer.step]

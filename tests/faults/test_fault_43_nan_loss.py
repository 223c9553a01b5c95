"""Fault 43: the loss is no number. The run stops before the update, and names the step and its takes.

Other numbers that are none (sound, gradient) are tests/training/test_trainer_numbers.py; those of one rank of several
are tests/training/test_distributed.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.models.weights import read_tensors
from koekao.training import trainer as trainer_module
from small_runs import SETTINGS, differences, made

pytestmark = pytest.mark.usefixtures("_quick")


def everything(trainer: Any) -> list[torch.Tensor]:
    """Weights, moments and the state of the streams."""
    parts = trainer.parts
    moments = [value for state in parts.optimizer.state.values() for value in state.values()]
    return [value.clone() for value in (*trainer.model.state_dict().values(), *moments, *parts.task.state.values())]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("bad", [0, 3])
def test_fault_43_a_target_that_is_no_number_stops_the_run_before_its_update(
    spoken: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, bad: int
) -> None:
    """And the run goes on from its last checkpoint as one that never met it."""
    monkeypatch.setattr(trainer_module, "_SAVE_EVERY_S", -1.0)
    trainer, to_device, takes, before = made(spoken, tmp_path / "run", name), trainer_module.to_device, set(), []

    def poisoned(batch: Any, device: Any) -> Any:
        batch = to_device(batch, device)
        if trainer.step == bad:
            takes.update(take for take in batch["file_names"] if take)
            before.extend(everything(trainer))
            batch["blendshapes" if name == "sequential" else "arkit"][:, :, 7] = float("nan")  # one curve
        return batch

    with monkeypatch.context() as patch:
        patch.setattr(trainer_module, "to_device", poisoned)
        with pytest.raises(RunError, match=f"the loss of step {bad} is nan") as error:
            trainer.fit()
    assert error.value.where == str(trainer.run.path)
    assert ", ".join(sorted(takes)) in error.value.what and f"as it was at step {bad}" in error.value.do
    n_weights = len(trainer.model.state_dict())
    assert all(map(torch.equal, before[:n_weights], trainer.model.state_dict().values()))
    after = everything(trainer)[n_weights:]
    moments = after[: len(after) - len(trainer.parts.task.state)]
    assert all(map(torch.equal, before[n_weights:], moments)) and trainer.step == bad
    tensors, header = read_tensors(trainer.run.last)
    assert header["progress"]["step"] == bad and all(value.isfinite().all() for value in tensors.values())
    again, straight = (made(spoken, tmp_path / run, name, stop_at=6) for run in ("run", "straight"))
    for one in (again, straight):
        one.fit()
    assert differences(tmp_path / "run", tmp_path / "straight") == []

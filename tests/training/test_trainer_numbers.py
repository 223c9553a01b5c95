"""Numbers that are none stop a run before they get into the weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from koekao.errors import RunError
from koekao.models.weights import read_tensors
from koekao.training import Trainer
from koekao.training import trainer as trainer_module

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


@EVERY
@pytest.mark.parametrize("what", ["target", "sound", "gradient"])
def test_nan_stops_before_the_weights_change(
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    """It names the step and the takes; weights and optimiser are, to the bit, those of before."""
    trainer, to_device, before = start(name), trainer_module.to_device, {}

    def poisoned(batch: Any, device: Any) -> Any:
        batch = to_device(batch, device)
        if trainer.step == 2:
            before["takes"] = {take for take in batch["file_names"] if take}
            before["weights"] = weights_of(trainer)
            before["moments"] = [s["exp_avg"].clone() for s in trainer.parts.optimizer.state.values()]
            if what == "target":
                batch["blendshapes" if name == "sequential" else "arkit"][0] = float("nan")
            elif what == "sound" and name == "stream":  # it is told of the sound by log-mel alone
                batch["mel"] = torch.full((4, 24, 2, 20), float("nan"))
            elif what == "sound":
                batch["wav" if name == "clips" else "audio"][0] = float("nan")
            else:
                next(trainer.model.parameters()).register_hook(lambda gradient: gradient * float("inf"))
        return batch

    monkeypatch.setattr(trainer_module, "to_device", poisoned)
    said = "the norm of the gradient of step 2 is" if what == "gradient" else "the loss of step 2 is nan"
    with pytest.raises(RunError, match=said) as error:
        trainer.fit()
    assert error.value.where == str(trainer.run.path)
    assert ", ".join(sorted(before["takes"])) in error.value.what
    assert all(torch.equal(value, before["weights"][key]) for key, value in trainer.model.state_dict().items())
    moments = [s["exp_avg"] for s in trainer.parts.optimizer.state.values()]
    assert all(map(torch.equal, moments, before["moments"]))
    assert trainer.step == 2 and "last.safetensors holds the run as it was at step 0" in error.value.do
    assert read_tensors(trainer.run.last)[1]["progress"]["step"] == 0


def test_a_large_gradient_is_clipped(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, norms = start(max_steps=3, clip_norm=0.01), []
    step = torch.optim.AdamW.step

    def measured(self: Any, *args: Any) -> Any:
        gradients = [p.grad for p in trainer.model.parameters()]
        norms.append(math.sqrt(sum(float(g.square().sum()) for g in gradients)))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", measured)
    trainer.fit()
    assert len(norms) == 3 and max(norms) == pytest.approx(0.01, rel=1e-3)

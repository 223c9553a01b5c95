"""Several batches a step: the gradient of one larger batch, whole groups, and the same resume."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.models.weights import read_tensors
from koekao.training import Trainer
from koekao.training.length import steps_of_run

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
STILL = {"dim": 16, "future_frames": 2, "dropout": 0.0, "features": {"n_mels": 20}}
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])


def test_four_batches_are_one_four_times_as_large(start: Start, tmp_path: Path, events: Events) -> None:
    """Clips without a hole: each loss is a mean over as many frames. Gradient and loss to 1e-6, of every tensor."""
    large, small = start("clips", model=STILL, batch_size=32), start("clips", model=STILL, batch_size=8, accumulate=4)
    for trainer in (large, small):
        trainer.parts = trainer._prepare()
        for _, batch in zip(range(trainer.config.accumulate), trainer.parts.loader, strict=False):
            trainer._hear(batch)
        trainer.norm = trainer.parts.stepper.norm()
        trainer.losses = trainer.parts.stepper.step()
    assert small.norm.item() == pytest.approx(large.norm.item(), abs=1e-6)
    assert small.losses["position"].item() == pytest.approx(large.losses["position"].item(), abs=1e-6)
    for (name, mine), theirs in zip(small.model.named_parameters(), large.model.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-6, rtol=0, msg=name)
        assert mine.grad.abs().max() > 1e-4 or mine.dim() == 1


@EVERY
def test_an_epoch_ends_with_what_is_left(start: Start, events: Events, name: str) -> None:
    """No gradient goes over into the next epoch, and the plan of the learning rate counts steps, not batches."""
    trainer = start(name, accumulate=3, epochs=2)
    trainer.fit()
    batches = [trainer.config.spec(4, trainer.corpus.clock, 2).plan(trainer.train_takes.n_frames, e, 1).n_batches
               for e in (0, 1)]  # fmt: skip
    assert trainer.step == trainer.n_steps == sum(-(-n // 3) for n in batches)
    assert trainer.step == steps_of_run(trainer.config, trainer.train_takes, 2)
    assert trainer._session_batches == sum(batches)


@EVERY
def test_20_steps_are_10_and_a_resume_and_10(
    start: Start, tmp_path: Path, name: str, same_checkpoint: Callable[..., None]
) -> None:
    more = {"accumulate": 2, "epochs": 20, "num_workers": 1}
    straight = start(name, run=tmp_path / "one", stop_at=20, **more)
    straight.fit()
    assert straight.epoch > 0
    start(name, run=tmp_path / "parts", stop_at=10, **more).fit()
    start(name, run=tmp_path / "parts", stop_at=20, resume=True).fit()
    same_checkpoint(tmp_path / "one", tmp_path / "parts")


def test_one_batch_a_step_is_what_it_was(start: Start, tmp_path: Path) -> None:
    """The default divides nothing and adds nothing: the plain loop of before, written out here, to the bit."""
    trainer = start("clips", max_steps=5)
    trainer.fit()
    plain = start("clips", max_steps=5, run=tmp_path / "plain")
    parts, step = plain._prepare(), 0
    from koekao.training.schedule import learning_rate

    for batch in parts.loader:
        if step == 5:
            break
        plain.model.train()
        for group in parts.optimizer.param_groups:
            group["lr"] = learning_rate(step, plain.n_steps, peak=plain.config.learning_rate, warmup=0.05)
        loss = torch.stack(list(parts.task.losses(plain.model, batch).values())).sum()
        parts.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.model.parameters(), plain.config.clip_norm)
        parts.optimizer.step()
        step += 1
    tensors = read_tensors(trainer.run.last)[0]
    assert step == 5 and all(torch.equal(tensors[name], value) for name, value in plain.model.state_dict().items())


def test_debug_is_three_batches_still(start: Start) -> None:
    trainer = start(accumulate=2, debug=True)
    assert trainer.fit() == "debug: 3 batches"
    assert (trainer._session_batches, trainer.step) == (3, 2)


def test_the_losses_told_are_the_mean_over_the_batches(start: Start, events: Events, tmp_path: Path) -> None:
    start("clips", model=STILL, accumulate=2, max_steps=1, learning_rate=1e-9).fit()
    told = events("step")[0]["loss_position"]
    start("clips", model=STILL, max_steps=2, learning_rate=1e-9, run=tmp_path / "single").fit()
    singles = [line["loss_position"] for line in events("step", tmp_path / "single")]
    assert told == pytest.approx(sum(singles) / 2, abs=2e-6) and len(singles) == 2

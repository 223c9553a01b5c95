"""The average of the weights: its arithmetic, where it counts, and that it changes nothing of the training itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.models import load_model
from koekao.models.weights import read_tensors, save_tensors
from koekao.training import Trainer, open_run
from koekao.training.ema import Ema
from koekao.training.parts import make_model

Start = Callable[..., Trainer]
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])


def test_the_average_by_hand(spoken: Corpus, config_of: Callable[..., Any]) -> None:
    """From step 2 on, weights that are 1, 2, 3 ... all over; decays 2/11, 3/12, and 0.3, the largest, from then on."""
    model, ema = make_model(config_of(), spoken), Ema(decay=0.3, from_step=2)
    third, fourth = 2 * 2 / 11 + 3 * 9 / 11, (2 * 2 / 11 + 3 * 9 / 11) / 4 + 4 * 3 / 4
    fifth = 0.3 * fourth + 0.7 * 5
    expected = {1: None, 2: 2.0, 3: third, 4: fourth, 5: fifth, 6: 0.3 * fifth + 0.7 * 6}
    for step, average in expected.items():
        with torch.no_grad():
            for value in model.parameters():
                value.fill_(float(step))
        ema.update(model, step)
        for value in ema.weighted(model).parameters():
            torch.testing.assert_close(value, torch.full_like(value, float(step) if average is None else average))
        assert all((value == step).all() for value in model.parameters())  # the raw ones are not touched


def test_without_a_decay_there_is_no_average(spoken: Corpus, config_of: Callable[..., Any]) -> None:
    model, ema = make_model(config_of(), spoken), Ema(decay=0.0)
    ema.update(model, 5)
    assert not ema.average and not ema.has_begun(5)
    copy = ema.weighted(model)
    assert copy is not model
    assert all(map(torch.equal, copy.state_dict().values(), model.state_dict().values()))


@EVERY
def test_training_itself_is_the_same_to_the_bit(start: Start, tmp_path: Path, name: str) -> None:
    start(name, run=tmp_path / "with", ema_decay=0.9, max_steps=8).fit()
    start(name, run=tmp_path / "without", ema_decay=0.0, max_steps=8).fit()
    averaged, plain = (read_tensors(tmp_path / run / "last.safetensors")[0] for run in ("with", "without"))
    assert {each for each in averaged if not each.startswith("ema/")} == plain.keys()
    assert all(torch.equal(averaged[each], plain[each]) for each in plain)


@EVERY
def test_20_steps_are_10_and_a_resume_and_10(
    start: Start, tmp_path: Path, name: str, same_checkpoint: Callable[..., None]
) -> None:
    """Whether the average had begun at the cut or not."""
    for begins in (0, 15):
        more = {"ema_decay": 0.8, "ema_from_step": begins, "epochs": 9}
        one, parts = tmp_path / f"one{begins}", tmp_path / f"parts{begins}"
        start(name, run=one, stop_at=20, **more).fit()
        start(name, run=parts, stop_at=10, **more).fit()
        start(name, run=parts, stop_at=20, resume=True).fit()
        same_checkpoint(one, parts)
        assert any(each.startswith("ema/") for each in read_tensors(one / "last.safetensors")[0])


def test_the_average_is_validated_chosen_and_published(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, torch.Tensor]] = []
    animate = "koekao.training.trainer.animate"
    from koekao.animation import animate as really

    monkeypatch.setattr(animate, lambda model, audio: (seen.append(model.state_dict()), really(model, audio))[1])
    trainer = start(ema_decay=0.9, max_steps=6)
    trainer.fit()
    best, _ = load_model(trainer.run.best)
    raw, average = dict(trainer.model.named_parameters()), trainer.parts.ema.average
    for each, value in best.named_parameters():
        assert torch.equal(value, average[each]) and torch.equal(value, seen[-1][each])
    assert any(not torch.equal(raw[each], average[each]) for each in raw)


def test_without_validation_takes_the_average_is_published(start: Start, spoken: Corpus) -> None:
    trainer = start(corpus=spoken.select(split="train"), ema_decay=0.9, max_steps=4)
    trainer.fit()
    model = open_run(trainer.run.path).model()
    assert all(torch.equal(value, trainer.parts.ema.average[each]) for each, value in model.named_parameters())


def test_an_interrupted_run_that_chose_nothing_yet_gives_its_average(start: Start) -> None:
    trainer = start(ema_decay=0.9, stop_at=4)
    trainer.fit()
    assert not trainer.run.best.exists()
    model = open_run(trainer.run.path).model()
    assert all(torch.equal(value, trainer.parts.ema.average[each]) for each, value in model.named_parameters())


def test_a_checkpoint_that_lacks_the_average_is_refused(start: Start) -> None:
    trainer = start(ema_decay=0.9, stop_at=4)
    trainer.fit()
    tensors, header = read_tensors(trainer.run.last)
    save_tensors(trainer.run.last, {each: v for each, v in tensors.items() if not each.startswith("ema/")}, header)
    with pytest.raises(RunError, match="lacks '") as error:
        start(resume=True).fit()
    assert error.value.where == str(trainer.run.last)

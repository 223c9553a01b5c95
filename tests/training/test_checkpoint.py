"""A checkpoint holds all that decides the rest of a run, whole or not at all, and refuses what it does not fit."""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus
from koekao.errors import ModelError, OutputError, RunError
from koekao.models import load_model
from koekao.models.weights import read_tensors, save_tensors
from koekao.training import TrainConfig
from koekao.training.checkpoint import load_checkpoint, save_checkpoint
from koekao.training.parts import Parts, make_model, make_parts
from koekao.training.statistics import fit_statistics


@pytest.fixture
def parts_of(spoken: Corpus, config_of: Callable[..., TrainConfig]) -> Callable[..., Parts]:
    """Parts of a run after ``steps`` steps."""

    def make(trainer: str = "sequential", *, steps: int = 0, **more: Any) -> Parts:
        config = config_of(trainer, **more)
        takes = spoken.select(split="train")
        model = make_model(config, spoken).train()
        fit_statistics(model, takes)
        parts = make_parts(config, takes, model, config.spec(len(takes), spoken.clock, 1))
        for _, batch in zip(range(steps), parts.loader, strict=False):
            torch.stack(list(parts.task.losses(model, batch).values())).sum().backward()
            parts.optimizer.step()
            parts.optimizer.zero_grad()
        return parts

    return make


def saved(parts: Parts, path: Path, **progress: Any) -> Path:
    save_checkpoint(path, model=parts.model, optimizer=parts.optimizer, task=parts.task, progress=progress)
    return path


def loaded(path: Path, parts: Parts) -> dict[str, Any]:
    return load_checkpoint(path, model=parts.model, optimizer=parts.optimizer, task=parts.task)


@pytest.mark.parametrize("trainer", ["sequential", "clips", "stream"])
def test_everything_comes_back_to_the_bit(parts_of: Callable[..., Parts], tmp_path: Path, trainer: str) -> None:
    """Weights, both moments and the step of the optimiser, the streams' state, the random state, the progress."""
    used = parts_of(trainer, steps=3)
    path = saved(used, tmp_path / "last.safetensors", step=3, nested={"a": [1, None]})
    random_state = torch.get_rng_state()
    torch.rand(100)
    fresh = parts_of(trainer, seed=9)
    assert loaded(path, fresh) == {"step": 3, "nested": {"a": [1, None]}}
    assert torch.equal(torch.get_rng_state(), random_state)
    for name, value in used.model.state_dict().items():
        assert torch.equal(fresh.model.state_dict()[name], value), name
    assert used.task.state.keys() == fresh.task.state.keys()
    assert all(torch.equal(fresh.task.state[name], used.task.state[name]) for name in used.task.state)
    assert trainer != "sequential" or used.task.state["previous"].any()
    for mine, theirs in zip(fresh.model.parameters(), used.model.parameters(), strict=True):
        ours, others = fresh.optimizer.state[mine], used.optimizer.state[theirs]
        assert ours.keys() == others.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(ours[what], others[what]) for what in ours)


def test_the_names_in_the_file_say_what_is_what(parts_of: Callable[..., Parts], tmp_path: Path) -> None:
    tensors, header = read_tensors(saved(parts_of(steps=1), tmp_path / "last.safetensors"))
    kinds = {name.split("/")[0] for name in tensors if "/" in name}
    assert kinds >= {"optimizer", "state", "random"}
    assert {"state/previous", "state/started", "random/cpu", "smoothing.logit"} <= tensors.keys()
    assert header["model"] == "sequential" and header["progress"] == {}


def test_a_checkpoint_is_a_model_too(parts_of: Callable[..., Parts], tmp_path: Path) -> None:
    """Where no best weights were chosen yet, the last ones are used."""
    parts = parts_of(steps=2)
    model, _ = load_model(saved(parts, tmp_path / "last.safetensors"))
    assert all(torch.equal(value, parts.model.state_dict()[name]) for name, value in model.state_dict().items())


def test_before_the_first_step_there_is_nothing_of_the_optimiser(
    parts_of: Callable[..., Parts], tmp_path: Path
) -> None:
    fresh = parts_of(seed=4)
    loaded(saved(parts_of(), tmp_path / "last.safetensors"), fresh)
    assert not fresh.optimizer.state


def test_another_model_is_refused(parts_of: Callable[..., Parts], tmp_path: Path) -> None:
    path = saved(parts_of(steps=1), tmp_path / "last.safetensors")
    other = parts_of(model={"dim": 8, "dilations": (2, 1), "features": {"n_mels": 20}})
    before = {name: value.clone() for name, value in other.model.state_dict().items()}
    with pytest.raises(ModelError, match=r"the model does not fit: dim is 16; expected 8") as error:
        loaded(path, other)
    assert error.value.where == str(path)
    assert all(torch.equal(value, before[name]) for name, value in other.model.state_dict().items())


def rewritten(path: Path, edit: Callable[[dict[str, Any], dict[str, Any]], object]) -> Path:
    tensors, header = read_tensors(path)
    edit(tensors, header)
    save_tensors(path, tensors, header)
    return path


@pytest.mark.parametrize(
    ("edit", "kind", "said"),
    [
        (lambda t, h: t.pop("random/cpu"), RunError, "lacks 'random/cpu'"),
        (lambda t, h: t.pop("state/previous"), RunError, "lacks 'previous'"),
        (lambda t, h: t.pop("smoothing.logit"), ModelError, "smoothing.logit is no tensor"),
        (lambda t, h: h.pop("progress"), RunError, "lacks 'progress'"),
        (lambda t, h: h["config"].pop("dropout"), ModelError, "dropout is not stated; expected "),
        (lambda t, h: h.update(version=99), ModelError, "version 99"),
    ],
)
def test_a_checkpoint_that_lacks_a_part_is_refused(
    parts_of: Callable[..., Parts], tmp_path: Path, edit: Any, kind: type[Exception], said: str
) -> None:
    path = rewritten(saved(parts_of(steps=1), tmp_path / "last.safetensors"), edit)
    with pytest.raises(kind, match=said) as error:
        loaded(path, parts_of())
    assert error.value.where == str(path)  # type: ignore[attr-defined]


def test_no_checkpoint_is_an_error(parts_of: Callable[..., Parts], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no checkpoint to resume from") as error:
        loaded(tmp_path / "last.safetensors", parts_of())
    assert error.value.where == str(tmp_path)


def test_a_full_disk_leaves_the_checkpoint_before(parts_of: Callable[..., Parts], tmp_path: Path) -> None:
    """As far as a limit on the size of files is one; the file that was there is still read."""
    path = saved(parts_of(steps=1), tmp_path / "last.safetensors", step=1)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written") as error:
            saved(parts_of(steps=2), path, step=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert str(path) in error.value.where and path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir() if "last" in entry.name] == [path.name]

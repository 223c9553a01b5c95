"""Where a run begins: weights of a file or a run, to the bit; statistics of its own corpus; and nothing by halves."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ModelError, RunError
from koekao.models import FaceModel, load_model, save_model
from koekao.takes.synthetic.making import make_take, make_takes
from koekao.training import Trainer, open_run, pretrain
from koekao.training.statistics import fit_statistics

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]
FEATURES = {"n_mels": 20}
MODEL: dict[str, Any] = {"dim": 16, "channels": 4, "dilations": (1, 2), "features": FEATURES}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file for the stream model of these tests."""
    from koekao.training import PretrainConfig

    folder = tmp_path_factory.mktemp("pretrained")
    take = make_take(77, seconds=3)
    soundfile.write(folder / "speech.wav", take.audio, take.sample_rate)
    config = PretrainConfig(steps=3, model=MODEL, window_frames=32, batch_size=2, device="cpu", seed=9)
    pretrain(folder / "speech.wav", folder / "out.safetensors", config)
    return folder / "out.safetensors"


@pytest.fixture(scope="module")
def other_corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path = tmp_path_factory.mktemp("other") / "corpus"
    pack_takes(make_takes(2, seconds=2, seed=50), path, PackConfig(val=0.0))
    return Corpus.open(path)


def weights(model: FaceModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def assert_statistics_of(model: FaceModel, corpus: Corpus, settings: dict[str, Any]) -> None:
    from koekao.training.config import TrainConfig
    from koekao.training.parts import make_model

    own = make_model(TrainConfig(**settings), corpus)
    fit_statistics(own, corpus.select(split="train"))
    for name, value in own.named_buffers():
        assert torch.equal(dict(model.named_buffers())[name], value), name


def test_a_run_begins_with_the_pretrained_trunk_and_a_head_of_its_own(
    start: Start, pretrained: Path, spoken: Corpus
) -> None:
    trainer = start("stream", init=str(pretrained))
    fresh, theirs = weights(start("stream").model), weights(load_model(pretrained)[0])
    for name, value in weights(trainer.model).items():
        assert torch.equal(value, fresh[name] if name.startswith("head") else theirs[name]), name
    assert not torch.equal(theirs["blocks.0.mix.weight"], fresh["blocks.0.mix.weight"])
    before = weights(trainer.model)
    trainer._prepare()  # all that comes before the first step
    after = weights(trainer.model)
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert_statistics_of(trainer.model, spoken, trainer.config.as_dict())


def test_the_record_and_the_log_say_where_it_began(
    start: Start, events: Events, pretrained: Path, tmp_path: Path
) -> None:
    trainer = start("stream", init=str(pretrained), max_steps=1)
    trainer.fit()
    init = open_run(tmp_path / "run").read()["init"]
    assert init == events("begin")[0]["init"]
    assert (init["path"], init["left"]) == (str(pretrained), ["head"])
    assert init["sha256"] == hashlib.sha256(pretrained.read_bytes()).hexdigest()
    assert init["chosen_by"].startswith("pretraining on 1 files, 3 s")
    head = sum(value.numel() for name, value in weights(trainer.model).items() if name.startswith("head"))
    assert init["parameters"] == sum(value.numel() for value in weights(trainer.model).values()) - head
    start("stream", max_steps=1, run=tmp_path / "fresh").fit()
    assert open_run(tmp_path / "fresh").read()["init"] is None


@pytest.mark.parametrize("name", ["sequential", "clips", "stream"])
def test_of_a_run_everything_is_taken_over_and_measured_anew(
    start: Start, tmp_path: Path, other_corpus: Corpus, name: str
) -> None:
    start(name, max_steps=2, epochs=1, run=tmp_path / "before").fit()
    run = open_run(tmp_path / "before")
    trainer = start(name, init=str(run.path), seed=5, corpus=other_corpus)
    theirs, ours = weights(run.model()), weights(trainer.model)
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    trainer._prepare()
    assert_statistics_of(trainer.model, other_corpus, trainer.config.as_dict())
    assert trainer._init is not None and trainer._init["left"] == []
    assert trainer._init["path"] == str(run.best)


def test_of_a_run_without_best_weights_those_are_taken_that_it_would_publish(start: Start, tmp_path: Path) -> None:
    """The last checkpoint's average, not its raw weights; and the checkpoint may be named itself."""
    start("stream", max_steps=3, ema_decay=0.9, run=tmp_path / "before").fit()
    run = open_run(tmp_path / "before")
    run.best.unlink()
    published = weights(run.model())
    raw = weights(load_model(run.last)[0])
    assert any(not torch.equal(value, raw[name]) for name, value in published.items())
    for place in (run.path, run.last):
        ours = weights(start("stream", init=str(place)).model)
        assert all(torch.equal(value, published[name]) for name, value in ours.items())


def test_resumed_it_goes_on_and_does_not_begin_again(
    start: Start, pretrained: Path, tmp_path: Path, same_checkpoint: Callable[[Path, Path], None]
) -> None:
    """The file may be gone by then, and the record still says what it was."""
    file = tmp_path / "moved.safetensors"
    shutil.copy(pretrained, file)
    start("stream", init=str(file), max_steps=6, run=tmp_path / "straight").fit()
    start("stream", init=str(file), max_steps=6, stop_at=3).fit()
    file.unlink()
    start("stream", resume=True).fit()
    same_checkpoint(tmp_path / "straight", tmp_path / "run")
    records = [open_run(tmp_path / name).read() for name in ("straight", "run")]
    assert records[0]["init"] == records[1]["init"] and records[1]["init"]["path"] == str(file)


@pytest.mark.parametrize(
    ("settings", "seen", "expected", "do"),
    [
        ({"dim": 32}, "dim 16", "dim 32", "--model.dim 16"),
        ({"dilations": [2, 1]}, r"dilations \[1, 2\]", r"dilations \[2, 1\]", r"--model.dilations '\[1, 2\]'"),
        (
            {"features": {"n_mels": 24}},
            "features.n_mels 20",
            "features.n_mels 24",
            "--model.features '{\"n_mels\": 20}'",
        ),
        (
            {"look_ahead_frames": 0, "front_frames": 5},
            "front_frames 4, look_ahead_frames 3",
            "front_frames 5, look_ahead_frames 0",
            "--model.front_frames 4 --model.look_ahead_frames 3",
        ),
        (
            {"features": {"n_mels": 20, "fps": "60"}},
            'fps "30"',
            'features.fps "60"',
            "made at the rates of this corpus",
        ),
    ],
)
def test_another_trunk_is_refused_with_both_and_what_to_say(
    start: Start, pretrained: Path, tmp_path: Path, settings: dict[str, Any], seen: str, expected: str, do: str
) -> None:
    """Also where the tensors would have the same shapes: they would not mean the same."""
    said = f"the model does not fit: .*{seen}; expected {expected}, as this run has it\n  -> .*{do}"
    with pytest.raises(ModelError, match=said) as error:
        start("stream", init=str(pretrained), model={**MODEL, **settings})
    assert error.value.where == str(pretrained) and not (tmp_path / "run").exists()


def test_what_only_disturbs_training_may_differ(start: Start, pretrained: Path) -> None:
    model = {**MODEL, "dropout": 0.0, "noise": 0.0, "level": 0.5, "band_shift": 0.0, "band_dropout": 0.3}
    trainer = start("stream", init=str(pretrained), model=model)
    assert trainer.model.config.dropout == 0.0 and trainer._init is not None


def test_another_model_is_refused(start: Start, pretrained: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds a stream model; expected sequential\n  -> say --trainer stream"):
        start("sequential", init=str(pretrained))
    save_model(start("sequential").model, tmp_path / "weights.safetensors")
    with pytest.raises(ModelError, match="holds a sequential model; expected stream\n  -> say --trainer sequential"):
        start("stream", init=str(tmp_path / "weights.safetensors"))


def test_nothing_to_begin_from(start: Start, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is nothing to begin from"):
        start("stream", init=str(tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="is no run"):
        start("stream", init=str(tmp_path / "empty"))
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(ModelError, match="cannot be read"):
        start("stream", init=str(tmp_path / "text"))
    assert not (tmp_path / "run").exists()

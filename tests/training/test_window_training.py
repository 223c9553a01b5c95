"""The sequential trainer with the window model: from sound, from packed columns, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.api.corpora import pack_features
from koekao.batches import Loader
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ConfigError
from koekao.models import WindowModel, load_model
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer
from koekao.training.parts import make_model, make_parts
from koekao.training.statistics import fit_statistics
from koekao.training.take_mel import has_packed
from koekao.training.tasks import SequentialTask

Start = Callable[..., Trainer]
WINDOW: dict[str, Any] = {"name": "window", "dim": 16, "width": 8, "heads": 2, "mel_frames": 4, "emotion_frames": 3}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Like ``spoken``, with the columns of both streams."""
    path = tmp_path_factory.mktemp("packed") / "corpus"
    pack_takes(make_takes(5, seconds=(1, 3), seed=1), path, PackConfig(val=("ken_10003",)))
    for stream in ("mel", "prosody"):
        pack_features(path, stream=stream)
    return Corpus.open(path)


def windows_of(config: TrainConfig, takes: Corpus) -> tuple[WindowModel, SequentialTask, Loader]:
    model = make_model(config, takes)
    fit_statistics(model, takes)
    parts = make_parts(config, takes, model, config.spec(len(takes), takes.clock, 1))
    assert isinstance(model, WindowModel) and isinstance(parts.task, SequentialTask)
    return model.eval(), parts.task, parts.loader


@torch.no_grad()
def test_packed_columns_say_what_the_sound_says(config_of: Any, packed: Corpus) -> None:
    """Of windows that begin a take, whose past is all in the sound; padding rows say nothing."""
    config = config_of(model=WINDOW, window_frames=40, batch_size=6, n_streams=2)
    model, task, loader = windows_of(config, packed)
    compared = padded = 0
    for batch in loader:
        assert {"mel", "prosody"} <= batch.keys() and "audio" not in batch
        padding = batch["valid_frames"] == 0
        batch["mel"][padding] = batch["prosody"][padding] = float("nan")  # what is not there is not looked at
        padded += int(padding.sum())
        predicted, task.state = task.predict(model, batch)
        assert predicted.isfinite().all()
        rows = ((batch["start_frames"] == 0) & (batch["valid_frames"] > 0)).nonzero().flatten().tolist()
        for row in rows:
            take = packed.take_ids.tolist().index(int(batch["file_indices"][row]))
            valid = batch["valid_frames"][row : row + 1]
            sound = torch.from_numpy(packed.audio(take)[: packed.clock.frame_start(int(valid))].astype("float32"))
            alone = model(sound[None] / 32768, batch["start_frames"][row : row + 1], valid)
            torch.testing.assert_close(predicted.flatten(0, 1)[row], alone[0], atol=1e-5, rtol=0)
            compared += 1
    assert compared == len(packed) and padded


def test_one_column_alone_is_not_enough(config_of: Any, tmp_path: Path) -> None:
    pack_takes(make_takes(2, seconds=(1, 2), seed=1), tmp_path / "c", PackConfig(val=0.0))
    pack_features(tmp_path / "c", stream="mel")
    corpus, config = Corpus.open(tmp_path / "c"), config_of(model=WINDOW)
    columns = windows_of(config, corpus)[2].spec.columns
    assert columns == ("audio", "blendshapes")
    pack_features(tmp_path / "c", stream="prosody")
    again = Corpus.open(tmp_path / "c")
    assert windows_of(config, again)[2].spec.columns == ("mel", "prosody", "blendshapes")
    other = config_of(model=WINDOW | {"emotion": {"past_s": 5.0}})  # not what was packed
    assert windows_of(other, again)[2].spec.columns == columns
    assert not has_packed(again, "prosody", {})


@pytest.mark.parametrize("columns", [True, False])
def test_a_run_learns_and_can_be_gone_on_with(
    start: Start, packed: Corpus, spoken: Corpus, tmp_path: Path, columns: bool
) -> None:
    """Twelve steps and five, a resume and seven more are the same run, weight by weight."""
    more = {"model": WINDOW, "corpus": packed if columns else spoken, "max_steps": 12, "epochs": 4}
    straight = start(run=tmp_path / "a", **more)
    before = {name: value.detach().clone() for name, value in straight.model.named_parameters()}
    assert straight.fit() == "12 steps done"
    assert all(not torch.equal(value, before[name]) for name, value in straight.model.named_parameters())
    start(run=tmp_path / "b", stop_at=5, **more).fit()
    resumed = start(run=tmp_path / "b", resume=True, **more)
    resumed.fit()
    assert resumed.step == 12
    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
    model, _ = load_model(tmp_path / "a" / "best.safetensors")
    assert isinstance(model, WindowModel)


@pytest.mark.parametrize(("trainer", "name"), [("clips", "window"), ("sequential", "stream"), ("stream", "nothing")])
def test_a_trainer_trains_its_own_models(config_of: Any, spoken: Corpus, trainer: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"model '{name}' for trainer {trainer}; expected one of"):
        make_model(config_of(trainer, model={"name": name}), spoken)

"""Training on augmented batches: what the model hears, the same resume, and nothing where nothing is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.batches import ClipSpec, Loader
from koekao.corpus import Corpus
from koekao.errors import BatchError, ConfigError
from koekao.models.weights import read_tensors
from koekao.training import Trainer
from koekao.training.augmentation import AugmentConfig
from koekao.training.augmented import Augmented, changes_sound, effects_of
from koekao.training.parts import make_model
from koekao.training.take_mel import TakeMel

Start = Callable[..., Trainer]
EVERY = pytest.mark.parametrize("name", ["sequential", "clips", "stream"])
LOUDER = {"gain": {"probability": 1.0}}
MIRROR = {"mirror": {"probability": 1.0}}


@EVERY
@pytest.mark.parametrize("augment", ["usual", MIRROR])
def test_20_steps_are_10_and_a_resume_and_10(
    start: Start, tmp_path: Path, name: str, augment: Any, same_checkpoint: Callable[..., None]
) -> None:
    more = {"augment": augment, "epochs": 9, "num_workers": 1}
    start(name, run=tmp_path / "one", stop_at=20, **more).fit()
    start(name, run=tmp_path / "parts", stop_at=10, **more).fit()
    start(name, run=tmp_path / "parts", stop_at=20, resume=True).fit()
    same_checkpoint(tmp_path / "one", tmp_path / "parts")


@EVERY
def test_it_changes_what_is_learnt(start: Start, tmp_path: Path, name: str) -> None:
    for run, augment in (("plain", {}), ("louder", LOUDER), ("mirror", MIRROR)):
        start(name, run=tmp_path / run, augment=augment, max_steps=2).fit()
    plain, louder, mirror = (
        read_tensors(tmp_path / run / "last.safetensors")[0] for run in ("plain", "louder", "mirror")
    )
    changed = [key for key in plain if not torch.equal(plain[key], louder[key])]
    assert changed and any(not torch.equal(plain[key], mirror[key]) for key in plain)
    assert "random/cpu" not in changed  # augmentation draws from generators of its own


def test_log_mel_is_that_of_the_changed_sound(spoken: Corpus, config_of: Callable[..., Any]) -> None:
    """Where no effect strikes, it is that of whole takes after the first 64 ms; twice as loud is ln 4."""
    features = make_model(config_of("stream"), spoken).features
    takes = spoken.select(split="train")
    loader = Loader(takes, ClipSpec(batch_size=4, window_frames=24, stride_frames=6))
    quiet = {"gain": {"probability": 1e-12}}
    kept = Augmented(effects_of(quiet), spoken.clock, 0, features=features)(loader.batch(0), epoch=0)
    whole = TakeMel(takes, features).windows(kept["file_indices"], kept["start_frames"], 24)
    real = torch.arange(24) < kept["valid_frames"][:, None] - 1
    real[:, :3] = False
    torch.testing.assert_close(kept["mel"][real], whole[real], atol=2e-3, rtol=1e-4)
    double = {"gain": {"probability": 1.0, "gain_db": (6.0206, 6.0206)}}
    louder = Augmented(effects_of(double), spoken.clock, 0, features=features)(loader.batch(0), epoch=0)
    high = whole > whole.median()
    torch.testing.assert_close(louder["mel"][real][high[real]] - whole[real][high[real]],
                               torch.full_like(whole[real][high[real]], 1.3863), atol=5e-3, rtol=0)  # fmt: skip
    assert "wav" not in louder


def test_packed_features_beside_changed_sound_are_refused(spoken: Corpus, config_of: Callable[..., Any]) -> None:
    features = make_model(config_of("stream"), spoken).features
    batch = Loader(spoken, ClipSpec(batch_size=4, window_frames=24)).batch(0)
    batch["mel"] = torch.zeros(4, 24, 2, 20)
    with pytest.raises(BatchError, match="effects that change sound, on a batch with mel"):
        Augmented(effects_of(LOUDER), spoken.clock, 0, features=features)(batch, epoch=0)


def test_what_the_setting_may_be() -> None:
    assert effects_of("usual") == AugmentConfig.usual() and effects_of({}) == AugmentConfig()
    assert changes_sound(effects_of("usual")) and not changes_sound(effects_of(MIRROR))
    with pytest.raises(ConfigError, match="augment 'much'; expected usual"):
        effects_of("much")


def test_a_setting_that_cannot_be_leaves_no_run(start: Start, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no 'echo'"):
        start(augment={"echo": {}})
    assert not (tmp_path / "run").exists()

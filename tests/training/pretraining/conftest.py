"""A folder of synthetic speech, and settings under which a pretraining takes a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from koekao.takes.synthetic.making import make_take
from koekao.training import PretrainConfig

Config = Callable[..., PretrainConfig]
SMALL: dict[str, Any] = {
    "model": {"dim": 16, "channels": 4, "dilations": [1, 2], "features": {"n_mels": 20}},
    "batch_size": 4,
    "window_frames": 32,
    "device": "cpu",
    "steps": 4,
    "seed": 1,
}


@pytest.fixture(scope="session")
def config_for_speech() -> Config:
    """``config_for_speech(seed=3)``."""
    return lambda **more: PretrainConfig(**{**SMALL, **more})


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``a.wav``, ``b.wav``, ``deep/c.wav`` of 4 s, and ``short.wav`` of 15 frames."""
    folder = tmp_path_factory.mktemp("voices")
    (folder / "deep").mkdir()
    for seed, (name, seconds) in enumerate((("a", 4), ("b", 4), ("deep/c", 4), ("short", 0.5))):
        take = make_take(seed, seconds=seconds)
        soundfile.write(folder / f"{name}.wav", take.audio, take.sample_rate)
    (folder / "notes.txt").write_text("who spoke when")
    return folder

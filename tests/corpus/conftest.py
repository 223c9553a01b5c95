"""Takes made by hand: exact numbers, no file, no reader."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interrupted import N_TAKES, write

from koekao.clock import Clock
from koekao.takes.take import Source, Take


def make_take(name: str = "a", *, n_frames: int = 40, speaker: str = "ann", dtype: str = "int16", **more: Any) -> Take:
    """A take of noise that depends on nothing but its name, its sound ending with its last frame."""
    clock = Clock(more.pop("sample_rate", 16_000), more.pop("fps", Fraction(30)))
    rng = np.random.default_rng(list(name.encode()))
    n_samples = clock.frame_start(n_frames)
    audio = rng.integers(-32768, 32768, n_samples).astype(np.int16)
    facts: dict[str, Any] = {
        "audio": audio if dtype == "int16" else (audio / 40000).astype(np.float32),
        "curves": rng.random((n_frames, 52), np.float32),
        "valid": rng.random(n_frames) > 0.1,
        "repairs": (f"resample: 48000 Hz to 16000 Hz for {name}",),
        "sources": (Source(path=f"{name}.wav", size=n_samples, sha256="0" * 64),),
    }
    return Take(name=name, speaker=speaker, sample_rate=clock.sample_rate, fps=clock.fps, **(facts | more))


@pytest.fixture(scope="session")
def take_of() -> Callable[..., Take]:
    return make_take


@pytest.fixture
def ten() -> Sequence[Take]:
    """Ten takes of three speakers, of 20 to 65 frames, in falling order of names."""
    return [make_take(f"s{i % 2}/t{i}", n_frames=20 + 5 * i, speaker=f"p{i % 3}") for i in reversed(range(10))]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of twelve takes of 30 frames; read alone."""
    folder = tmp_path_factory.mktemp("recorded")
    for i in range(N_TAKES):
        write(folder, make_take(f"t{i:02}", n_frames=30))
    return folder


@pytest.fixture
def takes(recorded: Path, tmp_path: Path) -> Path:
    """A copy of them, to be changed."""
    shutil.copytree(recorded, tmp_path / "takes", copy_function=shutil.copyfile)
    return tmp_path / "takes"


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the takes that are read, as they are read."""
    seen: list[str] = []
    pack_module = importlib.import_module("koekao.corpus.pack")  # the package gives that name to the function
    load_take = pack_module.load_take

    def counted(files: Any, **settings: Any) -> Take:
        seen.append(files.name)
        return load_take(files, **settings)

    monkeypatch.setattr(pack_module, "load_take", counted)
    return seen

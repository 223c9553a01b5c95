"""Takes made by hand, with and without files, and which of them are read."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from interrupted import N_TAKES, write
from noise_takes import make_take

from koekao.takes import Take


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

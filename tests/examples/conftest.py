"""One small corpus and one run for all examples, and a way to run them as a reader would: as programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import koekao
from examples_place import EXAMPLES, environment

Run = Callable[..., str]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six takes of five seconds, the last held out; by ``KOEKAO_EXAMPLES_CORPUS`` another."""
    if "KOEKAO_EXAMPLES_CORPUS" in os.environ:
        return Path(os.environ["KOEKAO_EXAMPLES_CORPUS"])
    path = tmp_path_factory.mktemp("examples") / "corpus"
    koekao.pack_takes(koekao.make_takes(6, seconds=5.0), path, koekao.PackConfig(val=("*_0005",)))
    return path


@pytest.fixture(scope="session")
def a_run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "run"
    koekao.train(corpus, path, max_steps=20, plots=False, num_workers=0, model={"dim": 32, "tempo": 0.0})
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("bare_loop.py", corpus)``: what the program prints; it must end well and say what it made and what next."""
    if not EXAMPLES.is_dir():
        pytest.skip("examples/ is not here (it is no part of the package), so it is not run")

    def program(name: str, *words: object, by: tuple[str, ...] = (), **variables: str) -> str:
        command = [sys.executable, *by, str(EXAMPLES / name), *map(str, words)]
        done = subprocess.run(
            command, env=environment(TMPDIR=str(tmp_path), **variables), capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, done.stdout + done.stderr
        last = done.stdout.strip().splitlines()[-2:]
        assert "made " in "".join(last) and "next: " in last[-1], done.stdout
        return done.stdout

    return program

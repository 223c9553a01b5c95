"""The command line run in this process, and one small chain of synthetic takes, corpus and run for all its tests."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from koekao.cli import main
from koekao.outputs.folder import write_take
from koekao.takes.synthetic.making import make_take
from koekao.training import ridge
from plain_terminal import eighty_columns, no_tensorboard  # noqa: F401 (fixtures of all tests here)

SMALL_MODEL = ("--model.dim", "16", "--batch-size", "4", "--device", "cpu", "--no-plots")


@dataclass(frozen=True)
class Outcome:
    """What a command line left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as strict JSON (no NaN)."""

        def refuse(constant: str) -> None:
            raise ValueError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def row(self) -> Callable[[str], list[str]]:
        """``row("ken_0000")``: the cells of the table row that begins so."""

        def find(first: str) -> list[str]:
            (line,) = (line for line in self.out.splitlines() if line.split()[:1] == [first])
            return line.split()

        return find


Run = Callable[..., Outcome]


def run_cli(*words: object) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return Outcome(ended.value.code, out.getvalue(), err.getvalue())


def run_process(*words: object, **more: Any) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "koekao", *map(str, words)], capture_output=True, text=True, env=plain_env(), **more
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def plain_env() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}


@dataclass(frozen=True)
class Chain:
    """Four takes of 10 s packed for training, validation and test, and a run of six steps on them."""

    takes: Path
    corpus: Path
    run: Path


@pytest.fixture(scope="session")
def cli() -> Run:
    """``cli("pack", takes, corpus)``: run a command line in this process."""
    return run_cli


@pytest.fixture(scope="session")
def process() -> Run:
    """``process("pack", takes, corpus)``: the same as a command of its own, as a user has it."""
    return run_process


@pytest.fixture(scope="module", autouse=True)
def few_frames(small_baseline: None) -> None:
    """For every run that a test here trains."""


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """Made by the command line itself."""
    folder = tmp_path_factory.mktemp("chain")
    made = Chain(folder / "takes", folder / "corpus", folder / "run")
    assert run_cli("synthesize", made.takes, "--takes", 4, "--seconds", 10, "--voices", 2).code == 0
    assert run_cli("pack", made.takes, made.corpus, "--val", "ken_0002", "--test", "aoi_0003").code == 0
    steps = ("--max-steps", 6, "--validations", 2, "--seed", 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ridge, "PAST_FRAMES", 1)
        assert run_cli("train", made.corpus, made.run, *SMALL_MODEL, *steps).code == 0
    return made


@pytest.fixture
def two_takes(tmp_path: Path) -> Path:
    """A folder with the takes ``good`` and ``take``, 2 s each, to be damaged."""
    folder = tmp_path / "takes"
    for seed, name in enumerate(("good", "take")):
        take = make_take(seed, seconds=2)
        write_take(folder, name, take.audio, take.sample_rate, take.curves, take.fps)
    return folder


@pytest.fixture
def copied(chain: Chain, tmp_path: Path) -> Chain:
    """A copy of the corpus and the run, to be damaged."""
    made = Chain(chain.takes, tmp_path / "corpus", tmp_path / "run")
    shutil.copytree(chain.corpus, made.corpus)
    shutil.copytree(chain.run, made.run)
    return made

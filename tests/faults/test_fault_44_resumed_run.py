"""Fault 44: schedule, random state or stream state not restored. 20 steps are 10, a resume, and 10 more, to the bit.

Each half is a process of its own, forked from one that has only imported: nothing was drawn, trained or opened before.
Any other place to stop at, ends
of epochs and best weights are tests/laws/test_training_law.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from koekao.corpus import Corpus
from koekao.models.weights import read_tensors, save_tensors
from small_runs import SETTINGS, differences, made, quick

STEPS, HALF = 20, 10
pytestmark = pytest.mark.usefixtures("_quick")
Tensors = dict[str, torch.Tensor]


def trained(spoken: Corpus, run: Path, name: str, stop_at: int = 0) -> Path:
    torch.manual_seed(12345)  # what else the program drew must not matter
    torch.rand(stop_at)
    made(spoken, run, name, stop_at=stop_at, max_steps=STEPS, epochs=1000).fit()
    return run


FORKING = """
import json, os, sys
from small_runs import main
import torch._dynamo  # the first optimizer would import it
for order in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        main(*order)
        sys.stdout.flush()
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(f"not done: {order}")
"""


def in_processes_of_their_own(spoken: Corpus, *orders: tuple[Path, str, int]) -> None:
    """Train in each run as far as is said, one after the other, 0 being to the end."""
    said = json.dumps([[str(spoken.path), str(run), name, str(STEPS), str(stop_at)] for run, name, stop_at in orders])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    command = [sys.executable, "-W", "ignore", "-c", FORKING, said]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def runs(spoken: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By trainer, a run of all steps and one in two halves."""
    runs = tmp_path_factory.mktemp("runs")
    parts = [("straight", 0), ("halves", HALF), ("halves", 0)]
    in_processes_of_their_own(spoken, *((runs / name / part, name, stop) for name in SETTINGS for part, stop in parts))
    return runs


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_44_20_steps_are_10_and_a_resume_and_10(runs: Path, name: str) -> None:
    straight, halves = runs / name / "straight", runs / name / "halves"
    tensors, header = read_tensors(halves / "last.safetensors")
    kinds = {key.split("/")[0] for key in tensors}
    assert header["progress"]["step"] == STEPS and {"optimizer", "random"} <= kinds
    assert ("state" in kinds) is (name == "sequential")
    assert differences(straight, halves) == []
    records = [(run / "log.jsonl").read_text("utf-8").splitlines() for run in (straight, halves)]
    rates = [[line.partition('"learning_rate": ')[2].partition(",")[0] for line in lines] for lines in records]
    assert [rate for rate in rates[0] if rate] == [rate for rate in rates[1] if rate] != []


def lost_random(tensors: Tensors) -> None:
    tensors["random/cpu"] = torch.Generator().manual_seed(1).get_state()


def lost_state(tensors: Tensors) -> None:
    tensors["state/previous"] = torch.zeros_like(tensors["state/previous"])


def lost_moments(tensors: Tensors) -> None:
    for key in [key for key in tensors if key.endswith("/exp_avg")]:
        tensors[key] = torch.zeros_like(tensors[key])


def lost_count(tensors: Tensors) -> None:
    for key in [key for key in tensors if key.startswith("optimizer/") and key.endswith("/step")]:
        tensors[key] = torch.ones_like(tensors[key])


@pytest.fixture(scope="module")
def straight_and_half(spoken: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of all steps and one that was left in the middle."""
    folder = tmp_path_factory.mktemp("parts")
    with pytest.MonkeyPatch.context() as patch:
        quick(patch.setattr)
        straight = trained(spoken, folder / "straight", "sequential")
        return straight, trained(spoken, folder / "half", "sequential", stop_at=HALF)


@pytest.mark.parametrize("lost", [lost_random, lost_state, lost_moments, lost_count, None])
def test_fault_44_what_a_checkpoint_holds_all_matters(
    spoken: Corpus,
    tmp_path: Path,
    straight_and_half: tuple[Path, Path],
    lost: Callable[[Tensors], None] | None,
) -> None:
    """Any part lost, the run is another; so the law above would tell. With nothing lost, it is the same."""
    straight, half = straight_and_half
    halves = shutil.copytree(half, tmp_path / "halves")
    tensors, header = read_tensors(halves / "last.safetensors")
    if lost is not None:
        lost(tensors)
    save_tensors(halves / "last.safetensors", tensors, header)
    trained(spoken, halves, "sequential")
    assert (differences(straight, halves) != []) is (lost is not None)

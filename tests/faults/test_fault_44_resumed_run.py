"""Fault 44: schedule, random state or stream state not restored. 20 steps are 10, a resume, and 10 more, to the bit.

Each half is a process of its own, which has drawn, trained and imported nothing else. Any other place to stop at, ends
of epochs and best weights are tests/laws/test_training_law.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from koekao.corpus import Corpus
from koekao.models.weights import read_tensors, save_tensors
from small_runs import SETTINGS, differences, made

STEPS, HALF = 20, 10
pytestmark = pytest.mark.usefixtures("_quick")
Tensors = dict[str, torch.Tensor]


def trained(spoken: Corpus, run: Path, name: str, stop_at: int = 0) -> Path:
    torch.manual_seed(12345)  # what else the program drew must not matter
    torch.rand(stop_at)
    made(spoken, run, name, stop_at=stop_at, max_steps=STEPS, epochs=1000).fit()
    return run


def in_another_process(spoken: Corpus, run: Path, name: str, stop_at: int = 0) -> Path:
    program = Path(__file__).parents[1] / "small_runs.py"
    command = [sys.executable, "-W", "ignore", str(program), str(spoken.path), str(run), name, str(STEPS), str(stop_at)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.parametrize("name", SETTINGS)
def test_fault_44_20_steps_are_10_and_a_resume_and_10(spoken: Corpus, tmp_path: Path, name: str) -> None:
    straight = in_another_process(spoken, tmp_path / "straight", name)
    for stop_at in (HALF, 0):
        halves = in_another_process(spoken, tmp_path / "halves", name, stop_at)
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


@pytest.mark.parametrize("lost", [lost_random, lost_state, lost_moments, lost_count, None])
def test_fault_44_what_a_checkpoint_holds_all_matters(
    spoken: Corpus, tmp_path: Path, lost: Callable[[Tensors], None] | None
) -> None:
    """Any part lost, the run is another; so the law above would tell. With nothing lost, it is the same."""
    straight = trained(spoken, tmp_path / "straight", "sequential")
    halves = trained(spoken, tmp_path / "halves", "sequential", stop_at=HALF)
    tensors, header = read_tensors(halves / "last.safetensors")
    if lost is not None:
        lost(tensors)
    save_tensors(halves / "last.safetensors", tensors, header)
    trained(spoken, halves, "sequential")
    assert (differences(straight, halves) != []) is (lost is not None)

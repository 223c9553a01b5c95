"""Several processes train the run that one would train, end it together, and nobody is left waiting."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ranks
import torch

import koekao
import small_runs
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import RunError
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_takes
from koekao.training import distributed, heartbeat

STEPS, HALF = 12, 5
UNTRACKED = {"aoi_10001": 0.9, "sora_10002": 0.5}
"""Take -> how much of its beginning was not tracked, so that ranks hold very different numbers of frames that count."""
QUIET = {"dropout": 0.0, "noise": 0.0, "level": 0.0, "band_dropout": 0.0}
EVERY_TERM = {"terms": {"acceleration": 0.2, "closure": 0.3}, "regions": {"mouth": 2.0}}
CONFIGS: dict[str, dict[str, Any]] = {
    "sequential": {
        "trainer": "sequential",
        "model": {"dim": 8, "dilations": (2, 1), "features": {"n_mels": 12}, **QUIET},
        "batch_size": 16,
        "n_streams": 4,
        "window_frames": 16,
        "stride": "sparse",
        "initial_stride": 2,
        "epochs": 3,
        "velocity_weight": 0.5,
        "losses": EVERY_TERM,
        "ema_decay": 0.5,
    },
    "window": {
        "trainer": "sequential",
        "model": {"name": "window", "dim": 8, "heads": 2, "features": {"n_mels": 12}, "band_shift": 0.0, **QUIET}
        | {"emotion_noise": 0.0},
        "batch_size": 8,
        "n_streams": 2,
        "window_frames": 16,
        "stride": "sparse",
        "initial_stride": 12,
        "epochs": 4,
    },
    "clips": {
        "trainer": "clips",
        "model": {"dim": 8, "future_frames": 2, "dropout": 0.0, "features": {"n_mels": 12}},
        "batch_size": 48,
        "clip_s": 0.6,
        "epochs": 3,
        "augment": {"mirror": {"probability": 0.5}},
        "losses": {"terms": {"closure": 0.3}},
    },
    "stream": {
        "trainer": "stream",
        "model": {
            "dim": 8,
            "channels": 4,
            "dilations": (1, 2),
            "features": {"n_mels": 12},
            "band_shift": 0.0,
            "tempo": 0.0,
            **QUIET,
        },
        "batch_size": 4,
        "window_frames": 24,
        "hop_frames": 10,
        "epochs": 5,
        "accumulate": 2,
        "losses": EVERY_TERM,
    },
}
EVERY = pytest.mark.parametrize("name", CONFIGS)


def settings(name: str, **more: Any) -> dict[str, Any]:
    """Seed 3 leaves a rank without a window in some batches, at the ends of its streams."""
    common = {"max_steps": STEPS, "num_workers": 0, "device": "cpu", "clip_norm": 0.5, "seed": 3}
    return {**CONFIGS[name], **common, **more}


def noisy(**more: Any) -> dict[str, Any]:
    """With dropout, which every rank must draw for itself."""
    made = settings("sequential", **more)
    return made | {"model": made["model"] | {"dropout": 0.3, "noise": 0.2}}


def environment(**more: str) -> dict[str, str]:
    """For a process that finds koekao, and the modules beside ``conftest.py``, where this one does."""
    places = (str(Path(koekao.__file__).parents[1]), str(Path(small_runs.__file__).parent))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1", **more}


def launched(*words: str, limit_s: float = 240) -> subprocess.CompletedProcess[str]:
    """Two processes by torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=limit_s)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Four training takes of uneven length, two of them full of holes, and one to validate on."""
    path = tmp_path_factory.mktemp("ranks") / "corpus"
    takes = []
    for take in make_takes(5, seconds=(1.2, 3), seed=1):
        valid = take.valid.copy()
        valid[: int(UNTRACKED.get(take.name, 0) * len(valid))] = False
        takes.append(replace(take, valid=valid))
    pack_takes(takes, path, PackConfig(val=("ken_10003",)))
    return Corpus.open(path)


@pytest.fixture(scope="module")
def runs(spoken: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of runs: ``one-NAME`` of one process; ``two-NAME``, ``two-NAME-resumed`` and ``one-then-two`` of two, in
    one launch; ``two-then-one``."""
    folder = tmp_path_factory.mktemp("runs")

    def job(run: str, config: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {"run": str(folder / run), "config": dict(config), **more}

    with pytest.MonkeyPatch.context() as patch:
        small_runs.quick(patch.setattr)
        for name in CONFIGS:
            ranks.train(spoken, job(f"one-{name}", settings(name)))
        ranks.train(spoken, job("one-then-two", settings("sequential"), stop_at=HALF))
        jobs = [job(f"two-{name}", settings(name)) for name in CONFIGS]
        for run, config in (("halves", settings("sequential")), ("noisy-halves", noisy())):
            jobs += [job(run, config, stop_at=HALF), job(run, config, resume=True)]
        jobs += [
            job("noisy", noisy()),
            job("one-then-two", settings("sequential"), resume=True),
            job("two-then-one", settings("sequential"), stop_at=HALF),
            job("nan", settings("sequential"), spoilt="nan"),
            job("minutes", settings("clips", epochs=None, minutes=0.05, max_steps=0)),
            job("rows", settings("clips", batch_size=9)),
            job("streams", settings("sequential", batch_size=6, n_streams=3)),
        ]
        (folder / "jobs.json").write_text(json.dumps(jobs), "utf-8")
        done = launched(str(Path(ranks.__file__)), str(spoken.path), str(folder / "jobs.json"))
        assert done.returncode == 0, done.stderr[-4000:]
        ranks.train(spoken, job("two-then-one", settings("sequential"), resume=True))
    return folder


def tensors_of(run: Path) -> dict[str, torch.Tensor]:
    """All of the last checkpoint but the random generators, and but the offsets of keys: attention does not see them,
    so their gradient is nothing but rounding, which AdamW makes steps of."""
    kept, tensors = {}, read_tensors(run / "last.safetensors")[0]
    for name, value in tensors.items():
        if "tell.bias" in name and value.dim():
            kept[name] = value[len(value) // 2 :]
        elif not name.startswith("random/"):
            kept[name] = value
    return kept


def largest_difference(one: Path, other: Path) -> float:
    mine, theirs = tensors_of(one), tensors_of(other)
    assert mine.keys() == theirs.keys()
    return max(float((mine[name].double() - theirs[name].double()).abs().max()) for name in mine)


def said(runs: Path, run: str) -> list[str]:
    return [(runs / f"{run}.{rank}.txt").read_text("utf-8") for rank in (0, 1)]


@EVERY
def test_two_train_what_one_trains(runs: Path, name: str, record_property: Callable[[str, object], None]) -> None:
    """Weights, their average, the optimiser's moments and the streams' state, over holes and rows of padding."""
    apart = largest_difference(runs / f"one-{name}", runs / f"two-{name}")
    record_property("largest_difference", apart)
    assert apart < 1e-5
    assert [text.split(",")[0] for text in said(runs, f"two-{name}")] == [f"{STEPS} steps done"] * 2


@EVERY
def test_they_tell_of_the_whole_batch_and_validate_alike(runs: Path, name: str) -> None:
    """Losses, windows that begin a take, scores: the first rank's log is that of one process."""
    one, two = (
        [json.loads(line) for line in (runs / f"{which}-{name}" / "log.jsonl").read_text("utf-8").splitlines()]
        for which in ("one", "two")
    )
    assert [event["event"] for event in one] == [event["event"] for event in two]
    for mine, theirs in zip(one, two, strict=True):
        for key in mine.keys() - {"unix_s", "windows_per_s", "seconds"}:
            assert theirs[key] == (pytest.approx(mine[key], abs=1e-4) if isinstance(mine[key], float) else mine[key])


def test_the_cases_are_hard_enough(spoken: Corpus) -> None:
    """Batches in which one rank has nothing but padding, and ranks with different numbers of tracked frames."""
    from koekao.training import TrainConfig

    for name in CONFIGS:
        config = TrainConfig(**settings(name))
        takes = spoken.select(split="train")
        spec = config.spec(len(takes), spoken.clock, config.epochs)
        plans = [spec.plan(takes.n_frames, epoch, 1) for epoch in (0, 1)]
        rows = [plan.batch(number).valid_frames.reshape(2, -1) for plan in plans for number in range(plan.n_batches)]
        assert any((each.sum(1) == 0).any() for each in rows)
    tracked = [float(takes.valid(i).mean()) for i in range(len(takes))]
    assert min(tracked) < 0.2 and max(tracked) == 1


@pytest.mark.parametrize(("run", "whole"), [("halves", "two-sequential"), ("noisy-halves", "noisy")])
def test_a_resume_by_as_many_is_the_same_run(
    runs: Path, run: str, whole: str, same_checkpoint: Callable[[Path, Path], None]
) -> None:
    """To the bit, with dropout that every rank draws for itself."""
    same_checkpoint(runs / run, runs / whole)


@pytest.mark.parametrize("run", ["one-then-two", "two-then-one"])
def test_a_resume_by_another_number_goes_on_with_the_same_batches(runs: Path, run: str) -> None:
    assert largest_difference(runs / run, runs / "one-sequential") < 1e-5


def test_ranks_draw_differently(runs: Path) -> None:
    one, two = (text.rpartition("seed ")[2] for text in said(runs, "noisy"))
    assert (int(one), int(two)) == (3, 4)


def test_what_is_no_number_on_one_rank_ends_the_run_on_all(runs: Path) -> None:
    for text in said(runs, "nan"):
        assert text.startswith("RunError") and "loss of step 3 is nan" in text
    assert all(torch.isfinite(value).all() for value in tensors_of(runs / "nan").values())


def test_the_length_of_a_run_of_minutes_is_the_same_on_all(runs: Path) -> None:
    """Why it ended, and over how many steps the learning rate was to fall: what the first rank measured."""
    one, two = (text.rpartition(",")[0] for text in said(runs, "minutes"))
    assert one == two and "steps planned" in one
    assert json.loads((runs / "minutes" / "run.json").read_text("utf-8"))["step"] > 0


def by_hand(spoken: Corpus, folder: Path, spoilt: str) -> tuple[list[str], list[int]]:
    """Two ranks without torchrun, which would kill the other one; what they said, and their exit codes."""
    job = {"run": str(folder / "run"), "config": settings("sequential"), "spoilt": spoilt}
    (folder / "jobs.json").write_text(json.dumps([job]), "utf-8")
    processes = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    for rank in ("0", "1"):
        env = environment(RANK=rank, WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
        command = [sys.executable, ranks.__file__, str(spoken.path), str(folder / "jobs.json")]
        processes.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
    try:
        errors = [processes[0].communicate(timeout=60)[1]]
        if spoilt == "stop":
            processes[1].kill()
        errors.append(processes[1].communicate(timeout=30)[1])
    finally:
        for process in processes:
            process.kill()
    return errors, [process.returncode for process in processes]


def test_a_rank_that_fails_ends_the_run(spoken: Corpus, tmp_path: Path) -> None:
    """The other one must notice by itself and say so."""
    began_s = time.monotonic()
    errors, codes = by_hand(spoken, tmp_path, "error")
    assert time.monotonic() - began_s < 30
    assert codes == [1, 1]
    assert "the disk of this rank is gone" in errors[1]
    assert "RunError" in errors[0] and "another rank has ended" in errors[0]
    assert (tmp_path / "run" / "last.safetensors").is_file()


def test_a_rank_that_is_killed_ends_the_run(spoken: Corpus, tmp_path: Path) -> None:
    errors, codes = by_hand(spoken, tmp_path, "kill")
    assert codes == [1, -signal.SIGKILL]
    assert "RunError" in errors[0] and "another rank has ended" in errors[0]


def test_a_rank_that_hangs_ends_the_run(spoken: Corpus, tmp_path: Path) -> None:
    """Its connections stay open, as those of a machine that is gone do."""
    errors, codes = by_hand(spoken, tmp_path, "stop")
    assert codes[0] == heartbeat.EXIT_SILENT
    assert "rank 0: rank 1 has not been heard of for 3 s" in errors[0] and "can be resumed" in errors[0]


def test_silence_is_that_of_the_others_and_not_ones_own() -> None:
    assert heartbeat.SILENT_AFTER_S + 5 * heartbeat.BEAT_EVERY_S <= 30, "the promise"
    watch = heartbeat.Watch([1, 2])
    began_s = watch._looked_s
    for n in range(1, 9):
        assert watch.look([n, 5], began_s + 2.0 * n) is None
    assert watch.look([9, 5], began_s + 30) is None, "it was away itself for 14 s"
    for n in range(10, 20):
        assert watch.look([n, 5], began_s + 30 + 2.0 * (n - 9)) is None
    assert watch.look([20, 5], began_s + 52) == 2


def test_ranks_that_torchrun_starts_anew_go_on(spoken: Corpus, runs: Path, tmp_path: Path) -> None:
    """The same command, no word of resuming; and in the end the run that was never interrupted."""
    job = {"run": str(tmp_path / "run"), "config": settings("sequential"), "spoilt": "kill once"}
    (tmp_path / "jobs.json").write_text(json.dumps([job]), "utf-8")
    done = launched("--max-restarts", "1", ranks.__file__, str(spoken.path), str(tmp_path / "jobs.json"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert largest_difference(tmp_path / "run", runs / "one-sequential") < 1e-5
    assert json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["step"] == STEPS


def test_only_the_same_launch_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "run.json"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert not distributed.goes_on(record), "nothing was begun"
    record.write_text('{"launch": "b"}')
    assert distributed.goes_on(record)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert not distributed.goes_on(record), "it is somebody else's run"
    record.write_text('{"launch": "a"}')
    assert distributed.goes_on(record), "a node came or went: torchrun does not count that"
    record.write_text('{"launch": ""}')
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert not distributed.goes_on(record)


@pytest.fixture
def group_of_one() -> Iterator[None]:
    """Ranks as they are, though there is but one: what is sent comes back."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("group_of_one")
def test_what_is_sent_comes_back_as_it_was() -> None:
    """A weight without a gradient keeps none: a gradient of 0 would let the optimiser decay it."""
    parameters = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3, 1))]
    parameters[1].grad = torch.full((3, 1), 2.0)
    assert distributed.sum_gradients(parameters, True, False) == (True, False)
    assert parameters[0].grad is None and torch.equal(parameters[1].grad, torch.full((3, 1), 2.0))
    values = torch.tensor([[0.1, 2.0]], requires_grad=True)
    total, count = distributed.summed(values * 3, torch.tensor(5))
    total.sum().backward()
    assert torch.equal(total, values * 3) and torch.equal(values.grad, torch.full((1, 2), 3.0))
    assert count == 5 and count.dtype == torch.int64
    assert distributed.summed() == (), "no loss has any weight"
    assert distributed.anywhere(True, False) == (True, False)
    assert distributed.decided({"é": [1, 0.1, None]}) == {"é": [1, 0.1, None]}


def test_a_rank_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "BEGIN_WITHIN_S", 1)
    with pytest.raises(RunError, match="not all of 2 ranks came within 1 s"), distributed.together():
        pass
    assert distributed.alone()


def test_processes_that_have_not_joined_are_refused(start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each would train by itself and all would write one run."""
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RunError, match="do not know of each other"):
        start("sequential")


@pytest.mark.parametrize(
    ("run", "seen", "do"),
    [("rows", "batch_size 9 for 2 ranks", "--batch-size 10"), ("streams", "n_streams 3 for 2 ranks", "--n-streams 4")],
)
def test_what_cannot_be_shared_out_is_refused(runs: Path, run: str, seen: str, do: str) -> None:
    for text in said(runs, run):
        assert text.startswith("ConfigError") and seen in text and do in text
    assert not (runs / run).exists()


def test_from_the_command_line(spoken: Corpus, tmp_path: Path) -> None:
    """One of them talks."""
    words = ["-m", "koekao", "train", str(spoken.path), str(tmp_path / "run"), "--device", "cpu", "--max-steps", "2"]
    words += ["--window-frames", "16", "--model.dim", "8", "--epochs", "1", "--batch-size", "8", "--n-streams", "2"]
    done = launched(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2 steps done") == 1 and done.stdout.count("next: koekao evaluate") == 1
    assert np.isfinite(json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["best"]["r"])

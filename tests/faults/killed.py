"""Writers that are killed: ``python killed.py packing|saving FOLDER KILLS`` prints what became of that many kill -9.

A child, forked from a process that has imported everything, writes one version after the other as fast as it can, until
it is killed at a moment drawn at random. What lies at the target then has to be one of the versions, whole.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import soundfile
import torch
from forged import CONFIG, ten

from koekao.arkit import NAMES
from koekao.corpus import Corpus, PackConfig, pack
from koekao.models import FaceModel, build
from koekao.takes.take import Take
from koekao.training.checkpoint import load_checkpoint, save_checkpoint
from koekao.training.kept import keep, kept
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge
from koekao.training.tasks import ClipTask

VERSIONS = tuple(replace(CONFIG, seed=seed, overwrite=True, shard_bytes=60_000, test=0.0) for seed in (5, 8))
Write = Callable[[int], object]
Look = Callable[[], int | None]
"""Which version lies at the target, whole; None for none."""


def write_takes(folder: Path, takes: Iterable[Take]) -> Path:
    """Takes as files, with curves to three digits."""
    for take in takes:
        path = folder / take.name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path.with_suffix(".wav"), take.audio, take.sample_rate, subtype="PCM_16")
        rows = [dict(zip(NAMES, row)) for row in take.curves.round(3).tolist()]
        lines = [json.dumps({"timestamp": k / 30, "blendshapes": row}) for k, row in enumerate(rows)]
        path.with_suffix(".jsonl").write_text("\n".join(lines) + "\n")
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def packing(folder: Path) -> tuple[Write, Look]:
    """Corpora of the same takes split otherwise, each in the place of the one before."""
    takes, target = write_takes(folder / "takes", ten()), folder / "out" / "c"
    wholes = []
    for version in VERSIONS:
        pack(takes, folder / "whole", version)
        wholes.append(bytes_of(folder / "whole"))
        shutil.rmtree(folder / "whole")
    assert wholes[0] != wholes[1] and len(wholes[0]) > 5

    def look() -> int | None:
        if not target.exists():
            return None
        assert Corpus.open(target).verify() == []
        return wholes.index(bytes_of(target))

    return lambda n: pack(takes, target, pack_config(n)), look


def pack_config(n: int) -> PackConfig:
    return VERSIONS[n % len(VERSIONS)]


def saving(folder: Path) -> tuple[Write, Look]:
    """Checkpoints of a run that says in every tensor which one it is; the one before is kept, too."""
    target = folder / "out" / "last.safetensors"
    model, optimizer, task = parts()

    def write(n: int) -> None:
        fill(model, optimizer, float(n))
        save_checkpoint(target, model=model, optimizer=optimizer, task=task, progress={"step": n})
        keep(target, n, 2)

    def look() -> int | None:
        for step, path in kept(target.parent).items():
            assert step_in(path) == step
        return step_in(target) if target.exists() else None

    return write, look


def parts() -> tuple[FaceModel, torch.optim.Optimizer, ClipTask]:
    torch.manual_seed(1)
    model = build("frame", {"dim": 16, "features": {"n_mels": 16}})
    return model, torch.optim.AdamW(model.parameters()), ClipTask(model, Judge(LossConfig()))  # type: ignore[arg-type]


def fill(model: FaceModel, optimizer: torch.optim.Optimizer, value: float) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
            moments = {name: torch.full_like(parameter, value) for name in ("exp_avg", "exp_avg_sq")}
            optimizer.state[parameter] = {"step": torch.tensor(value), **moments}


def step_in(path: Path) -> int:
    """The step of a checkpoint, every tensor of which is of that step."""
    model, optimizer, task = parts()
    step: int = load_checkpoint(path, model=model, optimizer=optimizer, task=task)["step"]
    for parameter in model.parameters():
        values = [parameter, *optimizer.state[parameter].values()]
        assert all((value == step).all() for value in values)
    return step


def killed(write: Write, n: int, after_s: float) -> None:
    """A child that writes version n, n + 1 ... until it is killed, so long after it began (which may take a while)."""
    begun, begins = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(begins, b"!")
            while True:
                write(n)
                n += 1
        finally:
            os._exit(3)  # an error of its own
    os.close(begins)
    os.read(begun, 1)
    os.close(begun)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the writer ended by itself with {os.waitstatus_to_exitcode(status)}"


def main(kind: str, folder: str, kills: int) -> None:
    torch.set_num_threads(1)
    (Path(folder) / "out").mkdir(parents=True)
    write, look = {"packing": packing, "saving": saving}[kind](Path(folder))
    began_s = time.perf_counter()
    for n in range(4):
        write(n)
    a_write_s = (time.perf_counter() - began_s) / 4
    rng, counts = random.Random(kills), {"kills": 0, "half_way": 0, "replaced": 0, "free": 0}
    before, n = look(), 4
    out = Path(folder) / "out"
    for number in range(5 * kills):
        if number >= kills and counts["half_way"] >= kills // 6 and counts["replaced"] >= kills // 15:
            break  # before that, chance had it that hardly a kill came while something was written
        if number % 10 == 9:  # where nothing stands, too
            for path in out.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            before = None
        killed(write, n, rng.uniform(0, 3 * a_write_s))
        now = look()
        assert now is not None or before is None, "what stood there is gone"
        leftovers = left_over(out)
        assert len(leftovers) <= 2, f"nobody sweeps {leftovers}"
        counts["kills"] += 1
        counts["half_way"] += bool(leftovers)
        counts["replaced"] += now != before
        counts["free"] += now is None
        before, n = now, n + 1000
    write(n)
    assert look() in (n, n % len(VERSIONS)) and not left_over(out), left_over(out)
    print(json.dumps(counts | {"a_write_s": round(a_write_s, 4)}))


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

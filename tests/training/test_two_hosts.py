"""Two hosts, simulated by network namespaces train as one; and that the wire was cut is told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ranks
from test_distributed import environment, largest_difference, settings

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.takes.synthetic.making import make_takes
from koekao.training import heartbeat
from small_runs import quick

NAMES = [f"koekao-{os.getpid()}-{side}" for side in "ab"]
WIRES = [f"kk{os.getpid() % 100_000}{side}" for side in "ab"]
ADDRESSES = ["10.77.0.1", "10.77.0.2"]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[None]:
    """Two namespaces that see each other and nothing else."""
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip` here")
    try:
        for name in NAMES:
            ip("netns", "add", name)
        ip("link", "add", WIRES[0], "type", "veth", "peer", "name", WIRES[1])
        for name, wire, address in zip(NAMES, WIRES, ADDRESSES, strict=True):
            ip("link", "set", wire, "netns", name)
            ip("-n", name, "addr", "add", f"{address}/24", "dev", wire)
            ip("-n", name, "link", "set", wire, "up")
            ip("-n", name, "link", "set", "lo", "up")
    except subprocess.CalledProcessError as error:
        _remove()
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.decode().strip()}")
    yield
    _remove()


def _remove() -> None:
    for name in NAMES:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def started(corpus: Path, jobs: Path) -> list[subprocess.Popen[str]]:
    """Rank 0 on the first host, rank 1 on the second."""
    processes = []
    for rank, (name, wire) in enumerate(zip(NAMES, WIRES, strict=True)):
        env = environment(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR=ADDRESSES[0], MASTER_PORT="29511")
        command = ["ip", "netns", "exec", name, sys.executable, ranks.__file__, str(corpus), str(jobs)]
        env |= {"GLOO_SOCKET_IFNAME": wire}
        processes.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
    return processes


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    def make(spoilt: str) -> tuple[Path, Path]:
        pack_takes(make_takes(5, seconds=(1.2, 3), seed=1), tmp_path / "corpus", PackConfig(val=("ken_10003",)))
        one = {"run": str(tmp_path / "two"), "config": settings("sequential"), "spoilt": spoilt}
        (tmp_path / "jobs.json").write_text(json.dumps([one]), "utf-8")
        return tmp_path / "corpus", tmp_path / "jobs.json"

    return make


@pytest.mark.usefixtures("hosts")
def test_they_train_as_one(job: Callable[..., tuple[Path, Path]], tmp_path: Path) -> None:
    corpus, jobs = job("")
    processes = started(corpus, jobs)
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    with pytest.MonkeyPatch.context() as patch:
        quick(patch.setattr)
        ranks.train(Corpus.open(corpus), {"run": str(tmp_path / "one"), "config": settings("sequential")})
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 1e-5


@pytest.mark.usefixtures("hosts")
def test_a_wire_that_is_cut_ends_the_run_on_both_sides(job: Callable[..., tuple[Path, Path]]) -> None:
    """The second rank cuts it itself, at step 3: no connection is closed, nothing more comes."""
    processes = started(*job(f"cut {NAMES[1]} {WIRES[1]}"))
    try:
        said = [process.communicate(timeout=60)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [heartbeat.EXIT_SILENT] * 2, said
    assert "rank 0: rank 1 has not been heard of" in said[0]
    assert "rank 1: rank 0 has not been heard of" in said[1]

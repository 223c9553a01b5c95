"""Law: the corpus is the same to the byte whoever reads the takes, however many they are, and whoever is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from koekao.clock import Clock
from koekao.corpus import PackConfig, engines, pack
from koekao.corpus.admission import Admission, Candidate
from koekao.errors import ConfigError, TakeError
from koekao.outputs.folder import write_take
from koekao.takes import Take
from koekao.takes.synthetic.making import make_take as synthetic_take

HOW = [("threads", 1), ("threads", 3), ("processes", 1), ("processes", 3)]


@pytest.fixture(scope="module")
def takes_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven takes of different lengths, and one that cannot be used."""
    folder = tmp_path_factory.mktemp("takes")
    for i in range(7):
        take = synthetic_take(i, seconds=1.0 + 0.5 * (6 - i))
        write_take(folder, f"t{i}", take.audio, take.sample_rate, take.curves, take.fps)
    (folder / "t3b.wav").write_bytes(b"no sound")
    (folder / "t3b.jsonl").write_text("")
    return folder


def files_of(corpus: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in corpus.iterdir()}


def packed(takes_dir: Path, corpus: Path, engine: Any, n_workers: int) -> tuple[dict[str, bytes], list[int]]:
    seen: list[int] = []
    config = PackConfig(engine=engine, n_workers=n_workers, skip_bad=True, shard_bytes=100_000)
    report = pack(takes_dir, corpus, config, on_progress=lambda so_far: seen.append(so_far.done))
    assert (report.packed, len(report.refused)) == (7, 1)
    return files_of(corpus), seen


@pytest.mark.parametrize(("engine", "n_workers"), HOW)
def test_it_is_the_same_to_the_byte(takes_dir: Path, tmp_path: Path, engine: str, n_workers: int) -> None:
    assert packed(takes_dir, tmp_path / "a", engine, n_workers) == packed(takes_dir, tmp_path / "b", "inline", 0)


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_one_bad_take_means_that_nothing_is_published(takes_dir: Path, tmp_path: Path, engine: Any) -> None:
    with pytest.raises(TakeError, match="t3b"):
        pack(takes_dir, tmp_path / "a", PackConfig(engine=engine, n_workers=2))
    assert not (tmp_path / "a").exists()


def as_it_is(take: Take) -> Take:
    return take


def dies(marker: Path, times: int, take: Take) -> Take:
    """Kill the process that reads it, the first few times."""
    so_far = len(list(marker.parent.glob(f"{marker.name}-*")))
    if so_far < times:
        (marker.parent / f"{marker.name}-{so_far}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return take


def candidates_of(takes: list[Take], loads: dict[str, Callable[..., Take]]) -> tuple[Admission, list[Candidate]]:
    members = {take.name: (take.speaker, "train") for take in takes}
    admission = Admission(members=members, clock=Clock(16_000, 30), audio_dtype="int16")
    return admission, [Candidate(name=t.name, load=partial(loads.get(t.name, as_it_is), t)) for t in takes]


@pytest.fixture
def eight(take_of: Callable[..., Take]) -> list[Take]:
    return [take_of(f"t{i}", n_frames=20) for i in range(8)]


def names(answers: Any) -> list[tuple[str, str]]:
    return [(candidate.name, type(answer).__name__) for candidate, answer in answers]


def test_what_a_killed_process_had_is_read_again(eight: list[Take], tmp_path: Path) -> None:
    loads = {name: partial(dies, tmp_path / name, 1) for name in ("t2", "t3", "t7")}
    answers = engines.read_takes("processes", 2, *candidates_of(eight, loads))
    assert names(answers) == [(f"t{i}", "Take") for i in range(8)]


def test_a_take_that_kills_whoever_reads_it_is_refused_alone(eight: list[Take], tmp_path: Path) -> None:
    loads = {"t2": partial(dies, tmp_path / "t2", 99)}
    answers = list(engines.read_takes("processes", 2, *candidates_of(eight, loads)))
    assert names(answers) == [(f"t{i}", "Take" if i != 2 else "TakeError") for i in range(8)]
    assert "whoever reads it dies" in str(answers[2][1])


def test_no_more_takes_are_on_their_way_than_two_a_worker(eight: list[Take]) -> None:
    begun: list[str] = []
    lock = threading.Lock()

    def loading(take: Take) -> Take:
        with lock:
            begun.append(take.name)
        return take

    admission, candidates = candidates_of(eight, {take.name: loading for take in eight})
    read: Any = engines.read_takes("threads", 1, admission, iter(candidates))
    for n in range(1, 7):
        next(read)
        assert len(begun) <= n + 1
    read.close()


def test_an_unknown_engine_is_a_setting_to_mend() -> None:
    with pytest.raises(ConfigError, match="engine='dask'"):
        PackConfig(engine="dask")
    with pytest.raises(ConfigError):
        PackConfig(n_workers=-1)


def test_without_ray_it_says_what_to_install(eight: list[Take], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError) as caught:
        list(engines.read_takes("ray", 2, *candidates_of(eight, {})))
    assert 'pip install "koekao[ray]"' in caught.value.do


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Ray on this machine, two workers and little memory."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    here = os.pathsep.join(filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", here)
    ray.init(num_cpus=2, object_store_memory=80_000_000, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_packs_the_same_and_outlives_its_workers(
    cluster: Any, takes_dir: Path, eight: list[Take], tmp_path: Path
) -> None:
    assert packed(takes_dir, tmp_path / "a", "ray", 2) == packed(takes_dir, tmp_path / "b", "inline", 0)
    loads = {"t2": partial(dies, tmp_path / "t2", 1), "t5": partial(dies, tmp_path / "t5", 99)}
    answers = engines.read_takes("ray", 2, *candidates_of(eight, loads))
    assert names(answers) == [(f"t{i}", "Take" if i != 5 else "TakeError") for i in range(8)]
    assert cluster.is_initialized(), "a cluster that was there before is left as it was"

"""The program that measures: who takes part, what is chosen, and one contestant in a process of its own."""

from __future__ import annotations

import importlib
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from small_bench import Bench

import loaders
import turns
from contestant import Task
from contestants import CONTESTANTS, LIMITS_OF_ONE_THREAD
from stores import STORES


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_every_contestant_has_an_adapter_that_needs_its_library_only_when_it_runs(contestant) -> None:
    module, _, function = contestant.adapter.partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert set(contestant.reads) <= set(STORES)
    assert contestant.workers


def test_limits_of_one_thread_take_part_as_limits() -> None:
    assert {CONTESTANTS[name].kind for name in LIMITS_OF_ONE_THREAD} == {"limit"}


def session(bench: Bench, *workloads: str) -> loaders.Session:
    return loaders.Session(
        id="one",
        corpus="takes",
        takes=bench.takes,
        stores=bench.stores,
        contestants=(CONTESTANTS["memmap"],),
        workloads=workloads,
        seconds=0.01,
        rounds=1,
    )


def test_stores_are_forgotten_by_the_page_cache_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, object]] = []
    for name in ("flat/audio.npy", "koekao/corpus/shard"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"sound")

    def forget(descriptor: int, begin: int, size: int, advice: int) -> None:
        assert (begin, size, advice) == (0, 0, os.POSIX_FADV_DONTNEED)
        events.append(("forgotten", os.fstat(descriptor).st_ino))

    monkeypatch.setattr(os, "posix_fadvise", forget)
    monkeypatch.setattr(loaders, "bring_into_cache", lambda folders: events.append(("read", folders)))
    folders = [tmp_path / "flat", tmp_path / "koekao"]
    loaders.read_anew(folders)
    files = [tmp_path / "flat/audio.npy", tmp_path / "koekao/corpus/shard"]
    assert events == [*(("forgotten", file.stat().st_ino) for file in files), ("read", folders)]
    assert all(file.read_bytes() == b"sound" for file in files)


def test_streams_are_tuned_on_stride_8_where_it_takes_part(bench: Bench) -> None:
    assert session(bench, "streams-1", "streams-8", "clips").tuned_on == {
        "streams-1": "streams-8",
        "streams-8": "streams-8",
        "clips": "clips",
    }
    assert session(bench, "streams-32", "streams-1").tuned_on["streams-1"] == "streams-32"
    assert session(bench, "clips").tuned_on == {"clips": "clips"}


def test_speed_and_wait_choose_their_own_workers() -> None:
    tried = [
        {"workers": 0, "windows_per_s": 9.0, "wait_sleep_s": [0.2, 0.2], "wait_matmul_s": [0.2, 0.2]},
        {"workers": 2, "windows_per_s": 5.0, "wait_sleep_s": [0.1, 0.1], "wait_matmul_s": [0.1, 0.2]},
        {"workers": 4, "windows_per_s": 3.0, "wait_sleep_s": [0.0, 0.0], "wait_matmul_s": [0.9, 0.9]},
    ]
    assert loaders._best(tried) == loaders.Choice(for_speed=0, for_wait=2)


def task(bench: Bench, name: str) -> Task:
    return replace(
        session(bench, "streams-32").task(name, "streams-32", 0),
        warm_up_s=0.0,
        seconds=0.01,
        wait_steps=3,
        verify_batches=1,
    )


def test_a_contestant_in_a_fresh_process_says_what_it_found(bench: Bench) -> None:
    found = turns.in_fresh_process(task(bench, "memmap"))
    assert found["verified_windows"] == 4
    assert found["windows_per_s"] > 0 and found["first_batch_s"] > 0
    assert len(found["wait_sleep_s"]) == len(found["wait_matmul_s"]) == 3
    assert found["peak_bytes"] > found["torch_bytes"] > 0


def test_contestants_take_turns_and_one_that_fails_keeps_nobody_waiting(bench: Bench, tmp_path: Path) -> None:
    nowhere = replace(task(bench, "memmap"), stores=str(tmp_path))
    broken, found = turns.in_turns([nowhere, task(bench, "memmap")], 3)
    assert "No such file" in broken["error"]
    assert len(found["turns"]) == 3 and found["windows_per_s"] == sorted(found["turns"])[1] > 0
    assert found["cpu_s_per_window"] >= 0 and found["peak_bytes"] > 0


def state_of(pid: int) -> str:
    """One letter, T for a process that is stopped."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]


def test_who_has_no_turn_is_stopped_and_a_run_that_is_broken_off_leaves_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[int] = []

    def interrupted(contestant: turns._Contestant) -> None:
        stopped.append(contestant._process.pid)
        until_s = time.monotonic() + 10
        while state_of(stopped[0]) != "T":
            assert time.monotonic() < until_s, "it goes on without a turn"
        raise KeyboardInterrupt

    monkeypatch.setattr(turns._Contestant, "turn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        turns.in_turns([task(bench, "memmap")], 3)
    assert len(stopped) == 1 and not Path(f"/proc/{stopped[0]}").exists()


def test_one_that_delivers_something_else_is_an_error_with_its_last_words(bench: Bench, tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    shutil.copytree(bench.takes, takes)
    path = takes / "take_000.wav"
    sound = bytearray(path.read_bytes())
    sound[2000] ^= 1
    path.write_bytes(sound)
    found = turns.in_fresh_process(replace(task(bench, "memmap"), takes=str(takes)))
    assert found == {"error": "ValueError: take_000:0: audio is not what the files hold"}


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SystemExit, match="no workload clip; there are: streams-1"):
        loaders._named("clips,clip", loaders.WORKLOADS, "workload")

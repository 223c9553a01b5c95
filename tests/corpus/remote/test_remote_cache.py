"""Law: the cache keeps to its size, drops what was used least recently and never what is in use, in any process."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from remote_servers import WebServer

import koekao
from koekao.corpus import Corpus, datafile
from koekao.corpus.remote import Cache, CacheConfig
from koekao.corpus.remote import cache as cache_module
from koekao.errors import ConfigError, CorpusError

SHARD_GB = 133e-6
SMALL_GB = 16e-6  # header, index, sources


def names_in(corpus: Corpus) -> list[str]:
    return sorted(path.name[6:11] for path in corpus.path.glob("shard-*"))


def read(corpus: Corpus, *takes: int) -> None:
    for i in takes:
        corpus.audio(i)


@pytest.fixture
def three(cache: CacheConfig) -> CacheConfig:
    """Room for three shards."""
    return CacheConfig(gb=3.3 * SHARD_GB + SMALL_GB, n_threads=0)


def test_what_was_used_least_recently_goes_first(web: WebServer, three: CacheConfig) -> None:
    corpus = Corpus.open(web.url, cache=three)
    read(corpus, 0, 1, 2, 0)
    assert names_in(corpus) == ["00000", "00001", "00002"]
    read(corpus, 3)
    assert names_in(corpus) == ["00000", "00002", "00003"]
    assert Cache(three).used_bytes() <= three.bytes
    read(corpus, 0, 2)
    assert web.asked["shard-00000.arrow"] == web.asked["shard-00002.arrow"] == 1


def test_what_is_in_use_stays_and_that_there_is_no_room_is_said(web: WebServer, three: CacheConfig) -> None:
    corpus, local = Corpus.open(web.url, cache=three), Corpus.open(web.folder)
    views = [corpus.curves(0), corpus.curves(1)]
    read(corpus, *range(2, 10))
    assert names_in(corpus)[:2] == ["00000", "00001"]
    views.append(corpus.curves(5))
    with pytest.raises(CorpusError, match="no room") as caught:
        corpus.audio(6)
    assert caught.value.where == f"{web.url}/shard-00006.arrow" and "KOEKAO_CACHE_GB" in caught.value.do
    for view, i in zip(views, (0, 1, 5), strict=True):
        np.testing.assert_array_equal(view, local.curves(i))
    del views, view
    read(corpus, 6)


def test_maps_are_kept_once_all_is_here_and_let_go_where_room_is_needed(
    web: WebServer, tmp_path: Path, cache: CacheConfig, small: Any
) -> None:
    corpus = Corpus.open(web.url, cache=cache)
    read(corpus, *range(10))
    assert len(corpus.files._maps) == 0 and corpus.files.is_complete
    read(corpus, *range(10))
    assert len(corpus.files._maps) == 10
    shutil.rmtree(web.folder)
    shutil.copytree(small.corpus.path, web.folder)
    tight = CacheConfig(gb=(Cache(cache).used_bytes() + 50_000) / 1e9, n_threads=0)
    Corpus.open(web.url, cache=tight).audio(0)
    assert len(corpus.files._maps) == 0 and len(names_in(corpus)) < 10


def test_no_descriptor_outlives_the_map_of_a_dropped_shard(web: WebServer, three: CacheConfig) -> None:
    corpus = Corpus.open(web.url, cache=three)
    read(corpus, *range(10))
    assert len(corpus.files._descriptors) <= 1


def test_another_process_keeps_what_it_uses(web: WebServer, three: CacheConfig, tmp_path: Path) -> None:
    corpus = Corpus.open(web.url, cache=three)
    code = (
        "import sys; from koekao.corpus import Corpus; c = Corpus.open(sys.argv[1]); view = c.curves(0)\n"
        "print('held', flush=True); sys.stdin.readline(); del view\n"
        "from koekao.corpus.remote.leases import settle_all; settle_all()\n"
        "print('let go', flush=True); sys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, web.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "held\n"
        read(corpus, *range(1, 10))
        assert "00000" in names_in(corpus)
        assert web.asked["shard-00000.arrow"] == 1
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "let go\n"
        read(corpus, 4, 5, 6)
        assert "00000" not in names_in(corpus)
        other.communicate("\n")


def test_a_killed_process_holds_nothing_and_leaves_nothing_half(web: WebServer, three: CacheConfig) -> None:
    corpus = Corpus.open(web.url, cache=three)
    code = "import sys; from koekao.corpus import Corpus; Corpus.open(sys.argv[1]).curves(4)"
    web.faults["shard-00004.arrow"] = ["slow"]
    other = subprocess.Popen([sys.executable, "-c", code, web.url])
    until = threading.Event()
    for _ in range(300):
        if list(corpus.path.glob(".shard-00004*")):
            break
        until.wait(0.05)
    assert list(corpus.path.glob(".shard-00004*")), "it is at it"
    assert Cache(three).used_bytes() >= (web.folder / "shard-00004.arrow").stat().st_size, "and has taken its room"
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert names_in(corpus) == []
    read(corpus, 0)
    assert list(corpus.path.glob(".shard*")) == [], "whoever needs room next takes it back"
    read(corpus, 4)
    assert list(corpus.path.glob(".shard*")) == [] and names_in(corpus) == ["00000", "00004"]


def test_many_threads_that_want_one_shard_fetch_it_once(opened: Corpus, web: WebServer) -> None:
    web.faults["shard-00002.arrow"] = ["late"]
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(opened.audio(2))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8 and all(np.array_equal(one, got[0]) for one in got)
    assert web.asked["shard-00002.arrow"] == 1


def _reads_all(url: str, failed: Any) -> None:
    try:
        corpus, shared = Corpus.open(url), []
        for i in range(len(corpus)):
            shared.append(int(corpus.audio(i)[0]))
    except BaseException as error:
        failed.put(repr(error))
        raise


def test_many_processes_fetch_each_shard_once(web: WebServer, cache: CacheConfig) -> None:
    web.faults = {f"shard-0000{i}.arrow": ["late"] for i in range(10)}
    context = multiprocessing.get_context("spawn")
    failed = context.SimpleQueue()
    processes = [context.Process(target=_reads_all, args=(web.url, failed)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert failed.empty() and [process.exitcode for process in processes] == [0, 0, 0]
    assert {web.asked[f"shard-0000{i}.arrow"] for i in range(10)} == {1}


def test_a_cut_file_of_the_cache_is_fetched_anew(opened: Corpus, web: WebServer) -> None:
    expected = opened.curves(1).copy()
    gc.collect()
    os.truncate(opened.path / "shard-00001.arrow", 100)
    np.testing.assert_array_equal(Corpus.open(web.url).curves(1), expected)
    assert web.asked["shard-00001.arrow"] == 2


def changed_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[5000] ^= 1
    file.write_bytes(data)


def test_a_file_of_the_cache_that_was_written_into_is_fetched_anew(opened: Corpus, web: WebServer) -> None:
    expected = opened.curves(1).copy()
    gc.collect()
    changed_bit(opened.path / "shard-00001.arrow")
    np.testing.assert_array_equal(Corpus.open(web.url).curves(1), expected)
    assert web.asked["shard-00001.arrow"] == 2


def test_a_bit_that_turned_in_the_cache_is_found_by_verify_and_fetched_anew(opened: Corpus, web: WebServer) -> None:
    expected, shard = opened.curves(1).copy(), opened.path / "shard-00001.arrow"
    gc.collect()
    before = shard.stat()
    changed_bit(shard)
    os.utime(shard, ns=(before.st_atime_ns, before.st_mtime_ns))  # as where the disk itself lost it
    (problem,) = opened.verify()
    assert problem.where == str(shard) and "in the cache is damaged" in problem.what and "fetched anew" in problem.do
    np.testing.assert_array_equal(Corpus.open(web.url).curves(1), expected)
    assert opened.verify() == []


def test_verify_looks_into_the_very_cache_that_the_corpus_was_opened_with(web: WebServer, tmp_path: Path) -> None:
    corpus = Corpus.open(web.url, cache=CacheConfig(folder=tmp_path / "elsewhere", n_threads=0))
    read(corpus, 1)
    gc.collect()
    changed_bit(corpus.path / "shard-00001.arrow")
    assert [problem.where for problem in corpus.verify()] == [str(corpus.path / "shard-00001.arrow")]


def test_a_file_whose_time_changed_is_compared_and_not_fetched(
    opened: Corpus, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, shard = opened.curves(1).copy(), opened.path / "shard-00001.arrow"
    gc.collect()
    os.utime(shard)  # copied, or from an older koekao
    np.testing.assert_array_equal(Corpus.open(web.url).curves(1), expected)
    gc.collect()
    monkeypatch.setattr(datafile, "sha256_of", None)  # from here on nothing is read to be compared
    np.testing.assert_array_equal(Corpus.open(web.url).curves(1), expected)
    assert web.asked["shard-00001.arrow"] == 1


def test_a_damaged_header_in_the_cache_is_not_taken_for_that_of_the_server(opened: Corpus, web: WebServer) -> None:
    (opened.path / "corpus.json").write_bytes(b"{}")
    assert Corpus.open(web.url).id == opened.id


def test_what_a_closed_corpus_left_makes_room_and_what_is_open_stays_usable(
    web: WebServer, three: CacheConfig, small: Any
) -> None:
    corpus = Corpus.open(web.url, cache=three)
    read(corpus, 0, 1, 2)
    folder = corpus.path
    del corpus
    shutil.rmtree(web.folder)
    shutil.copytree(small.corpus.path, web.folder)
    tiny = CacheConfig(gb=((web.folder / "shard-00000.arrow").stat().st_size + 30_000) / 1e9, n_threads=0)
    other = Corpus.open(web.url, cache=tiny)
    read(other, 0)
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["lock"]
    assert (other.path / "takes.arrow").is_file() and other.files.sources.num_rows == len(small.takes)


def test_a_pickled_corpus_fetches_where_it_arrives(opened: Corpus, web: WebServer) -> None:
    again = pickle.loads(pickle.dumps(opened.select(names=["t3", "t4"])))  # noqa: S301 - our own
    np.testing.assert_array_equal(again.curves(0), Corpus.open(web.folder).curves(3))
    assert again.place == web.url


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_fetches_and_keeps_what_it_inherited(web: WebServer, three: CacheConfig) -> None:
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")
from koekao.corpus import Corpus
from koekao.corpus.remote.leases import settle_all
corpus = Corpus.open(sys.argv[1])
view = corpus.curves(0)
pid = os.fork()
if not pid:
    corpus.audio(5)
    print("child", flush=True)
    sys.stdin.readline()
    os._exit(0)
del view
settle_all()
print("parent", flush=True)
os.close(0)
os.waitpid(pid, 0)
"""
    corpus = Corpus.open(web.url, cache=three)
    with subprocess.Popen(
        [sys.executable, "-c", code, web.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert {other.stdout.readline(), other.stdout.readline()} == {"child\n", "parent\n"}
        read(corpus, *range(1, 10))
        assert "00000" in names_in(corpus)
        other.communicate("\n")
    assert other.returncode == 0


def test_where_it_lies_and_how_large_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KOEKAO_CACHE", str(tmp_path / "mine"))
    monkeypatch.setenv("KOEKAO_CACHE_GB", "2.5")
    assert (CacheConfig().folder, CacheConfig().bytes) == (tmp_path / "mine", 2_500_000_000)
    monkeypatch.setenv("KOEKAO_CACHE_GB", "much")
    with pytest.raises(ConfigError, match="KOEKAO_CACHE_GB='much'"):
        CacheConfig()
    monkeypatch.delenv("KOEKAO_CACHE_GB")
    monkeypatch.delenv("KOEKAO_CACHE")
    monkeypatch.setattr(cache_module.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert (CacheConfig().folder, CacheConfig().gb) == (tmp_path / "xdg" / "koekao", 50)
    with pytest.raises(ConfigError):
        CacheConfig(gb=0)


def test_the_front_door_takes_a_cache(web: WebServer, tmp_path: Path) -> None:
    corpus = koekao.open(web.url, cache=tmp_path / "here", cache_gb=1)
    assert corpus.path.is_relative_to(tmp_path / "here")

"""Law: whatever a server does, a shard is had whole and right, or an error names its URL; nothing half is ever kept."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from remote_servers import WebServer

from koekao.corpus import Corpus
from koekao.corpus.remote import CacheConfig, RemoteFolder, store
from koekao.errors import ConfigError, CorpusError

SHARD = "shard-00003.arrow"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_FIRST_PAUSE_S", 0.01)


def shards_in(folder: Path) -> set[str]:
    """Everything below the cache that is a shard or wants to become one."""
    return {path.name for path in folder.rglob("*shard*")}


@pytest.mark.parametrize("fault", ["500", "503", "429", "cut", "short", "wrong", "late"])
def test_a_passing_fault_costs_another_try_and_nothing_else(opened: Corpus, web: WebServer, fault: str) -> None:
    local = Corpus.open(web.folder)
    web.faults[SHARD] = [fault]
    np.testing.assert_array_equal(opened.curves(3), local.curves(3))
    assert web.asked[SHARD] == (1 if fault == "late" else 2)
    assert shards_in(opened.path) == {SHARD}


@pytest.mark.parametrize(
    ("fault", "said", "tries"),
    [
        ("500", "cannot be fetched, tried 3 times", 3),
        ("cut", "cannot be fetched, tried 3 times", 3),
        ("short", "cannot be fetched, tried 3 times", 3),
        ("wrong", "its content is not what corpus.json says: SHA-256", 3),
        ("404", "is not there", 1),
        ("403", "may not be read", 1),
    ],
)
def test_a_lasting_fault_is_an_error_with_the_url(
    opened: Corpus, web: WebServer, fault: str, said: str, tries: int
) -> None:
    web.faults[SHARD] = [f"always {fault}"]
    with pytest.raises(CorpusError) as caught:
        opened.audio(3)
    assert said in caught.value.what
    assert caught.value.where == f"{web.url}/{SHARD}" and caught.value.do
    assert web.asked[SHARD] == tries
    assert shards_in(opened.path) == set(), "nothing half, nothing wrong"
    web.faults.clear()
    opened.audio(3)  # and the same object goes on when the server is well again


def test_a_server_that_does_not_answer_is_not_waited_for(web: WebServer, cache: CacheConfig) -> None:
    quick = CacheConfig(n_threads=0, tries=2, timeout_s=0.2)
    corpus = Corpus.open(web.url, cache=quick)
    web.faults[SHARD] = ["always slow"]
    began_s = time.monotonic()
    with pytest.raises(CorpusError, match=r"tried 2 times \(nothing within 0.2 s\)"):
        corpus.audio(3)
    assert time.monotonic() - began_s < 5


def test_a_corpus_that_was_replaced_is_not_called_damaged(
    opened: Corpus, web: WebServer, small: object, tmp_path: Path
) -> None:
    opened.audio(0)
    shutil.rmtree(web.folder)
    shutil.copytree(small.corpus.path, web.folder)
    with pytest.raises(CorpusError, match="was replaced while it was open") as caught:
        opened.audio(3)
    assert (caught.value.where, caught.value.do) == (web.url, "open it again")
    opened.audio(0)  # what is here stays good
    assert Corpus.open(web.url).id == small.corpus.id


def test_the_header_is_not_believed(web: WebServer, cache: CacheConfig) -> None:
    header = web.folder / "corpus.json"
    header.write_text(header.read_text().replace('"sample_rate": 16000', '"sample_rate": 16001'))
    with pytest.raises(CorpusError, match="is not that of its content") as caught:
        Corpus.open(web.url)
    assert caught.value.where == f"{web.url}/corpus.json"


def test_no_corpus_there(web: WebServer, cache: CacheConfig) -> None:
    with pytest.raises(CorpusError, match="is not there") as caught:
        Corpus.open(f"{web.url}/columns")
    assert caught.value.where == f"{web.url}/columns/corpus.json"


def test_a_name_and_password_in_a_url_are_not_said(cache: CacheConfig) -> None:
    with pytest.raises(CorpusError) as caught:
        Corpus.open("http://ann:secret@127.0.0.1:9/corpus", cache=CacheConfig(tries=1))
    assert "secret" not in str(caught.value) and "127.0.0.1:9/corpus/corpus.json" in str(caught.value)


def test_an_unknown_kind_of_url_is_a_setting_to_mend(cache: CacheConfig) -> None:
    pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    with pytest.raises(ConfigError, match="cannot be opened"):
        Corpus.open("nonsense://a/b")


def test_pieces_come_in_order_and_are_tried_one_by_one(
    opened: Corpus, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PIECE_BYTES", 10_000)
    web.faults[SHARD] = ["", "500", "cut", "", "short"]
    np.testing.assert_array_equal(opened.curves(3), Corpus.open(web.folder).curves(3))
    n_pieces = -(-(web.folder / SHARD).stat().st_size // 10_000)
    assert web.asked[SHARD] == n_pieces + 3


def test_a_server_without_ranges_serves_too(opened: Corpus, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PIECE_BYTES", 50_000)
    web.knows_ranges = False
    np.testing.assert_array_equal(opened.curves(3), Corpus.open(web.folder).curves(3))


@pytest.fixture
def folder(web: WebServer) -> RemoteFolder:
    """The corpus's folder on a server that lists."""
    web.lists = True
    return RemoteFolder(web.url, tries=3, timeout_s=10)


@pytest.mark.parametrize("fault", ["", "500", "503", "429", "cut"])
def test_a_listing_is_asked_for_again_after_a_passing_fault(
    folder: RemoteFolder, web: WebServer, ten_shards: Path, fault: str
) -> None:
    web.faults["columns"] = [fault] if fault else []
    assert folder.folders("columns") == [column.name for column in (ten_shards / "columns").iterdir()]
    assert web.asked["columns"] == (2 if fault else 1)


@pytest.mark.parametrize("fault", ["500", "cut"])
def test_a_listing_that_does_not_come_is_an_error_and_not_no_columns(
    opened: Corpus, folder: RemoteFolder, web: WebServer, fault: str
) -> None:
    web.faults["columns"] = [f"always {fault}"]
    with pytest.raises(CorpusError, match="cannot be fetched, tried 3 times") as caught:
        _ = opened.column_names
    assert caught.value.where == f"{web.url}/columns" and caught.value.do
    assert web.asked["columns"] == 3
    web.faults.clear()
    assert opened.column_names == ("mel",)


def test_a_listing_that_hangs_is_not_waited_for(web: WebServer) -> None:
    web.lists, web.faults["columns"] = True, ["always slow"]
    with pytest.raises(CorpusError, match=r"tried 2 times \(nothing within 0.2 s\)"):
        RemoteFolder(web.url, tries=2, timeout_s=0.2).folders("columns")


@pytest.mark.parametrize("status", ["404", "403", "401", "405", "501"])
def test_a_server_that_does_not_list_has_no_folders(folder: RemoteFolder, web: WebServer, status: str) -> None:
    web.faults["columns"] = [f"always {status}"]
    assert folder.folders("columns") == [] and web.asked["columns"] == 1


A_PICTURE = UnicodeDecodeError("utf-8", b"\x89PNG", 0, 1, "invalid start byte")


@pytest.mark.parametrize("error", [FileNotFoundError, NotADirectoryError, PermissionError, A_PICTURE])
def test_a_store_that_cannot_list_has_no_folders(
    folder: RemoteFolder, monkeypatch: pytest.MonkeyPatch, error: type[Exception] | Exception
) -> None:
    class Store:
        async_impl = False

        def ls(self, *_: object, **__: object) -> list[dict[str, str]]:
            raise error

    monkeypatch.setattr(folder, "_fs", lambda: (Store(), "bucket"))
    assert folder.folders("columns") == []


@pytest.mark.parametrize("error", [A_PICTURE, NotImplementedError("versions of objects")])
def test_a_listing_that_fails_is_tried_again_and_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Otherwise the features of a corpus would seem to be gone."""
    asked: list[object] = []

    class Store:
        async_impl = False

        def ls(self, *_: object, **__: object) -> list[dict[str, str]]:
            asked.append(self)
            raise error

    folder = RemoteFolder("s3://bucket/corpus", tries=2, timeout_s=1)
    monkeypatch.setattr(folder, "_fs", lambda: (Store(), "bucket/corpus"))
    with pytest.raises(CorpusError, match=rf"tried 2 times \({type(error).__name__}"):
        folder.folders("columns")
    assert len(asked) == 2


def test_the_size_of_a_file_is_not_waited_for_longer_than_the_file(web: WebServer) -> None:
    web.faults[SHARD] = ["always slow"]
    with pytest.raises(CorpusError, match=r"tried 2 times \(nothing within 0.2 s\)"):
        RemoteFolder(web.url, tries=2, timeout_s=0.2).size(SHARD)


def test_verify_reads_the_server_and_not_the_cache(opened: Corpus, web: WebServer) -> None:
    for i in range(len(opened)):
        opened.audio(i)
    assert opened.verify() == []
    shard = web.folder / SHARD
    damaged = bytearray(shard.read_bytes())
    damaged[5000] ^= 1
    shard.write_bytes(damaged)
    (web.folder / "shard-00004.arrow").unlink()
    with (web.folder / "shard-00005.arrow").open("ab") as file:
        file.write(b"more")
    found = opened.verify()
    assert [problem.where.rpartition("/")[2] for problem in found] == [SHARD, "shard-00004.arrow", "shard-00005.arrow"]
    assert all(problem.where.startswith(web.url) for problem in found)

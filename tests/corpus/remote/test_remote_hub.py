"""A corpus in a dataset repository of the Hugging Face Hub, by its own client; the Hub is a small one on loopback.

It answers what that client asks: the repository, the files of a folder, some files by path, and their content.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
pytest.importorskip("fsspec", reason="the extra `remote` is not installed")

from huggingface_hub import constants

from koekao.corpus import Corpus
from koekao.corpus.remote import CacheConfig, store
from koekao.errors import CorpusError

REPOSITORY, FOLDER = "datasets/me/faces", "packed"
URL = f"hf://{REPOSITORY}/{FOLDER}"


class Hub(ThreadingHTTPServer):
    """A repository with one folder. ``refuses``: the status of every answer, where it is not 0."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.files = {f"{FOLDER}/{path.name}": path for path in folder.iterdir() if path.is_file()}
        self.refuses, self.asked, self.spans = 0, 0, list[str]()


class _Answers(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(self._entries([path for path in parse_qs(said)["paths"] if path in self.server.files]))

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith(f"/api/{REPOSITORY}/tree/main/{FOLDER}"):
            self._answer(self._entries(list(self.server.files)))
        elif path.startswith(f"/api/{REPOSITORY}/tree/"):
            self._answer(b"{}", 404, "EntryNotFound")
        elif path.startswith(f"/api/{REPOSITORY}"):
            self._answer(json.dumps({"id": "me/faces", "sha": "0" * 40, "siblings": []}).encode())
        elif file := self.server.files.get(path.removeprefix(f"/{REPOSITORY}/resolve/main/")):
            span = self.headers.get("range", "")
            self.server.spans.append(span)
            first, _, last = span.removeprefix("bytes=").partition("-")
            self._answer(file.read_bytes()[int(first or 0) : int(last) + 1 if last else None], 206 if span else 200)
        else:
            self._answer(b"{}", 404, "RepoNotFound")

    def _entries(self, paths: list[str]) -> bytes:
        said = [(path, self.server.files[path].stat().st_size) for path in paths]
        return json.dumps(
            [{"type": "file", "path": path, "size": size, "oid": "0" * 40} for path, size in said]
        ).encode()

    def _answer(self, data: bytes, status: int = 200, why: str = "") -> None:
        self.server.asked += 1
        self.send_response(self.server.refuses or status)
        self.send_header("X-Error-Code", why)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(ten_shards: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub(ten_shards)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    origin = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", origin)
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", origin + urlsplit(template).path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(store, "_FIRST_PAUSE_S", 0.01)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_read_as_from_a_disk(hub: Hub, ten_shards: Path, cache: CacheConfig) -> None:
    there, here = Corpus.open(URL, cache=cache), Corpus.open(ten_shards)
    assert there.names == here.names
    for take in range(len(here)):
        np.testing.assert_array_equal(there.audio(take), here.audio(take))
        np.testing.assert_array_equal(there.curves(take), here.curves(take))
    assert set(hub.spans) == {""}, "small files come whole"


def test_a_large_file_comes_in_pieces(
    hub: Hub, ten_shards: Path, cache: CacheConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PIECE_BYTES", 50_000)
    np.testing.assert_array_equal(Corpus.open(URL, cache=cache).audio(3), Corpus.open(ten_shards).audio(3))
    assert [span.partition("-")[0] for span in sorted(hub.spans)[-3:]] == ["bytes=0", "bytes=100000", "bytes=50000"]


@pytest.mark.parametrize("url", [f"hf://{REPOSITORY}/other", "hf://datasets/you/faces/packed"])
def test_what_is_not_there_is_said_at_once(hub: Hub, cache: CacheConfig, url: str) -> None:
    with pytest.raises(CorpusError, match="is not there") as caught:
        Corpus.open(url, cache=cache)
    assert caught.value.where == f"{url}/corpus.json" and caught.value.do


@pytest.mark.parametrize("status", [401, 403])
def test_a_repository_that_is_not_for_everyone_is_said_at_once(hub: Hub, cache: CacheConfig, status: int) -> None:
    hub.refuses = status
    with pytest.raises(CorpusError, match="may not be read") as caught:
        Corpus.open(URL, cache=cache)
    assert "HF_TOKEN" in caught.value.do
    assert hub.asked <= 4, "what is refused is not asked for again and again"

"""A corpus of ten shards of one take each, a server for it, and a cache of its own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from remote_servers import WebServer, serving

import koekao
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.corpus.remote import CacheConfig

N_TAKES = 10


@pytest.fixture(scope="session")
def ten_shards(tmp_path_factory: pytest.TempPathFactory, take_of: Callable[..., Any]) -> Path:
    """About 132 KB a shard."""
    path = tmp_path_factory.mktemp("elsewhere") / "corpus"
    takes = [take_of(f"t{i}", n_frames=100 + i) for i in range(N_TAKES)]
    pack_takes(takes, path, PackConfig(shard_bytes=1000, val=0.0))
    koekao.pack_features(path, "mel", n_mels=4, n_fft=256)
    return path


@pytest.fixture
def web(ten_shards: Path, tmp_path: Path) -> Iterator[WebServer]:
    """A copy of the corpus on a web server; files may be changed."""
    pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    pytest.importorskip("aiohttp", reason="the extra `remote` is not installed")
    shutil.copytree(ten_shards, tmp_path / "served" / "corpus")
    with serving(tmp_path / "served" / "corpus") as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CacheConfig:
    """An empty cache that everything of this test uses, also what reads the environment; nothing is fetched ahead."""
    monkeypatch.setenv("KOEKAO_CACHE", str(tmp_path / "cache"))
    return CacheConfig(n_threads=0, tries=3, timeout_s=10)


@pytest.fixture
def opened(web: WebServer, cache: CacheConfig) -> Corpus:
    return Corpus.open(web.url, cache=cache)

"""Law: batches of a corpus elsewhere are those of the same corpus here, bit for bit, however small the cache."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from remote_servers import WebServer

import koekao
from koekao.batches import Loader
from koekao.batches.foresight import Foresight
from koekao.batches.sources import _BLOCK_ROWS, PlannedBlocks, Sources
from koekao.batches.spec import ClipSpec, StreamSpec
from koekao.corpus import Corpus
from koekao.corpus.remote import CacheConfig
from koekao.errors import ConfigError

STREAMS: dict[str, Any] = {"batch_size": 4, "n_streams": 2, "window_frames": 16, "copy": True, "seed": 3}


def assert_same(here: Any, there: Any) -> None:
    for one, other in zip(here, there, strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert torch.equal(value, other[key]) if isinstance(value, torch.Tensor) else value == other[key], key


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("gb", [0.0011, 1.0], ids=["smaller than the corpus", "larger"])
def test_they_are_the_same(web: WebServer, cache: CacheConfig, tmp_path: Path, workers: int, gb: float) -> None:
    here, there = koekao.open(web.folder), koekao.open(web.url, cache_gb=gb)
    assert there.id == here.id
    for epoch in (0, 1):
        how = STREAMS | {"epoch": epoch}
        assert_same(here.streams(**how), there.streams(num_workers=workers, **how))
    clips: dict[str, Any] = {"batch_size": 3, "clip_s": 1.0, "stride_frames": 20, "copy": True}
    assert_same(here.clips(**clips), there.clips(num_workers=workers, **clips))


def test_resuming_in_the_middle_fetches_what_is_needed_there(web: WebServer, cache: CacheConfig) -> None:
    there = Corpus.open(web.url, cache=cache)
    loader = Loader(there, StreamSpec(window_frames=16))
    state = loader.state_dict() | {"batch": len(loader) - 1}
    loader.load_state_dict(state)
    assert_same([koekao.open(web.folder).streams(window_frames=16).batch(len(loader) - 1)], loader)
    assert 0 < sum(web.asked[f"shard-0000{i}.arrow"] for i in range(10)) <= 4


def test_once_all_is_here_blocks_are_as_large_as_of_a_local_corpus(web: WebServer, cache: CacheConfig) -> None:
    there, spec = Corpus.open(web.url, cache=cache), StreamSpec(window_frames=16)
    blocks = lambda: PlannedBlocks(Sources(there, spec), spec.plan(there.n_frames, 0, 1), 0)  # noqa: E731
    assert (blocks()._batches, blocks()._foresight is None) == (1, False)
    for i in range(len(there)):
        there.audio(i)
    assert (blocks()._batches, blocks()._foresight is None) == (_BLOCK_ROWS // 4, True)


def first_needs(corpus: Corpus, plan: Any, share: slice, number: int) -> list[int]:
    """The plain way: every batch after another."""
    order: dict[int, None] = {}
    for n in range(number, plan.n_batches):
        for take in plan.batches(n, 1, share=share).take.tolist():
            if take >= 0:
                order.setdefault(int(corpus.shard[take]))
    return list(order)


@pytest.mark.parametrize("spec", [StreamSpec(window_frames=16), ClipSpec(window_frames=30, batch_size=2)])
@pytest.mark.parametrize("rank", [0, 1])
def test_foresight_is_what_the_plan_will_need_in_the_order_of_need(ten_shards: Path, spec: Any, rank: int) -> None:
    corpus = Corpus.open(ten_shards)
    plan, share = spec.plan(corpus.n_frames, 0, 2), slice(rank * spec.batch_size, (rank + 1) * spec.batch_size)
    foresight = Foresight(Sources(corpus, spec).frames, plan, share)
    for number in range(0, plan.n_batches, 3):
        found = foresight.coming(number)[id(corpus.files)]
        needed = first_needs(corpus, plan, share, number)
        assert set(found) == set(needed[: len(found)]) or spec.kind == "clips"
        assert len(found) == min(8, len(needed))
        batches = list(found.values())
        assert batches == sorted(batches)
        for shard, batch in found.items():
            assert shard in corpus.shard[plan.batches(batch, 1, share=share).take].tolist()


def test_foresight_looks_again_as_the_plan_goes_on(ten_shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, spec = Corpus.open(ten_shards), StreamSpec(batch_size=2, n_streams=1, window_frames=16)
    plan, told = spec.plan(corpus.n_frames, 0, 1), []
    monkeypatch.setattr(type(corpus.files), "expect", lambda files, numbers: told.append(list(numbers)))
    foresight = Foresight(Sources(corpus, spec).frames[:1], plan, slice(0, 2))
    for number in range(plan.n_batches):
        foresight.look_beyond(number)
    assert {shard for shards in told for shard in shards} == set(range(10))
    assert 2 <= len(told) <= 10, "and not at every batch"


def test_shards_come_before_they_are_asked_for(web: WebServer, cache: CacheConfig) -> None:
    there = Corpus.open(web.url, cache=CacheConfig(n_threads=2))
    loader = Loader(there, StreamSpec(batch_size=2, n_streams=1, window_frames=16))
    batches = iter(loader)
    next(batches)
    until_s = time.monotonic() + 20
    while len(list(there.path.glob("shard-*"))) < 8 and time.monotonic() < until_s:
        time.sleep(0.02)
    assert len(list(there.path.glob("shard-*"))) >= 8
    before = web.asked.copy()
    needed = [int(shard) for shard in first_needs(there, loader.plan, slice(0, 2), 1)[:6]]
    for shard in needed:
        there.shard_bytes(shard)
    assert web.asked == before
    for _ in batches:
        pass


def test_what_is_fetched_ahead_takes_no_more_than_half_of_the_cache(web: WebServer, cache: CacheConfig) -> None:
    there = Corpus.open(web.url, cache=CacheConfig(n_threads=2, gb=0.00085))
    there.files.expect(list(range(10)))
    time.sleep(1.0)
    assert len(list(there.path.glob("shard-*"))) == 3


def test_a_server_that_fails_ahead_is_told_when_the_shard_is_needed(web: WebServer, cache: CacheConfig) -> None:
    web.faults["shard-00001.arrow"] = ["403"]
    there = Corpus.open(web.url, cache=CacheConfig(n_threads=1))
    there.files.expect([1, 2])
    time.sleep(0.5)
    assert list(there.path.glob("shard-*")) == []
    there.audio(1)


@pytest.fixture
def s3(ten_shards: Path, cache: CacheConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the corpus in a bucket on a real S3 server."""
    pytest.importorskip("s3fs", reason="the extra `remote` is not installed")
    server_module = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    boto3 = pytest.importorskip("boto3", reason="moto[server] is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in (settings | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="bucket")
    for file in ten_shards.rglob("*"):
        if file.is_file():
            client.upload_file(str(file), "bucket", f"some/corpus/{file.relative_to(ten_shards).as_posix()}")
    client.close()
    yield "s3://bucket/some/corpus"
    server.stop()


def test_from_s3_with_its_columns(s3: str, ten_shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOEKAO_CACHE_GB", "0.0012")
    here, there = koekao.open(ten_shards), koekao.open(s3)
    assert there.column_names == ("mel",) and there.column("mel").key == here.column("mel").key
    how = STREAMS | {"columns": ("audio", "blendshapes", "mel")}
    assert_same(here.streams(**how), there.streams(**how))
    assert there.verify() == [] and len(there.repairs) == 10
    with pytest.raises(ConfigError, match="read from elsewhere"):
        koekao.pack_features(there, "mel", n_mels=5)


def test_the_verbs_take_a_url(s3: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from koekao.cli import main

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        captured = capsys.readouterr()
        assert ended.value.code == 0, captured.err
        return captured.out

    assert f'"path": "{s3}"' in said("inspect", s3, "--json")
    assert "all is as it was packed" in said("verify", s3)
    assert "windows/s" in said("batches", s3, "--window-frames", "16", "--seconds", "0.1", "--kind", "streams")
    small = ("--model.dim", "16", "--batch-size", "4", "--device", "cpu", "--no-plots", "--max-steps", "2")
    assert f"koekao evaluate {tmp_path / 'run'} {s3}" in said("train", s3, str(tmp_path / "run"), *small)
    assert s3 in (tmp_path / "run" / "run.json").read_text()


def test_a_file_url_is_a_folder_here(ten_shards: Path, cache: CacheConfig) -> None:
    corpus = Corpus.open(f"file://{ten_shards}")
    assert corpus.path == ten_shards and not cache.folder.exists()
    with pytest.raises(ConfigError, match="names another machine"):
        Corpus.open("file://elsewhere/corpus")


def test_memory_of_fsspec_serves_too(ten_shards: Path, cache: CacheConfig) -> None:
    fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")
    fsspec.filesystem("memory").put(str(ten_shards), "/lies/here", recursive=True)
    there = Corpus.open("memory://lies/here")
    np.testing.assert_array_equal(there.audio(7), Corpus.open(ten_shards).audio(7))
    assert there.column_names == ("mel",)
    fsspec.filesystem("memory").rm("/lies", recursive=True)


def test_without_the_packages_it_says_what_to_install(cache: CacheConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ConfigError, match=r"s3:// needs a package") as caught:
        Corpus.open("s3://bucket/corpus")
    assert 'pip install "koekao[remote]"' in caught.value.do

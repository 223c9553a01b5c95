"""What does it cost that a corpus lies elsewhere: before it is cached, once it is, and where it never all is?

    python benchmarks/remote.py [--takes 120] [--shard-mb 8] [--seconds 4] [--folder SPACE]

A corpus of noise is put into a bucket of an S3 server on loopback (moto, a process of its own). `cold` is from nothing
in the cache to the first batch, opening included. `cached` and `local` are windows a second of the same loader on the
same corpus, by turns; the ratio is the median of those of each turn. `streaming` is an epoch of streams with a cache of
a third of the corpus: what came, and how fast. `one request` is what s3fs alone does with one shard.

Result on 2 cores of an AMD EPYC that others used at the same time (load 7), Python 3.11, s3fs 2026.9, moto 5.2:

    corpus: 120 takes of 30 s, 138 MB
    one request: 185 MB/s
    cold, first batch: 0.43 s (median of 9, 0.36 to 0.89)
    streams, stride 8, inline: local 65,662 windows/s, cached 65,253, ratio 1.003
    streams, stride 8, 1 thread: local 30,329 windows/s, cached 33,747, ratio 1.102
    clips, inline: local 9,936 windows/s, cached 9,914, ratio 0.980
    clips, 1 thread: local 7,246 windows/s, cached 7,087, ratio 0.980
    streaming, 330 batches: 9.07 s, 685 MB came (5.0 times the corpus), 76 MB/s; in the cache 40 of 46 MB

    with --shard-mb 1 (a take a shard):
    cold, first batch: 0.29 s (median of 9, 0.22 to 1.23)
    streaming, 330 batches: 2.64 s, 138 MB came (1.0 times the corpus), 52 MB/s; in the cache 45 of 46 MB

Reading: once cached there is no difference, for it is the same code on the same maps. Where the cache is smaller than
the corpus and takes are shuffled, a shard of eight takes comes as good as eight times: shards of one take cost nothing
twice. The megabytes a second are those of a server that is written in Python and shares the cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import koekao
from koekao.arkit import N_CURVES
from koekao.takes import Take

_SERVER = """
import sys
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""
_PORT = 18_571
_ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takes", type=int, default=120)
    parser.add_argument("--shard-mb", type=float, default=8.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="remote-") as name, bucket() as client:
        space = Path(name)
        corpus = packed(space / "corpus", given.takes, int(given.shard_mb * 1e6))
        url, n_bytes = upload(client, corpus)
        print(f"corpus: {given.takes} takes of 30 s, {n_bytes / 1e6:.0f} MB")
        print(f"one request: {one_request(url):.0f} MB/s")
        cold(url, space)
        ratios(url, corpus, space, given.seconds)
        streaming(url, space, n_bytes)


@contextmanager
def bucket() -> Iterator[Any]:
    import boto3

    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{_PORT}"
    quiet = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, "-c", _SERVER, str(_PORT)], stdout=quiet, stderr=quiet) as server:
        try:
            for _ in range(100):
                time.sleep(0.1)
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/moto-api/", timeout=1).close()
                    break
                except OSError:
                    continue
            client = boto3.client("s3")
            client.create_bucket(Bucket="bucket")
            yield client
        finally:
            server.terminate()


def packed(folder: Path, n_takes: int, shard_bytes: int) -> Path:
    """Takes of 900 frames, noise: nothing on the way can make it smaller."""
    rng = np.random.default_rng(0)
    takes = [
        Take(
            name=f"take_{i:04}",
            speaker="ann",
            sample_rate=16_000,
            fps=koekao.PackConfig().fps,
            audio=rng.integers(-9000, 9000, 480_000).astype(np.int16),
            curves=rng.random((900, N_CURVES), np.float32),
            valid=np.ones(900, bool),
        )
        for i in range(n_takes)
    ]
    koekao.pack_takes(takes, folder, koekao.PackConfig(val=0.0, shard_bytes=shard_bytes))
    return folder


def upload(client: Any, corpus: Path) -> tuple[str, int]:
    for file in corpus.iterdir():
        client.upload_file(str(file), "bucket", f"corpus/{file.name}")
    return "s3://bucket/corpus", sum(file.stat().st_size for file in corpus.iterdir())


def one_request(url: str) -> float:
    from koekao.corpus.remote import RemoteFolder

    folder = RemoteFolder(url, tries=1, timeout_s=60)
    folder.read("corpus.json")
    began_s = time.perf_counter()
    return len(folder.read("shard-00000.arrow")) / (time.perf_counter() - began_s) / 1e6


def cold(url: str, space: Path) -> None:
    koekao.open(space / "corpus").streams().batch(0)  # what is compiled and imported is
    took = []
    for round_number in range(_ROUNDS):
        began_s = time.perf_counter()
        next(iter(koekao.open(url, cache=space / f"cold-{round_number}").streams()))
        took.append(time.perf_counter() - began_s)
        shutil.rmtree(space / f"cold-{round_number}", ignore_errors=True)
    print(
        f"cold, first batch: {statistics.median(took):.2f} s (median of {_ROUNDS}, {min(took):.2f} to {max(took):.2f})"
    )


def ratios(url: str, corpus: Path, space: Path, seconds: float) -> None:
    here, there = koekao.open(corpus), koekao.open(url, cache=space / "cache")
    for i in range(len(there)):
        there.audio(i)
    pairs = (("local", here), ("cached", there))
    kinds: dict[str, dict[str, Any]] = {"streams, stride 8": {"stride": "sparse", "initial_stride": 8}, "clips": {}}
    for kind, how in kinds.items():
        for workers in (0, 1):
            speeds: dict[str, list[float]] = {"local": [], "cached": []}
            for turn in range(_ROUNDS):
                for name, opened in pairs[:: 1 if turn % 2 else -1]:
                    make = opened.clips if kind == "clips" else opened.streams
                    speeds[name].append(windows_per_s(make(num_workers=workers, **how), seconds / _ROUNDS))
            local, cached = (statistics.median(speeds[name]) for name in ("local", "cached"))
            threads = f"{workers} thread" if workers else "inline"
            ratio = statistics.median(b / a for a, b in zip(speeds["local"], speeds["cached"], strict=True))
            print(f"{kind}, {threads}: local {local:,.0f} windows/s, cached {cached:,.0f}, ratio {ratio:.3f}")


def windows_per_s(loader: Any, seconds: float) -> float:
    from koekao.batches.describe import measure

    return measure(loader, seconds=seconds).windows_per_s


def streaming(url: str, space: Path, n_bytes: int) -> None:
    """A cache of a third of the corpus: an epoch of it, and the shards that had to come."""
    there = koekao.open(url, cache=space / "small", cache_gb=n_bytes / 3e9)
    loader = there.streams(stride="sparse", initial_stride=64, num_workers=1)
    began_s, n_batches = time.perf_counter(), 0
    for _ in loader:
        n_batches += 1
    took_s, fetched = time.perf_counter() - began_s, there.files.fetched
    if fetched is None:
        raise SystemExit("this is not what was to be measured")
    came = fetched.came_bytes
    print(
        f"streaming, {n_batches} batches: {took_s:.2f} s, {came / 1e6:.0f} MB came ({came / n_bytes:.1f} times the "
        f"corpus), {came / took_s / 1e6:.0f} MB/s; in the cache {fetched.cache.used_bytes() / 1e6:.0f} of "
        f"{fetched.cache.config.bytes / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()

"""Law: what is printed about a batch is what the batch has, and a speed is what was delivered over the time it took."""

from __future__ import annotations

import itertools
from dataclasses import astuple
from typing import Any

import pytest

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.batches.describe import BatchEntry, Throughput, measure, structure


def test_every_key_is_described(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8, shuffle=False))
    entries = {entry.key: entry for entry in structure(loader.batch(0))}
    assert list(entries) == list(loader.batch(0))
    assert astuple(entries["audio"]) == ("audio", (4, 4352), "float32", 4 * 4352 * 4, "")
    assert astuple(entries["blendshapes"]) == ("blendshapes", (4, 8, 52), "float32", 4 * 8 * 52 * 4, "")
    assert astuple(entries["frame_mask"]) == ("frame_mask", (4, 8), "bool", 32, "")
    assert astuple(entries["start_frames"]) == ("start_frames", (4,), "int64", 32, "0, 1, 0, 0")
    assert astuple(entries["reset"]) == ("reset", (4,), "bool", 4, "True, False, True, True")
    names = "take_000, take_000, take_001, take_002"
    assert entries["file_names"] == BatchEntry(
        key="file_names", shape=(4,), dtype="list of str", n_bytes=0, example=names
    )


def test_the_bytes_of_the_seeds(picture: Any) -> None:
    streams = {entry.key: entry.n_bytes for entry in structure(Loader(picture.corpus, StreamSpec()).batch(0))}
    clips = {entry.key: entry.n_bytes for entry in structure(Loader(picture.corpus, ClipSpec()).batch(0))}
    assert (streams["audio"], streams["blendshapes"]) == (2_185_216, 212_992)
    assert (clips["wav"], clips["arkit"]) == (10_240_000, 998_400)


def test_a_measurement_counts_what_it_saw(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8), num_workers=1)
    seen = measure(loader, seconds=0.05)
    assert seen.seconds >= 0.05
    assert 0 < seen.first_batch_s <= seen.seconds
    assert seen.n_bytes == seen.n_batches * sum(entry.n_bytes for entry in structure(loader.batch(0)))
    assert 0 < seen.n_windows <= 4 * seen.n_batches
    assert seen.windows_per_s == seen.n_windows / seen.seconds


def test_a_measurement_ends_when_its_time_is_over(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("koekao.batches.describe.time.perf_counter", lambda: float(next(ticks)))
    seen = measure(Loader(small.corpus, StreamSpec(window_frames=8)), seconds=4.0)  # 0 begin, 1 first, 2, 3, 4
    assert (seen.n_batches, seen.first_batch_s, seen.seconds) == (3, 1.0, 5.0)


def test_a_measurement_goes_on_over_epochs_and_counts_no_padding(small: Any) -> None:
    loader = Loader(small.corpus.select(names=["take_003"]), ClipSpec(window_frames=8, batch_size=4))
    assert len(loader) == 1
    seen = measure(loader, seconds=0.05)
    assert seen.n_windows == seen.n_batches > 1


def test_speeds() -> None:
    seen = Throughput(n_batches=4, n_windows=16, n_bytes=3_000_000, seconds=2.0, first_batch_s=0.1)
    assert (seen.windows_per_s, seen.megabytes_per_s) == (8.0, pytest.approx(1.5))

"""``koekao batches``: the seeds' shapes, exact bytes, and counts that add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

STREAMS = {
    "audio": ([4, 136576], "float32", 4 * 136576 * 4),
    "blendshapes": ([4, 256, 52], "float32", 4 * 256 * 52 * 4),
    "file_indices": ([4], "int64", 32),
    "start_frames": ([4], "int64", 32),
    "file_names": ([4], "list of str", 0),
    "is_dense": ([4], "bool", 4),
    "reset": ([4], "bool", 4),
    "gap_frames": ([4], "int64", 32),
    "valid_frames": ([4], "int64", 32),
    "frame_mask": ([4, 256], "bool", 1024),
}
CLIPS = {
    "wav": ([16, 160000], "float32", 16 * 160000 * 4),
    "arkit": ([16, 300, 52], "float32", 16 * 300 * 52 * 4),
    "file_indices": ([16], "int64", 128),
    "start_frames": ([16], "int64", 128),
    "file_names": ([16], "list of str", 0),
    "valid_frames": ([16], "int64", 128),
    "frame_mask": ([16, 300], "bool", 4800),
}


@pytest.fixture(scope="module")
def as_json(cli: Callable, chain):
    said = cli("batches", chain.corpus, "--seconds", 0.05, "--json")
    assert (said.code, said.err) == (0, "")
    return said.json


@pytest.mark.parametrize(("kind", "wanted"), [("streams", STREAMS), ("clips", CLIPS)])
def test_keys_shapes_types_and_bytes(as_json, kind: str, wanted: dict) -> None:
    batch = as_json[kind]["batch"]
    assert {e["key"]: (e["shape"], e["dtype"], e["n_bytes"]) for e in batch} == wanted
    assert as_json[kind]["bytes"] == sum(n_bytes for _, _, n_bytes in wanted.values())
    assert as_json[kind]["windows_per_s"] > 0 and as_json[kind]["megabytes_per_s"] > 0


def test_windows_are_counted(as_json) -> None:
    streams, clips = as_json["streams"], as_json["clips"]
    assert (streams["stride"], streams["windows"], streams["padded_takes"]) == (32, 8, 0)  # 300 frames: 0 and 32
    assert streams["batches"] * 4 == streams["windows"] + streams["padding_rows"]
    assert (clips["windows"], clips["batches"], clips["padding_rows"]) == (4, 1, 12)


def test_the_table_says_the_same(cli: Callable, chain) -> None:
    said = cli("batches", chain.corpus, "--seconds", 0.05)
    assert (said.code, said.err) == (0, "")
    assert max(map(len, said.out.splitlines())) <= 80
    assert said.row("audio") == ["audio", "[4,", "136576]", "float32", "2,185,216"]
    assert said.row("arkit") == ["arkit", "[16,", "300,", "52]", "float32", "998,400"]
    assert "epoch 0: stride 32, 8 windows in 2 batches, 0 dropped, 0 padding rows\n" in said.out
    assert "2,399,368 bytes a batch\n" in said.out
    assert "measured, inline: " in said.out


def test_options_reach_the_plan(cli: Callable, chain) -> None:
    words = ("--kind", "streams", "--batch-size", 6, "--n-streams", 3, "--window-frames", 100, "--epoch", 99)
    one = cli("batches", chain.corpus, *words, "--num-workers", 2, "--drop-last", "--seconds", 0, "--json").json
    assert list(one) == ["streams"]
    assert (one["streams"]["stride"], one["streams"]["epoch"], one["streams"]["num_workers"]) == (1, 99, 2)
    assert one["streams"]["batch"][0]["shape"] == [6, 53376]
    assert one["streams"]["windows"] == 4 * 201
    assert one["streams"]["batches"] * 6 == one["streams"]["windows"] - one["streams"]["dropped"]
    said = cli("batches", chain.corpus, "--kind", "clips", "--clip-s", 20, "--split", "test", "--seconds", 0)
    assert "1 window in 1 batch, 0 dropped, 15 padding rows" in said.out
    assert "takes shorter than a window: 1 padded, 0 skipped" in said.out


def test_mixed_takes_its_share(cli: Callable, chain) -> None:
    words = ("--kind", "streams", "--stride", "mixed", "--dense-ratio", 0.5, "--window-frames", 32)
    one = cli("batches", chain.corpus, *words, "--seconds", 0, "--json").json["streams"]
    assert one["windows"] == 2 * 4 * 9  # the sparse grid has 9 starts a take; half of all are dense

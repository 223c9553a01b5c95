"""Fault 12: uneven ranks. Every rank has as many batches, every window comes once, and no stream is split."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from koekao.batches import AdaptiveSequentialDataset, ClipSpec, Loader, StreamSpec
from koekao.errors import ConfigError
from koekao.testing.laws import assert_each_window_once, assert_same_batches, grid_windows, kept, window_ids
from policies import EPOCH, W, expected_windows, spec_of
from small_loaders import PROGRESSIVE, torch_loader, with_worker_processes

pytestmark = with_worker_processes
STREAMS = StreamSpec(window_frames=8, stride=PROGRESSIVE)


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("policy", ["dense", "mixed"])
def test_fault_12_over_all_ranks_together_with_as_many_batches_each(small: Any, policy: str, world_size: int) -> None:
    for spec in (spec_of(policy, batch_size=2, n_streams=1), ClipSpec(window_frames=W, batch_size=3)):
        ranks = [
            Loader(small.corpus, spec, epoch=EPOCH, rank=rank, world_size=world_size) for rank in range(world_size)
        ]
        delivered = [kept(loader) for loader in ranks]
        assert {len(batches) for batches in delivered} == {len(ranks[0])}
        assert {len(batch["file_names"]) for batches in delivered for batch in batches} == {spec.batch_size}
        expected = grid_windows(small.lengths, W, 1)
        if isinstance(spec, StreamSpec):
            expected = expected_windows(small.lengths, policy)
        assert_each_window_once([batch for batches in delivered for batch in batches], expected)


@pytest.mark.parametrize("kind", ["streams", "clips"])
def test_fault_12_the_order_of_the_whole_is_the_same_for_any_number_of_ranks(small: Any, kind: str) -> None:
    orders = []
    for world_size in (1, 2, 4):
        clips = ClipSpec(window_frames=W, batch_size=8 // world_size)
        streams = spec_of("mixed", batch_size=8 // world_size, n_streams=4 // world_size)
        spec = streams if kind == "streams" else clips
        ranks = [
            Loader(small.corpus, spec, epoch=EPOCH, rank=rank, world_size=world_size) for rank in range(world_size)
        ]
        orders.append([[w for batch in step for w in window_ids(batch)] for step in zip(*ranks, strict=True)])
    assert orders[0] == orders[1] == orders[2]


def test_fault_12_every_rank_of_a_view_has_its_own_streams(small: Any) -> None:
    windows = []
    for rank in range(3):
        dataset = AdaptiveSequentialDataset(small.corpus, STREAMS, rank=rank, world_size=3)
        batches = list(torch_loader(dataset, 2 * (rank == 1)))
        assert_same_batches(batches, Loader(small.corpus, STREAMS, rank=rank, world_size=3))
        windows += [window for batch in batches for window in window_ids(batch)]
    assert sorted(windows) == grid_windows(small.lengths, 8, 6)
    with pytest.raises(ConfigError, match="rank 3 of 3"):
        AdaptiveSequentialDataset(small.corpus, STREAMS, rank=3, world_size=3)


@pytest.mark.parametrize("world_size", [2, 3, 8])
@pytest.mark.parametrize("policy", ["dense", "mixed"])
def test_fault_12_a_take_stays_on_one_rank_in_one_stream_in_order(small: Any, policy: str, world_size: int) -> None:
    spec = spec_of(policy, batch_size=4, n_streams=1)
    rank_of: dict[int, int] = {}
    for rank in range(world_size):
        loader = Loader(small.corpus, spec, epoch=EPOCH, rank=rank, world_size=world_size)
        windows = [window for batch in loader for window in window_ids(batch)]
        takes = list(dict.fromkeys(take for take, _ in windows))
        expected = expected_windows(small.lengths, policy)
        assert windows == [window for take in takes for window in expected if window[0] == take]
        assert not rank_of.keys() & set(takes)
        rank_of |= dict.fromkeys(takes, rank)
    assert len(rank_of) == len(small.takes)
    assert len(set(rank_of.values())) == world_size
    assert max(Counter(rank_of.values()).values()) > min(Counter(rank_of.values()).values()) or world_size < 8


RANK = """
import json, sys, datetime
import torch
import torch.distributed as dist
from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSampler, ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.testing.laws import window_ids
path, meeting, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
dist.init_process_group(
    "gloo", init_method=f"file://{meeting}", rank=rank, world_size=2, timeout=datetime.timedelta(seconds=60)
)
corpus, said = Corpus.open(path), {}
streams, clips = StreamSpec(window_frames=8, batch_size=2, n_streams=1), ClipSpec(window_frames=8, batch_size=5)
view, sampler = AdaptiveSequentialDataset(corpus, streams), ClipSampler(ClipDataset(corpus, clips))
said["ranks"] = [[view.rank, view.world_size], [sampler.rank, sampler.world_size]]
for spec in (streams, clips):
    loader, windows = Loader(corpus, spec), []
    said["ranks"].append([loader.rank, loader.world_size])
    for batch in loader:
        windows += window_ids(batch)
        met = torch.ones(1)
        dist.all_reduce(met)  # a rank with more batches than the other would wait here for ever
        assert met == 2
    said[spec.kind] = windows
dist.destroy_process_group()
print(json.dumps(said))
"""


def test_fault_12_torch_distributed_says_which_rank_this_is(small: Any, tmp_path: Path) -> None:
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, "-c", RANK, str(small.corpus.path), str(tmp_path / "meeting")]
    children = [
        subprocess.Popen([*command, str(rank)], env=environment, stdout=subprocess.PIPE, text=True) for rank in (0, 1)
    ]
    said = [json.loads(child.communicate(timeout=120)[0]) for child in children]
    assert [child.returncode for child in children] == [0, 0]
    for rank, of_rank in enumerate(said):
        assert of_rank["ranks"] == [[rank, 2]] * 4
    for kind in ("streams", "clips"):
        windows = [tuple(window) for of_rank in said for window in of_rank[kind]]
        assert sorted(windows) == grid_windows(small.lengths, 8, 1)

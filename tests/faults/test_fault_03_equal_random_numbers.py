"""Fault 3: equal random numbers in workers. What is drawn for a window depends on seed, epoch and window alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, StreamSpec
from koekao.testing.laws import grid_windows, window_ids
from koekao.windows import StridePolicy, window_generator
from small_loaders import torch_loader, with_worker_processes

pytestmark = with_worker_processes
SPECS = {
    "audio": StreamSpec(window_frames=8, stride=StridePolicy(mode="sparse", initial_stride=4), seed=5),
    "wav": ClipSpec(window_frames=8, batch_size=8, stride_frames=4, seed=5),
}
EPOCHS = (0, 1, 2)
Drawn = dict[tuple[int, int, int], bytes]


def augment(item: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """Noise in the place of the sound; here at the top, where a spawned process finds it."""
    key = "audio" if "audio" in item else "wav"
    return item | {key: torch.from_numpy(generator.random(len(item[key]), np.float32))}


def dataset_of(corpus: Any, key: str, **rank: int) -> Any:
    view: Any = AdaptiveSequentialDataset if key == "audio" else ClipDataset
    return view(corpus, SPECS[key], transform=augment, **rank)


def drawn(dataset: Any, num_workers: int, **more: Any) -> Drawn:
    """What was drawn for each (epoch, take, start frame)."""
    loader, key = torch_loader(dataset, num_workers, **more), dataset.spec.sound_key
    values = {}
    for epoch in EPOCHS:
        dataset.set_epoch(epoch)
        for batch in loader:
            for row, window in enumerate(window_ids(batch)):  # rows that only fill up come last in their stream
                real = batch[key][batch["valid_frames"] > 0][row]
                values[epoch, *window] = real.numpy().tobytes()
    return values


def by_hand(lengths: list[int], n_samples: int) -> Drawn:
    return {
        (epoch, take, start): window_generator(5, epoch, take, start).random(n_samples, np.float32).tobytes()
        for epoch in EPOCHS
        for take, start in grid_windows(lengths, 8, 4)
    }


@pytest.mark.parametrize("key", SPECS)
def test_fault_03_drawn_values_are_the_windows_own(small: Any, key: str) -> None:
    expected = by_hand(small.lengths, small.corpus.clock.window_samples(8))
    assert len(set(expected.values())) == len(expected) == 3 * len(grid_windows(small.lengths, 8, 4))
    for num_workers in (0, 1, 2, 4):
        assert drawn(dataset_of(small.corpus, key), num_workers) == expected
    assert drawn(dataset_of(small.corpus, key), 2, persistent_workers=True) == expected


@pytest.mark.parametrize("key", SPECS)
def test_fault_03_and_the_same_in_spawned_workers(small: Any, key: str) -> None:
    """Here the epoch travels to lasting workers, too."""
    values = drawn(dataset_of(small.corpus, key), 1, context="spawn", persistent_workers=True)
    assert values == by_hand(small.lengths, small.corpus.clock.window_samples(8))


def test_fault_03_and_the_same_on_every_rank(small: Any) -> None:
    ranks = [drawn(dataset_of(small.corpus, "audio", rank=rank, world_size=3), 0) for rank in range(3)]
    assert sum(map(len, ranks)) == len(ranks[0] | ranks[1] | ranks[2])
    assert ranks[0] | ranks[1] | ranks[2] == by_hand(small.lengths, small.corpus.clock.window_samples(8))


def marked(item: dict[str, Any], _: np.random.Generator) -> dict[str, Any]:
    """A transform that adds a key."""
    return item | {"mark": torch.tensor(int(item["valid_frames"]))}


@pytest.mark.parametrize("view", [AdaptiveSequentialDataset, ClipDataset])
def test_fault_03_rows_that_fill_up_are_transformed_too_so_that_all_have_equal_keys(small: Any, view: Any) -> None:
    dataset = view(small.corpus, window_frames=8, batch_size=7 if view is ClipDataset else 4, transform=marked)
    batches = list(torch_loader(dataset, 0))
    assert any((batch["valid_frames"] == 0).any() for batch in batches)
    assert all(torch.equal(batch["mark"], batch["valid_frames"]) for batch in batches)

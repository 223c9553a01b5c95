"""Every way to lay windows over takes, and the windows of an epoch by a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from koekao.batches import StreamSpec
from koekao.testing.laws import grid_windows
from koekao.windows import StridePolicy

W = 8
EPOCH = 3
POLICIES = {
    "dense": StridePolicy(),
    "sparse": StridePolicy(mode="sparse", initial_stride=5),
    "linear": StridePolicy(mode="progressive", initial_stride=9, max_epochs=7),
    "staged": StridePolicy(mode="progressive", schedule="staged", stages=((0, 9), (0.4, 2)), max_epochs=7),
    "mixed": StridePolicy(mode="mixed", initial_stride=4, dense_ratio=0.1),
}
STRIDES = {"dense": 1, "sparse": 5, "linear": 5, "staged": 2}


def spec_of(policy: str, **more: Any) -> StreamSpec:
    return StreamSpec(**{"window_frames": W, "stride": POLICIES[policy], **more})


def expected_windows(lengths: list[int], policy: str) -> list[tuple[int, int]]:
    """The windows of ``EPOCH`` by a plain loop; the dense ones of mixed mode are what the plan drew, checked here."""
    if policy != "mixed":
        return grid_windows(lengths, W, STRIDES[policy])
    grid = spec_of(policy).plan(np.array(lengths), EPOCH, 1).grid
    windows = [(take, start) for take in range(len(lengths)) for start in grid.starts(take)[0].tolist()]
    on_grid, every = set(grid_windows(lengths, W, 4)), set(grid_windows(lengths, W, 1))
    dense = set(windows) - on_grid
    assert on_grid <= set(windows) <= every
    assert abs(len(dense) - len(on_grid) / 9) <= 0.5
    assert len(windows) == len(set(windows))
    return windows

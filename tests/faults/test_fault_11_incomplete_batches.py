"""Fault 11: windows that do not fill the last batch are dropped and counted, or filled up with rows of nothing."""

from __future__ import annotations

from typing import Any

import pytest

from koekao.testing.laws import kept, window_ids
from reference import assert_rows_by_hand
from small_loaders import clips, streams


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("make", [streams, clips])
def test_fault_11_padding_is_counted_and_holds_no_frame(small: Any, make: Any, num_workers: int) -> None:
    shape = {"n_streams": 4} if make is streams else {}
    loader = make(small.corpus, batch_size=8, num_workers=num_workers, **shape)
    batches = kept(loader)
    valid = [n for batch in batches for n in batch["valid_frames"].tolist()]
    windows = [window for batch in batches for window in window_ids(batch)]
    assert len(windows) == len(set(windows)) == loader.plan.n_windows
    assert valid.count(0) == loader.plan.n_padding == 8 * len(loader) - len(windows) > 0
    assert sum(valid) == sum(min(8, small.takes[take].n_frames - start) for take, start in windows)
    keys = ("audio", "blendshapes") if make is streams else ("wav", "arkit")
    assert sum(assert_rows_by_hand(batch, small.takes, *keys) for batch in batches) == len(windows)


@pytest.mark.parametrize("make", [streams, clips])
def test_fault_11_drop_last_says_what_it_dropped(small: Any, make: Any) -> None:
    loader = make(small.corpus, drop_last=True, batch_size=6)
    n_windows = [len(window_ids(batch)) for batch in loader]
    assert set(n_windows) == {6}
    assert sum(n_windows) + loader.plan.n_dropped == loader.plan.n_windows
    assert loader.plan.n_dropped > 0 == loader.plan.n_padding

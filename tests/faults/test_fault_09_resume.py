"""Fault 9: a position that is not exact. The law is in tests/laws; here: it costs the same wherever it stands."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.testing.laws import MAX_STATE_BYTES
from koekao.testing.simulated import simulate_corpus

N_TAKES, N_FRAMES = 1000, 1_000_000


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A thousand million frames, most of them holes in a file."""
    folder = tmp_path_factory.mktemp("long") / "c"
    return Corpus.open(simulate_corpus(folder, N_TAKES, N_FRAMES, sample_rate=120))


@pytest.mark.parametrize("kind", [StreamSpec, ClipSpec])
def test_fault_09_no_place_among_a_thousand_million_windows_is_walked_to(long: Corpus, kind: Any) -> None:
    spec = kind(window_frames=8)
    loader = Loader(long, spec)
    assert loader.plan.n_windows == N_TAKES * (N_FRAMES - 7) > 999_000_000
    state = loader.state_dict()
    last = len(loader) - 1

    def cost_s(batch: int) -> float:
        """Of taking the position up and of the batch after it; the best of some, for other people compute here, too."""
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            loader.load_state_dict(state | {"batch": batch})
            next(iter(loader))
            best = min(best, time.perf_counter() - began)
        assert loader.state_dict()["batch"] == batch + 1
        assert len(json.dumps(loader.state_dict())) < MAX_STATE_BYTES
        return best

    for batch in (0, 1, last // 1000, last // 2, last - 1000, last):
        assert cost_s(batch) <= 0.2  # it takes 0.0001 s; walking there would take minutes

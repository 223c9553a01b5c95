"""Two short takes as files and in the flat store, and a small workload that is visited in an instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from koekao.clock import Clock, parse_fps
from recordings import Reference, make_recordings
from stores import make_store
from workloads import Workload


def small_workload(*, stride_frames: int = 7, shuffled: bool = False) -> Workload:
    """Windows of 32 frames, three a batch."""
    return Workload(
        name="small",
        batch_size=3,
        n_frames=32,
        n_samples=Clock(16_000, parse_fps(30)).window_samples(32),
        stride_frames=stride_frames,
        shuffled=shuffled,
    )


@dataclass(frozen=True)
class Bench:
    """Where the takes and the stores are, and the judge of what is delivered."""

    takes: Path
    stores: Path
    reference: Reference


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    takes, stores = folder / "takes", folder / "stores"
    make_recordings(takes, n=2, seconds=(10.0, 12.0))
    for name in ("flat", "files", "koekao"):
        make_store(takes, stores, name)
    return Bench(takes, stores, Reference(takes))

"""A small workload that is visited in an instant, and where its takes and stores are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from koekao.clock import Clock, parse_fps
from recordings import Reference
from workloads import Workload


def small_workload(*, stride_frames: int = 7, shuffled: bool = False, batch_size: int = 3) -> Workload:
    """Windows of 32 frames."""
    return Workload(
        name="small",
        batch_size=batch_size,
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

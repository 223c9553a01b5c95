"""How far the sound is from the mouth: offset and drift, with how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Sync:
    """What was found of the time between sound and curves.

    Attributes:
        sync_ms: how late the sound comes against the curves, in ms; None where that is not sure.
        drift_ms_per_min: by how many ms a minute it comes later and later; None where that is not sure.
        confidence: 0 to 1; values are given from 0.5 on.
        sync_error_ms, drift_error_ms_per_min: standard errors; None where there is nothing to estimate.
        why: what kept a value from being given; empty where both are.
    """

    sync_ms: float | None
    drift_ms_per_min: float | None
    confidence: float
    sync_error_ms: float | None = None
    drift_error_ms_per_min: float | None = None
    why: str = ""


def estimate_sync(
    audio: NDArray[np.int16] | NDArray[np.float32],
    sample_rate: int,
    time_s: NDArray[np.float64],
    values: NDArray[np.float32],
    tracked: NDArray[np.bool_],
) -> Sync:
    """Not measured yet."""
    return Sync(sync_ms=None, drift_ms_per_min=None, confidence=0.0, why="not measured")

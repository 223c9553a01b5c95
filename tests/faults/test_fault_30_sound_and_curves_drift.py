"""Fault 30: drift of 0.02 %, 0.16 %, 1 % and offset of sound against curves. Measured, and taken out again."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from koekao.takes import Take
from koekao.takes.doctor.sync import Sync, estimate_sync, shifted
from koekao.takes.synthetic import make_take

MINUTES, FPS = 10, 30
HALF_A_FRAME_S = 0.5 / FPS


@cache
def take() -> Take:
    return make_take(30, seconds=60 * MINUTES, fps=FPS)


def measured(time_s: Any) -> Sync:
    audio, values = take().audio, take().curves
    return estimate_sync(audio, take().sample_rate, time_s, values, np.ones(len(time_s), np.bool_))


@pytest.mark.parametrize("offset_s", [0.0, -0.4])
@pytest.mark.parametrize("percent", [0.0, 0.02, -0.02, 0.16, -0.16, 1.0, -1.0])
def test_fault_30_of_curves_is_measured_and_taken_out(percent: float, offset_s: float) -> None:
    true_s = np.arange(take().n_frames) / FPS
    stretched_s = (true_s - offset_s) / (1 + percent / 100)
    sync = measured(stretched_s)
    assert sync.sync_ms == pytest.approx(offset_s * 1000, abs=15)
    assert sync.drift_ms_per_min == pytest.approx(percent * 600, abs=2)
    assert np.abs(shifted(stretched_s, sync) - true_s).max() <= HALF_A_FRAME_S


@pytest.mark.parametrize("percent", [0.16, -1.0])
def test_fault_30_of_the_sound_is_measured_and_taken_out(percent: float) -> None:
    """The sound is played slower: what was at t comes at t * (1 + drift)."""
    rows = take().n_frames // 5
    sound = take().audio[: take().clock.frame_start(rows)].astype(np.float64)
    played = np.interp(np.arange(0, len(sound) - 1, 1 / (1 + percent / 100)), np.arange(len(sound)), sound)
    time_s = np.arange(rows) / FPS
    tracked = np.ones(rows, np.bool_)
    sync = estimate_sync(played.astype(np.int16), take().sample_rate, time_s, take().curves[:rows], tracked)
    assert np.abs(shifted(time_s, sync) - time_s * (1 + percent / 100)).max() <= HALF_A_FRAME_S

"""Fault 28: jittered rates, dropped and untracked rows: resampled on time, and what nobody saw is marked invalid."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.outputs import write_curves
from koekao.takes import Take, TakeFiles, TakePolicies, load_take
from koekao.takes.rates import METHODS

SECONDS, FPS = 12, 30


def motion(time_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """A slow face: every method must find it between the rows."""
    return np.repeat((0.5 + 0.4 * np.sin(2 * np.pi * time_s))[:, None], N_CURVES, axis=1).astype(np.float32)


def loaded(folder: Path, time_s: NDArray[np.float64], **policies: Any) -> Take:
    """The take of these rows and of silence beside them."""
    soundfile.write(folder / "a.wav", np.zeros(16000 * SECONDS, np.int16), 16000, subtype="PCM_16")
    write_curves(folder / "a.jsonl", motion(time_s), Fraction(FPS), time_s=time_s)
    files = TakeFiles(name="a", speaker="a", sound=folder / "a.wav", curves=folder / "a.jsonl")
    return load_take(files, policies=TakePolicies(**policies))


def error_of(take: Take) -> float:
    """The largest difference from the motion, over valid frames."""
    wanted = motion(np.arange(take.n_frames) / FPS)
    return float(np.abs(take.curves - wanted)[take.valid].max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rate", [24.0, 29.97, 30.0, 59.904, 60.0])
def test_fault_28_a_jittered_rate_is_resampled_on_time(tmp_path: Path, rate: float, method: str) -> None:
    rng = np.random.default_rng(28)
    time_s = np.arange(int(SECONDS * rate)) / rate
    time_s[1:-1] += rng.uniform(-0.3, 0.3, len(time_s) - 2) / rate
    take = loaded(tmp_path, time_s, method=method)
    assert take.valid.all()
    # By row number it would be off by the whole face within seconds; filtering may round the tops of the sine.
    assert error_of(take) < 0.03
    assert any(repair.startswith("rate: ") for repair in take.repairs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("dropped", "lost_frames"), [(1, 0), (2, 0), (5, 5), (60, 60)])
def test_fault_28_dropped_rows_stay_a_gap(tmp_path: Path, method: str, dropped: int, lost_frames: int) -> None:
    """Up to 100 ms between two rows is bridged (and said); beyond, the frames are filled and marked invalid."""
    kept = np.r_[0:100, 100 + dropped : SECONDS * FPS]
    take = loaded(tmp_path, kept / FPS, method=method)
    assert np.flatnonzero(~take.valid).tolist() == list(range(100, 100 + lost_frames))
    assert error_of(take) < 0.03
    said = [repair for repair in take.repairs if repair.startswith("gaps: ")]
    assert len(said) == 1
    assert (f"{lost_frames} of {SECONDS * FPS} frames not tracked" if lost_frames else "1 of up to 100 ms") in said[0]
    outside = np.r_[0:99, 101 + dropped : SECONDS * FPS]
    assert np.array_equal(take.curves[outside], motion(np.arange(SECONDS * FPS) / FPS)[outside])


def test_fault_28_every_tenth_row_is_bridged_and_counted(tmp_path: Path) -> None:
    kept = np.flatnonzero(np.arange(SECONDS * FPS) % 10 != 5)
    take = loaded(tmp_path, kept / FPS)
    assert take.valid.all()
    assert f"gaps: {SECONDS * FPS // 10} of up to 100 ms bridged" in take.repairs
    strict_gap = loaded(tmp_path, kept / FPS, max_gap_s=0.05)
    assert np.count_nonzero(~strict_gap.valid) == SECONDS * FPS // 10


def test_fault_28_rows_that_were_not_tracked_are_no_values(tmp_path: Path) -> None:
    """A phone writes ``timecode,0``; the zeros that stand for it in memory never reach a take."""
    values = motion(np.arange(SECONDS * FPS) / FPS)
    write_curves(tmp_path / "a.csv", values, Fraction(FPS))
    header, *rows = (tmp_path / "a.csv").read_text().splitlines()
    rows[50:80] = [row.split(",")[0] + ",0" for row in rows[50:80]]
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]))
    soundfile.write(tmp_path / "a.wav", np.zeros(16000 * SECONDS, np.int16), 16000, subtype="PCM_16")
    take = load_take(TakeFiles(name="a", speaker="a", sound=tmp_path / "a.wav", curves=tmp_path / "a.csv"))
    assert np.flatnonzero(~take.valid).tolist() == list(range(50, 80))
    assert take.curves.min() > 0.09  # the motion's smallest value is 0.1

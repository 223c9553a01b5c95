"""The law: a row out for each tracked row in, at its own time; what nobody saw is not made up."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import N_CURVES, NAMES
from koekao.conversion import convert
from koekao.errors import ConfigError, CurvesError, OutputError
from koekao.outputs import write_curves
from koekao.takes import read_curves

CAPTURES = Path(__file__).parents[2] / "shared" / "data" / "curves" / "livelink_rom"


def phone(path: Path, n: int = 60, lost: slice | None = None) -> np.ndarray:
    """A Live Link CSV of 30 rows a second from 10:00:00 on; rows of ``lost`` are not tracked."""
    values = np.random.default_rng(1).random((n, N_CURVES), np.float32)
    write_curves(path, values, Fraction(30), start_s=36000.0)
    if lost is not None:
        header, *table = path.read_text().splitlines()
        table[lost] = [line.split(",")[0] + ",0" for line in table[lost]]
        path.write_text("\n".join([header, *table]) + "\n")
    return values


def test_rows_keep_their_times_and_untracked_rows_are_not_written(tmp_path: Path) -> None:
    values = phone(tmp_path / "a.csv", lost=slice(10, 15))
    done = convert(tmp_path / "a.csv", tmp_path / "a.jsonl")
    again = read_curves(tmp_path / "a.jsonl")
    seen = np.r_[0:10, 15:60]
    assert (done.read, done.written, done.rows, done.untracked, done.written_rows) == (
        "livelink_csv",
        "jsonl",
        60,
        5,
        55,
    )
    assert done.fps is None and done.rate_hz == pytest.approx(30)
    assert again.values.tobytes() == values[seen].tobytes()
    assert again.time_s == pytest.approx(seen / 30, abs=1e-5)
    assert len(again.gaps) == 1


def test_a_live_link_csv_keeps_its_time_of_day(tmp_path: Path) -> None:
    phone(tmp_path / "a.csv")
    convert(tmp_path / "a.csv", tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_a_rate_is_made_by_interpolation_and_frames_nobody_saw_are_left_out(tmp_path: Path) -> None:
    time_s = np.r_[np.arange(30), np.arange(60, 90)] / 30 + 1.0
    ramp = np.repeat((time_s / 8).astype(np.float32)[:, None], N_CURVES, axis=1)
    write_curves(tmp_path / "a.jsonl", ramp, Fraction(30), time_s=time_s)
    done = convert(tmp_path / "a.jsonl", tmp_path / "b.json", fps=60, method="cubic")
    again = read_curves(tmp_path / "b.json")
    assert done.fps == Fraction(60) and done.notes[-1].endswith("frames that nobody saw are left out")
    assert again.time_s[0] == 1.0 and again.time_s[-1] == pytest.approx(1 + 89 / 30)
    assert not ((again.time_s > 2.0) & (again.time_s < 2.98)).any()
    assert np.abs(again.values[:, 0] - again.time_s / 8).max() < 1e-6


def test_times_below_zero_are_moved_and_it_is_said(tmp_path: Path) -> None:
    names = ", ".join(f'"{name}": 0.5' for name in NAMES)
    lines = [f'{{"timestamp": {t}, "blendshapes": {{{names}}}}}' for t in (-0.5, 0.0, 0.5)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    done = convert(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert done.notes == ("times moved by 0.500000 s, so that none is below 0",)
    assert read_curves(tmp_path / "b.jsonl").time_s.tolist() == [0.0, 0.5, 1.0]


def test_what_cannot_be_converted_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    phone(tmp_path / "a.csv", n=3)
    with pytest.raises(OutputError, match="is the file that is read"):
        convert(tmp_path / "a.csv", tmp_path / "a.csv")
    with pytest.raises(OutputError, match=r"unknown ending '\.xyz'"):
        convert(tmp_path / "a.csv", tmp_path / "a.xyz")
    with pytest.raises(ConfigError, match="method 'spline'"):
        convert(tmp_path / "a.csv", tmp_path / "b.csv", fps=30, method="spline")
    phone(tmp_path / "lost.csv", n=3, lost=slice(0, 3))
    with pytest.raises(CurvesError, match="no row with a tracked face"):
        convert(tmp_path / "lost.csv", tmp_path / "b.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "lost.csv"]


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures of shared/data are not here")
def test_the_phones_own_files_come_back_as_they_were(tmp_path: Path) -> None:
    for capture in sorted(CAPTURES.glob("*.csv")):
        convert(capture, tmp_path / "a.json")
        convert(tmp_path / "a.json", tmp_path / "b.jsonl")
        convert(capture, tmp_path / "same.csv")
        track, again = read_curves(capture), read_curves(tmp_path / "b.jsonl")
        assert again.values.tobytes() == track.values.tobytes()
        assert again.time_s.tobytes() == track.time_s.tobytes()
        with capture.open(newline="") as one, (tmp_path / "same.csv").open(newline="") as other:
            for row, same in zip(csv.DictReader(one), csv.DictReader(other), strict=True):
                assert row["Timecode"] == same["Timecode"]
                assert all(float(row[name]) == float(same[name]) for name in row if name.startswith("Mouth"))

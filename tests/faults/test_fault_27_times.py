"""Fault 27: repeated, backward and wrapped times are an error with their place; midnight is no fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from curve_builders import BUILT, IS_JSON

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes import read_curves
from take_files import GltfBytes, curves, write_livelink

NOT_RISING = {
    "repeated": ("0.0", "0.5", "0.5", "1.0"),
    "backward": ("0.0", "1.0", "0.5", "1.5"),
    "wrapped": ("3599.5", "3600.0", "0.5", "1.0"),
    "repeated at once": ("0.25", "0.25", "0.5", "1.0"),
}


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize("how", NOT_RISING)
def test_fault_27_times_that_do_not_rise_are_refused_with_their_row(tmp_path: Path, way: str, how: str) -> None:
    times = NOT_RISING[how]
    built, path = BUILT[way], tmp_path / "file"
    path.write_text(built.build(built.names, times, [["0.5"] * arkit.N_CURVES] * 4))
    row = next(k for k in range(1, 4) if float(times[k]) <= float(times[k - 1]))
    with pytest.raises(CurvesError) as caught:
        read_curves(path, timecode_rate=30)  # four rows tell no clock
    assert str(path) in caught.value.where
    if not way.startswith("unreal"):  # whose times are all in its first row
        assert caught.value.where.startswith(str(path) + built.row_of(row)), caught.value.where


@pytest.mark.parametrize("way", [way for way in BUILT if way not in ("livelink_csv", "unreal", "unreal-json")])
@pytest.mark.parametrize("time", ["NaN", "1e999", "-Infinity"])
def test_fault_27_a_time_that_is_no_number_is_refused_with_its_row(tmp_path: Path, way: str, time: str) -> None:
    built, path = BUILT[way], tmp_path / "file"
    path.write_text(built.build(built.names, ("0.0", time, "1.0"), [["0.5"] * arkit.N_CURVES] * 3))
    with pytest.raises(CurvesError) as caught:
        read_curves(path)
    assert caught.value.where.startswith(str(path))
    if way in IS_JSON:
        assert built.row_of(1) in caught.value.where


@pytest.mark.parametrize("times", [(0.0, 0.5, 0.5), (0.5, 0.25, 1.0), (0.0, np.nan, 1.0)])
def test_fault_27_keys_of_a_gltf_that_do_not_rise_are_refused(tmp_path: Path, times: tuple[float, ...]) -> None:
    (tmp_path / "a.glb").write_bytes(GltfBytes(curves(3), times).glb())
    with pytest.raises(CurvesError, match=r"a\.glb"):
        read_curves(tmp_path / "a.glb")


def test_fault_27_midnight_is_no_fault(tmp_path: Path) -> None:
    path = write_livelink(tmp_path / "a.csv", curves(90), start_s=86_398)
    track = read_curves(path)
    assert track.time_s == pytest.approx(np.arange(90) / 30, abs=1e-6)
    assert path.read_text().splitlines()[61].startswith("00:00:00:00")
    rows = path.read_text().splitlines()
    path.write_text("\n".join([*rows[:30], *rows[29:]]))
    with pytest.raises(CurvesError, match=r"a\.csv:31: time repeats"):
        read_curves(path)

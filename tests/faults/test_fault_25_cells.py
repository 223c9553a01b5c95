"""Fault 25: a cell that is no finite plain number is an error with its row and curve, in each format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from curve_builders import BUILT, IS_JSON, TIMES

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes import read_curves
from take_files import GltfBytes

NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "3.5e38", "1e400", "9" * 400]
"""What some parser or other takes for a number; and numbers that no float32 holds."""
IN_TEXT = [
    *("", " ", "nan", "inf", "1_0", "０．５", "٣", "0x1", "1e", "--1", "+", ".", "true", "None", "0.5f", '"1"'),
]
IN_JSON = ["null", "true", '"0.5"', "[0.5]", "{}"]
BREAKS_THE_ROW = ["-NaN", "0,5", ""]
"""No JSON at all, or two cells of a CSV: then the place is that of the row, or of the character."""


def cells(way: str, row: int, curve: int, cell: str) -> list[list[str]]:
    """Three rows of 0.5, one cell of which is something else."""
    table = [[str(0.5 * BUILT[way].scale)] * arkit.N_CURVES for _ in TIMES]
    table[row][curve] = cell
    return table


@pytest.mark.parametrize("way", BUILT)
def test_fault_25_a_cell_that_is_no_number_is_named(tmp_path: Path, way: str) -> None:
    built, path = BUILT[way], tmp_path / "file"
    row, curve = 1, arkit.INDEX["mouthPucker"]
    for cell in (*NUMBERS, *(IN_JSON if way in IS_JSON else IN_TEXT)):
        path.write_text(built.build(built.names, TIMES, cells(way, row, curve, cell)), "utf-8")
        with pytest.raises(CurvesError) as caught:
            read_curves(path)
        where = caught.value.where
        assert where.startswith(str(path)), (cell, where)
        if way == "unreal":  # whose rows are curves and whose columns are times
            assert where == f"{path}:{curve + 2}:{TIMES[row]}", (cell, where)
        else:
            assert "mouthpucker" in where.casefold().replace("_", ""), (cell, where)
            assert way == "unreal-json" or built.row_of(row) in where, (cell, where)


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize("cell", BREAKS_THE_ROW)
def test_fault_25_a_cell_that_breaks_its_row_is_refused(tmp_path: Path, way: str, cell: str) -> None:
    built, path = BUILT[way], tmp_path / "file"
    path.write_text(built.build(built.names, TIMES, cells(way, 1, arkit.INDEX["mouthPucker"], cell)))
    with pytest.raises(CurvesError) as caught:
        read_curves(path)
    assert caught.value.where.startswith(f"{path}:")


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize("cell", ["1.05", "40", "-0.2", "1e-30", "-0.0"])
def test_fault_25_finite_numbers_are_kept_as_they_are(tmp_path: Path, way: str, cell: str) -> None:
    path, curve = tmp_path / "file", arkit.INDEX["mouthPucker"]
    path.write_text(BUILT[way].build(BUILT[way].names, TIMES, cells(way, 1, curve, cell)))
    assert read_curves(path).values[1, curve] == np.float32(float(cell) / BUILT[way].scale)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_fault_25_a_weight_of_a_gltf_that_is_no_number_is_named(tmp_path: Path, value: float) -> None:
    values = np.full((3, arkit.N_CURVES), 0.5, np.float32)
    values[1, arkit.INDEX["mouthPucker"]] = value
    (tmp_path / "a.glb").write_bytes(GltfBytes(values, [0.0, 0.5, 1.0]).glb())
    with pytest.raises(CurvesError) as caught:
        read_curves(tmp_path / "a.glb")
    assert "mouthPucker" in caught.value.where and "1" in caught.value.where

"""Fault 24: missing, reordered, differently spelt, unknown columns: curves are known by name alone, in each format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from curve_builders import BUILT, TIMES

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes import CurveTrack, read_curves

VALUES = np.round(np.random.default_rng(24).random((3, arkit.N_CURVES)), 2)


def read(folder: Path, way: str, names: list[str], values: np.ndarray = VALUES) -> CurveTrack:
    built = BUILT[way]
    cells = [[f"{built.scale * value:.4g}" for value in row] for row in values]
    path = folder / "file"
    path.write_text(built.build(names, TIMES, cells))
    return read_curves(path)


@pytest.mark.parametrize("way", BUILT)
def test_fault_24_the_order_of_columns_means_nothing(tmp_path: Path, way: str) -> None:
    plain = read(tmp_path, way, list(BUILT[way].names))
    assert plain.format == way.partition("-")[0]
    assert np.abs(plain.values - VALUES).max() < 1e-6
    rng = np.random.default_rng(0)
    for _ in range(5):
        order = rng.permutation(arkit.N_CURVES)
        again = read(tmp_path, way, [BUILT[way].names[i] for i in order], VALUES[:, order])
        assert again.values.tobytes() == plain.values.tobytes()


@pytest.mark.parametrize("way", BUILT)
@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_fault_24_each_spelling_of_a_name_is_that_curve(tmp_path: Path, way: str, spell: object) -> None:
    names = [spell(name) for name in arkit.NAMES]  # type: ignore[operator]
    assert np.abs(read(tmp_path, way, names).values - VALUES).max() < 1e-6


@pytest.mark.parametrize("way", BUILT)
def test_fault_24_each_of_the_52_is_missed_by_its_name(tmp_path: Path, way: str) -> None:
    built = BUILT[way]
    for i, name in enumerate(arkit.NAMES):
        kept = [k for k in range(arkit.N_CURVES) if k != i]
        names, values = [built.names[k] for k in kept], VALUES[:, kept]
        if name == built.lacks:
            track = read(tmp_path, way, names, values)
            assert not track.values[:, i].any()
            assert any(note.startswith("missing: tongueOut") for note in track.notes)
            continue
        with pytest.raises(CurvesError) as caught:
            read(tmp_path, way, names, values)
        assert name.casefold() in str(caught.value).casefold()
        assert "missing" in caught.value.what and caught.value.where.startswith(str(tmp_path / "file"))


@pytest.mark.parametrize("way", BUILT)
def test_fault_24_a_curve_that_is_there_twice_is_refused(tmp_path: Path, way: str) -> None:
    jaw = arkit.INDEX["jawOpen"]
    again = "JawOpen" if BUILT[way].names[jaw] == "jawOpen" else "jawOpen"
    with pytest.raises(CurvesError, match=r"(?i)jawOpen"):
        read(tmp_path, way, [*BUILT[way].names, again], np.hstack([VALUES, VALUES[:, :1]]))


@pytest.mark.parametrize("way", BUILT)
def test_fault_24_names_that_are_no_curve_are_passed_over_and_told(tmp_path: Path, way: str) -> None:
    names = [*BUILT[way].names[:7], "eyeBrowWiggle", *BUILT[way].names[7:]]
    track = read(tmp_path, way, names, np.insert(VALUES, 7, 0.123, axis=1))
    assert np.abs(track.values - VALUES).max() < 1e-6
    assert any("ignored 1 " in note and "eyeBrowWiggle" in note for note in track.notes)

"""The law: the client's table is read by name and by its seconds, with 52 shapes or 68."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.registry import read_curves
from take_files import audio2face_rows, curves, write_rows

VALUES = curves(5)


def parse(folder: Path, table: list[list[str]]) -> CurveTrack:
    return read_curves(write_rows(folder / "animation_frames.csv", table))


def test_68_shapes_are_read_and_the_16_of_the_tongue_are_noted(tmp_path: Path) -> None:
    track = parse(tmp_path, audio2face_rows(VALUES))
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.time_s.tolist() == [k / 30 for k in range(5)]
    assert (track.format, track.stated_clock, track.start_timecode) == ("audio2face", None, "")
    (note,) = track.notes
    assert note.startswith("ignored 16 names that are no ARKit curve: blendShapes.TongueTipUp, ")


def test_52_shapes_leave_nothing_to_note(tmp_path: Path) -> None:
    track = parse(tmp_path, [row[:54] for row in audio2face_rows(VALUES)])
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.notes == ()


def test_the_sides_stay_on_their_sides(tmp_path: Path) -> None:
    table = audio2face_rows(VALUES)
    left, right = (table[0].index("blendShapes." + name) for name in ("JawLeft", "JawRight"))
    for row in table:
        row[left], row[right] = row[right], row[left]
    assert parse(tmp_path, table).values.tobytes() == VALUES.tobytes()


def test_a_curve_without_the_prefix_is_none(tmp_path: Path) -> None:
    table = audio2face_rows(VALUES)
    place = table[0].index("blendShapes.JawOpen")
    table[0][place] = "JawOpen"
    with pytest.raises(CurvesError, match=r"frames\.csv:1: 1 of the 52 curves are missing: jawOpen"):
        parse(tmp_path, table)


@pytest.mark.parametrize("name", ["timeCode", "blendShapes.EyeBlinkLeft", "blendShapes.TongueOut"])
@pytest.mark.parametrize("cell", ["", "nan", "1_0", "1e39", "True", "00:00:01:00"])
def test_cells_that_are_no_plain_numbers(tmp_path: Path, name: str, cell: str) -> None:
    table = audio2face_rows(VALUES)
    table[3][table[0].index(name)] = cell
    with pytest.raises(CurvesError) as caught:
        parse(tmp_path, table)
    assert caught.value.where.endswith(f"frames.csv:4:{name}")


def test_times_that_repeat_and_rows_that_are_cut(tmp_path: Path) -> None:
    table = audio2face_rows(VALUES)
    table[2][1] = table[1][1]
    with pytest.raises(CurvesError, match=r"frames\.csv:3: timeCode 0\.0 after 0\.0"):
        parse(tmp_path, table)
    with pytest.raises(CurvesError, match=r"frames\.csv:6: 30 fields; expected 70"):
        parse(tmp_path, [*audio2face_rows(VALUES)[:5], audio2face_rows(VALUES)[5][:30]])


def test_every_curve_has_its_column(tmp_path: Path) -> None:
    for name in arkit.NAMES:
        values = np.zeros((1, 52), np.float32)
        values[0, arkit.INDEX[name]] = 1
        assert np.array_equal(parse(tmp_path, audio2face_rows(values)).values, values)

"""Laws of the Live Link Face CSV: the phone's header, every curve in its column, timecodes of true time."""

import csv
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import N_CURVES, NAMES
from koekao.errors import OutputError
from koekao.outputs import write_curves
from koekao.outputs.livelink_csv import timecode

HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,TongueOut,"
    "HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)
CAPTURES = Path(__file__).parents[3] / "shared" / "data" / "curves" / "livelink_rom"
RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001), Fraction(60)]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def seconds_of(code: str, nominal: int) -> float:
    """The other way round, by the words of the format: HH:MM:SS:FF.fff with FF on a clock of ``nominal`` frames."""
    hours, minutes, seconds, frames = code.split(":")
    assert len(hours) == len(minutes) == len(seconds) == 2
    assert len(frames) == 6
    assert int(minutes) < 60
    assert int(seconds) < 60
    assert float(frames) < nominal
    return 3600 * int(hours) + 60 * int(minutes) + int(seconds) + float(frames) / nominal


def test_the_header_is_the_phones(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.csv", np.zeros((1, N_CURVES), np.float32), Fraction(30))
    data = (tmp_path / "a.csv").read_bytes()
    assert b"\r" not in data
    assert data.decode().split("\n")[0] == HEADER
    assert len(HEADER.split(",")) == 63


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures of shared/data are not here")
def test_a_capture_of_the_phone_has_the_same_layout(tmp_path: Path) -> None:
    captures = sorted(CAPTURES.glob("*.csv"))
    assert captures
    write_curves(tmp_path / "a.csv", np.full((1, N_CURVES), 0.25, np.float32), Fraction(30))
    ours = (tmp_path / "a.csv").read_text().splitlines()[1].split(",")
    for capture in captures:
        header, row = capture.read_text().splitlines()[:2]
        assert header == HEADER
        theirs = row.split(",")
        assert [len(cell.removeprefix("-")) for cell in theirs] == [len(cell) for cell in ours]
        assert theirs[1] == ours[1] == "61"


def test_every_curve_lands_in_the_column_of_its_name(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.csv", np.eye(N_CURVES, dtype=np.float32), Fraction(30))
    for name, row in zip(NAMES, rows_of(tmp_path / "a.csv"), strict=True):
        del row["Timecode"]
        assert row.pop("BlendShapeCount") == "61"
        moved = [column for column, value in row.items() if float(value) != 0]
        assert moved == [name[0].upper() + name[1:]]
        assert float(row[moved[0]]) == 1


def test_values_come_back(tmp_path: Path) -> None:
    """Exact as float32 from 0.001 up, to 5e-11 below, also outside 0..1 and across blocks of rows."""
    curves = np.random.default_rng(2).uniform(-0.2, 1.2, (2500, N_CURVES)).astype(np.float32)
    write_curves(tmp_path / "a.csv", curves, Fraction(60))
    rows = rows_of(tmp_path / "a.csv")
    back = np.array([[float(row[name[0].upper() + name[1:]]) for name in NAMES] for row in rows])
    np.testing.assert_allclose(back, curves, rtol=0, atol=5.1e-11)
    far = np.abs(curves) >= 0.001
    np.testing.assert_array_equal(back.astype(np.float32)[far], curves[far])


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_timecodes_are_true_time_and_always_rise_for_ten_minutes(fps: Fraction) -> None:
    nominal = math.ceil(fps)
    frames = range(math.ceil(600 * fps))
    times = np.array([seconds_of(timecode(k / fps, fps), nominal) for k in frames])
    assert np.abs(times - np.arange(len(times)) / float(fps)).max() < 0.0005
    assert np.diff(times).min() > 0.9 / fps


@pytest.mark.parametrize(
    ("frame", "fps", "code"),
    [
        (0, Fraction(30), "00:00:00:00.000"),
        (29, Fraction(30), "00:00:00:29.000"),
        (31, Fraction(30), "00:00:01:01.000"),
        (30, Fraction(30000, 1001), "00:00:01:00.030"),
        (29, Fraction(30000, 1001), "00:00:00:29.029"),
        (1799, Fraction(30000, 1001), "00:01:00:00.799"),
        (25 * 3600 * 24 + 7, Fraction(25), "00:00:00:07.000"),
        (25 * 3600 * 23, Fraction(25), "23:00:00:00.000"),
        (119, Fraction(120), "00:00:00:119.000"),
    ],
)
def test_timecodes_by_hand(frame: int, fps: Fraction, code: str) -> None:
    assert timecode(frame / fps, fps) == code


def test_rounding_carries_into_the_next_second_and_the_next_day() -> None:
    """A hair before the second is the second, never frame 30 of the one before."""
    assert timecode(1 - Fraction(1, 10**6), Fraction(30)) == "00:00:01:00.000"
    assert timecode(86400 - Fraction(1, 10**6), Fraction(30)) == "00:00:00:00.000"


def test_the_start_moves_all_rows(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.csv", np.zeros((3, N_CURVES), np.float32), Fraction(30), start_s=3661.5)
    assert [row["Timecode"] for row in rows_of(tmp_path / "a.csv")] == [
        "01:01:01:15.000",
        "01:01:01:16.000",
        "01:01:01:17.000",
    ]


def test_the_rows_of_a_long_take_stand_at_the_times_of_their_frames(tmp_path: Path) -> None:
    fps = Fraction(30000, 1001)
    write_curves(tmp_path / "a.csv", np.zeros((2500, N_CURVES), np.float32), fps)
    written = [seconds_of(row["Timecode"], 30) for row in rows_of(tmp_path / "a.csv")]
    np.testing.assert_allclose(written, np.arange(2500) / float(fps), rtol=0, atol=0.0005)


def test_the_nine_rotations_stand_behind_the_curves(tmp_path: Path) -> None:
    pose = np.random.default_rng(4).uniform(-1, 1, (3, 9)).astype(np.float32)
    write_curves(tmp_path / "a.csv", np.zeros((3, N_CURVES), np.float32), Fraction(30), pose=pose)
    rows = rows_of(tmp_path / "a.csv")
    back = np.array([[float(row[name]) for name in HEADER.split(",")[-9:]] for row in rows], np.float32)
    np.testing.assert_array_equal(back, pose)
    write_curves(tmp_path / "b.csv", np.zeros((3, N_CURVES), np.float32), Fraction(30))
    assert {row[name] for row in rows_of(tmp_path / "b.csv") for name in HEADER.split(",")[-9:]} == {"0.0000000000"}


@pytest.mark.parametrize("row", [1, 999, 1000])
def test_rows_with_one_timecode_are_refused_wherever_they_stand(tmp_path: Path, row: int) -> None:
    """Also the last of one block of rows and the first of the next."""
    time_s = np.arange(1002) / 30
    time_s[row] = time_s[row - 1] + 1e-9
    with pytest.raises(OutputError, match=rf"a\.csv: rows {row - 1} and {row} have one timecode, "):
        write_curves(tmp_path / "a.csv", np.zeros((1002, N_CURVES), np.float32), Fraction(30), time_s=time_s)
    assert list(tmp_path.iterdir()) == []

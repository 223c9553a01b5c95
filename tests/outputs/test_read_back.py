"""The law: what a format has is what koekao's own reader finds in it: curves by name, times of the frames, values.

USD, for which there is no reader, has its tests in ``test_usd.py``.
"""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX, MIRROR, N_CURVES, NAMES, ORDERS
from koekao.outputs import open_curves, write_curves
from koekao.takes import read_curves

RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60)]
READERS = {
    "livelink_csv": "livelink_csv",
    "jsonl": "jsonl",
    "named_json": "named_json",
    "gltf": "gltf",
    "audio2face_csv": "audio2face",
    "beat_json": "named_json",
    "unreal_json": "unreal",
}
TONGUE = INDEX["tongueOut"]


def hard_values(n_frames: int, format: str) -> np.ndarray:
    """Values that a fixed number of digits would not bring back: tiny, large, negative and every binade between."""
    rng = np.random.default_rng(3)
    curves = rng.uniform(-0.2, 1.2, (n_frames, N_CURVES)).astype(np.float32)
    curves[::3] *= 10.0 ** rng.integers(-40, 20, curves[::3].shape)
    curves[1, :6] = [0.0, -0.0, 1.0, 1 / 3, np.finfo(np.float32).tiny, np.float32(1e-45)]
    if format == "beat_json":
        curves[:, TONGUE] = 0
    return curves


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("format", READERS)
def test_names_values_and_times_come_back(tmp_path: Path, format: str, fps: Fraction) -> None:
    curves = hard_values(1234, format)
    write_curves(tmp_path / "a", curves, fps, start_s=0.5, format=format)
    track = read_curves(tmp_path / "a")
    assert track.format == READERS[format] and track.tracked.all()
    assert track.values.tobytes() == curves.tobytes()
    true_s = 0.5 + np.arange(1234) / float(fps)
    if track.origin_s is not None:
        np.testing.assert_allclose(track.origin_s + track.time_s, true_s, rtol=0, atol=0.51e-3 / float(fps))
    elif format == "gltf":
        np.testing.assert_array_equal(track.time_s.astype(np.float32), true_s.astype(np.float32))
    else:
        np.testing.assert_allclose(track.time_s, true_s, rtol=0, atol=0.51e-6)
    assert track.rate_hz == pytest.approx(float(fps), rel=1e-4)


@pytest.mark.parametrize("format", READERS)
def test_each_curve_stands_under_its_own_name(tmp_path: Path, format: str) -> None:
    """One curve a frame: a pair of sides that changed places would be seen."""
    curves = np.eye(N_CURVES, dtype=np.float32)
    if format == "beat_json":
        curves = curves[:-1]
    write_curves(tmp_path / "a", curves, 30, format=format)
    assert np.array_equal(read_curves(tmp_path / "a").values, curves)
    assert not np.array_equal(curves[:, MIRROR], curves)


@pytest.mark.parametrize("format", ["jsonl", "named_json", "audio2face_csv", "unreal_json"])
def test_measured_times_are_written_as_they_were(tmp_path: Path, format: str) -> None:
    time_s = np.cumsum(np.random.default_rng(1).uniform(1e-6, 0.1, 200))
    write_curves(tmp_path / "a", hard_values(200, format), 30, time_s=time_s, format=format)
    assert read_curves(tmp_path / "a").time_s.tobytes() == time_s.tobytes()


def test_a_pose_in_jsonl_is_a_key_more_that_the_reader_passes_over_and_tells_of(tmp_path: Path) -> None:
    curves, pose = hard_values(9, "jsonl"), np.random.default_rng(2).random((9, 9), np.float32)
    write_curves(tmp_path / "a.jsonl", curves, 30, pose=pose)
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert all(list(line) == ["timestamp", "blendshapes", "pose"] for line in lines)
    np.testing.assert_array_equal(np.array([line["pose"] for line in lines], np.float32), pose)
    track = read_curves(tmp_path / "a.jsonl")
    assert track.format == "jsonl" and track.values.tobytes() == curves.tobytes()
    assert any("pose" in note for note in track.notes)


def test_a_jsonl_may_have_a_pose_in_some_lines_only(tmp_path: Path) -> None:
    curves = hard_values(4, "jsonl")
    with open_curves(tmp_path / "a.jsonl", 30) as file:
        file.append(curves[:2], np.zeros((2, 9)))
        file.append(curves[2:])
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert ["pose" in line for line in lines] == [True, True, False, False]
    assert read_curves(tmp_path / "a.jsonl").values.tobytes() == curves.tobytes()


def test_beat_has_51_names_and_no_more_than_names_and_frames(tmp_path: Path) -> None:
    curves = hard_values(3, "beat_json")
    write_curves(tmp_path / "a.json", curves, 60, format="beat_json")
    document = json.loads((tmp_path / "a.json").read_text())
    assert list(document) == ["names", "frames"] and document["names"] == list(ORDERS["beat"])
    assert [list(frame) for frame in document["frames"]] == [["weights", "time"]] * 3
    assert {len(frame["weights"]) for frame in document["frames"]} == {51}


def test_a_tongue_that_beat_cannot_hold_is_said_at_the_end(tmp_path: Path) -> None:
    curves = np.zeros((5, N_CURVES), np.float32)
    curves[1:4, TONGUE] = 0.5
    with pytest.warns(UserWarning, match=r"a\.json: BEAT has no tongueOut; 6 frames that have it lose it") as said:  # noqa: SIM117
        with open_curves(tmp_path / "a.json", 60, format="beat_json") as file:
            file.append(curves)
            file.append(curves)
    assert len(said) == 1
    assert not read_curves(tmp_path / "a.json").values.any()


def test_audio2face_columns_are_those_of_the_client(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.csv", hard_values(1003, "audio2face_csv"), 30, format="audio2face_csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["", "timeCode", *(f"blendShapes.{name}" for name in ORDERS["audio2face"][:52])]
    assert header[16:20] == [f"blendShapes.Jaw{way}" for way in ("Forward", "Left", "Right", "Open")]
    assert [row[0] for row in rows] == [str(k) for k in range(1003)]
    assert rows[1][1] == "0.033333" and {len(row) for row in rows} == {54}


def test_an_unreal_table_has_a_row_a_curve_with_the_same_keys(tmp_path: Path) -> None:
    curves = hard_values(5000, "unreal_json")
    write_curves(tmp_path / "a.json", curves, 30, format="unreal_json")
    table = json.loads((tmp_path / "a.json").read_text())
    assert [row.pop("Name") for row in table] == list(ORDERS["unreal"][:52])
    assert all(list(row) == list(table[0]) for row in table) and list(table[0])[:3] == ["0.0", "0.033333", "0.066667"]
    back = np.array([list(row.values()) for row in table], np.float32)
    order = [INDEX[name[0].lower() + name[1:]] for name in ORDERS["unreal"][:52]]
    np.testing.assert_array_equal(back, curves[:, order].T)


def test_named_json_tells_how_many_frames_there_are_after_them(tmp_path: Path) -> None:
    with open_curves(tmp_path / "a.json", Fraction(24)) as file:
        for _ in range(3):
            file.append(np.zeros((7, N_CURVES)))
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["metadata"] == {"fps": 24, "frame_count": 21, "blendshape_names": list(NAMES)}
    assert len(document["frames"]) == 21

"""Laws of the two JSON formats: every value comes back as the same float32, by name, at the time of its frame."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.arkit import N_CURVES, NAMES
from koekao.outputs import write_curves

RATES = [Fraction(24), Fraction(30000, 1001), Fraction(30), Fraction(60)]


def hard_values(n_frames: int) -> np.ndarray:
    """Values that a fixed number of digits would not bring back: tiny, large, negative and every binade between."""
    rng = np.random.default_rng(3)
    curves = rng.uniform(-0.2, 1.2, (n_frames, N_CURVES)).astype(np.float32)
    curves[::3] *= 10.0 ** rng.integers(-40, 20, curves[::3].shape)
    curves[1, :6] = [0.0, -0.0, 1.0, 1 / 3, np.finfo(np.float32).tiny, np.float32(1e-45)]
    return curves


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_holds_the_time_and_all_curves_by_name(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.jsonl", np.eye(N_CURVES, dtype=np.float32), Fraction(30))
    lines = lines_of(tmp_path / "a.jsonl")
    assert len(lines) == N_CURVES
    for name, line in zip(NAMES, lines, strict=True):
        assert list(line) == ["timestamp", "blendshapes"]
        assert line["blendshapes"] == {other: float(other == name) for other in NAMES}
    first = (tmp_path / "a.jsonl").read_text().splitlines()[0]
    assert first.startswith('{"timestamp": 0.0, "blendshapes": {"browDownLeft": 1.0, "browDownRight": 0.0, ')


def test_jsonl_gives_back_the_same_float32(tmp_path: Path) -> None:
    curves = hard_values(1203)
    write_curves(tmp_path / "a.jsonl", curves, Fraction(30))
    back = [[line["blendshapes"][name] for name in NAMES] for line in lines_of(tmp_path / "a.jsonl")]
    np.testing.assert_array_equal(np.array(back).astype(np.float32).view(np.int32), curves.view(np.int32))


def test_values_have_no_more_digits_than_they_need(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.jsonl", np.full((1, N_CURVES), 0.1, np.float32), Fraction(30))
    assert '"tongueOut": 0.1}}' in (tmp_path / "a.jsonl").read_text()


def test_named_json_is_one_document_with_names_metadata_and_frames(tmp_path: Path) -> None:
    curves = hard_values(1203)
    write_curves(tmp_path / "a.json", curves, Fraction(30))
    document = json.loads((tmp_path / "a.json").read_text())
    assert list(document) == ["names", "frames", "metadata"]
    assert document["names"] == list(NAMES)
    assert document["metadata"] == {"fps": 30, "frame_count": 1203, "blendshape_names": list(NAMES)}
    assert all(list(frame) == ["weights", "time"] for frame in document["frames"])
    back = np.array([frame["weights"] for frame in document["frames"]]).astype(np.float32)
    np.testing.assert_array_equal(back.view(np.int32), curves.view(np.int32))


def test_a_broken_rate_is_written_as_the_nearest_number(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.json", np.zeros((1, N_CURVES), np.float32), Fraction(30000, 1001))
    assert json.loads((tmp_path / "a.json").read_text())["metadata"]["fps"] == 30000 / 1001


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("file", ["a.jsonl", "a.json"])
def test_times_are_those_of_the_frames_to_a_microsecond(tmp_path: Path, file: str, fps: Fraction) -> None:
    write_curves(tmp_path / file, np.zeros((3000, N_CURVES), np.float32), fps, start_s=2.5)
    if file == "a.jsonl":
        times = [line["timestamp"] for line in lines_of(tmp_path / file)]
    else:
        times = [frame["time"] for frame in json.loads((tmp_path / file).read_text())["frames"]]
    np.testing.assert_allclose(times, 2.5 + np.arange(3000) / float(fps), rtol=0, atol=0.51e-6)
    assert all(round(time, 6) == time for time in times)

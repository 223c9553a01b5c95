"""Laws of writing curves: the ending chooses, bad curves are refused by frame and name, files are whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX, N_CURVES
from koekao.errors import OutputError
from koekao.outputs import FORMATS, Format, formats, write_curves
from koekao.outputs.target import Append, Frames, Target

FPS = Fraction(30)


def some_curves(n_frames: int = 5) -> np.ndarray:
    return np.random.default_rng(1).random((n_frames, N_CURVES), np.float32)


def test_the_names_and_endings_are_frozen() -> None:
    """A name or an ending that goes breaks somebody's command line."""
    assert {name: format.endings for name, format in FORMATS.items()} == {
        "livelink_csv": (".csv",),
        "jsonl": (".jsonl",),
        "named_json": (".json",),
        "gltf": (".glb", ".gltf"),
        "usd": (".usdc", ".usda", ".usd"),
        "audio2face_csv": (".csv",),
        "beat_json": (".json",),
        "unreal_json": (".json",),
    }


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("a.csv", "Timecode,"),
        ("a.jsonl", '{"timestamp"'),
        ("a.b.JSON", '{"names"'),
        ("a.glb", "glTF"),
        ("a.GLTF", '{"asset"'),
    ],
)
def test_the_ending_chooses_the_format(tmp_path: Path, file: str, begins: str) -> None:
    write_curves(tmp_path / file, some_curves(), FPS)
    assert (tmp_path / file).read_bytes().startswith(begins.encode())


def test_a_named_format_overrules_the_ending(tmp_path: Path) -> None:
    write_curves(tmp_path / "a.txt", some_curves(), FPS, format="livelink_csv")
    assert (tmp_path / "a.txt").read_text().startswith("Timecode,")
    write_curves(tmp_path / "a.csv", some_curves(), FPS, format="audio2face_csv")
    assert (tmp_path / "a.csv").read_text().startswith(",timeCode,")
    write_curves(tmp_path / "a.json", some_curves(), FPS, format="unreal_json")
    assert (tmp_path / "a.json").read_text().startswith('[{"Name": "EyeBlinkLeft", "0.0": ')
    write_curves(tmp_path / "b", some_curves(), FPS, format="gltf")
    assert (tmp_path / "b").read_bytes().startswith(b"glTF")


def test_unknown_endings_and_formats_are_refused_and_the_known_ones_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write_curves(tmp_path / "a.fbx", some_curves(), FPS)
    assert caught.value.what == "unknown ending '.fbx'" and caught.value.where.endswith("a.fbx")
    assert caught.value.expected == (
        ".csv (livelink_csv), .jsonl (jsonl), .json (named_json), .glb (gltf), .gltf (gltf), .usdc (usd), .usda (usd), "
        ".usd (usd), or by name audio2face_csv, beat_json, unreal_json"
    )
    with pytest.raises(OutputError, match=f"unknown format 'fbx'; expected one of {', '.join(FORMATS)}"):
        write_curves(tmp_path / "a.csv", some_curves(), FPS, format="fbx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("file", ["a.csv", "a.jsonl", "a.json"])
def test_a_value_that_is_not_finite_is_named_by_frame_and_curve(tmp_path: Path, file: str, value: float) -> None:
    curves = some_curves()
    curves[3, INDEX["mouthPucker"]] = value
    with pytest.raises(
        OutputError, match=rf"{file}:frame 3:mouthPucker: 1 values are not finite, the first is {value}"
    ):
        write_curves(tmp_path / file, curves, FPS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "curves",
    [np.zeros((4, 51), np.float32), np.zeros(52, np.float32), np.zeros((4, 52, 1)), np.zeros((4, 52), int)],
)
def test_curves_of_another_shape_or_type_are_refused(tmp_path: Path, curves: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"a\.csv: curves of shape .*; expected floats \[n_frames, 52\]"):
        write_curves(tmp_path / "a.csv", curves, FPS)


def test_no_frames_are_no_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.csv: no frames; expected at least one"):
        write_curves(tmp_path / "a.csv", some_curves(0), FPS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("start_s", [-0.1, np.nan, np.inf])
def test_a_start_that_is_no_time_is_refused(tmp_path: Path, start_s: float) -> None:
    with pytest.raises(OutputError, match=r"a\.csv: start at .* expected 0 or later"):
        write_curves(tmp_path / "a.csv", some_curves(), FPS, start_s=start_s)


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    write_curves(path, some_curves(), FPS)
    before = path.read_bytes()

    @contextmanager
    def breaks_off(target: Target) -> Iterator[Append]:
        def append(frames: Frames) -> None:
            target.temporary.write_text("half a file")
            raise OSError(28, "No space left on device")

        yield append

    monkeypatch.setattr(formats, "FORMATS", {"livelink_csv": Format(endings=(".csv",), writing=breaks_off)})
    with pytest.raises(OutputError, match=r"a\.csv: cannot be written \(No space left on device\)"):
        write_curves(path, some_curves(9), FPS)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_input_is_not_changed_and_double_precision_is_taken(tmp_path: Path) -> None:
    curves = some_curves().astype(np.float64)
    kept = curves.copy()
    write_curves(tmp_path / "a.jsonl", curves, FPS)
    write_curves(tmp_path / "b.jsonl", curves.astype(np.float32), FPS)
    np.testing.assert_array_equal(curves, kept)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()

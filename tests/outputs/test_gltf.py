"""Laws of glTF: every float where the document says, in order, bounded and aligned, for any reader of the container."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from glb_files import animation_of, floats, open_file

from koekao.arkit import N_CURVES, NAMES
from koekao.errors import OutputError
from koekao.outputs import open_curves, write_curves
from koekao.outputs.carrier import carrier

CURVES = np.random.default_rng(1).uniform(-0.2, 1.2, (301, N_CURVES)).astype(np.float32)
BOTH = pytest.mark.parametrize("file", ["a.glb", "a.gltf"])


@BOTH
def test_keys_and_times_are_where_the_document_says(tmp_path: Path, file: str) -> None:
    write_curves(tmp_path / file, CURVES, Fraction(30000, 1001), start_s=2.5)
    times, moved = animation_of(tmp_path / file)
    np.testing.assert_array_equal(times, (2.5 + np.arange(301) * 1001 / 30000).astype(np.float32))
    (weights,) = moved.values()
    np.testing.assert_array_equal(weights, CURVES)


@BOTH
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4096, 4097])
def test_any_number_of_frames_comes_out_whole(tmp_path: Path, file: str, n_frames: int) -> None:
    """Also where base64 has one or two bytes left over, and where a block of the spool is just full."""
    curves = np.random.default_rng(n_frames).random((n_frames, N_CURVES), np.float32)
    write_curves(tmp_path / file, curves, 60)
    times, moved = animation_of(tmp_path / file)
    np.testing.assert_array_equal(moved[0], curves)
    np.testing.assert_array_equal(times, (np.arange(n_frames) / 60).astype(np.float32))


@BOTH
def test_the_carrier_has_a_named_target_for_each_curve_that_moves_something(tmp_path: Path, file: str) -> None:
    write_curves(tmp_path / file, CURVES, 30)
    document, buffers = open_file(tmp_path / file)
    (mesh,) = document["meshes"]
    (primitive,) = mesh["primitives"]
    assert mesh["extras"]["targetNames"] == list(NAMES) and len(mesh["weights"]) == N_CURVES
    still = np.array(floats(document, buffers, primitive["attributes"]["POSITION"])).reshape(-1, 3)
    entry = document["accessors"][primitive["attributes"]["POSITION"]]
    assert (entry["min"], entry["max"]) == (still.min(axis=0).tolist(), still.max(axis=0).tolist())
    moved = [np.array(floats(document, buffers, target["POSITION"])).reshape(-1, 3) for target in primitive["targets"]]
    assert {len(m) for m in moved} == {len(still)}
    where = [frozenset(np.flatnonzero(m.any(axis=1)).tolist()) for m in moved]
    assert all(where) and len(set(where)) == N_CURVES, "each curve moves vertices of its own"
    assert document["scenes"][document["scene"]]["nodes"] == [0] and document["nodes"][0]["mesh"] == 0


def test_the_carrier_is_a_mesh() -> None:
    shape = carrier()
    v = len(shape.positions)
    assert shape.positions.shape == (v, 3) and shape.displacements.shape == (N_CURVES, v, 3)
    assert shape.positions.dtype == shape.displacements.dtype == np.float32 and shape.triangles.dtype == np.uint32
    assert shape.triangles.max() < v and shape.triangles.shape[1] == 3
    a, b, c = (shape.positions[shape.triangles[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all(), "it looks along +z"


@BOTH
def test_the_seam_of_the_carrier_is_one_function(tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another mesh in its place is written as it is: positions, triangles, displacements."""
    rng = np.random.default_rng(3)
    head = type(carrier())(
        positions=rng.random((7, 3), np.float32),
        triangles=np.array([[0, 1, 2], [4, 5, 6]], np.uint32),
        displacements=rng.random((N_CURVES, 7, 3), np.float32),
    )
    monkeypatch.setattr("koekao.outputs.gltf_carrier.carrier", lambda: head)
    write_curves(tmp_path / file, CURVES, 30)
    document, buffers = open_file(tmp_path / file)
    primitive = document["meshes"][0]["primitives"][0]
    for accessor, expected in [(primitive["attributes"]["POSITION"], head.positions)] + [
        (target["POSITION"], moved) for target, moved in zip(primitive["targets"], head.displacements, strict=True)
    ]:
        np.testing.assert_array_equal(floats(document, buffers, accessor), expected.ravel())
    entry = document["accessors"][primitive["indices"]]
    view = document["bufferViews"][entry["bufferView"]]
    assert (entry["componentType"], entry["count"], entry["type"]) == (5125, 6, "SCALAR")
    found = np.frombuffer(buffers[view["buffer"]], "<u4", 6, view["byteOffset"])
    np.testing.assert_array_equal(found, head.triangles.ravel())


def test_times_that_are_one_as_float32_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.glb: the times of frames 0 and 1 are one as float32, 3600000\.0 s"):
        write_curves(tmp_path / "a.glb", CURVES[:3], 60, start_s=3.6e6)
    assert list(tmp_path.iterdir()) == []


def test_a_glb_of_more_than_four_gigabytes_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koekao.outputs.gltf._MOST_BYTES", 100_000)
    with pytest.raises(OutputError, match=r"a\.glb: \d+ bytes; expected at most 4 GiB"):
        write_curves(tmp_path / "a.glb", CURVES, 60)
    assert list(tmp_path.iterdir()) == []


def test_what_was_set_aside_is_gone_from_the_folder(tmp_path: Path) -> None:
    with open_curves(tmp_path / "a.glb", 30) as file:
        file.append(CURVES)
        assert not (tmp_path / "a.glb").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.glb"]

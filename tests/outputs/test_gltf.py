"""Laws of glTF: every float where the document says, in order, bounded and aligned, for any reader of the container."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glb_files import animation_of, floats, open_file
from scipy.spatial.transform import Rotation

from koekao.arkit import N_CURVES, NAMES
from koekao.errors import OutputError
from koekao.head import head_glb
from koekao.head.head import turn
from koekao.outputs import open_curves, write_curves

CURVES = np.random.default_rng(1).uniform(-0.2, 1.2, (301, N_CURVES)).astype(np.float32)
BOTH = pytest.mark.parametrize("file", ["a.glb", "a.gltf"])


@BOTH
def test_keys_and_times_are_where_the_document_says(tmp_path: Path, file: str) -> None:
    write_curves(tmp_path / file, CURVES, Fraction(30000, 1001), start_s=2.5)
    times, moved = animation_of(tmp_path / file)
    np.testing.assert_array_equal(times, (2.5 + np.arange(301) * 1001 / 30000).astype(np.float32))
    assert len(moved) == 3
    for weights in moved.values():
        np.testing.assert_array_equal(weights, CURVES)


@BOTH
@pytest.mark.parametrize("n_frames", [1, 2, 3, 4096, 4097])
def test_any_number_of_frames_comes_out_whole(tmp_path: Path, file: str, n_frames: int) -> None:
    """Also where base64 has one or two bytes left over, and where a block of the spool is just full."""
    curves = np.random.default_rng(n_frames).random((n_frames, N_CURVES), np.float32)
    write_curves(tmp_path / file, curves, 60)
    times, moved = animation_of(tmp_path / file)
    np.testing.assert_array_equal(next(iter(moved.values())), curves)
    np.testing.assert_array_equal(times, (np.arange(n_frames) / 60).astype(np.float32))


@BOTH
def test_without_a_face_it_is_the_head_of_the_house_that_moves(tmp_path: Path, file: str) -> None:
    """Face and both eyes are driven by the same numbers, and their targets are those of ``koekao.head``."""
    write_curves(tmp_path / file, CURVES, 30)
    document, _ = open_file(tmp_path / file)
    _, moved = animation_of(tmp_path / file)
    assert {document["nodes"][node]["name"] for node in moved} == {"face", "left_eye", "right_eye"}
    for node, weights in moved.items():
        np.testing.assert_array_equal(weights, CURVES)
        mesh = document["meshes"][document["nodes"][node]["mesh"]]
        assert mesh["extras"]["targetNames"] == list(NAMES)
    plain, _ = open_file_of(head_glb(), tmp_path)
    assert document["meshes"] == plain["meshes"] and document["materials"] == plain["materials"]
    n = len(plain["accessors"])
    assert document["accessors"][:n] == plain["accessors"]


@BOTH
def test_the_head_turns_where_it_is_told_to(tmp_path: Path, file: str) -> None:
    """A rotation a frame on the node of the head, the same turn that pictures of it make; none where nothing turns."""
    pose = np.zeros((301, 9), np.float32)
    pose[:, :3] = np.random.default_rng(5).uniform(-1.5, 1.5, (301, 3))
    pose[:, 3:] = 0.3  # the eyes are turned by their curves
    write_curves(tmp_path / file, CURVES, 30, pose=pose)
    document, buffers = open_file(tmp_path / file)
    (animation,) = document["animations"]
    (channel,) = (c for c in animation["channels"] if c["target"]["path"] == "rotation")
    assert document["nodes"][channel["target"]["node"]]["name"] == "head"
    found = floats(document, buffers, animation["samplers"][channel["sampler"]]["output"])
    turned = Rotation.from_quat(np.array(found).reshape(-1, 4)).as_matrix()
    np.testing.assert_allclose(turned, [turn(*angles) for angles in pose[:, :3]], atol=1e-5)
    _, moved = animation_of(tmp_path / file)
    assert len(moved) == 3 and all(np.array_equal(weights, CURVES) for weights in moved.values())
    write_curves(tmp_path / file, CURVES, 30, pose=np.zeros_like(pose))
    document, _ = open_file(tmp_path / file)
    assert {c["target"]["path"] for c in document["animations"][0]["channels"]} == {"weights"}


def test_the_head_of_a_face_of_your_own_stays_and_that_is_said(tmp_path: Path) -> None:
    write_curves(tmp_path / "face.glb", CURVES, 30)
    with pytest.warns(UserWarning, match="a face of your own has no place for the rotations of the head"):
        write_curves(
            tmp_path / "a.glb", CURVES, 30, pose=np.full((301, 9), 0.1, np.float32), face=tmp_path / "face.glb"
        )


def open_file_of(data: bytes, folder: Path) -> Any:
    (folder / "head.glb").write_bytes(data)
    return open_file(folder / "head.glb")


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

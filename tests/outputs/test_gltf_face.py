"""Laws of a face of your own: its targets are driven by name, and everything else in the file is as it was."""

from __future__ import annotations

import base64
import json
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glb_files import BIN, JSON, Face, animation_of, chunks_of, floats, open_file

from koekao.arkit import INDEX, N_CURVES, NAMES, pascal, underscored
from koekao.errors import OutputError
from koekao.outputs import open_curves, write_curves
from koekao.takes import read_curves

CURVES = np.random.default_rng(1).random((50, N_CURVES), np.float32)
SHUFFLED = tuple(np.random.default_rng(2).permutation(NAMES).tolist())
ENDINGS = pytest.mark.parametrize("ending", [".glb", ".gltf"])


@pytest.mark.parametrize("spell", [str, pascal, underscored])
@ENDINGS
def test_targets_are_found_by_name_in_any_order_and_spelling(tmp_path: Path, spell: Any, ending: str) -> None:
    face = Face([spell(name) for name in SHUFFLED]).glb(tmp_path / "face.glb")
    write_curves(tmp_path / f"a{ending}", CURVES, 30, face=face)
    _, moved = animation_of(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(moved[1], CURVES[:, [INDEX[name] for name in SHUFFLED]])
    assert np.array_equal(read_curves(tmp_path / f"a{ending}").values, CURVES)


def test_all_meshes_that_carry_curves_are_driven_and_no_others(tmp_path: Path) -> None:
    """Head, teeth and a second head of the same mesh move; a body that has other targets does not."""
    face = Face(NAMES, ["Fat", "JawOpen"], ["Fat", "Thin"], None)
    face.document["nodes"].append({"mesh": 0})
    with open_curves(tmp_path / "a.glb", 30, face=face.glb(tmp_path / "face.glb")) as file:
        file.append(CURVES)
    _, moved = animation_of(tmp_path / "a.glb")
    assert sorted(moved) == [1, 2, 5]
    np.testing.assert_array_equal(moved[1], CURVES)
    np.testing.assert_array_equal(moved[5], CURVES)
    np.testing.assert_array_equal(moved[2][:, 1], CURVES[:, INDEX["jawOpen"]])
    assert not moved[2][:, 0].any(), "what is no curve of ARKit keeps 0"


def test_meshes_with_the_same_targets_share_their_numbers(tmp_path: Path) -> None:
    one = write_size(tmp_path, Face(NAMES))
    assert write_size(tmp_path, Face(NAMES, NAMES)) - one < 2000 < 208 * len(CURVES)


def write_size(folder: Path, face: Face) -> int:
    write_curves(folder / "a.glb", CURVES, 30, face=face.glb(folder / "face.glb"))
    return (folder / "a.glb").stat().st_size


def test_a_target_that_is_no_curve_keeps_its_weight_at_rest(tmp_path: Path) -> None:
    """An animation of weights moves all targets of a mesh, so a shape that the face always has must be repeated."""
    face = Face([*NAMES, "Chubby"], ["jawOpen", "Chubby"])
    face.document["meshes"][0]["weights"] = [0.0] * N_CURVES + [0.7]
    face.document["meshes"][1]["weights"] = [0.1, 0.7]
    face.document["nodes"][2]["weights"] = [0.1, 0.3]
    write_curves(tmp_path / "a.glb", CURVES, 30, face=face.glb(tmp_path / "face.glb"))
    _, moved = animation_of(tmp_path / "a.glb")
    assert set(moved[1][:, -1].tolist()) == {np.float32(0.7)} and set(moved[2][:, 1].tolist()) == {np.float32(0.3)}
    np.testing.assert_array_equal(moved[2][:, 0], CURVES[:, INDEX["jawOpen"]])


def test_names_may_stand_in_the_primitives(tmp_path: Path) -> None:
    face = Face(NAMES)
    mesh = face.document["meshes"][0]
    mesh["primitives"][0]["extras"] = mesh.pop("extras")
    write_curves(tmp_path / "a.glb", CURVES, 30, face=face.glb(tmp_path / "face.glb"))
    np.testing.assert_array_equal(animation_of(tmp_path / "a.glb")[1][1], CURVES)


def test_curves_without_a_target_are_named_in_a_warning(tmp_path: Path) -> None:
    face = Face([name for name in NAMES if name not in ("tongueOut", "cheekPuff")]).glb(tmp_path / "face.glb")
    with pytest.warns(UserWarning, match=r"face\.glb: no morph target for 2 of the 52 curves: cheekPuff, tongueOut$"):
        write_curves(tmp_path / "a.glb", CURVES, 30, face=face)
    assert animation_of(tmp_path / "a.glb")[1][1].shape == (50, 50)


def unchanged(before: Any, after: Any, path: str = "") -> None:
    """All of ``before`` is in ``after``; lists may have grown at their ends, and the first buffer."""
    if path in (".buffers[0].byteLength", ".buffers[0].uri"):
        return
    if isinstance(before, dict):
        assert set(before) <= set(after), path
        for key in before:
            unchanged(before[key], after[key], f"{path}.{key}")
    elif isinstance(before, list) and path in (".accessors", ".bufferViews", ".animations", ".buffers"):
        assert len(before) <= len(after)
        for i, entry in enumerate(before):
            unchanged(entry, after[i], f"{path}[{i}]")
    else:
        assert before == after, path


@ENDINGS
@pytest.mark.parametrize("source", [".glb", ".gltf", "beside"])
def test_the_rest_of_the_file_is_as_it_was(tmp_path: Path, source: str, ending: str) -> None:
    face = Face(NAMES)
    face.document["animations"] = [{"channels": [], "samplers": [], "name": "blink"}]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / ("face.glb" if source == ".glb" else "face.gltf")
    if source == ".glb":
        face.glb(path)
    else:
        face.gltf(path, uri="face data.bin" if source == "beside" else None)
    before = path.read_bytes()
    write_curves(tmp_path / f"a{ending}", CURVES, 30, face=path)
    document, buffers = open_file(tmp_path / f"a{ending}")
    unchanged(face.document, document)
    assert set(document) == set(face.document)
    assert [animation["name"] for animation in document["animations"]] == ["blink", "koekao"]
    assert buffers[0][: len(face.binary)] == face.binary
    assert ending == ".glb" or buffers[0] == face.binary, "the keys have a buffer of their own there"
    assert floats(document, buffers, 0) == (0, 0, 0, 1, 0, 0, 0, 1, 0)
    assert path.read_bytes() == before


def test_further_chunks_of_a_glb_stay(tmp_path: Path) -> None:
    face = Face(NAMES).glb(tmp_path / "face.glb", (0x12345678, b"whatever"))
    write_curves(tmp_path / "a.glb", CURVES, 30, face=face)
    assert chunks_of((tmp_path / "a.glb").read_bytes())[2:] == [(0x12345678, b"whatever")]


def test_what_lies_beside_a_gltf_is_taken_in(tmp_path: Path) -> None:
    """The file that is made stands alone, in any folder."""
    face = Face(NAMES)
    face.document["images"].append({"uri": "skins/a%20b.jpg"})
    face.document["buffers"].append({"byteLength": 3, "uri": "more.bin"})
    (tmp_path / "in" / "skins").mkdir(parents=True)
    (tmp_path / "in" / "skins" / "a b.jpg").write_bytes(b"a picture")
    (tmp_path / "in" / "more.bin").write_bytes(b"abc")
    document = face.document | {
        "buffers": [{"byteLength": len(face.binary), "uri": "f.bin"}, face.document["buffers"][1]]
    }
    (tmp_path / "in" / "f.bin").write_bytes(face.binary)
    (tmp_path / "in" / "face.gltf").write_text(json.dumps(document))
    for name in ("a.glb", "a.gltf"):
        write_curves(tmp_path / name, CURVES, 30, face=tmp_path / "in" / "face.gltf")
        made, buffers = open_file(tmp_path / name)
        assert made["images"][1]["uri"] == "data:image/jpeg;base64," + base64.b64encode(b"a picture").decode()
        assert buffers[0].startswith(face.binary) and buffers[1] == b"abc"


@ENDINGS
def test_a_face_can_be_what_was_made_before(tmp_path: Path, ending: str) -> None:
    write_curves(tmp_path / f"a{ending}", CURVES, 30)
    write_curves(tmp_path / f"b{ending}", CURVES[::-1], 24, face=tmp_path / f"a{ending}")
    for number, curves in enumerate((CURVES, CURVES[::-1])):
        for weights in animation_of(tmp_path / f"b{ending}", number)[1].values():
            np.testing.assert_array_equal(weights, curves)


def test_a_face_is_for_gltf_and_is_not_overwritten(tmp_path: Path) -> None:
    face = Face(NAMES).glb(tmp_path / "face.glb")
    before = face.read_bytes()
    with pytest.raises(OutputError, match=r"a\.csv: livelink_csv with a face of your own; expected .*\.glb or \.gltf"):
        open_curves(tmp_path / "a.csv", 30, face=face)
    with pytest.raises(OutputError, match=r"face\.glb: is the face that is read"):
        write_curves(face, CURVES, 30, face=face)
    assert face.read_bytes() == before


def spoiled(change: Any) -> Any:
    """A face with a part of its document replaced."""

    def write(path: Path) -> None:
        face = Face(NAMES)
        change(face.document)
        face.glb(path)

    return write


def raw(data: bytes) -> Any:
    return lambda path: path.write_bytes(data)


def glb(text: bytes, kind: int = JSON, *, length: int | None = None) -> bytes:
    body = struct.pack("<II", len(text) if length is None else length, kind) + text
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


BROKEN: dict[str, tuple[Any, str]] = {
    "not there": (lambda path: None, r"face\.glb: there is no such file"),
    "a folder": (lambda path: path.mkdir(), r"face\.glb: there is no such file"),
    "empty": (raw(b""), r"face\.glb:1:1: no JSON"),
    "not a glTF": (raw(b"OBJ"), r"face\.glb:1:1: no JSON"),
    "no UTF-8": (raw(b'{"a": "\xff"}'), r"face\.glb:byte 7 of the JSON: no UTF-8"),
    "a list": (raw(b"[1]"), r"face\.glb: \[1\]; expected a glTF document"),
    "glTF 1": (raw(b'{"asset": {"version": "1.0"}}'), r'face\.glb:asset: version "1\.0"; expected glTF 2'),
    "no asset": (raw(b"{}"), r"face\.glb:asset: version null"),
    "a key twice": (raw(b'{"asset": 1, "asset": 2}'), r"face\.glb: no usable JSON: a key stands twice"),
    "NaN": (raw(b'{"asset": NaN}'), r"face\.glb: no usable JSON: NaN is no number"),
    "1e999": (raw(b'{"asset": 1e999}'), r"face\.glb: no usable JSON: 1e999 is no number"),
    "too deep": (raw(b"[" * 100_000), r"face\.glb: no usable JSON"),
    "digits": (raw(b'{"a": ' + b"1" * 10_000 + b"}"), r"face\.glb: no usable JSON"),
    "cut header": (
        raw(b"glTF\2\0"),
        r"face\.glb:byte 4: a GLB header that says something else; expected version 2 and 6",
    ),
    "cut": (lambda path: raw(Face(NAMES).glb(path).read_bytes()[:-4])(path), r"face\.glb:byte 4: a GLB header"),
    "cut chunk": (raw(glb(b"{} ")[:-1] + b"\0\0\0\0"), r"face\.glb:byte 4: a GLB header"),
    "a chunk too long": (raw(glb(b"{}  ", length=2**31)), r"face\.glb:byte 12: a chunk beyond the end"),
    "half a chunk header": (raw(struct.pack("<4sII", b"glTF", 2, 16) + b"abcd"), r"face\.glb:byte 12: a chunk beyond"),
    "bytes first": (raw(glb(b"abcd", BIN)), r"face\.glb:byte 12: a GLB that does not begin with JSON"),
    "no meshes": (spoiled(lambda d: d.pop("meshes")), r"face\.glb:nodes\[1\]: mesh 0; expected one of 0"),
    "nodes no list": (spoiled(lambda d: d.update(nodes={})), r"face\.glb:nodes: \{\}; expected a list"),
    "a node no object": (spoiled(lambda d: d.update(nodes=[3])), r"face\.glb:nodes\[0\]: 3; expected an object"),
    "mesh -1": (spoiled(lambda d: d["nodes"][1].update(mesh=-1)), r"face\.glb:nodes\[1\]: mesh -1; expected one of 1"),
    "mesh true": (spoiled(lambda d: d["nodes"][1].update(mesh=True)), r"face\.glb:nodes\[1\]: mesh true"),
    "accessors": (spoiled(lambda d: d.update(accessors=7)), r"face\.glb:accessors: 7; expected a list"),
    "animations": (spoiled(lambda d: d.update(animations=None)), r"face\.glb:animations: null; expected a list"),
    "no node shows it": (spoiled(lambda d: d["nodes"][1].pop("mesh")), r"face\.glb: no node shows a mesh with ARKit"),
    "others' targets": (
        spoiled(lambda d: d["meshes"][0]["extras"].update(targetNames=["A"] * 52)),
        r'face\.glb: no node shows a mesh with ARKit morph targets; its targets are "A"',
    ),
    "no names": (spoiled(lambda d: d["meshes"][0].pop("extras")), r"face\.glb: no node shows a mesh with ARKit"),
    "names too few": (
        spoiled(lambda d: d["meshes"][0]["extras"]["targetNames"].pop()),
        r"face\.glb:meshes\[0\]\.extras: targetNames .* expected 52 names, one a target",
    ),
    "names no list": (
        spoiled(lambda d: d["meshes"][0]["extras"].update(targetNames={"a": 1})),
        r"face\.glb:meshes\[0\]\.extras: targetNames",
    ),
    "a name twice": (
        spoiled(lambda d: d["meshes"][0]["extras"]["targetNames"].__setitem__(0, "JawOpen")),
        r"face\.glb:meshes\[0\]\.extras\.targetNames: 'JawOpen' and 'jawOpen' both name jawOpen",
    ),
    "primitives that differ": (
        spoiled(lambda d: d["meshes"][0]["primitives"].append({"targets": [{}]})),
        r"face\.glb:meshes\[0\]: primitives with 1 and 52 morph targets",
    ),
    "weights too few": (
        spoiled(lambda d: d["meshes"][0].update(weights=[0.0])),
        r"face\.glb:nodes\[1\]: weights \[0\.0\]; expected 52 numbers",
    ),
    "weights beyond float": (
        spoiled(lambda d: d["meshes"][0].update(weights=[10**400] * 52)),
        r"face\.glb:nodes\[1\]: weights",
    ),
    "a buffer too long": (
        spoiled(lambda d: d["buffers"][0].update(byteLength=10**12)),
        r"face\.glb:buffers\[0\]: byteLength 1000000000000; expected 1\.\.56",
    ),
    "a buffer of text": (spoiled(lambda d: d["buffers"][0].update(byteLength="9")), r'buffers\[0\]: byteLength "9"'),
    "a uri of 3": (spoiled(lambda d: d["buffers"][0].update(uri=3)), r"face\.glb:buffers\[0\]: uri 3; expected text"),
    "no base64": (
        spoiled(lambda d: d["buffers"][0].update(uri="data:a;base64,=")),
        r"face\.glb:buffers\[0\]: no base64",
    ),
    "no data": (
        spoiled(lambda d: d["buffers"][0].update(uri="data:a")),
        r'face\.glb:buffers\[0\]: uri "data:a"; expected data:\.\.\.;base64',
    ),
    "up and out": (
        spoiled(lambda d: d["buffers"][0].update(uri="../secret")),
        r'face\.glb:buffers\[0\]: uri "\.\./secret"; expected a file in the same folder',
    ),
    "an absolute path": (
        spoiled(lambda d: d["images"][0].update(uri="/etc/passwd")),
        r'face\.glb:images\[0\]: uri "/etc/passwd"; expected a file in the same folder',
    ),
    "a file that is not there": (
        spoiled(lambda d: d["images"][0].update(uri="skin.png")),
        r'face\.glb:images\[0\]: uri "skin\.png"; expected a file in the same folder',
    ),
    "a name too long": (spoiled(lambda d: d["images"][0].update(uri="a" * 5000)), r'face\.glb:images\[0\]: uri "aaa'),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_broken_face_is_refused_at_its_place(tmp_path: Path, way: str) -> None:
    spoil, said = BROKEN[way]
    (tmp_path / "secret").write_bytes(bytes(100))
    folder = tmp_path / "in"
    folder.mkdir()
    spoil(folder / "face.glb")
    with (
        pytest.raises(OutputError, match=said),
        open_curves(tmp_path / "out" / "a.glb", 30, face=folder / "face.glb"),
    ):
        pytest.fail("frames were taken")
    assert not list(tmp_path.glob("out/*"))


def test_damaged_faces_are_refused_or_written_and_never_anything_else(tmp_path: Path) -> None:
    good = Face(NAMES).glb(tmp_path / "face.glb").read_bytes()
    rng = np.random.default_rng(5)
    outcomes = set()
    for _ in range(1500):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.choice([*list(b'0123456789{}[],:"ae-'), 0, 255])
        (tmp_path / "face.glb").write_bytes(data[: rng.integers(1, len(data) + 1)] if rng.random() < 0.1 else data)
        try:
            with warnings.catch_warnings(action="ignore"):
                write_curves(tmp_path / "a.glb", CURVES[:2], 30, face=tmp_path / "face.glb")
            outcomes.add("written")
        except OutputError as fault:
            assert str(tmp_path / "face.glb") in str(fault)
            outcomes.add("refused")
    assert outcomes == {"written", "refused"}

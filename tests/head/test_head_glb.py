"""Laws of the GLB, walked byte by byte without koekao: whole, small, and the same head that koekao poses."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.head import Head, head_glb

COMPONENTS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass
class Glb:
    document: dict[str, Any]
    data: bytes

    def view(self, number: int) -> bytes:
        view = self.document["bufferViews"][number]
        start = view.get("byteOffset", 0)
        assert start % 4 == 0
        assert start + view["byteLength"] <= len(self.data)
        return self.data[start : start + view["byteLength"]]

    def array(self, number: int) -> NDArray[Any]:
        entry = self.document["accessors"][number]
        kind, width = COMPONENTS[entry["componentType"]], WIDTHS[entry["type"]]
        if "bufferView" in entry:
            values = np.frombuffer(self.view(entry["bufferView"]), kind).reshape(-1, width).copy()
        else:
            values = np.zeros((entry["count"], width), kind)
        if "sparse" in entry:
            sparse = entry["sparse"]
            rows = np.frombuffer(
                self.view(sparse["indices"]["bufferView"]), COMPONENTS[sparse["indices"]["componentType"]]
            )
            assert len(rows) == sparse["count"] > 0
            assert (np.diff(rows.astype(int)) > 0).all()
            values[rows] = np.frombuffer(self.view(sparse["values"]["bufferView"]), kind).reshape(-1, width)
        assert len(values) == entry["count"]
        return values

    def drawn(self) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
        """Every node with a mesh, and where it is."""
        for root in self.document["scenes"][self.document["scene"]]["nodes"]:
            yield from self._below(root, np.zeros(3))

    def _below(self, number: int, at: NDArray[np.float64]) -> Iterator[tuple[dict[str, Any], NDArray[np.float64]]]:
        node = self.document["nodes"][number]
        at = at + node.get("translation", [0, 0, 0])
        if "mesh" in node:
            yield node, at
        for child in node.get("children", []):
            yield from self._below(child, at)


@pytest.fixture(scope="module")
def raw(head: Head) -> bytes:
    return head_glb(head)


@pytest.fixture(scope="module")
def glb(raw: bytes) -> Glb:
    magic, version, size = struct.unpack_from("<4sII", raw)
    assert (magic, version, size) == (b"glTF", 2, len(raw))
    text_size, kind = struct.unpack_from("<I4s", raw, 12)
    assert kind == b"JSON"
    assert text_size % 4 == 0
    data_size, kind = struct.unpack_from("<I4s", raw, 20 + text_size)
    assert kind == b"BIN\0"
    assert 28 + text_size + data_size == len(raw)
    document = json.loads(raw[20 : 20 + text_size])
    assert document["buffers"] == [{"byteLength": document["buffers"][0]["byteLength"]}]  # self-contained: no uri
    assert 0 <= data_size - document["buffers"][0]["byteLength"] < 4
    return Glb(document, raw[28 + text_size :])


def primitives(glb: Glb) -> Iterator[tuple[dict[str, Any], dict[str, Any], NDArray[np.float64]]]:
    for node, at in glb.drawn():
        for primitive in glb.document["meshes"][node["mesh"]]["primitives"]:
            yield node, primitive, at


def test_it_is_small_and_needs_nothing(raw: bytes, glb: Glb) -> None:
    assert len(raw) < 3_000_000
    assert glb.document["asset"]["version"] == "2.0"
    assert not {"images", "textures", "extensionsRequired", "extensionsUsed"} & set(glb.document)


def test_nodes_can_be_turned_by_name(glb: Glb, head: Head) -> None:
    nodes = {node["name"]: node for node in glb.document["nodes"]}
    assert set(nodes) == {"koekao", "shirt", "head", "face", "left_eye", "right_eye", "hair"}
    children = {glb.document["nodes"][child]["name"] for child in nodes["head"]["children"]}
    assert children == {"face", "left_eye", "right_eye", "hair"}
    at = {node["name"]: place for node, place in glb.drawn()}
    np.testing.assert_allclose(at["left_eye"], head.eye_middles[0], atol=1e-6)
    np.testing.assert_allclose(at["right_eye"], head.eye_middles[1], atol=1e-6)
    np.testing.assert_allclose(at["face"], 0, atol=1e-6)


def test_meshes_that_move_have_all_targets_by_name(glb: Glb) -> None:
    for mesh in glb.document["meshes"]:
        if mesh["name"] in ("hair", "shirt"):
            assert "targets" not in mesh["primitives"][0]
            continue
        assert mesh["extras"] == {"targetNames": list(NAMES)}
        assert mesh["weights"] == [0.0] * 52
        assert all(len(primitive["targets"]) == 52 for primitive in mesh["primitives"])


def test_every_accessor_says_what_it_holds(glb: Glb) -> None:
    for number, entry in enumerate(glb.document["accessors"]):
        values = glb.array(number)
        assert np.isfinite(values).all()
        for key, extreme in (("min", values.min(axis=0)), ("max", values.max(axis=0))):
            if key in entry:
                assert entry[key] == extreme.tolist()
    for _, primitive, _ in primitives(glb):
        positions = [primitive["attributes"]["POSITION"], *(t["POSITION"] for t in primitive.get("targets", []))]
        assert all({"min", "max"} <= set(glb.document["accessors"][number]) for number in positions)


def test_views_are_told_for_what_they_are(glb: Glb) -> None:
    for _, primitive, _ in primitives(glb):
        entry = glb.document["accessors"][primitive["indices"]]
        assert glb.document["bufferViews"][entry["bufferView"]]["target"] == 34963
        for number in primitive["attributes"].values():
            view = glb.document["accessors"][number]["bufferView"]
            assert glb.document["bufferViews"][view]["target"] == 34962
        n = glb.document["accessors"][primitive["attributes"]["POSITION"]]["count"]
        assert all(glb.document["accessors"][k]["count"] == n for k in primitive["attributes"].values())
        assert all(glb.document["accessors"][k]["count"] == n for t in primitive.get("targets", []) for k in t.values())
        assert glb.array(primitive["indices"]).max() == n - 1


def corners(glb: Glb, weights: NDArray[np.float64], attribute: str) -> NDArray[np.float64]:
    """``[triangles, 3, 3]`` of all materials, posed as an engine does it."""
    found = []
    for _, primitive, at in primitives(glb):
        values = glb.array(primitive["attributes"][attribute]).astype(np.float64)
        for weight, target in zip(weights, primitive.get("targets", []), strict=False):
            if weight:
                values += weight * glb.array(target[attribute])
        values += at if attribute == "POSITION" else 0
        found.append(values[glb.array(primitive["indices"]).reshape(-1, 3)])
    return np.concatenate(found)


def by_place(triangles: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of ``triangles`` in an order that depends on ``places`` alone."""
    middle = np.round(places.mean(axis=1) * 1e6).astype(np.int64)
    return triangles[np.lexsort(middle.T)]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_it_is_the_head_that_koekao_poses(glb: Glb, head: Head, seed: int | None) -> None:
    rng = np.random.default_rng(seed or 0)
    weights = np.zeros(52) if seed is None else rng.uniform(0, 1, 52) * (rng.random(52) < 0.3)
    weights = weights.astype(np.float32)
    rest = corners(glb, np.zeros(52), "POSITION")
    ours_rest = head.positions[head.all_triangles].astype(np.float64)
    theirs = by_place(corners(glb, weights, "POSITION"), rest)
    ours = by_place(head.posed(weights)[head.all_triangles].astype(np.float64), ours_rest)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(np.sort(theirs, axis=1), np.sort(ours, axis=1), atol=2e-6)


def test_normals_are_those_of_the_head_at_rest_and_with_any_target(glb: Glb, head: Head) -> None:
    rest = corners(glb, np.zeros(52), "POSITION")
    ours_rest = head.positions[head.all_triangles].astype(np.float64)
    for name in (None, "jawOpen", "mouthSmileLeft", "eyeBlinkRight"):
        weights = np.array([name == other for other in NAMES], np.float64)
        theirs = by_place(corners(glb, weights, "NORMAL"), rest)
        ours = by_place(head.normals(head.posed(weights))[head.all_triangles].astype(np.float64), ours_rest)
        np.testing.assert_allclose(np.sort(theirs, axis=1), np.sort(ours, axis=1), atol=3e-3)


def test_triangles_face_outward(glb: Glb) -> None:
    places, normals = (corners(glb, np.zeros(52), name) for name in ("POSITION", "NORMAL"))
    across = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    assert ((across * normals.sum(axis=1)).sum(axis=1) > 0).all()


def test_colours_are_linear_and_materials_are_not_metal(glb: Glb, head: Head) -> None:
    assert [material["name"] for material in glb.document["materials"]] == list(head.material_names)
    for material, colour in zip(glb.document["materials"], head.material_colours, strict=True):
        surface = material["pbrMetallicRoughness"]
        np.testing.assert_allclose(surface["baseColorFactor"], [*colour, 1], atol=1e-5)
        assert surface["metallicFactor"] == 0
        assert 0 < surface["roughnessFactor"] <= 1
    for _, primitive, _ in primitives(glb):
        tint = glb.array(primitive["attributes"]["COLOR_0"])
        assert ((tint >= 0) & (tint <= 1)).all()

"""Laws of the head at rest: small, symmetrical to the bit, without holes, turned outside out, the same everywhere."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from faces import corners_of, edges_of, facing, volume

from koekao.arkit import INDEX
from koekao.head import Head, make_head
from koekao.head.head import PIVOT_M

PARTS = {
    "skin", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear", "right_ear", "upper_teeth", "lower_teeth",
    "tongue", "hair", "shirt",
}  # fmt: skip
MATERIALS = {
    "skin", "lips", "mouth_inside", "lashes", "brows", "eye_white", "iris", "pupil", "teeth", "tongue", "hair", "shirt",
}  # fmt: skip


def test_it_has_all_parts_and_few_triangles(head: Head) -> None:
    assert set(head.parts) == PARTS
    assert set(head.material_names) == MATERIALS
    assert 8_000 < len(head.all_triangles) < 15_000
    assert len(head.triangles) == len(head.material_names) == len(head.material_colours) == len(head.finishes)
    assert all(len(triangles) for triangles in head.triangles)
    starts = sorted((place.start, place.stop) for place in head.parts.values())
    assert [a for a, _ in starts] == [0, *(b for _, b in starts[:-1])]
    assert starts[-1][1] == len(head.positions)


def test_every_vertex_is_used_and_every_part_keeps_to_itself(head: Head) -> None:
    assert np.array_equal(np.unique(head.all_triangles), np.arange(len(head.positions)))
    for place in head.parts.values():
        inside = (head.all_triangles >= place.start) & (head.all_triangles < place.stop)
        assert np.array_equal(inside.any(axis=1), inside.all(axis=1))


def test_shapes_and_types(head: Head) -> None:
    n = len(head.positions)
    assert head.positions.dtype == head.targets.dtype == head.tint.dtype == np.float32
    assert head.positions.shape == head.tint.shape == (n, 3)
    assert head.targets.shape == (52, n, 3)
    assert all(triangles.dtype == np.int32 for triangles in head.triangles)
    assert np.isfinite(head.positions).all()
    assert np.isfinite(head.targets).all()
    assert ((head.tint >= 0) & (head.tint <= 1)).all()
    assert ((head.material_colours >= 0) & (head.material_colours <= 1)).all()


def test_it_is_as_large_as_a_head(head: Head) -> None:
    skin = head.positions[head.parts["skin"]]
    chin_to_crown = skin[:, 1].max() - skin[skin[:, 2] > 0.06, 1].min()
    assert 0.20 < chin_to_crown < 0.26
    assert 0.15 < np.ptp(skin[:, 0]) < 0.20


def test_the_subjects_left_is_plus_x_and_the_face_looks_to_plus_z(head: Head) -> None:
    for part in ("eye", "brow", "ear"):
        assert head.positions[head.parts[f"left_{part}"], 0].min() > 0
        assert head.positions[head.parts[f"right_{part}"], 0].max() < 0
    assert head.eye_middles[0, 0] == -head.eye_middles[1, 0] > 0
    nose = head.positions[np.argmax(head.positions[:, 2])]
    assert nose[0] == 0
    assert nose[2] > head.positions[head.parts["left_eye"], 2].max()
    assert head.positions[head.parts["left_ear"], 2].mean() < nose[2] / 2


def test_it_is_symmetrical_to_the_bit(head: Head) -> None:
    flip = np.array([-1, 1, 1], np.float32)
    assert np.array_equal(head.mirror[head.mirror], np.arange(len(head.mirror)))
    assert np.array_equal(head.positions[head.mirror] * flip, head.positions)
    assert np.array_equal(head.tint[head.mirror], head.tint)
    middle = head.mirror == np.arange(len(head.mirror))
    assert (head.positions[middle, 0] == 0).all()
    for triangles in head.triangles:
        mirrored = head.mirror[triangles][:, ::-1]
        assert {_rotated(t) for t in triangles.tolist()} == {_rotated(t) for t in mirrored.tolist()}


def _rotated(triangle: list[int]) -> tuple[int, ...]:
    first = triangle.index(min(triangle))
    return (*triangle[first:], *triangle[:first])


def test_no_triangle_is_degenerate_or_turned_inside_out(head: Head) -> None:
    normal, area = facing(head, head.positions)
    assert area.min() > 0.05e-6  # m^2
    smooth = head.normals(head.positions)
    assert ((normal[:, None] * smooth[head.all_triangles]).sum(axis=-1).mean(axis=1) > 0).all()


@pytest.mark.parametrize("part", sorted(PARTS - {"shirt", "skin"}))
def test_parts_show_their_outside(head: Head, part: str) -> None:
    place = head.parts[part]
    middle = head.positions[place].mean(axis=0, dtype=np.float64)
    assert volume(head, head.positions - middle, part) > 1e-8


def test_neighbours_are_turned_the_same_way(head: Head) -> None:
    """Every edge is run along once in each direction, or once where a part is open."""
    triangles = head.all_triangles
    runs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    assert len(np.unique(runs, axis=0)) == len(runs)


def test_skin_is_one_surface_that_is_open_at_the_neck_and_behind_the_lids_alone(head: Head) -> None:
    place = head.parts["skin"]
    skin = head.all_triangles[(head.all_triangles < place.stop).all(axis=1)]
    sides = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
    edges, times = np.unique(sides, axis=0, return_counts=True)
    assert times.max() == 2
    rims = _loops(edges[times == 1])
    assert len(rims) == 3
    neck, *eyes = sorted(rims, key=lambda rim: head.positions[rim, 1].mean())
    assert head.positions[neck, 1].max() < PIVOT_M[1] - 0.02
    for rim, middle in zip(sorted(eyes, key=lambda rim: -head.positions[rim, 0].mean()), head.eye_middles, strict=True):
        radius = np.linalg.norm(head.positions[head.parts["left_eye"]] - head.eye_middles[0], axis=1).max()
        assert np.linalg.norm(head.positions[rim] - middle, axis=1).max() < radius
    assert len(_loops(edges)) == 1


def _loops(edges: np.ndarray) -> list[list[int]]:
    """Vertices that hang together by edges."""
    root = {int(v): int(v) for v in np.unique(edges)}

    def find(v: int) -> int:
        while root[v] != v:
            root[v] = root[root[v]]
            v = root[v]
        return v

    for a, b in edges.tolist():
        root[find(a)] = find(b)
    groups: dict[int, list[int]] = {}
    for v in root:
        groups.setdefault(find(v), []).append(v)
    return list(groups.values())


def test_teeth_and_tongue_are_behind_closed_lips(head: Head) -> None:
    skin = head.positions[head.parts["skin"]]
    lips = skin[(np.abs(skin[:, 0]) < 0.005) & (np.abs(skin[:, 1] + 0.062) < 0.005), 2].max()
    for part in ("upper_teeth", "lower_teeth", "tongue"):
        assert head.positions[head.parts[part], 2].max() < lips - 0.004


def test_no_edge_is_long(head: Head) -> None:
    for name in ("skin", "left_eye", "upper_teeth", "tongue"):
        place = head.parts[name]
        edges = edges_of(head.all_triangles)
        edges = edges[(edges[:, 0] >= place.start) & (edges[:, 0] < place.stop)]
        assert np.linalg.norm(np.diff(head.positions[edges], axis=1)[:, 0], axis=1).max() < 0.04
    a, b, c = corners_of(head, head.positions)
    assert np.isfinite(a + b + c).all()


def test_normals_are_of_length_one_and_those_of_a_ball_on_the_eyeball(head: Head) -> None:
    normals = head.normals(head.positions)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    place = head.parts["left_eye"]
    away = head.positions[place] - head.eye_middles[0]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    assert ((normals[place] * away).sum(axis=1) > 0.9995).all()


def test_nobody_can_write_to_it(head: Head) -> None:
    for array in (head.positions, head.targets, head.tint, *head.triangles):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_it_is_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from koekao.head import make_head, head_glb; h = make_head(); "
        "print(hashlib.sha256(h.positions.tobytes() + h.targets.tobytes() + head_glb()).hexdigest())"
    )
    from koekao.head import head_glb

    made = make_head()
    here = hashlib.sha256(made.positions.tobytes() + made.targets.tobytes() + head_glb()).hexdigest()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == here
    assert make_head() is made


def test_making_it_loads_nothing_heavy() -> None:
    code = "import sys, koekao.head as h; h.make_head(); h.head_glb(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in run.stdout.split()} & {"numba", "llvmlite", "scipy", "torch", "PIL"}


VERTICES = {
    "skin": 3866, "left_eye": 290, "right_eye": 290, "left_brow": 85, "right_brow": 85, "left_ear": 221,
    "right_ear": 221, "upper_teeth": 488, "lower_teeth": 488, "tongue": 183, "hair": 1081, "shirt": 324,
}  # fmt: skip
FARTHEST_MM = {
    "browDownLeft": 11.7, "browInnerUp": 14.0, "browOuterUpLeft": 11.5, "cheekPuff": 17.2, "cheekSquintLeft": 15.1,
    "eyeBlinkLeft": 21.6, "eyeLookDownLeft": 10.9, "eyeLookInLeft": 13.1, "eyeLookOutLeft": 13.6, "eyeLookUpLeft": 10.9,
    "eyeSquintLeft": 9.0, "eyeWideLeft": 5.9, "jawForward": 11.0, "jawLeft": 11.5, "jawOpen": 42.6, "mouthClose": 24.6,
    "mouthDimpleLeft": 12.7, "mouthFrownLeft": 11.9, "mouthFunnel": 17.4, "mouthLeft": 13.4, "mouthLowerDownLeft": 10.0,
    "mouthPressLeft": 6.1, "mouthPucker": 16.5, "mouthRollLower": 9.0, "mouthRollUpper": 8.6, "mouthShrugLower": 12.8,
    "mouthShrugUpper": 9.2, "mouthSmileLeft": 17.1, "mouthStretchLeft": 15.0, "mouthUpperUpLeft": 9.5,
    "noseSneerLeft": 7.7, "tongueOut": 61.7,
}  # fmt: skip
SUM_M = (292.93, 431.07, 452.52)  # of the sizes of all x, y and z


def test_golden_shape(head: Head) -> None:
    """Frozen: whoever changes the head on purpose looks at the contact sheet and writes the new numbers here."""
    assert {name: place.stop - place.start for name, place in head.parts.items()} == VERTICES
    np.testing.assert_allclose(np.abs(head.positions.astype(np.float64)).sum(axis=0), SUM_M, atol=0.02)
    farthest = np.linalg.norm(head.targets.astype(np.float64), axis=2).max(axis=1) * 1000
    assert {name: round(float(farthest[INDEX[name]]), 1) for name in FARTHEST_MM} == pytest.approx(
        FARTHEST_MM, abs=0.11
    )

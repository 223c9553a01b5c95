"""Laws of the 52 targets: each does what its name says, on its side, smoothly, and they can be added up."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from faces import COMBINATIONS, SIDED, WHOLE, edges_of, facing, target, volume
from numpy.typing import NDArray

from contact_sheet import curves_of
from koekao.arkit import INDEX, MIRROR, N_CURVES, NAMES, REGIONS
from koekao.errors import CurvesError
from koekao.head import Head
from koekao.head.part import Part

FLIP = np.array([-1, 1, 1], np.float32)
ALONE = [{name: 1.0} for name in NAMES]
MM = 1e-3


def vertex_at(head: Head, x_mm: float, y_mm: float, part: str = "skin") -> int:
    """The foremost vertex of a part within 3 mm of a place seen from the front; the nearest if there is none."""
    place = head.parts[part]
    points = head.positions[place].astype(np.float64)
    away = np.hypot(points[:, 0] - x_mm * MM, points[:, 1] - y_mm * MM) + (points[:, 2] < 0)
    near = np.flatnonzero(away < max(3 * MM, away.min() * 1.01))
    return int(place.start + near[np.argmax(points[near, 2])])


@pytest.mark.parametrize("name", NAMES)
def test_a_right_target_is_the_left_one_in_the_mirror(head: Head, name: str) -> None:
    other = head.targets[MIRROR[INDEX[name]]]
    assert np.array_equal(other[head.mirror] * FLIP, head.targets[INDEX[name]])


@pytest.mark.parametrize("name", SIDED)
def test_a_left_target_moves_the_subjects_left(head: Head, name: str) -> None:
    size = np.linalg.norm(target(head, name), axis=1)
    left = size[head.positions[:, 0] > 0].sum()
    assert left > 0.9 * size.sum() > 0


@pytest.mark.parametrize("name", SIDED)
def test_both_sides_together_are_as_strong_on_the_middle_as_beside_it(head: Head, name: str) -> None:
    both = target(head, name) + target(head, name.removesuffix("Left") + "Right")
    edges = edges_of(head.all_triangles)
    across = np.abs(head.positions[edges, 0]).min(axis=1) < 4 * MM
    assert np.linalg.norm(np.diff(both[edges[across]], axis=1)[:, 0], axis=1).max() < 5.5 * MM


REACH_MM = {  # region -> the lowest and the highest place of the skin at rest that it may move
    "brow": (12.0, 76.0), "eye": (-45.0, 62.0), "cheek": (-115.0, 15.0), "nose": (-75.0, 60.0), "jaw": (-132.0, -30.0),
    "mouth": (-115.0, -5.0), "tongue": (-100.0, -30.0),
}  # fmt: skip


@pytest.mark.parametrize("region", REACH_MM)
def test_a_region_moves_its_own_part_of_the_face(head: Head, region: str) -> None:
    skin = head.parts["skin"]
    y = head.positions[skin, 1] / MM
    for name in REGIONS[region]:
        moved = np.linalg.norm(target(head, name)[skin], axis=1) > 1.5 * MM
        assert (y[moved] > REACH_MM[region][0]).all(), name
        assert (y[moved] < REACH_MM[region][1]).all(), name


MOVING_PARTS = {
    "jawOpen": {"lower_teeth", "tongue"}, "jawForward": {"lower_teeth", "tongue"}, "jawLeft": {"lower_teeth", "tongue"},
    "jawRight": {"lower_teeth", "tongue"}, "tongueOut": {"tongue"},
    **{f"browDown{side}": {f"{side.lower()}_brow"} for side in ("Left", "Right")},
    **{f"browOuterUp{side}": {f"{side.lower()}_brow"} for side in ("Left", "Right")},
    "browInnerUp": {"left_brow", "right_brow"},
    **{f"noseSneer{side}": {f"{side.lower()}_brow"} for side in ("Left", "Right")},
    **{f"eyeWide{side}": {f"{side.lower()}_brow"} for side in ("Left", "Right")},
    **{f"eyeLook{way}Left": {"left_eye"} for way in ("Up", "Down", "In", "Out")},
    **{f"eyeLook{way}Right": {"right_eye"} for way in ("Up", "Down", "In", "Out")},
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_target_moves_what_it_has_no_business_with(head: Head, name: str) -> None:
    size = np.linalg.norm(target(head, name), axis=1)
    moved = {part for part, place in head.parts.items() if size[place].max() > 1 * MM} - {"skin"}
    assert moved == MOVING_PARTS.get(name, set())
    assert size[head.parts["skin"]].max() > 1 * MM
    for part in ("shirt", "hair", "left_ear", "right_ear", "upper_teeth"):
        assert size[head.parts[part]].max() == 0


PLACES = {  # mm from the front, on the left side
    "corner": (25.0, -59.0), "upper lip": (0.0, -57.5), "lower lip": (0.0, -67.5), "chin": (0.0, -95.0),
    "cheek": (46.0, -53.0), "upper cheek": (44.0, -25.0), "inner brow": (20.0, 33.0), "outer brow": (53.0, 33.0),
    "upper lid": (40.0, 15.0), "lower lid": (40.0, -13.5), "wing": (13.0, -32.0), "dent": (37.5, -58.5),
    "upper lip beside": (8.0, -57.5), "lower lip beside": (8.0, -67.5),
}  # fmt: skip
LEAST = 2.0  # mm
DOES = [  # target, place, axis, sign: the place moves at least 2 mm that way
    ("browDownLeft", "inner brow", 1, -1), ("browInnerUp", "inner brow", 1, 1),
    ("browOuterUpLeft", "outer brow", 1, 1), ("cheekPuff", "cheek", 0, 1), ("cheekPuff", "cheek", 2, 1),
    ("cheekSquintLeft", "upper cheek", 1, 1), ("eyeBlinkLeft", "upper lid", 1, -1),
    ("eyeSquintLeft", "lower lid", 1, 1), ("eyeWideLeft", "upper lid", 1, 1),
    ("eyeLookUpLeft", "upper lid", 1, 1), ("eyeLookDownLeft", "upper lid", 1, -1),
    ("eyeSquintLeft", "upper lid", 1, -1), ("jawForward", "chin", 2, 1), ("jawLeft", "chin", 0, 1),
    ("jawRight", "chin", 0, -1), ("jawOpen", "chin", 1, -1), ("jawOpen", "lower lip", 1, -1),
    ("mouthClose", "lower lip", 1, 1), ("mouthClose", "upper lip", 1, -1), ("mouthDimpleLeft", "corner", 0, 1),
    ("mouthDimpleLeft", "dent", 2, -1), ("mouthFrownLeft", "corner", 1, -1), ("mouthFunnel", "corner", 0, -1),
    ("mouthFunnel", "lower lip", 2, 1), ("mouthFunnel", "upper lip", 1, 1), ("mouthFunnel", "lower lip", 1, -1),
    ("mouthLeft", "upper lip", 0, 1), ("mouthLeft", "lower lip", 0, 1), ("mouthRight", "upper lip", 0, -1),
    ("mouthLowerDownLeft", "lower lip beside", 1, -1), ("mouthPressLeft", "lower lip beside", 2, -1),
    ("mouthPucker", "corner", 0, -1), ("mouthPucker", "upper lip", 2, 1),
    ("mouthRollLower", "lower lip", 2, -1), ("mouthRollUpper", "upper lip", 2, -1),
    ("mouthShrugLower", "lower lip", 2, 1), ("mouthShrugLower", "lower lip", 1, 1),
    ("mouthShrugLower", "chin", 1, 1), ("mouthShrugUpper", "upper lip", 1, 1),
    ("mouthShrugUpper", "upper lip", 2, 1), ("mouthSmileLeft", "corner", 1, 1),
    ("mouthSmileLeft", "corner", 0, 1), ("mouthStretchLeft", "corner", 0, 1),
    ("mouthUpperUpLeft", "upper lip beside", 1, 1), ("noseSneerLeft", "wing", 1, 1),
    ("tongueOut", "lower lip", 1, -1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "place", "axis", "sign"), DOES)
def test_a_target_does_what_its_name_says(head: Head, name: str, place: str, axis: int, sign: int) -> None:
    moved = target(head, name)[vertex_at(head, *PLACES[place])] / MM
    assert moved[axis] * sign > LEAST, moved


@pytest.mark.parametrize(("name", "sign"), [("mouthLeft", 1), ("mouthRight", -1)])
def test_a_mouth_that_goes_aside_goes_round_the_teeth(head: Head, name: str, sign: int) -> None:
    corner = vertex_at(head, *PLACES["corner"])
    ahead, behind = (corner, head.mirror[corner]) if sign > 0 else (head.mirror[corner], corner)
    assert target(head, name)[ahead, 2] < -1.5 * MM
    assert target(head, name)[behind, 2] > 1.5 * MM


def test_every_target_is_told_by_some_place() -> None:
    told = {name for name, *_ in DOES}
    eyes = {f"eyeLook{way}Left" for way in ("In", "Out")}
    assert told | eyes >= set(SIDED) | set(WHOLE) | {"jawLeft", "mouthLeft"}


@pytest.mark.parametrize(
    ("name", "axis", "sign"),
    [("eyeLookUpLeft", 1, 1), ("eyeLookDownLeft", 1, -1), ("eyeLookInLeft", 0, -1), ("eyeLookOutLeft", 0, 1),
     ("eyeLookInRight", 0, 1), ("eyeLookOutRight", 0, -1)],
)  # fmt: skip
def test_the_pupil_goes_where_the_eye_looks(head: Head, name: str, axis: int, sign: int) -> None:
    place = head.parts["left_eye" if name.endswith("Left") else "right_eye"]
    pupil = place.start + int(np.argmax(head.positions[place, 2]))
    moved = target(head, name)[pupil] / MM
    assert moved[axis] * sign > 8
    assert abs(moved[1 - axis]) < 0.1


LOOKS = [{}, {"eyeLookUp": 1}, {"eyeLookDown": 1}, {"eyeLookOutLeft": 1, "eyeLookInRight": 1}]
LOOKS += [{**up, "eyeLookInLeft": 1, "eyeLookOutRight": 1} for up in ({}, {"eyeLookUp": 1}, {"eyeLookDown": 1})]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_turned_eyeball_stays_round(head: Head, look: dict[str, float], share: float) -> None:
    positions = head.posed(curves_of(look) * share)
    for part, middle in zip(("left_eye", "right_eye"), head.eye_middles, strict=True):
        rest = np.linalg.norm(head.positions[head.parts[part]] - middle, axis=1)
        size = np.linalg.norm(positions[head.parts[part]] - middle, axis=1)
        assert np.abs(size / rest - 1).max() < 0.075
        assert np.abs(size / rest - 1)[head.positions[head.parts[part], 2] > middle[2] + 0.8 * rest.max()].max() < 0.046


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 1.0])
def test_a_lid_that_closes_does_not_cut_into_the_eyeball(head: Head, skin_part: Part, share: float) -> None:
    edge = np.flatnonzero((skin_part.marks["lid"] > 0.8) & (head.positions[: skin_part.n, 0] > 0))
    rest = np.linalg.norm(head.positions[edge] - head.eye_middles[0], axis=1)
    radius = np.linalg.norm(head.positions[head.parts["left_eye"]] - head.eye_middles[0], axis=1).max()
    outside = edge[rest > 1.05 * radius]  # not the margin, which goes back to the eyeball
    assert len(outside) > 50
    positions = head.posed(curves_of({"eyeBlink": share}))
    assert np.linalg.norm(positions[outside] - head.eye_middles[0], axis=1).min() > 1.004 * radius


def test_lids_meet_all_along(head: Head, skin_part: Part) -> None:
    edge = (skin_part.marks["lid"] == 1) & (head.positions[: skin_part.n, 0] > 0)
    away = np.linalg.norm(head.positions[: skin_part.n] - head.eye_middles[0], axis=1)
    radius = np.linalg.norm(head.positions[head.parts["left_eye"]] - head.eye_middles[0], axis=1).max()
    edge &= away > 1.05 * radius
    shut, rest = (head.posed(curves_of({"eyeBlink": share})) for share in (1, 0))
    upper, lower = (np.flatnonzero(edge & (skin_part.marks["lid_up"] * sign > 0.05)) for sign in (1, -1))
    for one in upper:
        x = shut[one, 0]
        height = np.interp(x, *shut[lower[np.argsort(shut[lower, 0])]][:, :2].T)
        assert shut[one, 1] < height + 0.3 * MM
        assert rest[one, 1] > np.interp(x, *rest[lower[np.argsort(rest[lower, 0])]][:, :2].T)


def gap(head: Head, pairs: NDArray[np.int64], named: dict[str, float]) -> NDArray[np.float64]:
    """Distance of the lips at every pair of places that touch at rest, mm."""
    positions = head.posed(curves_of(named))
    return np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1) / MM


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_an_open_jaw_and_mouth_close_meet(head: Head, lip_pairs: NDArray[np.int64], share: float) -> None:
    assert gap(head, lip_pairs, {"jawOpen": share, "mouthClose": share}).max() < 0.05


def test_the_jaw_alone_parts_the_lips(head: Head, lip_pairs: NDArray[np.int64]) -> None:
    apart = gap(head, lip_pairs, {"jawOpen": 1})
    assert apart.max() > 25
    assert (apart > 0.5 * apart.max()).mean() > 0.4  # an ellipse, no slit
    x = head.positions[lip_pairs[:, 0], 0]
    assert abs(x[np.argmax(apart)]) < 3 * MM


@pytest.mark.parametrize("name", ["mouthSmile", "mouthFrown", "mouthPucker", "mouthPress", "cheekPuff", "mouthDimple"])
def test_closed_lips_stay_closed(head: Head, lip_pairs: NDArray[np.int64], name: str) -> None:
    assert gap(head, lip_pairs, {name: 1}).max() < 0.7


@pytest.mark.parametrize("name", ["mouthFunnel", "mouthUpperUp", "mouthLowerDown", "tongueOut"])
def test_lips_that_open_open(head: Head, lip_pairs: NDArray[np.int64], name: str) -> None:
    assert gap(head, lip_pairs, {name: 1}).max() > 7


@pytest.mark.parametrize("named", [*ALONE, *COMBINATIONS], ids=lambda named: "+".join(named))
def test_nothing_tears(head: Head, named: dict[str, float]) -> None:
    """Edges of the soft skin are stretched within bounds, and neighbours stay neighbours."""
    edges = edges_of(head.all_triangles)
    rest = np.linalg.norm(np.diff(head.positions[edges], axis=1)[:, 0], axis=1)
    positions = head.posed(curves_of(named))
    length = np.linalg.norm(np.diff(positions[edges], axis=1)[:, 0], axis=1)
    assert (length - rest).max() < (17 if "mouthClose" in named else 13) * MM
    assert (length / np.maximum(rest, 1 * MM)).max() < (12 if "mouthClose" in named else 7)


@pytest.mark.parametrize("named", [*ALONE, *COMBINATIONS], ids=lambda named: "+".join(named))
def test_no_triangle_turns_inside_out(head: Head, named: dict[str, float]) -> None:
    """Where a fold is sharp, as at the corners of the mouth, a few may; a patch may not."""
    positions = head.posed(curves_of(named))
    normal, area = facing(head, positions)
    assert area.min() > 0.005e-6
    smooth = head.normals(positions)
    against = (normal[:, None] * smooth[head.all_triangles]).sum(axis=-1).mean(axis=1) < 0
    assert against.sum() <= (20 if len(named) == 1 else 36)
    assert area[against].sum() < (8e-6 if len(named) == 1 else 60e-6)


@pytest.mark.parametrize("name", NAMES)
def test_volume_is_kept_but_for_a_puff(head: Head, name: str) -> None:
    change = volume(head, head.posed(curves_of({name: 1})), "skin") / volume(head, head.positions, "skin") - 1
    if name == "cheekPuff":
        assert 0.01 < change < 0.06
    else:
        assert abs(change) < 0.02


def test_curves_add_up(head: Head) -> None:
    rng = np.random.default_rng(4)
    for curves in rng.uniform(0, 1, (5, N_CURVES)) * (rng.random((5, N_CURVES)) < 0.4):
        posed = head.posed(curves.astype(np.float32))
        by_hand = head.positions.astype(np.float64) + np.einsum("k,kvc->vc", curves, head.targets.astype(np.float64))
        np.testing.assert_allclose(posed, by_hand, atol=1e-6)
        assert posed.dtype == np.float32
    assert np.array_equal(head.posed(np.zeros(N_CURVES)), head.positions)


@pytest.mark.parametrize("curves", [np.zeros(51), np.zeros((1, 52)), np.full(52, np.nan), 0.0])
def test_curves_that_are_none_are_refused(head: Head, curves: NDArray[np.float64]) -> None:
    with pytest.raises(CurvesError, match=r"curves of shape|not finite"):
        head.posed(curves)


POSE = {"HeadYaw": 0, "HeadPitch": 1, "HeadRoll": 2, "LeftEyeYaw": 3, "LeftEyePitch": 4, "RightEyeYaw": 6}


def pose_of(name: str, radians: float) -> NDArray[np.float64]:
    pose = np.zeros(9)
    pose[POSE[name]] = radians
    return pose


@pytest.mark.parametrize(
    ("name", "part", "axis", "sign"),
    [("HeadYaw", "skin", 0, 1), ("HeadPitch", "skin", 1, -1), ("LeftEyeYaw", "left_eye", 0, 1),
     ("LeftEyePitch", "left_eye", 1, -1), ("RightEyeYaw", "right_eye", 0, 1)],
)  # fmt: skip
def test_what_looks_ahead_is_turned(head: Head, name: str, part: str, axis: int, sign: int) -> None:
    place = head.parts[part]
    front = place.start + int(np.argmax(head.positions[place, 2]))
    moved = head.posed(np.zeros(52), pose_of(name, 0.3))[front] - head.positions[front]
    assert moved[axis] * sign > 5 * MM
    other = head.parts["right_eye" if part == "left_eye" else "left_eye"]
    if part != "skin":
        np.testing.assert_allclose(
            head.posed(np.zeros(52), pose_of(name, 0.3))[other], head.positions[other], atol=1e-7
        )


def test_roll_lifts_the_left_ear(head: Head) -> None:
    positions = head.posed(np.zeros(52), pose_of("HeadRoll", 0.3))
    left, right = (positions[head.parts[f"{side}_ear"], 1].mean() for side in ("left", "right"))
    assert left > right + 30 * MM


def test_a_turned_head_is_the_same_head_on_the_same_shoulders(head: Head) -> None:
    rng = np.random.default_rng(5)
    curves, pose = rng.random(52).astype(np.float32), np.concatenate([rng.uniform(-0.5, 0.5, 3), np.zeros(6)])
    still, turned = head.posed(curves), head.posed(curves, pose)
    assert np.array_equal(still[head.parts["shirt"]], turned[head.parts["shirt"]])
    inside = np.ones(len(still), bool)
    inside[head.parts["shirt"]] = False
    some = rng.choice(np.flatnonzero(inside), 200, replace=False)
    for a, b in product(some[:14], some[14:]):
        assert abs(np.linalg.norm(still[a] - still[b]) - np.linalg.norm(turned[a] - turned[b])) < 1e-5


@pytest.mark.parametrize("pose", [np.zeros(3), np.full(9, np.inf)])
def test_a_pose_that_is_none_is_refused(head: Head, pose: NDArray[np.float64]) -> None:
    with pytest.raises(CurvesError, match=r"pose of shape|pose with a value"):
        head.posed(np.zeros(52), pose)

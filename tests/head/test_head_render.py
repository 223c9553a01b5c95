"""Laws of the pictures: the nearest triangle is seen from where the camera is; lids and lips hide what is behind."""

from __future__ import annotations

import math
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import label

from contact_sheet import curves_of
from koekao.errors import ConfigError, CurvesError
from koekao.head import Head
from koekao.head.render import Camera, render, visible

REST = np.zeros(52, np.float32)
CLOSE = {
    "front": Camera(field_deg=12), "left": Camera(field_deg=12, yaw_deg=35), "right": Camera(field_deg=12, yaw_deg=-35),
    "above": Camera(field_deg=12, pitch_deg=20), "below": Camera(field_deg=12, pitch_deg=-20),
}  # fmt: skip


def seen(head: Head, named: dict[str, float], camera: Camera, *names: str, size: int = 240) -> NDArray[np.bool_]:
    """Where samples of these materials are seen, ``[2 * size, 2 * size]``."""
    faces = visible(head, head.posed(curves_of(named)), width=size, height=size, camera=camera).faces
    wanted = np.isin(head.face_materials, [head.material_names.index(name) for name in names])
    return (faces >= 0) & wanted[faces]


EYE = ("eye_white", "iris", "pupil")
MOUTH = ("mouth_inside", "teeth", "tongue")


@pytest.mark.parametrize("camera", CLOSE)
def test_two_eyes_are_seen_at_rest_and_nothing_of_the_mouth(head: Head, camera: str) -> None:
    eyes = seen(head, {}, CLOSE[camera], *EYE)
    regions, n = label(eyes)
    assert n == 2
    assert np.bincount(regions.ravel())[1:].min() > 500
    assert not seen(head, {}, CLOSE[camera], *MOUTH).any()


LOOKS = [
    {},
    {"eyeLookUp": 1},
    {"eyeLookDown": 1},
    {"eyeLookOut": 1},
    {"eyeLookIn": 1},
    {"mouthSmile": 1, "cheekSquint": 1},
]


@pytest.mark.parametrize("camera", CLOSE)
@pytest.mark.parametrize("look", LOOKS)
def test_closed_lids_hide_the_eyes(head: Head, camera: str, look: dict[str, float]) -> None:
    assert not seen(head, {"eyeBlink": 1, **look}, CLOSE[camera], *EYE, size=480).any()


@pytest.mark.parametrize("camera", ["front", "left", "above", "below"])
def test_the_eyes_are_seen_less_and_less_and_through_the_lids_nowhere(head: Head, camera: str) -> None:
    areas = []
    for share in np.linspace(0, 1, 9):
        eyes = seen(head, {"eyeBlink": float(share)}, CLOSE[camera], *EYE)
        regions, n = label(eyes, np.ones((3, 3)))
        sizes = np.bincount(regions.ravel())[1:]
        assert n <= 2 or np.sort(sizes)[-3] < 12
        areas.append(int(eyes.sum()))
    assert areas[-1] == 0
    assert all(later < earlier or later == 0 for earlier, later in pairwise(areas))


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "eyeBlinkRight"])
def test_the_subjects_left_eye_is_on_the_right_of_a_picture(head: Head, name: str) -> None:
    eyes = seen(head, {name: 1}, CLOSE["front"], *EYE)
    columns = np.flatnonzero(eyes.any(axis=0))
    half = eyes.shape[1] // 2
    assert (columns < half).all() if name == "eyeBlinkLeft" else (columns >= half).all()


def test_an_open_mouth_shows_its_inside_and_lips_that_meet_hide_it(head: Head) -> None:
    front = CLOSE["front"]
    for material in MOUTH:
        assert seen(head, {"jawOpen": 1}, front, material).sum() > 100
    for share in (0.3, 0.6, 1):
        assert not seen(head, {"jawOpen": share, "mouthClose": share}, front, *MOUTH).any()
    assert seen(head, {"tongueOut": 1}, front, "tongue").sum() > 1000
    assert seen(head, {"tongueOut": 1}, Camera(field_deg=12, yaw_deg=80), "tongue").sum() > 300
    assert seen(head, {"mouthUpperUp": 1}, front, "teeth").sum() > 300


@pytest.mark.parametrize(
    "named",
    [
        {"mouthSmile": 1},
        {"mouthFrown": 1},
        {"mouthPucker": 1},
        {"mouthPress": 1},
        {"mouthRollLower": 1},
        {"cheekPuff": 1},
    ],
)
def test_closed_lips_hide_the_mouth(head: Head, named: dict[str, float]) -> None:
    assert seen(head, named, CLOSE["front"], *MOUTH).sum() < 25


def test_the_nearest_triangle_is_seen(head: Head) -> None:
    """Against every triangle at every sample, by other arithmetic."""
    size, camera = 20, Camera(yaw_deg=30, pitch_deg=10)
    positions = head.posed(curves_of({"jawOpen": 1}))
    drawn = visible(head, positions, width=size, height=size, camera=camera)
    turn, place = camera.frame()
    at = (positions.astype(np.float64) - place) @ turn.T
    focal = size / math.tan(math.radians(camera.field_deg) / 2)
    x, y = size + focal * at[:, 0] / -at[:, 2], size - focal * at[:, 1] / -at[:, 2]
    a, b, c = head.all_triangles.T
    best, nearest = np.full((2 * size, 2 * size), -1), np.zeros((2 * size, 2 * size))
    for row in range(2 * size):
        for column in range(2 * size):
            px, py = column + 0.5, row + 0.5
            inside = [(x[j] - x[i]) * (py - y[i]) - (y[j] - y[i]) * (px - x[i]) for i, j in ((a, b), (b, c), (c, a))]
            hit = np.flatnonzero((inside[0] <= 0) & (inside[1] <= 0) & (inside[2] <= 0) & (sum(inside) < 0))
            if len(hit):
                weights = np.stack([inside[1][hit], inside[2][hit], inside[0][hit]]) / sum(inside)[hit]
                near = sum(w / -at[corner[hit], 2] for w, corner in zip(weights, (a, b, c), strict=True))
                best[row, column], nearest[row, column] = hit[np.argmax(near)], near.max()
    np.testing.assert_allclose(drawn.depths, nearest, atol=2e-4)
    assert (drawn.faces == best).mean() > 0.99


def test_the_camera_goes_round_the_head(head: Head) -> None:
    def middle(part: str, camera: Camera) -> tuple[float, float]:
        drawn = visible(head, head.positions, width=200, height=200, camera=camera)
        place = head.parts[part]
        own = (head.all_triangles[:, 0] >= place.start) & (head.all_triangles[:, 0] < place.stop)
        rows, columns = np.nonzero((drawn.faces >= 0) & own[drawn.faces])
        return (float(columns.mean()), float(rows.mean())) if len(rows) > 20 else (math.nan, math.nan)

    front, left, above = Camera(), Camera(yaw_deg=90), Camera(pitch_deg=30)
    assert middle("left_ear", front)[0] > 200 > middle("right_ear", front)[0]
    assert middle("left_eye", front)[1] < middle("shirt", front)[1]
    assert not math.isnan(middle("left_ear", left)[0])
    assert math.isnan(middle("right_ear", left)[0])
    assert middle("left_eye", left)[0] < middle("left_ear", left)[0]
    assert middle("hair", above)[1] > middle("hair", front)[1]
    assert middle("left_eye", Camera(field_deg=9))[0] - 200 == pytest.approx(
        2 * (middle("left_eye", front)[0] - 200), rel=0.03
    )
    assert middle("left_eye", Camera(target_m=(0.02, 0, 0)))[0] < middle("left_eye", Camera(target_m=(0, 0, 0)))[0] - 10


def test_a_picture_is_the_same_every_time_and_has_the_size_asked_for(head: Head) -> None:
    picture = render(head, REST, width=160, height=90)
    assert picture.shape == (90, 160, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, render(head, REST, None, width=160, height=90, camera=Camera()))


def test_what_nothing_covers_is_background(head: Head) -> None:
    picture = render(head, REST, width=128, height=128, background=(0.2, 0.4, 0.6))
    np.testing.assert_allclose(picture[0, 0].astype(int), [51, 102, 153], atol=1)
    assert (picture[0] == picture[0, 0]).all()
    assert render(head, REST, width=32, height=32, background=(0, 0, 0))[0, 0].max() <= 1


def test_colours_are_those_of_the_parts(head: Head) -> None:
    camera, size = CLOSE["front"], 240
    picture = render(head, REST, width=size, height=size, camera=camera).astype(float)

    def mean(name: str) -> NDArray[np.float64]:
        return picture[seen(head, {}, camera, name, size=size)[::2, ::2]].mean(axis=0)

    red, green, blue = mean("skin")
    assert red > 1.15 * green
    assert green > 1.05 * blue > 90
    assert mean("hair").max() < 0.6 * mean("skin").mean()
    assert mean("eye_white").min() > 170
    assert mean("iris")[2] > mean("iris")[0]
    assert mean("pupil").mean() < 60
    assert mean("lips")[1] < mean("skin")[1] - 20
    assert mean("shirt")[2] > mean("shirt")[0]


def test_light_falls_from_the_left_of_the_camera_and_crevices_are_dark(head: Head) -> None:
    size, camera = 240, CLOSE["front"]
    picture = render(head, REST, width=size, height=size, camera=camera).astype(float).mean(axis=2)
    skin = seen(head, {}, camera, "skin", size=size)[::2, ::2]
    assert picture[:, :120][skin[:, :120]].mean() > picture[:, 120:][skin[:, 120:]].mean() + 2
    picture = render(head, REST, width=size, height=size).astype(float).mean(axis=2)
    rows = np.flatnonzero(seen(head, {}, Camera(), "skin", size=size)[::2, size])
    assert picture[rows[-1], size // 2] < 0.8 * picture[rows[-10], size // 2]  # where the neck goes into the collar


def test_a_head_that_turns_is_lit_like_one_that_the_camera_goes_round(head: Head) -> None:
    """The lamps stand with the camera, and the turned head has turned normals."""
    size, axis = 160, (0.0, -0.015, -0.02)
    turned = render(head, REST, [0.6, *[0] * 8], width=size, height=size, camera=Camera(target_m=axis))
    round_it = render(head, REST, width=size, height=size, camera=Camera(target_m=axis, yaw_deg=-math.degrees(0.6)))
    face = slice(0, 110)  # above the shoulders, which do not turn
    assert np.abs(turned[face].astype(int) - round_it[face]).mean() < 0.5


def test_puffed_cheeks_are_lit_as_they_are_bent(head: Head) -> None:
    bent, flat = (
        render(one, curves_of({"cheekPuff": 1}), width=160, height=160, camera=CLOSE["left"]).astype(int)
        for one in (head, _with_normals_at_rest(head))
    )
    assert np.abs(bent - flat).max() > 12


def _with_normals_at_rest(head: Head) -> Head:
    class AtRest(Head):
        def normals(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
            return super().normals(self.positions)

    return AtRest(**{each.name: getattr(head, each.name) for each in fields(head)})


def test_edges_are_smooth(head: Head) -> None:
    """A pixel that the outline crosses has a colour between both sides."""
    picture = render(head, REST, width=200, height=200, background=(1, 1, 1)).astype(int)
    covered = visible(head, head.positions, width=200, height=200, camera=Camera()).faces >= 0
    share = covered.reshape(200, 2, 200, 2).mean(axis=(1, 3))
    crossed = (share > 0) & (share < 1)
    assert crossed.sum() > 100
    assert picture[crossed].mean() > picture[share == 1].mean() + 20
    assert picture[crossed].mean() < 245


@pytest.mark.parametrize("size", [(0, 10), (10, 0)])
def test_pictures_without_pixels_are_refused(head: Head, size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="at least one pixel"):
        render(head, REST, width=size[0], height=size[1])


@pytest.mark.parametrize("bad", [{"field_deg": 0}, {"field_deg": 180}, {"distance_m": 0}, {"yaw_deg": math.nan}])
def test_cameras_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="no picture from"):
        Camera(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("background", [(0, 0), (0, 0, 2)])
def test_backgrounds_that_are_no_colour_are_refused(head: Head, background: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="background"):
        render(head, REST, width=8, height=8, background=background)


def test_curves_that_are_none_are_refused(head: Head) -> None:
    with pytest.raises(CurvesError):
        render(head, np.zeros(3), width=8, height=8)


def test_a_camera_inside_the_head_draws_what_is_before_it(head: Head) -> None:
    picture = render(head, REST, width=40, height=40, camera=Camera(distance_m=0.01))
    assert picture.shape == (40, 40, 3)
    beyond = visible(head, head.positions, width=40, height=40, camera=Camera(distance_m=0.01))
    assert np.isfinite(beyond.depths).all()

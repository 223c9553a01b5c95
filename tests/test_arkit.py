"""Laws: curves go by name, never by place; each order that exists in the wild is the one written down here by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.arkit import (
    HEAD_AND_EYES,
    INDEX,
    LIVELINK_CSV_CURVES,
    MIRROR,
    N_CURVES,
    NAMES,
    ORDERS,
    REGIONS,
    canonical,
    from_canonical,
    order_named,
    pascal,
    positions,
    underscored,
)
from koekao.errors import CurvesError

WRITTEN_DOWN = Path(__file__).parents[2] / "shared" / "blendshape_orders.json"
OURS = {
    "arkit_52_apple_header_alphabetical": "apple",
    "unity_arkit_enum": "unity",
    "vrm_perfect_sync_names": "vrm",
    "mediapipe_face_landmarker": "mediapipe",
    "beat_v1_json_names": "beat",
    "livelinkface_csv_columns": "livelink_csv",
    "livelinkface_udp_v6": "livelink_udp",
    "unreal_EARFaceBlendShape": "unreal",
    "audio2face3d_microservice": "audio2face",
    "ifacialmocap_udp_names": "ifacialmocap",
    "lam_audio2expression": "lam",
}


@pytest.fixture(scope="module")
def written_down() -> dict[str, Any]:
    if not WRITTEN_DOWN.is_file():
        pytest.skip(f"no {WRITTEN_DOWN.name} beside this checkout")
    return json.loads(WRITTEN_DOWN.read_text("utf-8"))


def test_the_canonical_order_is_frozen() -> None:
    assert N_CURVES == len(NAMES) == len(set(NAMES)) == 52
    assert list(NAMES) == sorted(NAMES)
    by_hand = {0: "browDownLeft", 8: "eyeBlinkLeft", 9: "eyeBlinkRight", 23: "jawLeft", 24: "jawOpen", 25: "jawRight"}
    by_hand |= {26: "mouthClose", 31: "mouthFunnel", 37: "mouthPucker", 44: "mouthSmileRight", 51: "tongueOut"}
    assert {place: NAMES[place] for place in by_hand} == by_hand
    assert {name: INDEX[name] for name in by_hand.values()} == {name: place for place, name in by_hand.items()}


@pytest.mark.parametrize(
    ("order", "length", "by_hand"),
    [
        ("lam", 52, {24: "jawOpen", 51: "tongueOut"}),
        ("unity", 52, {24: "JawOpen", 50: "NoseSneerRight"}),
        ("mediapipe", 52, {0: "_neutral", 1: "browDownLeft", 25: "jawOpen", 51: "noseSneerRight"}),
        ("beat", 51, {24: "jawOpen", 50: "noseSneerRight"}),
        ("livelink_csv", 63, {0: "Timecode", 2: "EyeBlinkLeft", 17: "JawRight", 18: "JawLeft", 19: "JawOpen"}),
        ("livelink_csv", 63, {23: "MouthRight", 24: "MouthLeft", 53: "TongueOut", 54: "HeadYaw", 62: "RightEyeRoll"}),
        ("livelink_udp", 61, {0: "EyeBlinkLeft", 15: "JawLeft", 16: "JawRight", 17: "JawOpen", 21: "MouthLeft"}),
        ("unreal", 61, {22: "MouthRight", 51: "TongueOut", 52: "HeadYaw", 60: "RightEyeRoll"}),
        ("audio2face", 68, {17: "JawOpen", 51: "TongueOut", 52: "TongueTipUp", 67: "TongueNarrow"}),
        ("ifacialmocap", 52, {0: "mouthSmile_R", 12: "jawRight", 38: "jawOpen", 51: "mouthLeft"}),
    ],
)
def test_orders_by_hand(order: str, length: int, by_hand: dict[int, str]) -> None:
    names = order_named(order)
    assert len(names) == length
    assert {place: names[place] for place in by_hand} == by_hand


def test_orders_are_those_that_were_written_down(written_down: dict[str, Any]) -> None:
    assert set(OURS) == {key for key in written_down if not key.startswith("_")}
    assert set(OURS.values()) == set(ORDERS)
    for theirs, ours in OURS.items():
        assert list(ORDERS[ours]) == written_down[theirs]["names"], ours


def test_spellings_and_mirror_are_those_that_were_written_down(written_down: dict[str, Any]) -> None:
    maps = written_down["_maps"]
    assert {name: pascal(name) for name in NAMES} == maps["camel_to_pascal"]
    assert {name: underscored(name) for name in NAMES} == maps["camel_to_underscore"]
    assert {name: NAMES[MIRROR[i]] for i, name in enumerate(NAMES)} == maps["left_right_mirror"]
    for place, in_csv, in_udp in maps["csv_vs_udp_position_differences"]:
        assert (LIVELINK_CSV_CURVES[place], ORDERS["livelink_udp"][place]) == (in_csv, in_udp)


def test_the_phone_swaps_the_sides_of_jaw_and_mouth_against_its_packets() -> None:
    udp = ORDERS["livelink_udp"][:52]
    differ = {i: (csv, udp[i]) for i, csv in enumerate(LIVELINK_CSV_CURVES) if csv != udp[i]}
    assert differ == {
        15: ("JawRight", "JawLeft"),
        16: ("JawLeft", "JawRight"),
        21: ("MouthRight", "MouthLeft"),
        22: ("MouthLeft", "MouthRight"),
    }


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_names_curves_only_once_and_none_is_lost(order: str) -> None:
    found = positions(ORDERS[order])
    lacking = {"mediapipe": {"tongueOut"}, "beat": {"tongueOut"}}.get(order, set())
    assert set(NAMES) - set(found) == lacking
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_leads_to_the_name(name: str) -> None:
    assert {canonical(spelling) for spelling in (name, pascal(name), underscored(name))} == {name}


@pytest.mark.parametrize("name", ["_neutral", "jawopen", "Timecode", "HeadYaw", "", "TongueUp", "mouth_L", "jaw_L"])
def test_what_is_no_curve_has_no_name(name: str) -> None:
    assert canonical(name) is None


def test_regions_part_the_curves() -> None:
    assert {region: len(names) for region, names in REGIONS.items()} == {
        "jaw": 4,
        "mouth": 23,
        "cheek": 3,
        "nose": 2,
        "brow": 5,
        "eye": 14,
        "tongue": 1,
    }
    assert sorted(name for names in REGIONS.values() for name in names) == list(NAMES)


def test_the_mirror_swaps_sides_and_is_its_own_inverse() -> None:
    assert (MIRROR[MIRROR] == np.arange(52)).all()
    assert MIRROR[INDEX["jawLeft"]] == INDEX["jawRight"]
    assert MIRROR[INDEX["mouthSmileRight"]] == INDEX["mouthSmileLeft"]
    assert {NAMES[i] for i in range(52) if MIRROR[i] == i} == {
        name for name in NAMES if not name.endswith(("Left", "Right"))
    }


def test_the_nine_rotations() -> None:
    assert HEAD_AND_EYES == ORDERS["livelink_csv"][-9:] == ORDERS["livelink_udp"][-9:]


@pytest.mark.parametrize("order", sorted(set(ORDERS) - {"mediapipe", "beat"}))
def test_there_and_back_again(order: str) -> None:
    curves = np.random.default_rng(0).random((2, 3, 52), np.float32)
    laid_out = from_canonical(curves, ORDERS[order])
    assert laid_out.shape == (2, 3, len(ORDERS[order]))
    assert (laid_out[..., positions(ORDERS[order])["jawOpen"]] == curves[..., 24]).all()
    assert laid_out.dtype == np.float32
    found = positions(ORDERS[order])
    assert (laid_out[..., [found[name] for name in NAMES]] == curves).all()


def test_what_is_no_curve_becomes_zero() -> None:
    laid_out = from_canonical(np.ones((1, 52), np.float32), ("Timecode", "JawOpen", "HeadYaw"))
    assert laid_out.tolist() == [[0.0, 1.0, 0.0]]


def test_a_curve_named_twice_is_refused() -> None:
    with pytest.raises(CurvesError, match="'jawOpen' and 'JawOpen' both name jawOpen"):
        positions([*NAMES, "JawOpen"])


def test_an_unknown_order_is_answered_with_the_known() -> None:
    with pytest.raises(CurvesError, match=r"unknown curve order 'maya'; expected one of apple, lam, .*ifacialmocap"):
        order_named("maya")

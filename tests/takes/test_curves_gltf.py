"""The law: morph weights are read by target name and to the bit."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf_made import TIMES, VALUES, made, parse, refused

from koekao import arkit
from koekao.takes.formats.registry import read_curves
from take_files import GltfBytes


def test_both_containers_are_read_to_the_bit(tmp_path: Path) -> None:
    for name, data in (("a.gltf", made().gltf()), ("a.glb", made().glb())):
        (tmp_path / name).write_bytes(data)
        track = read_curves(tmp_path / name)
        assert track.values.tobytes() == VALUES.tobytes()
        assert track.time_s.tolist() == TIMES
        assert (track.format, track.notes, track.stated_fps) == ("gltf", (), None)


@pytest.mark.parametrize("spell", [str, arkit.pascal, arkit.underscored])
def test_targets_are_found_by_name_in_any_order_and_spelling(spell: Any) -> None:
    places = np.random.default_rng(0).permutation(52)
    names = ["basis", *(spell(arkit.NAMES[place]) for place in places)]
    track = parse(made(np.concatenate([VALUES[:, :1], VALUES[:, places]], 1), names).glb())
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.notes == ("ignored 1 morph targets that are no ARKit curve: basis",)


def test_names_may_stand_in_the_extras_of_the_primitives() -> None:
    one = made()
    mesh = one.document["meshes"][0]
    mesh["primitives"][0]["extras"] = mesh.pop("extras")
    mesh["extras"] = "a text, which is allowed"
    mesh["primitives"].append(copy.deepcopy(mesh["primitives"][0]))
    assert parse(one.glb()).values.tobytes() == VALUES.tobytes()
    mesh["primitives"][1]["extras"]["targetNames"][0] = "x"
    assert "differ" in refused(one).what


def test_targets_without_names_need_a_stated_order() -> None:
    one = made(names=None)
    fault = refused(one)
    assert fault.where == "a.gltf:meshes[0]"
    assert "a list of 52 values without names, and no order is stated" in fault.what
    assert parse(one.glb(), order="apple").values.tobytes() == VALUES.tobytes()
    assert "order 'unreal' has 61" in refused(one, order="unreal").what
    assert parse(made().glb(), order="ifacialmocap").values.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("name", arkit.NAMES)
def test_each_missing_target_is_named(name: str) -> None:
    names = ["x" if known == name else known for known in arkit.NAMES]
    fault = refused(made(names=names))
    assert fault.where == "a.gltf:animations[0].channels[0]"
    assert fault.what == f"1 of the 52 curves are missing: {name}"


def test_doubled_targets_are_refused() -> None:
    fault = refused(made(np.concatenate([VALUES, VALUES[:, :1]], 1), [*arkit.NAMES, "BrowDownLeft"]))
    assert "both name browDownLeft" in fault.what


@pytest.mark.parametrize(
    ("kind", "scale", "normalized"),
    [("<i1", 127, True), ("|u1", 255, True), ("<i2", 32767, True), ("<u2", 65535, True), ("<u4", 1, False)],
)
def test_whole_numbers_are_normalised_as_the_specification_says(kind: str, scale: int, normalized: bool) -> None:
    whole = (np.arange(6 * 52) % (scale + 1)).astype(kind)
    one = made()
    one.sampler["output"] = one.accessor(whole, normalized=normalized)
    wanted = (whole.astype(np.float64) / scale).astype(np.float32).reshape(6, 52)
    assert np.array_equal(parse(one.glb()).values, wanted)
    plain = made()
    plain.sampler["output"] = plain.accessor(whole)
    assert np.array_equal(parse(plain.glb()).values, whole.reshape(6, 52).astype(np.float32))


def test_the_least_signed_number_is_minus_1() -> None:
    one = made()
    one.sampler["output"] = one.accessor(np.full(6 * 52, -128, "<i1"), normalized=True)
    assert (parse(one.glb()).values == -1).all()


def test_numbers_that_lie_apart() -> None:
    one = made()
    spread = np.full((6 * 52, 3), np.nan, "<f4")
    spread[:, 1] = VALUES.ravel()
    one.sampler["output"] = one.accessor(VALUES.ravel(), spread.tobytes(), 12, byteOffset=4)
    assert parse(one.gltf()).values.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("kind", ["|u1", "<u2", "<u4"])
def test_sparse_numbers(kind: str) -> None:
    for base in (True, False):
        one = made()
        places = np.array([0, 53, 200], kind)
        new = np.array([5.0, 6.0, 7.0], "<f4")
        wanted = VALUES.ravel().copy() if base else np.zeros(6 * 52, np.float32)
        wanted[places] = new
        accessor = one.document["accessors"][one.sampler["output"]]
        if not base:
            del accessor["bufferView"]
        component = {"|u1": 5121, "<u2": 5123, "<u4": 5125}[kind]
        indices = {"bufferView": one.view(places.tobytes()), "componentType": component}
        accessor["sparse"] = {"count": 3, "indices": indices, "values": {"bufferView": one.view(new.tobytes())}}
        assert np.array_equal(parse(one.glb()).values.ravel(), wanted)
        accessor["sparse"]["indices"]["bufferView"] = one.view(np.array([0, 200, 100], kind).tobytes())
        assert "increasing" in refused(one).expected


def test_cubic_splines_are_read_at_their_keys() -> None:
    tangents = np.full_like(VALUES, 9)
    one = made()
    one.sampler["output"] = one.accessor(np.stack([tangents, VALUES, tangents], 1).ravel())
    one.sampler["interpolation"] = "CUBICSPLINE"
    track = parse(one.glb())
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.notes == ("CUBICSPLINE: read at its keys, between them in straight lines",)


def test_steps_are_read_and_said() -> None:
    one = made()
    one.sampler["interpolation"] = "STEP"
    assert parse(one.glb()).notes == ("STEP: read at its keys, between them in straight lines",)
    one.sampler["interpolation"] = "SPHERE"
    assert refused(one).what == 'interpolation "SPHERE"'


def test_several_meshes_must_move_alike() -> None:
    one = made()
    one.document["meshes"].append({**one.document["meshes"][0], "name": "teeth"})
    one.document["nodes"].append({"mesh": 1})
    animation = one.document["animations"][0]
    animation["samplers"].append(dict(animation["samplers"][0]))
    animation["channels"].append({"sampler": 1, "target": {"node": 1, "path": "weights"}})
    animation["channels"].append({"sampler": 1, "target": {"node": 1, "path": "translation"}})
    track = parse(one.glb())
    assert track.values.tobytes() == VALUES.tobytes()
    assert track.notes == ("2 meshes move by the same curves",)
    animation["samplers"][1]["output"] = one.accessor(VALUES[::-1].ravel())
    fault = refused(one)
    assert (fault.where, fault.what) == ("a.gltf:animations[0].channels[1]", "two meshes that move differently")
    animation["samplers"][1] = {
        "input": one.accessor(np.array(TIMES, "<f4") * 2),
        "output": animation["samplers"][0]["output"],
    }
    assert refused(one).what == "two meshes that move differently"
    one.document["meshes"][1] = {"primitives": [{"targets": [{}, {}]}], "extras": {"targetNames": ["tail", "ear"]}}
    assert parse(one.glb()).values.tobytes() == VALUES.tobytes()  # what moves other targets is no face


def test_a_channel_that_stands_there_a_thousand_times_is_read_once() -> None:
    one = made()
    one.document["animations"][0]["channels"] *= 1000
    track = parse(one.glb())
    assert (track.values.tobytes(), track.notes) == (VALUES.tobytes(), ())


def test_no_animation_of_weights() -> None:
    for spoil in (
        lambda d: d.pop("animations"),
        lambda d: d["animations"][0]["channels"].clear(),
        lambda d: d["animations"][0]["channels"][0]["target"].update(path="rotation"),
    ):
        one = made()
        spoil(one.document)
        assert refused(one).what == "no animation of ARKit curves"
    fault = refused(made(VALUES[:, :2], ["tail", "ear"]))
    assert fault.what.endswith("these move other targets: a.gltf:animations[0].channels[0]")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value: float) -> None:
    values = VALUES.copy()
    values[4, arkit.INDEX["jawOpen"]] = value
    fault = refused(made(values))
    assert (fault.where, fault.what) == ("a.gltf:frame 4:jawOpen", str(value))


@pytest.mark.parametrize(("at", "time"), [(3, TIMES[2]), (3, -1.0), (0, np.nan), (5, np.inf), (0, 2e6)])
def test_times_that_are_not_finite_or_do_not_increase(at: int, time: float) -> None:
    times = list(TIMES)
    times[at] = time
    assert refused(GltfBytes(VALUES, times)).where == f"a.gltf:frame {at}"

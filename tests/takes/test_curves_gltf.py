"""The law: morph weights are read by target name and to the bit, and a file that lies about its bytes is told so."""

from __future__ import annotations

import copy
import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.gltf import MOST_CHANNELS, read_gltf
from koekao.takes.formats.registry import read_curves
from koekao.takes.take import Source
from take_files import GltfBytes, curves, survives_pickling

VALUES = curves(6)
TIMES = [k / 32 for k in range(6)]


def parse(data: bytes, path: str = "a.gltf", **options: Any) -> CurveTrack:
    return read_gltf(CurveFile(data=data, source=Source(path=path, size=len(data), sha256="")), **options)


def refused(made: GltfBytes | bytes, **options: Any) -> CurvesError:
    """The error, which has to be the same whether the document lies in a ``.gltf`` or a ``.glb``."""
    ways = [made] if isinstance(made, bytes) else [made.gltf(), made.glb()]
    faults = []
    for data in ways:
        with pytest.raises(CurvesError) as caught:
            parse(data, **options)
        assert survives_pickling(caught.value)
        faults.append(caught.value)
    assert len(set(map(str, faults))) == 1
    return faults[0]


def made(values: np.ndarray = VALUES, names: Any = arkit.NAMES) -> GltfBytes:
    return GltfBytes(values, TIMES[: len(values)], names)


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


BIG = 10**12


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda d: d["accessors"][1].update(count=BIG), "accessors[1]"),
        (lambda d: d["accessors"][1].update(count=6 * 52 + 1), "accessors[1]"),
        (lambda d: d["accessors"][1].update(count=6 * 52 - 1), "animations[0].channels[0]"),
        (lambda d: d["accessors"][1].update(count=0), "accessors[1].count"),
        (lambda d: d["accessors"][1].update(count=-1), "accessors[1].count"),
        (lambda d: d["accessors"][1].update(count=312.0), "accessors[1].count"),
        (lambda d: d["accessors"][1].update(count=True), "accessors[1].count"),
        (lambda d: d["accessors"][1].update(count=None), "accessors[1].count"),
        (lambda d: d["accessors"][1].update(byteOffset=4), "accessors[1]"),
        (lambda d: d["accessors"][1].update(byteOffset=-4), "accessors[1].byteOffset"),
        (lambda d: d["accessors"][1].update(byteOffset=2**63), "accessors[1].byteOffset"),
        (lambda d: d["accessors"][1].update(type="VEC4"), "accessors[1]"),
        (lambda d: d["accessors"][1].update(componentType=5130), "accessors[1]"),
        (lambda d: d["accessors"][1].update(componentType="f4"), "accessors[1]"),
        (lambda d: d["accessors"][1].update(componentType=[]), "accessors[1]"),
        (lambda d: d["accessors"][1].update(bufferView=9), "accessors[1]"),
        (lambda d: d["accessors"][1].update(bufferView=-1), "accessors[1]"),
        (lambda d: d["accessors"][1].update(bufferView=True), "accessors[1]"),
        (lambda d: d["accessors"][1].update(bufferView=None), "accessors[1]"),
        (lambda d: (d["accessors"][1].pop("bufferView"), d["accessors"][1].update(count=BIG)), "accessors[1]"),
        (lambda d: d["accessors"][1].update(sparse=[]), "accessors[1].sparse"),
        (lambda d: d["accessors"][1].update(sparse={"count": 1}), "accessors[1].sparse.indices"),
        (lambda d: d["accessors"][1].update(sparse=sparse(5123, BIG)), "accessors[1].sparse.indices"),
        (lambda d: d["accessors"][1].update(sparse=sparse(5123, 0)), "accessors[1].sparse.count"),
        (lambda d: d["accessors"][1].update(sparse=sparse(5126, 2)), "accessors[1].sparse"),
        (lambda d: d["accessors"][1].update(sparse=sparse(5125, 2)), "accessors[1].sparse"),
        (lambda d: d["bufferViews"][1].update(byteLength=BIG), "bufferViews[1]"),
        (lambda d: d["bufferViews"][1].update(byteLength=8), "accessors[1]"),
        (lambda d: d["bufferViews"][1].update(byteOffset=BIG), "bufferViews[1]"),
        (lambda d: d["bufferViews"][1].update(byteStride=0), "bufferViews[1].byteStride"),
        (lambda d: d["bufferViews"][1].update(byteStride=2), "accessors[1]"),
        (lambda d: d["bufferViews"][1].update(byteStride=BIG), "accessors[1]"),
        (lambda d: d["bufferViews"][1].update(buffer=1), "bufferViews[1]"),
        (lambda d: d["bufferViews"][1].update(extensions={"EXT_meshopt_compression": {}}), "bufferViews[1]"),
        (lambda d: d.update(bufferViews={}), "accessors[0]"),
        (lambda d: d.update(accessors=None), "animations[0].channels[0]"),
        (lambda d: d["accessors"].__setitem__(1, 5), "accessors[1]"),
        (lambda d: d.update(animations={}), ".animations"),
        (lambda d: d["animations"].append(3), "animations[1]"),
        (lambda d: d["animations"][0].update(channels=3), "animations[0].channels"),
        (lambda d: d["animations"][0].update(samplers=3), "animations[0].samplers"),
        (lambda d: d["animations"][0]["channels"].append(3), "animations[0].channels[1]"),
        (lambda d: d["animations"][0]["channels"][0].update(sampler=1), "animations[0].channels[0]"),
        (lambda d: d["animations"][0]["channels"][0].update(sampler=-1), "animations[0].channels[0]"),
        (lambda d: d["animations"][0]["channels"][0].update(target=None), "animations[0].channels[0].target"),
        (lambda d: d["animations"][0]["channels"][0]["target"].update(node=7), "animations[0].channels[0]"),
        (lambda d: d["animations"][0]["channels"][0]["target"].pop("node"), "animations[0].channels[0]"),
        (lambda d: d["nodes"][0].pop("mesh"), "nodes[0]"),
        (lambda d: d["meshes"][0].update(primitives=[]), "meshes[0]"),
        (lambda d: d["meshes"][0].update(primitives=[1]), "meshes[0].primitives"),
        (lambda d: d["meshes"][0]["primitives"].append({"targets": [{}]}), "meshes[0]"),
        (lambda d: d["meshes"][0]["primitives"][0]["targets"].append({}), "meshes[0].extras.targetNames"),
        (lambda d: d["meshes"][0]["extras"].update(targetNames="jawOpen"), "meshes[0].extras.targetNames"),
        (lambda d: d["meshes"][0]["extras"].update(targetNames=[1] * 52), "meshes[0].extras.targetNames"),
        (lambda d: d["animations"][0]["samplers"][0].update(input=1), "frame 1"),
        (lambda d: d["animations"][0]["samplers"][0].update(output=0), "animations[0].channels[0]"),
        (lambda d: d["animations"][0]["samplers"][0].pop("input"), "animations[0].channels[0]"),
        (lambda d: d["asset"].update(version="1.0"), "asset"),
        (lambda d: crowd(d["animations"][0], MOST_CHANNELS + 1), ""),
    ],
)
def test_documents_that_lie_are_told_where(spoil: Any, where: str) -> None:
    one = made(curves(6))
    spoil(one.document)
    fault = refused(one)
    assert fault.where.removeprefix("a.gltf").removeprefix(":") == where or fault.where == f"a.gltf{where}"


def crowd(animation: dict[str, Any], n: int) -> None:
    """``n`` channels, each with a sampler of its own."""
    animation["samplers"] *= n
    animation["channels"] = [{"sampler": k, "target": {"node": 0, "path": "weights"}} for k in range(n)]


def sparse(component: int, count: int) -> dict[str, Any]:
    """Over the times as indices and the weights as values: both are floats and no increasing whole numbers."""
    return {"count": count, "indices": {"bufferView": 0, "componentType": component}, "values": {"bufferView": 1}}


def test_a_lying_count_takes_no_memory() -> None:
    one = made()
    one.document["accessors"][1]["count"] = BIG
    data = one.glb()
    tracemalloc.start()
    with pytest.raises(CurvesError):
        parse(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_buffers_beside_the_file(tmp_path: Path) -> None:
    one = made()
    (tmp_path / "deep").mkdir()
    for name in ("a b.bin", "deep/b.bin"):
        (tmp_path / name).write_bytes(one.binary)
        (tmp_path / "a.gltf").write_bytes(one.gltf(name.replace(" ", "%20")))
        track = read_curves(tmp_path / "a.gltf")
        assert track.values.tobytes() == VALUES.tobytes()
        assert track.notes[0].startswith("numbers are in files of their own, whose changes are not noticed: ")
    (tmp_path / "a b.bin").write_bytes(one.binary[:-1])
    (tmp_path / "a.gltf").write_bytes(one.gltf("a%20b.bin"))
    with pytest.raises(CurvesError, match=r"buffers\[0\]: \d+ bytes; expected"):
        read_curves(tmp_path / "a.gltf")


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    one, folder = made(), tmp_path / "in"
    folder.mkdir()
    (tmp_path / "b.bin").write_bytes(one.binary)
    (folder / "link.bin").symlink_to(tmp_path / "b.bin")
    (folder / "circle.bin").symlink_to(folder / "circle.bin")
    os.mkfifo(folder / "pipe.bin")
    uris = ["../b.bin", "%2e%2e/b.bin", "deep/../../b.bin", str(tmp_path / "b.bin"), "link.bin", "http://x/b.bin"]
    uris += ["file:///etc/passwd", "..\\b.bin", "b\0.bin", "%00", "\ud800", ".", "none.bin", "pipe.bin", "x" * 5000]
    for uri in [*uris, "circle.bin"]:
        (folder / "a.gltf").write_bytes(one.gltf(uri))
        with pytest.raises(CurvesError):
            read_curves(folder / "a.gltf")


@pytest.mark.parametrize("uri", ["data:,abc", "data:;base64,@@@@", "data:;base64,abc", "data:;base64,", 5, ["x"], {}])
def test_data_inside_that_is_none(uri: Any) -> None:
    document = json.loads(made().gltf())
    document["buffers"][0]["uri"] = uri
    assert refused(json.dumps(document).encode()).where == "a.gltf:buffers[0]"


def test_data_inside_with_other_characters_in_it() -> None:
    data = made().gltf()
    assert refused(data.replace(b"base64,", b"base64,@@@@", 1)).what.startswith("no base64: ")


def test_the_binary_chunk_is_the_first_buffer_and_no_other() -> None:
    data = made().glb()
    length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + length])
    document["buffers"] *= 2
    for view in document["bufferViews"]:
        view["buffer"] = 1
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I", len(text)) + b"JSON" + text + data[20 + length :]
    fault = refused(b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body)
    assert (fault.where, fault.what) == ("a.gltf:buffers[1]", "0 bytes")


def test_glb_files_that_are_cut_or_lie() -> None:
    data = made().glb()
    for length in (4, 11, 12, 15, 19, 20, 400, len(data) - 1):
        assert "header" in refused(data[:length]).what
        cut = data[:8] + struct.pack("<I", length) + data[12:length]
        assert refused(cut).where.startswith("a.gltf:")
    for version, length in ((1, len(data)), (2, 0), (2, 0xFFFFFFFF)):
        assert refused(data[:4] + struct.pack("<II", version, length) + data[12:]).where == "a.gltf:byte 4"
    long_chunk = data[:12] + struct.pack("<I", 0xFFFFFFF0) + data[16:]
    assert refused(long_chunk).where == "a.gltf:byte 12"
    no_json = data[:16] + b"XXXX" + data[20:]
    assert "without its JSON chunk" in refused(no_json).what
    assert refused(data[:20] + b"\xff" + data[21:]).where.startswith("a.gltf:byte")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
def test_wild_bytes_raise_nothing_but_curves_errors(changes: list[tuple[int, int]], cut: bool) -> None:
    data = bytearray(made(VALUES[:2]).glb())
    for at, byte in changes:
        data[at % len(data)] = byte
    if cut:
        del data[changes[0][0] % len(data) :]
        data[8:12] = struct.pack("<I", len(data))
    try:
        track = parse(b"glTF" + bytes(data[4:]))
    except CurvesError as fault:
        assert fault.where.startswith("a.gltf")
    else:
        assert np.isfinite(track.values).all() and (np.diff(track.time_s) > 0).all()

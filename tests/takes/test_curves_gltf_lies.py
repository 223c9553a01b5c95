"""The law: a glTF file that lies about its bytes is told so and where, and costs no memory."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gltf_made import VALUES, made, parse, refused
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import CurvesError
from koekao.takes.formats.gltf import MOST_CHANNELS
from koekao.takes.formats.registry import read_curves
from take_files import curves

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

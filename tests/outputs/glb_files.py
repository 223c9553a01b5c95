"""glTF files as tests see them: one put together by hand, and a walk through one by nothing but json and struct."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

JSON, BIN = 0x4E4F534A, 0x004E4942


def chunks_of(data: bytes) -> list[tuple[int, bytes]]:
    """The chunks of a GLB, every rule of the container held against it."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    found, at = [], 12
    while at < len(data):
        size, kind = struct.unpack_from("<II", data, at)
        assert size % 4 == 0 and at % 4 == 0 and at + 8 + size <= len(data)
        found.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size
    assert [kind for kind, _ in found[:2]] == [JSON, BIN]
    return found


def open_file(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """The document and the bytes of its buffers."""
    data = path.read_bytes()
    if not data.startswith(b"glTF"):
        document = json.loads(data)
        return document, [base64.b64decode(b["uri"].partition(",")[2]) for b in document["buffers"]]
    chunks = chunks_of(data)
    document = json.loads(chunks[0][1])
    first, *others = document["buffers"]
    assert "uri" not in first and 0 <= len(chunks[1][1]) - first["byteLength"] <= 3
    return document, [chunks[1][1], *(base64.b64decode(b["uri"].partition(",")[2]) for b in others)]


def floats(document: dict[str, Any], buffers: Sequence[bytes], accessor: int) -> tuple[float, ...]:
    """The numbers of a float accessor without gaps."""
    entry = document["accessors"][accessor]
    view = document["bufferViews"][entry["bufferView"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[entry["type"]]
    assert entry["componentType"] == 5126 and "byteStride" not in view
    at, n = view.get("byteOffset", 0) + entry.get("byteOffset", 0), entry["count"] * width
    assert at % 4 == 0 and 4 * n <= view["byteLength"]
    assert view["byteOffset"] + view["byteLength"] <= document["buffers"][view["buffer"]]["byteLength"]
    return struct.unpack_from(f"<{n}f", buffers[view["buffer"]], at)


def animation_of(path: Path, number: int = -1) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Times ``[n]`` of an animation, and the weights ``[n, targets]`` of each node that it moves."""
    document, buffers = open_file(path)
    animation, moved = document["animations"][number], {}
    for channel in animation["channels"]:
        if channel["target"]["path"] == "rotation":
            continue
        assert channel["target"]["path"] == "weights"
        sampler = animation["samplers"][channel["sampler"]]
        assert sampler.get("interpolation", "LINEAR") == "LINEAR"
        times = floats(document, buffers, sampler["input"])
        entry = document["accessors"][sampler["input"]]
        assert entry["type"] == "SCALAR" and (entry["min"], entry["max"]) == ([times[0]], [times[-1]])
        weights = floats(document, buffers, sampler["output"])
        mesh = document["meshes"][document["nodes"][channel["target"]["node"]]["mesh"]]
        n_targets = len(mesh["primitives"][0]["targets"])
        assert len(weights) == len(times) * n_targets
        moved[channel["target"]["node"]] = np.array(weights, np.float32).reshape(-1, n_targets)
    return np.array(times, np.float32), moved


class Face:
    """A small face: nodes, each with a mesh of one triangle and morph targets of given names; more can be added."""

    def __init__(self, *names_of_meshes: Sequence[str] | None) -> None:
        self.binary = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0) + b"an image of 19 byte"
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "somebody's", "extras": {"of": ["theirs", 1.5e-7]}},
            "buffers": [{"byteLength": len(self.binary)}],
            "bufferViews": [
                {"buffer": 0, "byteOffset": 0, "byteLength": 36, "target": 34962},
                {"buffer": 0, "byteOffset": 36, "byteLength": 19},
            ],
            "accessors": [
                {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
            ],
            "images": [{"bufferView": 1, "mimeType": "image/png"}],
            "materials": [{"name": "skin", "extensions": {"EXT_of_theirs": {"depth": 0.1}}}],
            "extensionsUsed": ["EXT_of_theirs"],
            "nodes": [{"name": "head", "children": list(range(1, 1 + len(names_of_meshes)))}],
            "meshes": [],
        }
        for i, names in enumerate(names_of_meshes):
            targets = [{"POSITION": 0} for _ in names or [""]]
            mesh: dict[str, Any] = {"primitives": [{"attributes": {"POSITION": 0}, "targets": targets}]}
            if names is not None:
                mesh["extras"] = {"targetNames": list(names)}
            self.document["meshes"].append(mesh)
            self.document["nodes"].append({"mesh": i})

    def glb(self, path: Path, *more: tuple[int, bytes]) -> Path:
        text = json.dumps(self.document).encode()
        binary = self.binary + b"\0" * (-len(self.binary) % 4)
        chunks = [(JSON, text + b" " * (-len(text) % 4)), (BIN, binary), *more]
        body = b"".join(struct.pack("<II", len(data), kind) + data for kind, data in chunks)
        path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
        return path

    def gltf(self, path: Path, uri: str | None = None) -> Path:
        """With the bytes inside, or in the file beside it that ``uri`` names."""
        inside = "data:application/octet-stream;base64," + base64.b64encode(self.binary).decode()
        document = self.document | {"buffers": [{"byteLength": len(self.binary), "uri": uri or inside}]}
        if uri is not None:
            (path.parent / uri).write_bytes(self.binary)
        path.write_text(json.dumps(document))
        return path

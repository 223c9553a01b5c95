"""The head as one file of glTF 2.0 binary: meshes, colours and all 52 morph targets, nothing beside it.

Nodes: ``koekao`` holds ``shirt`` and ``head``; ``head`` sits where the head turns and holds ``face``, ``hair``,
``left_eye`` and ``right_eye``, which sit where they turn. ``face`` and both eyes have all 52 targets in the order of
``mesh.extras.targetNames``, so one track of weights drives the three. Targets are sparse accessors (what does not move
is not stored) and bring their normals. Source: Khronos glTF 2.0 specification, 3.6.2.3, 3.7.2.2 and 4.4.
"""

from __future__ import annotations

import json
import struct
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES, NAMES
from koekao.head.head import PIVOT_M, Head
from koekao.head.making import make_head

_FLOAT, _USHORT, _VERTICES, _INDICES = 5126, 5123, 34962, 34963
_NODES = {  # which parts each mesh is made of
    "face": ("skin", "upper_teeth", "lower_teeth", "tongue", "left_brow", "right_brow", "left_ear", "right_ear"),
    "left_eye": ("left_eye",),
    "right_eye": ("right_eye",),
    "hair": ("hair",),
    "shirt": ("shirt",),
}
_MOVING = ("face", "left_eye", "right_eye")
_NORMAL_MOVES = 2e-3


def head_glb(head: Head | None = None) -> bytes:
    """The file, self-contained; ``head`` is :func:`koekao.head.make_head` unless another is given."""
    return _own() if head is None else _made(head)


@cache
def _own() -> bytes:
    return _made(make_head())


def _made(head: Head) -> bytes:
    binary = _Binary()
    normals = head.normals(head.positions)
    bent = [head.normals(head.positions + target) - normals for target in head.targets]
    for delta in bent:
        delta[np.abs(delta).max(axis=1) < _NORMAL_MOVES] = 0.0
    middles = {
        "face": (0.0, 0.0, 0.0), "hair": (0.0, 0.0, 0.0), "shirt": (0.0, 0.0, 0.0),
        "left_eye": head.eye_middles[0], "right_eye": head.eye_middles[1],
    }  # fmt: skip
    meshes = [_mesh(head, binary, name, normals, bent, np.asarray(middles[name], np.float32)) for name in _NODES]
    nodes: list[dict[str, Any]] = [
        {"name": "koekao", "children": [1, 2]},
        {"name": "shirt", "mesh": list(_NODES).index("shirt")},
        {"name": "head", "translation": list(PIVOT_M), "children": [3, 4, 5, 6]},
    ]
    for name in ("face", "left_eye", "right_eye", "hair"):
        away = np.asarray(middles[name], np.float64) - PIVOT_M
        nodes.append(
            {"name": name, "mesh": list(_NODES).index(name), "translation": [round(float(x), 7) for x in away]}
        )
    document = {
        "asset": {"version": "2.0", "generator": "koekao"},
        "scene": 0,
        "scenes": [{"name": "koekao", "nodes": [0]}],
        "nodes": nodes,
        "meshes": meshes,
        "materials": [_material(head, m) for m in range(len(head.material_names))],
        "accessors": binary.accessors,
        "bufferViews": binary.views,
        "buffers": [{"byteLength": len(binary.data)}],
    }
    return _packed(document, bytes(binary.data))


class _Binary:
    """The binary chunk while it grows, and what says where in it things lie."""

    def __init__(self) -> None:
        self.data, self.views, self.accessors = bytearray(), list[dict[str, Any]](), list[dict[str, Any]]()

    def view(self, array: NDArray[Any], target: int | None = None) -> int:
        self.data += bytes(-len(self.data) % 4)
        where = {"buffer": 0, "byteOffset": len(self.data), "byteLength": array.nbytes}
        self.views.append(where | ({"target": target} if target else {}))
        self.data += np.ascontiguousarray(array).tobytes()
        return len(self.views) - 1

    def dense(self, array: NDArray[Any], target: int, *, bounds: bool = False) -> int:
        kind, of = ("VEC3", _FLOAT) if array.ndim == 2 else ("SCALAR", _USHORT)
        entry: dict[str, Any] = {"bufferView": self.view(array, target), "count": len(array), "componentType": of}
        self.accessors.append(entry | {"type": kind} | (_bounds(array) if bounds else {}))
        return len(self.accessors) - 1

    def sparse(self, array: NDArray[np.float32], *, bounds: bool = False) -> int:
        """Vectors ``[n, 3]``, most of them 0."""
        entry: dict[str, Any] = {"componentType": _FLOAT, "type": "VEC3", "count": len(array)}
        entry |= _bounds(array) if bounds else {}
        moved = np.flatnonzero(array.any(axis=1))
        if len(moved):
            entry["sparse"] = {
                "count": len(moved),
                "indices": {"bufferView": self.view(moved.astype("<u2")), "componentType": _USHORT},
                "values": {"bufferView": self.view(array[moved].astype("<f4"))},
            }
        elif entry in self.accessors:
            return self.accessors.index(entry)
        self.accessors.append(entry)
        return len(self.accessors) - 1


def _bounds(array: NDArray[Any]) -> dict[str, list[float]]:
    return {"min": [float(x) for x in array.min(axis=0)], "max": [float(x) for x in array.max(axis=0)]}


def _mesh(
    head: Head, binary: _Binary, name: str, normals: NDArray[np.float32], bent: list[NDArray[np.float32]],
    middle: NDArray[np.float32],
) -> dict[str, Any]:  # fmt: skip
    inside = np.zeros(len(head.positions), bool)
    for part in _NODES[name]:
        inside[head.parts[part]] = True
    primitives = []
    for material, triangles in enumerate(head.triangles):
        own = triangles[inside[triangles[:, 0]]]
        if not len(own):
            continue
        used, corners = np.unique(own, return_inverse=True)
        primitive: dict[str, Any] = {
            "attributes": {
                "POSITION": binary.dense(head.positions[used] - middle, _VERTICES, bounds=True),
                "NORMAL": binary.dense(normals[used], _VERTICES),
                "COLOR_0": binary.dense(head.tint[used], _VERTICES),
            },
            "indices": binary.dense(corners.ravel().astype("<u2"), _INDICES),
            "material": material,
        }
        if name in _MOVING:
            primitive["targets"] = [
                {"POSITION": binary.sparse(target[used], bounds=True), "NORMAL": binary.sparse(delta[used])}
                for target, delta in zip(head.targets, bent, strict=True)
            ]
        primitives.append(primitive)
    if name not in _MOVING:
        return {"name": name, "primitives": primitives}
    return {"name": name, "primitives": primitives, "weights": [0.0] * N_CURVES, "extras": {"targetNames": list(NAMES)}}


def _material(head: Head, m: int) -> dict[str, Any]:
    colour = [round(float(part), 5) for part in head.material_colours[m]]
    rough = round(float(head.roughness[m]), 4)
    surface = {"baseColorFactor": [*colour, 1.0], "metallicFactor": 0.0, "roughnessFactor": rough}
    return {"name": head.material_names[m], "pbrMetallicRoughness": surface}


def _packed(document: dict[str, Any], data: bytes) -> bytes:
    """Header, the chunk of JSON padded with spaces, the binary chunk padded with zeros."""
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    data += bytes(-len(data) % 4)
    size = 12 + 8 + len(text) + 8 + len(data)
    return b"".join((
        struct.pack("<4sII", b"glTF", 2, size), struct.pack("<I4s", len(text), b"JSON"), text,
        struct.pack("<I4s", len(data), b"BIN\0"), data,
    ))  # fmt: skip

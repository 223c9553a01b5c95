"""The carrier as a glTF: one node, one mesh, 52 morph targets with their names.

It goes the same way as a face that a caller brings, so there is one writer of animations, and what is written on it can
be a face for the next one. Source: glTF 2.0 specification, section 3.7.

What it gives up: normals (players make flat ones) and sparse targets, which not every player reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.outputs.carrier import carrier
from koekao.outputs.gltf_file import GltfFile

_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963


def carrier_file() -> GltfFile:
    """The carrier with nothing that moves it."""
    shape, data = carrier(), bytearray()
    file = GltfFile("", {"asset": {"version": "2.0", "generator": "koekao"}}, None)
    primitive: dict[str, Any] = {
        "attributes": {"POSITION": _points(file, data, shape.positions)},
        "indices": _triangles(file, data, shape.triangles),
        "material": 0,
        "targets": [{"POSITION": _points(file, data, moved)} for moved in shape.displacements],
    }
    look = {"baseColorFactor": [0.8, 0.62, 0.55, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}
    file.document |= {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": "face", "mesh": 0}],
        "meshes": [
            {
                "name": "face",
                "primitives": [primitive],
                "weights": [0.0] * len(NAMES),
                "extras": {"targetNames": list(NAMES)},
            }
        ],
        "materials": [{"name": "face", "pbrMetallicRoughness": look}],
        "buffers": [{"byteLength": len(data)}],
    }
    file.binary = bytes(data)
    return file


def _points(file: GltfFile, data: bytearray, points: NDArray[np.float32]) -> int:
    bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    return _accessor(file, data, points.astype("<f4"), _FLOAT, "VEC3", _VERTICES, **bounds)


def _triangles(file: GltfFile, data: bytearray, triangles: NDArray[np.uint32]) -> int:
    return _accessor(file, data, triangles.reshape(-1).astype("<u4"), _UINT, "SCALAR", _INDICES)


def _accessor(
    file: GltfFile, data: bytearray, numbers: NDArray[Any], kind: int, shape: str, use: int, **bounds: Any
) -> int:
    """Put numbers of 4 bytes behind ``data``; the index of the accessor to them."""
    view = {"buffer": 0, "byteOffset": len(data), "byteLength": numbers.nbytes, "target": use}
    data += numbers.tobytes()
    entry = {"componentType": kind, "count": len(numbers), "type": shape, **bounds}
    return file.add("accessors", {"bufferView": file.add("bufferViews", view), **entry})

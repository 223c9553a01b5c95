"""A morph animation in glTF 2.0: ``.glb``, or ``.gltf`` with its bytes inside; on the caller's face or koekao's head.

The animation is one more entry of the document: a sampler with the times of the keys (float32 seconds) and the weights
of all targets at each, straight lines between (``LINEAR``), and a channel with the path ``weights`` for each node of
the face. Its numbers stand behind what the first buffer has (in ``.gltf``: in a buffer of their own, at the end), so
every byte, index and offset that was in the file stays. Meshes whose targets are named alike share their numbers.
Source: glTF 2.0 specification, sections 3.6.2 (accessors), 3.11 (animations) and 4 (GLB).

The keys are set aside on the disk while they come, 224 bytes a frame; of the times 4 bytes a frame are held.

What it gives up: the rotations of the head on a face of the caller's, for no two files agree which node that is, and
those of the eyes, whose curves turn them already; times finer than float32, which after two hours are good to a
quarter of a millisecond.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
import warnings
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.errors import OutputError
from koekao.head import head_glb
from koekao.outputs.gltf_file import (
    BINARY_CHUNK,
    JSON_CHUNK,
    MAGIC,
    GltfFile,
    first_buffer,
    read_gltf_file,
    taken_apart,
)
from koekao.outputs.gltf_targets import Targets, face_nodes
from koekao.outputs.spool import Spool, spool_beside
from koekao.outputs.target import Append, Frames, Target

_FLOAT = 5126
_MOST_BYTES = 2**32 - 1
_URI = "data:application/octet-stream;base64,"


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write a glTF (see :mod:`koekao.outputs.target`); ``.gltf`` if the name ends so, else the binary form.

    Raises:
        OutputError: a face that cannot be animated; times that are one as float32; more than 4 GiB.
    """
    file = taken_apart(head_glb(), "koekao's head") if target.face is None else read_gltf_file(target.face)
    nodes, missing = face_nodes(file)
    is_text = target.path.suffix.lower() == ".gltf"
    before = b"" if is_text and file.binary is None else first_buffer(file)
    if missing:
        what = f"{file.path}: no morph target for {len(missing)} of the 52 curves: {', '.join(missing)}"
        warnings.warn(what, stacklevel=2)
    head = _head_node(file) if target.face is None else None
    times = array("f")
    with spool_beside(target.temporary, N_CURVES) as spool, spool_beside(target.temporary, 4) as turns:
        turned = _Turned(turns, head is not None, target)

        def append(frames: Frames) -> None:
            spool.add(frames.curves)
            turned.add(frames)
            times.extend(float(frames.times.exact(frames.first + i)) for i in range(len(frames.curves)))

        yield append
        keys = _Keys(spool, _increasing(times, target), nodes, {head: turns} if head is not None and turned.any else {})
        with target.temporary.open("wb") as out:
            if is_text:
                _write_text(out, file, before, keys)
            else:
                _write_binary(out, file, before, keys, target)


def _increasing(times: array[float], target: Target) -> NDArray[np.float32]:
    found = np.array(times, "<f4")
    same = np.flatnonzero(np.diff(found) <= 0)
    if len(same):
        what = f"the times of frames {same[0]} and {same[0] + 1} are one as float32, {found[same[0]]} s"
        raise OutputError(what, where=target.path, expected="times that increase", do="begin nearer to 0")
    return found


def _head_node(file: GltfFile) -> int:
    """The node of koekao's head that turns with it."""
    return next(i for i, node in enumerate(file.entries("nodes")) if node.get("name") == "head")


class _Turned:
    """The head's rotations as quaternions, once one of them is not 0."""

    def __init__(self, spool: Spool, has_node: bool, target: Target) -> None:
        self._spool, self._has_node, self._target = spool, has_node, target
        self.any = False

    def add(self, frames: Frames) -> None:
        angles = np.zeros((len(frames.curves), 3), np.float32) if frames.pose is None else frames.pose[:, :3]
        if angles.any() and not self.any and not self._has_node:
            what = f"{self._target.path}: a face of your own has no place for the rotations of the head"
            warnings.warn(what, stacklevel=4)
        self.any |= bool(angles.any())
        self._spool.add(quaternions(angles))


def quaternions(angles: NDArray[np.float32]) -> NDArray[np.float32]:
    """``[n, 3]`` yaw, pitch and roll in radians (:func:`koekao.head.head.turn`) to ``[n, 4]`` x, y, z, w."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles.T / 2), np.sin(angles.T / 2)
    x, y = cy * sp * cr + sy * cp * sr, sy * cp * cr - cy * sp * sr
    z, w = cy * cp * sr - sy * sp * cr, cy * cp * cr + sy * sp * sr
    return np.stack([x, y, z, w], 1).astype(np.float32)


class _Keys:
    """The numbers of the animation, as they will lie one after another, and the entries that tell of them."""

    def __init__(
        self, spool: Spool, times: NDArray[np.float32], nodes: dict[int, Targets], turns: dict[int, Spool]
    ) -> None:
        self._spool, self._times, self._nodes, self._turns = spool, times, nodes, turns
        self._sets = list(dict.fromkeys(nodes.values()))  # of meshes with the same targets, one
        self.n_bytes = 4 * len(times) * (1 + sum(len(targets.curves) for targets in self._sets) + 4 * len(turns))

    def describe(self, file: GltfFile, buffer: int, offset: int) -> None:
        """Add the animation to a document whose buffer ``buffer`` will have the numbers from ``offset`` on."""
        n_frames = len(self._times)
        bounds: dict[str, Any] = {"min": [float(self._times[0])], "max": [float(self._times[-1])]}
        time = _accessor(file, buffer, offset, n_frames, **bounds)
        offset += 4 * n_frames
        outputs = []
        for targets in self._sets:
            count = n_frames * len(targets.curves)
            outputs.append(_accessor(file, buffer, offset, count))
            offset += 4 * count
        for _ in self._turns:
            outputs.append(_accessor(file, buffer, offset, n_frames, "VEC4"))
            offset += 16 * n_frames
        samplers = [{"input": time, "interpolation": "LINEAR", "output": output} for output in outputs]
        channels = [
            {"sampler": self._sets.index(targets), "target": {"node": node, "path": "weights"}}
            for node, targets in self._nodes.items()
        ]
        channels += [
            {"sampler": len(self._sets) + i, "target": {"node": node, "path": "rotation"}}
            for i, node in enumerate(self._turns)
        ]
        file.add("animations", {"name": "koekao", "samplers": samplers, "channels": channels})

    def blocks(self) -> Iterator[bytes]:
        """The numbers, little-endian."""
        yield self._times.tobytes()
        for targets in self._sets:
            curves = np.array(targets.curves)
            driven = curves >= 0
            for rows in self._spool.blocks():
                weights = np.empty((len(rows), len(curves)), "<f4")
                weights[:] = targets.rest
                weights[:, driven] = rows[:, curves[driven]]
                yield weights.tobytes()
        for turns in self._turns.values():
            for rows in turns.blocks():
                yield rows.tobytes()


def _accessor(file: GltfFile, buffer: int, offset: int, count: int, of: str = "SCALAR", **bounds: Any) -> int:
    view = {"buffer": buffer, "byteOffset": offset, "byteLength": (16 if of == "VEC4" else 4) * count}
    number = file.add("bufferViews", view)
    return file.add("accessors", {"bufferView": number, "componentType": _FLOAT, "count": count, "type": of, **bounds})


def _write_binary(out: IO[bytes], file: GltfFile, before: bytes, keys: _Keys, target: Target) -> None:
    """A GLB: what was in the first buffer, then the keys."""
    before += b"\0" * (-len(before) % 4)
    size = len(before) + keys.n_bytes
    if not file.entries("buffers"):
        file.add("buffers", {})
    first = file.entries("buffers")[0]
    first.pop("uri", None)
    first["byteLength"] = size
    keys.describe(file, 0, len(before))
    text = _as_json(file)
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + size + sum(8 + len(data) for _, data in file.others)
    if total > _MOST_BYTES:
        expected = "at most 4 GiB, which is all that a GLB can hold"
        raise OutputError(f"{total} bytes", where=target.path, expected=expected, do="cut it in pieces")
    out.write(MAGIC + struct.pack("<II", 2, total))
    out.write(struct.pack("<II", len(text), JSON_CHUNK) + text)
    out.write(struct.pack("<II", size, BINARY_CHUNK) + before)
    for block in keys.blocks():
        out.write(block)
    for kind, data in file.others:
        out.write(struct.pack("<II", len(data), kind) + data)


def _write_text(out: IO[bytes], file: GltfFile, before: bytes, keys: _Keys) -> None:
    """A ``.gltf``: the keys in a buffer of their own, as base64 that is made as it is written."""
    for first in file.entries("buffers")[:1]:
        if file.binary is not None and first.get("uri") is None:
            first["uri"] = _URI + base64.b64encode(before).decode("ascii")
    mark = secrets.token_hex(16)
    buffer = file.add("buffers", {"byteLength": keys.n_bytes, "uri": _URI + mark})
    keys.describe(file, buffer, 0)
    begin, _, end = _as_json(file).partition(mark.encode("ascii"))
    out.write(begin)
    left = b""
    for block in keys.blocks():
        whole = len(left + block) // 3 * 3  # base64 takes three bytes at a time
        data, left = (left + block)[:whole], (left + block)[whole:]
        out.write(base64.b64encode(data))
    out.write(base64.b64encode(left) + end)


def _as_json(file: GltfFile) -> bytes:
    return json.dumps(file.document, separators=(",", ":"), allow_nan=False).encode("ascii")

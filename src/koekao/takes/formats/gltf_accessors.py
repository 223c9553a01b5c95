"""Numbers out of a glTF file: its container, its buffers, its accessors; every bound checked before it is used.

A glTF is a JSON document that says where in which bytes its numbers lie, and any of it may be wrong: an offset beyond
the buffer, a count of 10¹², a stride of 0. Here every index, offset and count is held against what is there before
memory is taken, so the arrays are never larger than the bytes that back them (a sparse accessor without a view, which
is all zeros, than :data:`MOST_ZEROS`). Buffers are the binary chunk, ``data:`` URIs, and files beside the document,
never outside of its folder. Source: glTF 2.0 specification, sections 3.6 (accessors, sparse) and 4 (GLB).

It is code of our own because pygltflib gives the structures and leaves the bytes, and with them every check, to us.

What it gives up: compressed buffers (``EXT_meshopt_compression``); their views are refused.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from koekao.errors import CurvesError
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.strict_json import decode_document, shown
from koekao.takes.source import as_text, read_source

GLB_MAGIC = b"glTF"
MOST_ZEROS = 1 << 24
_CHUNK_JSON, _CHUNK_BIN = 0x4E4F534A, 0x004E4942
_SCALARS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_AS_EXPORTED = "export the file again"


@dataclass(frozen=True)
class Gltf:
    """A document and the bytes it speaks of.

    Attributes:
        path: the file, for error texts; other files are looked for in its folder.
        document: the JSON object.
        binary: the binary chunk of a GLB; empty in a ``.gltf``.
    """

    path: str
    document: dict[str, Any]
    binary: bytes

    def item(self, kind: str, index: Any, where: str) -> dict[str, Any]:
        """Entry ``index`` of the document's list ``kind``.

        Raises:
            CurvesError: at ``where``: no index, or beyond the list.
        """
        entries = self.document.get(kind, [])
        n = len(entries) if isinstance(entries, list) else 0
        if type(index) is not int or not 0 <= index < n:
            what = f"{kind} {shown(index)}"
            raise CurvesError(what, where=where, expected=f"one of {n} {kind}", do=_AS_EXPORTED)
        return object_at(entries[index], f"{self.path}:{kind}[{index}]")

    def scalars(self, index: Any, where: str) -> NDArray[np.float64]:
        """The numbers of SCALAR accessor ``index`` as ``[count]`` float64; normalised integers as [-1, 1] or [0, 1].

        Raises:
            CurvesError: at the accessor or what it names: not there, of another type, or beyond its bytes.
        """
        accessor = self.item("accessors", index, where)
        here = f"{self.path}:accessors[{index}]"
        if accessor.get("type") != "SCALAR":
            raise CurvesError(f"type {shown(accessor.get('type'))}", where=here, expected='"SCALAR"')
        kind, count = _scalar(accessor, here), whole(accessor, "count", here, least=1)
        if "bufferView" in accessor:
            found = self._view(accessor, kind, count, here).copy()
        elif count > MOST_ZEROS:
            raise CurvesError(f"{count} zeros without bytes", where=here, expected=f"at most {MOST_ZEROS}")
        else:
            found = np.zeros(count, kind)
        if "sparse" in accessor:
            self._put_sparse(found, object_at(accessor["sparse"], f"{here}.sparse"), f"{here}.sparse")
        if accessor.get("normalized") is True and kind.kind in "iu":
            return np.maximum(found / np.float64(np.iinfo(kind).max), -1.0)
        with np.errstate(invalid="ignore"):  # a signalling NaN; the reader names it
            return found.astype(np.float64)

    def _put_sparse(self, into: NDArray[Any], sparse: dict[str, Any], where: str) -> None:
        count = whole(sparse, "count", where, least=1)
        indices, values = (object_at(sparse.get(key), f"{where}.{key}") for key in ("indices", "values"))
        kind = _scalar(indices, f"{where}.indices")
        places = self._view(indices, kind, count, f"{where}.indices")
        if kind.kind != "u" or int(places.max()) >= len(into) or (places[1:] <= places[:-1]).any():
            what = f"indices up to {places.max()} of type {kind}"
            raise CurvesError(what, where=where, expected=f"unsigned, increasing, below {len(into)}", do=_AS_EXPORTED)
        into[places] = self._view(values, into.dtype, count, f"{where}.values")

    def _view(self, holder: dict[str, Any], kind: np.dtype[Any], count: int, where: str) -> NDArray[Any]:
        """``count`` numbers through the buffer view that ``holder`` names, as ``[count]`` over the bytes themselves."""
        number = holder.get("bufferView")
        view = self.item("bufferViews", number, where)
        here = f"{self.path}:bufferViews[{number}]"
        if "extensions" in view:
            raise CurvesError("a compressed buffer view", where=here, expected="plain bytes", do="export uncompressed")
        data = self._buffer(view.get("buffer"), here)
        start, length = whole(view, "byteOffset", here, default=0), whole(view, "byteLength", here, least=1)
        stride = whole(view, "byteStride", here, least=1, default=kind.itemsize)
        if start + length > len(data):
            what = f"bytes {start}..{start + length} of a buffer of {len(data)}"
            raise CurvesError(what, where=here, expected="a view inside its buffer", do="copy the file again")
        first = whole(holder, "byteOffset", where, default=0)
        last = first + stride * (count - 1) + kind.itemsize
        if stride < kind.itemsize or last > length:
            what = f"{count} numbers every {stride} bytes from byte {first}"
            raise CurvesError(what, where=where, expected=f"inside a view of {length} bytes", do=_AS_EXPORTED)
        return np.ndarray((count,), kind, data, start + first, (stride,))

    def _buffer(self, index: Any, where: str) -> bytes:
        buffer = self.item("buffers", index, where)
        here = f"{self.path}:buffers[{index}]"
        length = whole(buffer, "byteLength", here, least=1)
        uri = buffer.get("uri")
        if uri is None:
            data = self.binary if index == 0 else b""
        elif isinstance(uri, str):
            data = _inline(uri, here) if uri.startswith("data:") else _beside(self.path, uri, here)
        else:
            raise CurvesError(f"uri {shown(uri)}", where=here, expected="text")
        if len(data) < length:
            raise CurvesError(f"{len(data)} bytes", where=here, expected=f"{length}", do="copy the file again")
        return data[:length]


def open_gltf(file: CurveFile) -> Gltf:
    """Take a ``.gltf`` or ``.glb`` apart.

    Raises:
        CurvesError: no JSON, no glTF 2, or chunks that are not where the header says.
    """
    path, binary = file.path, b""
    if file.data.startswith(GLB_MAGIC):
        text, binary = _chunks(file.data, path)
        document = decode_document(as_text(text, file.source).text, path, "a glTF document")
    else:
        document = file.document
    asset = object_at(object_at(document, path).get("asset"), f"{path}:asset")
    if not str(asset.get("version", "")).startswith("2."):
        raise CurvesError(f"version {shown(asset.get('version'))}", where=f"{path}:asset", expected="glTF 2")
    return Gltf(path, document, binary)


def _chunks(data: bytes, path: str) -> tuple[bytes, bytes]:
    """The JSON and the binary chunk of a GLB."""
    at = 12
    found: dict[int, bytes] = {}
    if len(data) < at or struct.unpack_from("<II", data, 4) != (2, len(data)):
        what = (
            f"a GLB header that says {struct.unpack_from('<II', data, 4)}"
            if len(data) >= at
            else "a GLB header cut off"
        )
        raise CurvesError(what, where=f"{path}:byte 4", expected=f"(2, {len(data)})", do="copy the file again")
    while at < len(data):
        length, kind = struct.unpack_from("<II", data, at) if at + 8 <= len(data) else (len(data), 0)
        if at + 8 + length > len(data):
            raise CurvesError("a chunk beyond the end", where=f"{path}:byte {at}", do="copy the file again")
        found.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length
    if _CHUNK_JSON not in found:
        raise CurvesError("a GLB without its JSON chunk", where=f"{path}:byte 12", do=_AS_EXPORTED)
    return found[_CHUNK_JSON], found.get(_CHUNK_BIN, b"")


def _inline(uri: str, where: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64"):
        raise CurvesError(shown(head), where=where, expected="data:...;base64,...")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise CurvesError(f"no base64: {fault}", where=where, do=_AS_EXPORTED) from None


def _beside(path: str, uri: str, where: str) -> bytes:
    """The bytes of a file in the folder of ``path`` or below."""
    name = unquote(uri)
    folder = Path(path).resolve().parent
    outside = CurvesError(f"uri {shown(uri)}", where=where, expected="a file in the same folder", do="put it beside")
    if not name.isprintable() or ":" in name or "\\" in name:
        raise outside
    try:
        target = (folder / name).resolve()
    except (OSError, RuntimeError, ValueError) as fault:  # links in a circle, names too long
        raise outside from fault
    if not target.is_relative_to(folder):
        raise outside
    try:
        return read_source(target, CurvesError)[0]
    except CurvesError as fault:
        raise CurvesError(f"uri {shown(uri)}: {fault.what}", where=where, do="put the file beside it") from None


def object_at(value: Any, where: str) -> dict[str, Any]:
    """``value`` if it is a JSON object.

    Raises:
        CurvesError: at ``where``.
    """
    if not isinstance(value, dict):
        raise CurvesError(shown(value), where=where, expected="an object", do=_AS_EXPORTED)
    return value


def whole(holder: dict[str, Any], key: str, where: str, *, least: int = 0, default: int | None = None) -> int:
    """The whole number under ``key``, ``least`` or more and below 2**53.

    Raises:
        CurvesError: at ``where.key``.
    """
    value = holder.get(key, default)
    if type(value) is not int or not least <= value < 2**53:
        raise CurvesError(shown(value), where=f"{where}.{key}", expected=f"a whole number from {least} on")
    return value


def _scalar(holder: dict[str, Any], where: str) -> np.dtype[Any]:
    kind = holder.get("componentType")
    if type(kind) is not int or kind not in _SCALARS:
        known = ", ".join(map(str, _SCALARS))
        raise CurvesError(f"componentType {shown(kind)}", where=where, expected=f"one of {known}")
    return np.dtype(_SCALARS[kind])

"""The two containers of glTF 2.0: taken apart without losing anything, and written with more behind what was there.

A ``.glb`` is a header, a chunk of JSON and a chunk of bytes; a ``.gltf`` is the JSON alone, with its bytes in ``data:``
URIs or in files beside it. The document is kept as the plain objects that JSON gives, so what koekao does not know,
extensions and extras, goes through as it came. What lies in files beside a ``.gltf`` is taken in, so what is written
stands alone, wherever it lies. Source: glTF 2.0 specification, sections 3.6.1 (buffers) and 4 (GLB).

It is code of our own because pygltflib makes objects of its own of the document, which lose what they do not know,
checks no length, and holds all bytes of a file that may be gigabytes; what is left of it is thirty lines.

What it gives up: the white space and the spelling of numbers of the JSON it read.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

from koekao.errors import OutputError

MAGIC = b"glTF"
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
_AGAIN = "export the file again"
_KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_KINDS |= {".ktx2": "image/ktx2", ".avif": "image/avif", ".dds": "image/vnd-ms.dds"}


@dataclass
class GltfFile:
    """A document and its bytes.

    Attributes:
        path: the file, for error texts; "" where there is none.
        document: the JSON object.
        binary: the chunk of bytes of a ``.glb``; None where there is none.
        others: further chunks of a ``.glb``, which nobody has to understand: (kind, bytes).
    """

    path: str
    document: dict[str, Any]
    binary: bytes | None
    others: list[tuple[int, bytes]] = field(default_factory=list)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """The document's list ``kind``; of nothing where it has none.

        Raises:
            OutputError: it is no list, or holds what is no object.
        """
        return objects(self.document, kind, f"{self.path}:{kind}")

    def add(self, kind: str, entry: dict[str, Any]) -> int:
        """Put an entry at the end of a list of the document; its index."""
        self.entries(kind)
        self.document.setdefault(kind, []).append(entry)
        return len(self.document[kind]) - 1


def read_gltf_file(path: Path) -> GltfFile:
    """Take a ``.glb`` or ``.gltf`` apart, and take in what lies beside it.

    Raises:
        OutputError: with the place: not there, no glTF 2, chunks that are not where the header says, files beside it
            that are not there or not in its folder.
    """
    try:
        if not path.is_file():
            raise OutputError("there is no such file", where=path, expected="a .glb or .gltf", do="check the path")
        data = path.read_bytes()
    except OSError as fault:
        raise OutputError(f"cannot be read ({fault.strerror or fault})", where=path) from fault
    return taken_apart(data, str(path))


def taken_apart(data: bytes, path: str) -> GltfFile:
    """The same of the bytes of a file; ``path`` is for error texts, and where files beside it are looked for."""
    if data.startswith(MAGIC):
        text, binary, others = _chunks(data, path)
    else:
        text, binary, others = data, None, []
    file = GltfFile(path, _document(text, path), binary, others)
    asset = file.document.get("asset")
    version = asset.get("version") if isinstance(asset, dict) else None
    if not str(version).startswith("2."):
        raise OutputError(f"version {shown(version)}", where=f"{path}:asset", expected="glTF 2", do=_AGAIN)
    for kind in ("accessors", "bufferViews", "animations"):
        file.entries(kind)  # to which much is added, but at the end; a fault of theirs is said now
    _take_in(file)
    return file


def _chunks(data: bytes, path: str) -> tuple[bytes, bytes | None, list[tuple[int, bytes]]]:
    """JSON, bytes and other chunks of a GLB."""
    if len(data) < 12 or struct.unpack_from("<II", data, 4) != (2, len(data)):
        where, expected = f"{path}:byte 4", f"version 2 and {len(data)} bytes"
        raise OutputError("a GLB header that says something else", where=where, expected=expected, do=_AGAIN)
    at, found = 12, []
    while at < len(data):
        length, kind = struct.unpack_from("<II", data, at) if at + 8 <= len(data) else (len(data), 0)
        if at + 8 + length > len(data):
            raise OutputError("a chunk beyond the end", where=f"{path}:byte {at}", do=_AGAIN)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length
    if not found or found[0][0] != JSON_CHUNK:
        raise OutputError("a GLB that does not begin with JSON", where=f"{path}:byte 12", do=_AGAIN)
    has_binary = len(found) > 1 and found[1][0] == BINARY_CHUNK
    return found[0][1], found[1][1] if has_binary else None, found[2:] if has_binary else found[1:]


def _document(text: bytes, path: str) -> dict[str, Any]:
    try:
        plain = text.decode("utf-8-sig")
        document = json.loads(plain, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_number)
        json.dumps(document)  # what is too deep to be written is refused before anything is
    except UnicodeDecodeError as fault:
        raise OutputError("no UTF-8", where=f"{path}:byte {fault.start} of the JSON", do=_AGAIN) from None
    except json.JSONDecodeError as fault:
        where = f"{path}:{fault.lineno}:{fault.colno}"
        raise OutputError(f"no JSON: {fault.msg}", where=where, expected="a glTF document", do=_AGAIN) from None
    except (ValueError, RecursionError) as fault:  # numbers beyond all use, thousands of brackets
        raise OutputError(f"no usable JSON: {fault}", where=path, expected="a glTF document", do=_AGAIN) from None
    if not isinstance(document, dict):
        raise OutputError(shown(document), where=path, expected="a glTF document", do=_AGAIN)
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once; of two, one would be lost in what is written."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _number(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _no_number(text[:20])


def _take_in(file: GltfFile) -> None:
    """Make ``data:`` URIs of the URIs that name files."""
    for kind in ("buffers", "images"):
        for i, entry in enumerate(file.entries(kind)):
            where, uri = f"{file.path}:{kind}[{i}]", entry.get("uri")
            if uri is not None and not isinstance(uri, str):
                raise OutputError(f"uri {shown(uri)}", where=where, expected="text", do=_AGAIN)
            if uri is None or uri.startswith(("data:", "http:", "https:")):
                continue
            data = _beside(Path(file.path), uri, where)
            usual = "application/octet-stream" if kind == "buffers" else "image/png"
            stated = entry.get("mimeType")
            media = stated if isinstance(stated, str) else _KINDS.get(Path(unquote(uri)).suffix.lower(), usual)
            entry["uri"] = f"data:{media};base64,{base64.b64encode(data).decode('ascii')}"


def _beside(path: Path, uri: str, where: str) -> bytes:
    """The bytes of a file in the folder of ``path`` or below."""
    name, folder = unquote(uri), path.resolve().parent
    outside = OutputError(f"uri {shown(uri)}", where=where, expected="a file in the same folder", do="put it beside")
    if not name.isprintable() or ":" in name or "\\" in name:
        raise outside
    try:
        target = (folder / name).resolve()
        if not target.is_relative_to(folder) or not target.is_file():
            raise outside
        return target.read_bytes()
    except (OSError, RuntimeError, ValueError) as fault:  # no rights, links in a circle, names too long
        raise outside from fault


def first_buffer(file: GltfFile) -> bytes:
    """The bytes of buffer 0, without what the chunk may have behind them; empty where there is no buffer.

    Raises:
        OutputError: there are fewer than it says, or they are no base64.
    """
    buffers = file.entries("buffers")
    if not buffers:
        return b""
    where, uri, length = f"{file.path}:buffers[0]", buffers[0].get("uri"), buffers[0].get("byteLength")
    data = file.binary or b"" if uri is None else _inline(uri, where)
    if type(length) is not int or not 0 < length <= len(data):
        expected = f"1..{len(data)}, the bytes that are there"
        raise OutputError(f"byteLength {shown(length)}", where=where, expected=expected, do=_AGAIN)
    return data[:length]


def _inline(uri: str, where: str) -> bytes:
    head, _, body = uri.partition(",")
    try:
        if head.startswith("data:") and head.endswith(";base64"):
            return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise OutputError(f"no base64: {fault}", where=where, do=_AGAIN) from None
    raise OutputError(f"uri {shown(head)}", where=where, expected="data:...;base64,...", do=_AGAIN)


def objects(holder: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The list of objects under ``key``; of nothing where there is none.

    Raises:
        OutputError: at ``where``: something else is there.
    """
    found = holder.get(key, [])
    if not isinstance(found, list):
        raise OutputError(shown(found), where=where, expected="a list", do=_AGAIN)
    for i, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise OutputError(shown(entry), where=f"{where}[{i}]", expected="an object", do=_AGAIN)
    return found


def shown(value: object) -> str:
    """A JSON value as ASCII, cut to a readable length."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."

"""A morph animation in glTF 2.0, as ``.gltf`` or ``.glb``.

An animation channel with the path ``weights`` moves the morph targets of a mesh: its sampler's input are the times of
the keys in seconds, its output is keys x targets. The targets' names stand in ``mesh.extras.targetNames`` (a convention
that the specification recommends and exporters follow) or in the extras of the primitives; targets without names need a
stated order. Where several meshes of a face (head, teeth, tongue) move by the same curves, it does not matter which is
read; where they differ, none is. Source: glTF 2.0 specification, sections 3.7.2.2 and 3.11; numbers come from
:mod:`koekao.takes.formats.gltf_accessors`.

What it gives up: the shape between two keys. A ``STEP`` or ``CUBICSPLINE`` sampler is read at its keys, whose values it
states exactly, and the notes say so; keys at the rate of the frames, which is what exporters bake, lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.gltf_accessors import GLB_MAGIC, Gltf, object_at, open_gltf
from koekao.takes.formats.rows import finite, ignored, layout_of, next_time, stated_names
from koekao.takes.formats.strict_json import listed, shown

LOOKS = "glTF 2.0 with an animation of morph target weights, .gltf or .glb"
MOST_CHANNELS = 64
"""The meshes of one face are a handful; every channel costs a look at all of its numbers."""

_ELEMENTS = {"LINEAR": 1, "STEP": 1, "CUBICSPLINE": 3}


def sniff_gltf(file: CurveFile) -> bool:
    """Whether a file is glTF, binary or JSON."""
    if file.data.startswith(GLB_MAGIC):
        return True
    return file.is_json and isinstance(file.document, dict) and isinstance(file.document.get("asset"), dict)


@dataclass(frozen=True, eq=False)
class _Channel:
    """One animated mesh: where its channel stands, its targets' names, the sampler that moves them."""

    where: str
    names: tuple[str, ...]
    sampler: dict[str, Any]


def read_gltf(file: CurveFile, *, order: str | None = None) -> CurveTrack:
    """Read the morph animation of a glTF.

    Args:
        file: the file; buffers beside it are read from its folder.
        order: a name in :data:`koekao.arkit.ORDERS`, for targets without names.

    Raises:
        CurvesError: at the entry of the document: no such animation, curves missing or twice, meshes that move
            differently, numbers that are not where the document says, not finite, or times that do not increase.
    """
    gltf = open_gltf(file)
    channels = _channels(gltf, order)
    time_s, values = _keys(gltf, channels[0])
    for channel in channels[1:]:
        same_time_s, same_values = _keys(gltf, channel)
        if not (np.array_equal(time_s, same_time_s) and np.array_equal(values, same_values)):
            raise CurvesError(
                "two meshes that move differently",
                where=channel.where,
                expected=f"the curves of {channels[0].where}",
                do="export one face and one animation",
            )
    layout = layout_of(channels[0].names, channels[0].where)
    return CurveTrack(
        path=file.path,
        format="gltf",
        time_s=time_s,
        values=finite(values, lambda row: f"{file.path}:frame {row}"),
        tracked=np.ones(len(time_s), np.bool_),
        stated_clock=None,
        source=file.source,
        notes=(*ignored(layout.unknown, "morph targets that are no ARKit curve"), *_notes(gltf, channels)),
    )


def _channels(gltf: Gltf, order: str | None) -> list[_Channel]:
    """The channels that move ARKit curves, in the order of the document."""
    found: list[_Channel] = []
    others: list[str] = []
    names_of: dict[int, tuple[str, ...]] = {}  # by mesh: a thousand channels of it are one look at it
    seen: set[tuple[int, int, int]] = set()
    for a, animation in enumerate(_list(gltf.document, "animations", gltf.path)):
        here = f"{gltf.path}:animations[{a}]"
        samplers = _list(object_at(animation, here), "samplers", here)
        for c, entry in enumerate(_list(animation, "channels", here)):
            where = f"{here}.channels[{c}]"
            channel = object_at(entry, where)
            target = object_at(channel.get("target"), f"{where}.target")
            if target.get("path") != "weights":
                continue
            mesh = _mesh_of(gltf, target.get("node"), where)
            if mesh not in names_of:
                names_of[mesh] = _target_names(gltf, mesh, order)
            names = names_of[mesh]
            if not any(map(arkit.canonical, names)):
                others.append(where)
                continue
            number = channel.get("sampler")
            if type(number) is not int or not 0 <= number < len(samplers):
                raise CurvesError(f"sampler {shown(number)}", where=where, expected=f"one of {len(samplers)}")
            if (a, number, mesh) not in seen:
                seen.add((a, number, mesh))
                found.append(_Channel(where, names, object_at(samplers[number], f"{here}.samplers[{number}]")))
    if len(found) > MOST_CHANNELS:
        what = f"{len(found)} channels that move ARKit curves"
        raise CurvesError(what, where=gltf.path, expected=f"at most {MOST_CHANNELS}", do="export one face")
    if not found:
        what = "no animation of ARKit curves" + (f"; these move other targets: {listed(others)}" if others else "")
        raise CurvesError(what, where=gltf.path, expected=LOOKS, do="export one")
    return found


def _mesh_of(gltf: Gltf, node: Any, where: str) -> int:
    """The index of a node's mesh."""
    number: int = gltf.item("nodes", node, where).get("mesh", -1)
    gltf.item("meshes", number, f"{gltf.path}:nodes[{node}]")  # which refuses what is no index
    return number


def _target_names(gltf: Gltf, number: int, order: str | None) -> tuple[str, ...]:
    """The names of the morph targets of a mesh."""
    here = f"{gltf.path}:meshes[{number}]"
    mesh = gltf.item("meshes", number, here)
    primitives = [object_at(entry, f"{here}.primitives") for entry in _list(mesh, "primitives", here)]
    counts = {len(_list(primitive, "targets", f"{here}.primitives")) for primitive in primitives}
    if len(counts) != 1 or 0 in counts:
        what = f"primitives with {sorted(counts)} morph targets"
        raise CurvesError(what, where=here, expected="the same targets in all of them")
    stated = [extras["targetNames"] for holder in (mesh, *primitives) if "targetNames" in (extras := _extras(holder))]
    if not stated:
        return stated_names(order, counts.pop(), here)
    names = stated[0]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CurvesError(shown(names), where=f"{here}.extras.targetNames", expected="a list of names")
    if any(other != names for other in stated) or len(names) not in counts:
        what = f"{len(names)} targetNames for {counts.pop()} morph targets"
        what = "targetNames of mesh and primitives that differ" if any(other != names for other in stated) else what
        raise CurvesError(what, where=f"{here}.extras.targetNames", expected="one name for each target")
    return tuple(names)


def _extras(holder: dict[str, Any]) -> dict[str, Any]:
    extras = holder.get("extras")  # anything may stand there; only an object can hold names
    return extras if isinstance(extras, dict) else {}


def _keys(gltf: Gltf, channel: _Channel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times ``[n]`` in seconds and values ``[n, 52]`` in canonical order."""
    where, sampler = channel.where, channel.sampler
    layout = layout_of(channel.names, where)
    way = sampler.get("interpolation", "LINEAR")
    if way not in ("LINEAR", "STEP", "CUBICSPLINE"):
        raise CurvesError(f"interpolation {shown(way)}", where=where, expected="one of " + ", ".join(_ELEMENTS))
    time_s = gltf.scalars(sampler.get("input"), where)
    found: list[float] = []
    for row, stamp in enumerate(time_s.tolist()):
        place = f"{gltf.path}:frame {row}"
        if not np.isfinite(stamp):
            raise CurvesError(f"time {stamp}", where=place, expected="a finite number of seconds")
        found.append(next_time(stamp, found, place, "time"))
    output = gltf.scalars(sampler.get("output"), where)
    shape = len(time_s), _ELEMENTS[way], len(channel.names)
    if output.size != np.prod(shape, dtype=object):
        what = f"{output.size} weights"
        raise CurvesError(what, where=where, expected=f"{shape[0]} keys x {shape[1] * shape[2]}", do="export it again")
    # Of a cubic spline's three elements a key, the tangents stand before and after the value.
    return time_s, output.reshape(shape)[:, shape[1] // 2, list(layout.places)]


def _notes(gltf: Gltf, channels: list[_Channel]) -> tuple[str, ...]:
    ways = {str(channel.sampler.get("interpolation", "LINEAR")) for channel in channels} - {"LINEAR"}
    between = tuple(f"{way}: read at its keys, between them in straight lines" for way in sorted(ways))
    same = (f"{len(channels)} meshes move by the same curves",) if len(channels) > 1 else ()
    uris = [buffer.get("uri") for buffer in gltf.document.get("buffers", []) if isinstance(buffer, dict)]
    beside = [Path(uri).name for uri in uris if isinstance(uri, str) and not uri.startswith("data:")]
    apart = (f"numbers are in files of their own, whose changes are not noticed: {listed(beside)}",) if beside else ()
    return between + same + apart


def _list(holder: dict[str, Any], key: str, where: str) -> list[Any]:
    found = holder.get(key, [])
    if not isinstance(found, list):
        raise CurvesError(shown(found), where=f"{where}.{key}", expected="a list")
    return found

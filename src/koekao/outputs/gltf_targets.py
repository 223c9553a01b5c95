"""Which nodes of a glTF are a face, and which of its morph targets is which curve.

A node is driven if its mesh has a morph target that is named as one of the 52, in any spelling that
:mod:`koekao.arkit` knows; head, teeth and lashes of one face are such nodes side by side. Names stand in
``mesh.extras.targetNames``, as the specification recommends, or in the extras of the primitives. A target that is no
curve keeps the weight it has at rest (the node's, else the mesh's, else 0), because an animation of weights moves all
targets of a mesh. Source: glTF 2.0 specification, sections 3.7.2.2 and 3.11.

What it gives up: targets without names, and names with something before them (``blendShape1.jawOpen``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from koekao.arkit import INDEX, NAMES, positions
from koekao.errors import CurvesError, OutputError
from koekao.outputs.gltf_file import GltfFile, objects, shown

_NAME_THEM = 'name its targets in mesh.extras.targetNames ("jawOpen", "JawOpen" or "mouthSmile_L"), as exporters can'
_AGAIN = "export the file again"
_LARGEST = float(np.finfo(np.float32).max)
_LISTED = 12


@dataclass(frozen=True)
class Targets:
    """The morph targets of a mesh on a node.

    Attributes:
        curves: of each target, the index of its curve; -1 where it is none.
        rest: of each target, its weight at rest.
    """

    curves: tuple[int, ...]
    rest: tuple[float, ...]


def face_nodes(file: GltfFile) -> tuple[dict[int, Targets], tuple[str, ...]]:
    """The nodes to be driven, by index, and the curves that none of them has a target for.

    Raises:
        OutputError: with the place: nothing to drive, or a mesh or node that is not as the specification has it.
    """
    meshes, others = file.entries("meshes"), dict[str, None]()
    names_of = [_target_names(mesh, f"{file.path}:meshes[{i}]") for i, mesh in enumerate(meshes)]
    curves_of = [_curves(names, f"{file.path}:meshes[{i}]") for i, names in enumerate(names_of)]
    driven: dict[int, Targets] = {}
    for i, node in enumerate(file.entries("nodes")):
        mesh, where = node.get("mesh"), f"{file.path}:nodes[{i}]"
        if mesh is None:
            continue
        if type(mesh) is not int or not 0 <= mesh < len(meshes):
            raise OutputError(f"mesh {shown(mesh)}", where=where, expected=f"one of {len(meshes)}", do=_AGAIN)
        if set(curves_of[mesh]) - {-1}:
            rest = _rest(node.get("weights", meshes[mesh].get("weights")), len(names_of[mesh]), where)
            driven[i] = Targets(curves_of[mesh], rest)
        others.update(dict.fromkeys(names_of[mesh]))
    if not driven:
        seen = f"; its targets are {', '.join(map(shown, list(others)[:_LISTED]))}" if others else ""
        raise OutputError(f"no node shows a mesh with ARKit morph targets{seen}", where=file.path, do=_NAME_THEM)
    found = {curve for targets in driven.values() for curve in targets.curves}
    return driven, tuple(name for name in NAMES if INDEX[name] not in found)


def _target_names(mesh: dict[str, Any], where: str) -> tuple[str, ...]:
    """The names of a mesh's morph targets; none where it has no targets, or they have no names."""
    primitives = objects(mesh, "primitives", f"{where}.primitives")
    counts = {len(objects(primitive, "targets", f"{where}.primitives.targets")) for primitive in primitives}
    if len(counts) > 1:
        what = f"primitives with {' and '.join(map(str, sorted(counts)))} morph targets"
        raise OutputError(what, where=where, expected="the same targets in all of them", do=_AGAIN)
    extras = [holder.get("extras") for holder in (mesh, *primitives)]
    stated = [extra["targetNames"] for extra in extras if isinstance(extra, dict) and "targetNames" in extra]
    if not stated or counts <= {0}:
        return ()
    names, n_targets = stated[0], next(iter(counts))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) != n_targets:
        what = f"targetNames {shown(names)}"
        raise OutputError(what, where=f"{where}.extras", expected=f"{n_targets} names, one a target", do=_NAME_THEM)
    return tuple(names)


def _curves(names: tuple[str, ...], where: str) -> tuple[int, ...]:
    try:
        found = {place: INDEX[curve] for curve, place in positions(names).items()}
    except CurvesError as fault:
        raise OutputError(fault.what, where=f"{where}.extras.targetNames", do="rename one of the two") from None
    return tuple(found.get(place, -1) for place in range(len(names)))


def _rest(weights: Any, n_targets: int, where: str) -> tuple[float, ...]:
    if weights is None:
        return (0.0,) * n_targets
    numbers = isinstance(weights, list) and all(type(w) in (int, float) and abs(w) <= _LARGEST for w in weights)
    if not numbers or len(weights) != n_targets:
        raise OutputError(f"weights {shown(weights)}", where=where, expected=f"{n_targets} numbers", do=_AGAIN)
    return tuple(map(float, weights))

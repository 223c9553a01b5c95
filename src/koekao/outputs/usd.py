"""Curves in USD: blend shapes of UsdSkel and an animation of their weights, as ``.usda`` (text), ``.usdc`` or ``.usd``.

``/Face`` is a SkelRoot with koekao's head as ``Mesh`` and its 52 ``BlendShape`` children, a ``Skeleton`` of one joint,
which players want before they deform anything, and a ``SkelAnimation`` whose ``blendShapeWeights`` have a time sample a
frame. Time codes count frames (``timeCodesPerSecond`` is the frame rate), so frame k of a file that begins at 0 is at
time code k, exactly. Source: OpenUSD's schema documentation of UsdSkel.

It is written by Pixar's own library (usd-core, an extra), because there is no other writer of its binary form.

What it gives up: bounded memory, for a stage holds all its samples until it is saved, at the end some 700 bytes a
frame (two hours at 60 fps: 290 MB); and the rotations of head and eyes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from koekao.arkit import NAMES
from koekao.errors import ConfigError, OutputError
from koekao.head import Head, make_head
from koekao.outputs.target import Append, Frames, Target


@contextmanager
def writing(target: Target) -> Iterator[Append]:
    """Write a USD stage (see :mod:`koekao.outputs.target`); text if the name ends in ``.usda``, else binary.

    Raises:
        ConfigError: usd-core is not installed.
    """
    try:
        from pxr import Usd, Vt
    except ImportError as fault:
        what = "USD is written by usd-core, which is not installed"
        raise ConfigError(what, where=target.path, do='pip install "koekao[usd]"') from fault
    fps = target.times.fps
    stage = Usd.Stage.CreateInMemory()
    weights = _face(stage, make_head())
    ends: list[float] = []

    def append(frames: Frames) -> None:
        for i, values in enumerate(frames.curves):
            code = float(frames.times.exact(frames.first + i) * fps)
            weights.Set(Vt.FloatArray.FromNumpy(np.ascontiguousarray(values)), code)
            ends[1:] = [code]

    yield append
    stage.SetTimeCodesPerSecond(float(fps))
    stage.SetFramesPerSecond(float(fps))
    stage.SetStartTimeCode(ends[0])
    stage.SetEndTimeCode(ends[-1])
    _export(stage, target)


def _face(stage: Any, shape: Head) -> Any:
    """Put the face on a stage; the attribute of the weights that move it."""
    from pxr import Gf, UsdGeom, UsdSkel

    root = UsdSkel.Root.Define(stage, "/Face")
    stage.SetDefaultPrim(root.GetPrim())
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    skeleton = UsdSkel.Skeleton.Define(stage, "/Face/Skeleton")
    skeleton.CreateJointsAttr(["head"])
    skeleton.CreateBindTransformsAttr([Gf.Matrix4d(1)])
    skeleton.CreateRestTransformsAttr([Gf.Matrix4d(1)])
    animation = UsdSkel.Animation.Define(stage, "/Face/Animation")
    animation.CreateBlendShapesAttr(list(NAMES))
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().AddTarget(animation.GetPath())
    mesh = _mesh(stage, shape)
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().AddTarget(skeleton.GetPath())
    binding.CreateJointIndicesPrimvar(True, 1).Set([0])
    binding.CreateJointWeightsPrimvar(True, 1).Set([1.0])
    binding.CreateBlendShapesAttr(list(NAMES))
    for name, moved in zip(NAMES, shape.targets, strict=True):
        target = _blend_shape(stage, f"{mesh.GetPath()}/{name}", moved)
        binding.CreateBlendShapeTargetsRel().AddTarget(target.GetPath())
    return animation.CreateBlendShapeWeightsAttr()


def _mesh(stage: Any, shape: Head) -> Any:
    from pxr import Sdf, UsdGeom, Vt

    mesh = UsdGeom.Mesh.Define(stage, "/Face/Mesh")
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(shape.positions))
    mesh.CreateFaceVertexCountsAttr([3] * len(shape.all_triangles))
    mesh.CreateFaceVertexIndicesAttr(shape.all_triangles.ravel().tolist())
    colours = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
        "displayColor", Sdf.ValueTypeNames.Color3fArray, UsdGeom.Tokens.faceVarying
    )
    shown = shape.tint[shape.all_triangles] * shape.material_colours[shape.face_materials][:, None]
    colours.Set(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(shown.reshape(-1, 3), np.float32)))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(True)
    lowest_and_highest = np.stack([shape.positions.min(axis=0), shape.positions.max(axis=0)])
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(lowest_and_highest))
    return mesh


def _blend_shape(stage: Any, path: str, moved: Any) -> Any:
    """A blend shape of the vertices that a curve moves."""
    from pxr import UsdSkel, Vt

    blend_shape = UsdSkel.BlendShape.Define(stage, path)
    points = np.flatnonzero(moved.any(axis=1))
    blend_shape.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(moved[points])))
    blend_shape.CreatePointIndicesAttr(points.tolist())
    return blend_shape


def _export(stage: Any, target: Target) -> None:
    """Save under an ending, which tells the library the form, then put it where it is awaited."""
    from pxr import Tf

    form = ".usda" if target.path.suffix.lower() == ".usda" else ".usdc"
    made = target.temporary.with_name(target.temporary.name + form)
    try:
        stage.GetRootLayer().Export(str(made))
        made.replace(target.temporary)
    except Tf.ErrorException as fault:
        reason = str(fault).strip().splitlines()[0].rpartition(" : ")[2].strip("'")  # without where in the library
        do = "check the free space and the rights of the folder; nothing was published"
        raise OutputError(f"cannot be written ({reason})", where=target.path, do=do) from fault
    finally:
        made.unlink(missing_ok=True)

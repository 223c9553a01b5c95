"""Laws of USD, asked of Pixar's own library: the face is bound, every sample is at the time code of its frame."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import N_CURVES, NAMES
from koekao.errors import ConfigError
from koekao.head import make_head
from koekao.outputs import write_curves

pxr = pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Usd, UsdGeom, UsdSkel  # noqa: E402

CURVES = np.random.default_rng(1).uniform(-0.2, 1.2, (120, N_CURVES)).astype(np.float32)
ENDINGS = pytest.mark.parametrize("ending", [".usda", ".usdc", ".usd", ".USDA"])
RATES = [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60)]


@ENDINGS
def test_the_ending_says_text_or_binary(tmp_path: Path, ending: str) -> None:
    write_curves(tmp_path / f"a{ending}", CURVES, 30)
    begins = (tmp_path / f"a{ending}").read_bytes()[:8]
    assert begins == (b"#usda 1." if ending.lower() == ".usda" else b"PXR-USDC")
    assert [path.name for path in tmp_path.iterdir()] == [f"a{ending}"]


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("ending", [".usda", ".usdc"])
def test_every_frame_is_a_sample_at_its_time_code(tmp_path: Path, ending: str, fps: Fraction) -> None:
    write_curves(tmp_path / f"a{ending}", CURVES, fps, start_s=2.0)
    stage = Usd.Stage.Open(str(tmp_path / f"a{ending}"))
    weights = UsdSkel.Animation.Get(stage, "/Face/Animation").GetBlendShapeWeightsAttr()
    codes = weights.GetTimeSamples()
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == float(fps)
    assert codes == [float(2 * fps + k) for k in range(120)]
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (codes[0], codes[-1])
    back = np.array([weights.Get(code) for code in codes], np.float32)
    np.testing.assert_array_equal(back, CURVES)


def test_measured_rows_stand_at_their_own_times(tmp_path: Path) -> None:
    time_s = np.array([0.5, 0.51, 3.0])
    write_curves(tmp_path / "a.usdc", CURVES[:3], 30, time_s=time_s)
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    codes = UsdSkel.Animation.Get(stage, "/Face/Animation").GetBlendShapeWeightsAttr().GetTimeSamples()
    np.testing.assert_allclose(np.array(codes) / stage.GetTimeCodesPerSecond(), time_s, rtol=1e-12)


@pytest.mark.parametrize("ending", [".usda", ".usdc"])
def test_the_library_finds_the_skeleton_and_moves_the_points_by_the_weights(tmp_path: Path, ending: str) -> None:
    """The way a player goes: the binding, the query of the animation, the shapes, the points."""
    write_curves(tmp_path / f"a{ending}", CURVES, 30)
    stage = Usd.Stage.Open(str(tmp_path / f"a{ending}"))
    assert stage.GetDefaultPrim().GetPath() == "/Face" and UsdGeom.GetStageUpAxis(stage) == "Y"
    cache, root = UsdSkel.Cache(), UsdSkel.Root(stage.GetDefaultPrim())
    assert cache.Populate(root, Usd.PrimDefaultPredicate)
    (bound,) = cache.ComputeSkelBindings(root, Usd.PrimDefaultPredicate)
    (target,) = bound.GetSkinningTargets()
    assert target.HasBlendShapes()
    animation = cache.GetSkelQuery(bound.GetSkeleton()).GetAnimQuery()
    assert list(animation.GetBlendShapeOrder()) == list(target.GetBlendShapeOrder()) == list(NAMES)
    shapes = UsdSkel.BlendShapeQuery(UsdSkel.BindingAPI(target.GetPrim()))
    weights = np.array(animation.ComputeBlendShapeWeights(7.0), np.float32)
    np.testing.assert_array_equal(weights, CURVES[7])
    points = np.array(UsdGeom.Mesh(target.GetPrim()).GetPointsAttr().Get())
    shape = make_head()
    np.testing.assert_array_equal(points, shape.positions)
    for i, name in enumerate(NAMES):
        blend = UsdSkel.BlendShape(stage.GetPrimAtPath(f"/Face/Mesh/{name}"))
        moved = np.zeros_like(points)
        moved[np.array(blend.GetPointIndicesAttr().Get())] = np.array(blend.GetOffsetsAttr().Get())
        np.testing.assert_array_equal(moved, shape.targets[i])
        assert shapes.GetBlendShape(i).GetPath() == blend.GetPath()


def test_without_the_library_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(ConfigError, match=r'a\.usdc: USD is written by usd-core.*\n  -> pip install "koekao\[usd\]"'):
        write_curves(tmp_path / "a.usdc", CURVES, 30)
    assert list(tmp_path.iterdir()) == []

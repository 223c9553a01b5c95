"""``koekao convert``: the ending or --format says what is made, --face puts it on a face, warnings are said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import koekao
from koekao.outputs import FORMATS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    curves = np.random.default_rng(1).random((20, 52), np.float32)
    curves[:, -1] = 0
    koekao.write_curves(tmp_path / "in.jsonl", curves, 30)
    return tmp_path / "in.jsonl"


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "usd"])
@pytest.mark.parametrize("flag", ["--format", "--write"])
def test_every_format_can_be_asked_for_by_name(
    cli: Callable, source: Path, tmp_path: Path, name: str, flag: str
) -> None:
    outcome = cli("convert", source, tmp_path / "out", flag, name, "--json")
    assert outcome.code == 0 and outcome.json["written"] == name
    assert np.array_equal(koekao.read_curves(tmp_path / "out").values, koekao.read_curves(source).values)


def test_usd_comes_by_its_ending(cli: Callable, source: Path, tmp_path: Path) -> None:
    pytest.importorskip("pxr", reason="usd-core is not installed")
    assert cli("convert", source, tmp_path / "out.usdc", "--json").json["written"] == "usd"
    assert (tmp_path / "out.usdc").read_bytes().startswith(b"PXR-USDC")


@pytest.mark.filterwarnings("default")
def test_a_face_is_animated_and_what_it_lacks_is_said(cli: Callable, source: Path, tmp_path: Path) -> None:
    cli("convert", source, tmp_path / "face.gltf")
    face = json.loads((tmp_path / "face.gltf").read_text())
    for mesh in face["meshes"]:
        if "targetNames" in mesh.get("extras", {}):
            mesh["extras"]["targetNames"][51] = "hat"
    (tmp_path / "face.gltf").write_text(json.dumps(face))
    outcome = cli("convert", source, tmp_path / "out.glb", "--face", tmp_path / "face.gltf")
    assert outcome.code == 0 and "out.glb (gltf, 20 rows) in " in outcome.out
    assert "koekao: warning:" in outcome.err and "no morph target for 1 of the 52 curves: tongueOut" in outcome.err
    refused = cli("convert", source, tmp_path / "out.csv", "--face", tmp_path / "face.gltf")
    assert refused.code == 2 and "livelink_csv with a face of your own" in refused.err
    assert not (tmp_path / "out.csv").exists()


def test_an_unknown_format_is_refused_and_the_known_ones_named(cli: Callable, source: Path, tmp_path: Path) -> None:
    outcome = cli("convert", source, tmp_path / "out.csv", "--format", "maya")
    assert outcome.code == 2 and all(name in outcome.err.replace("\n", " ") for name in FORMATS)

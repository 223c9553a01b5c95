"""What a user hands over beside recordings, held to damage: a face of his own to animate, and settings.

As many cases of faces as of recordings; of settings, which are trusted and slow to read, a fifth.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from holding import CASES, held

sys.path.insert(0, str(Path(__file__).parents[1] / "outputs"))

from glb_files import Face

from koekao.arkit import NAMES
from koekao.outputs.gltf_file import first_buffer, taken_apart
from koekao.outputs.gltf_targets import face_nodes
from koekao.training import TrainConfig
from koekao.training.settings_file import as_yaml, read_settings

pytestmark = pytest.mark.timeout(3600)


def test_a_face_of_ones_own(tmp_path: Path) -> None:
    """What ``--face`` names, as far as it is read before anything is written."""
    faces = [Face(NAMES[:3]), Face(["jawOpen", "blink_l"], None)]
    seeds = [face.glb(tmp_path / f"{i}.glb").read_bytes() for i, face in enumerate(faces)]
    seeds += [faces[0].gltf(tmp_path / "a.gltf").read_bytes(), faces[0].gltf(tmp_path / "b.gltf", "b.bin").read_bytes()]

    def read(data: bytes) -> None:
        file = taken_apart(data, str(tmp_path / "face.glb"))
        nodes, missing = face_nodes(file)
        assert nodes and len(missing) < 52
        first_buffer(file)

    for seed in seeds:
        read(seed)
    assert CASES // 100 < held("face", seeds, read) < CASES * 9 // 10


def test_settings_of_a_run(tmp_path: Path) -> None:
    """What ``--config`` names; what is read is settings that a run can begin with."""
    config = TrainConfig(
        trainer="sequential", losses={"regions": {"jaw": 2.0}}, augment={"noise": {"probability": 0.5}}
    )
    seeds = [as_yaml(config).encode(), b"trainer: clips\nepochs: 3\nmodel:\n  dim: 64\n  dropout: 1e-1\n"]
    place = tmp_path / "run.yaml"

    def read(data: bytes) -> None:
        place.write_bytes(data)
        assert asdict(TrainConfig(**read_settings(place)))

    for seed in seeds:
        read(seed)
    assert 0 < held("settings", seeds, read, CASES // 5) < CASES // 5

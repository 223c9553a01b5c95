"""What the pages of the documentation find in their folders: a few short synthetic takes, and all that is made of them.

Made once, by the command line itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from doc_running import _in_process, laid

from plain_terminal import eighty_columns, no_tensorboard  # noqa: F401 (fixtures of all tests here)

TAKES, SECONDS = 5, 10
LATE_MS = 180
NAMES = ("aoi_0001", "aoi_0003", "ken_0000", "ken_0002", "ken_0004")
FEW_STEPS = ("--max-steps", "4", "--model.dim", "16", "--validations", "1", "--no-plots", "--device", "cpu")


def made(*words: object) -> None:
    code, said = _in_process([str(word) for word in words])
    assert code == 0, said


@pytest.fixture(scope="module")
def drawn_once() -> Iterator[None]:
    """The same run is exported on several pages; its graph, which takes 5 s and is always the same, is drawn once."""
    from koekao.export import onnx_file

    drawn: dict[str, bytes] = {}

    def remembered(model: Any, header: Any) -> bytes:
        if header.as_text() not in drawn:
            drawn[header.as_text()] = draw(model, header)
        return drawn[header.as_text()]

    draw = onnx_file.graph_bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_file, "graph_bytes", remembered)
        yield


@pytest.fixture(scope="module")
def stock(
    small_baseline: None, drawn_once: None, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Callable[[Path], None]]:
    """Kind of thing -> what puts it at a path."""
    home = tmp_path_factory.mktemp("stock")
    takes, livelink, corpus, run = (home / name for name in ("takes", "livelink", "corpus", "run"))
    shape = ("--takes", TAKES, "--seconds", SECONDS, "--voices", 2)
    made("synthesize", takes, *shape)
    made("synthesize", livelink, *shape, "--format", "livelink_csv")
    made("pack", takes, corpus, "--val", "ken_0002", "--test", "aoi_0003")
    made("train", corpus, run, *FEW_STEPS)
    made("animate", run, takes / "aoi_0003.wav", "-o", home / "face.csv")
    made("animate", run, takes / "aoi_0003.wav", "-o", home / "face.json")
    (home / "wavs").mkdir()
    for name in NAMES:
        shutil.copyfile(takes / f"{name}.wav", home / "wavs" / f"{name}.wav")

    def phone(target: Path) -> None:
        """Takes with the names that the page gives them; the sound of the third comes late."""
        target.mkdir()
        for number, name in enumerate(NAMES):
            for ending in ("wav", "csv"):
                shutil.copyfile(livelink / f"{name}.{ending}", target / f"monday_{number + 1:02d}.{ending}")
        sound, rate = soundfile.read(target / "monday_03.wav", dtype="int16")
        soundfile.write(target / "monday_03.wav", np.r_[np.zeros(LATE_MS * rate // 1000, np.int16), sound], rate)

    def onnx(target: Path) -> None:
        pytest.importorskip("onnx", reason="the extra onnx is not installed")
        if not (home / "model.onnx").exists():
            made("export", run, "-o", home / "model.onnx", "--check-frames", 30)
        shutil.copyfile(home / "model.onnx", target)

    def face_glb(target: Path) -> None:
        from koekao.head import head_glb

        target.write_bytes(head_glb())

    return {
        "takes": laid(takes), "livelink": laid(livelink), "phone": phone, "corpus": laid(corpus), "run": laid(run),
        "wavs": laid(home / "wavs"), "speech.wav": laid(takes / "aoi_0003.wav"),
        "truth.jsonl": laid(takes / "aoi_0003.jsonl"), "truth.csv": laid(livelink / "aoi_0003.csv"),
        "face.csv": laid(home / "face.csv"), "face.json": laid(home / "face.json"), "model.onnx": onnx,
        "face.glb": face_glb,
    }  # fmt: skip


@pytest.fixture(scope="session")
def given() -> Mapping[str, Callable[[], Any]]:
    """Names that the Python of a page may have: sound that somebody else gives it."""
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    return {
        "samples": samples[:4_800].copy,
        "microphone": lambda: np.split(samples, 10),
    }

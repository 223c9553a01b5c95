"""What the metrics say of a recorded face that was changed by hand, and of a stranger's face in its place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.arkit import INDEX
from koekao.takes import find_takes, load_take
from koekao.training.metrics import score

TAKES = Path(__file__).parents[3] / "shared" / "data" / "takes"
pytestmark = pytest.mark.skipif(not TAKES.is_dir(), reason="the real takes are not beside this checkout")


@pytest.fixture(scope="module")
def faces() -> dict[str, Any]:
    """``[F, 52]`` of two takes, as long as the shorter."""
    files = {pair.name: pair for pair in find_takes(TAKES).pairs}
    faces = {name: load_take(files[name]).curves for name in ("1114_2_01", "1114_3_15")}
    return {name: face[:1472] for name, face in faces.items()}


def told(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return score([(p, t, np.ones(len(t), bool)) for p, t in pairs], fps=Fraction(30)).as_dict()


def test_the_truth_is_perfect(faces: dict[str, Any]) -> None:
    said = told(*((face, face) for face in faces.values()))
    assert said["lip_closure_f1"] == said["diversity"] == 1
    assert said["jitter_ratio"] == pytest.approx(1, abs=1e-9)  # less what rounding adds
    assert said["onset_lag_ms"] == pytest.approx(0, abs=1e-9) and said["mae"] == 0
    assert (
        said["lip_closures"]["true"] > 90 and said["upper_face_deviation"] is None
    )  # only jaw and mouth were recorded


def test_a_face_that_is_two_frames_late(faces: dict[str, Any]) -> None:
    """Its lips still close within 100 ms, and what it loses in r is not the fault of its movements."""
    face = faces["1114_3_15"]
    said = told((np.roll(face, 2, axis=0), face))
    assert said["onset_lag_ms"] == pytest.approx(2000 / 30, abs=0.1) and said["lip_closure_f1"] > 0.98
    assert said["r"] < 0.75 and said["jitter_ratio"] == pytest.approx(1, abs=0.02)
    assert told((np.roll(face, 4, axis=0), face))["lip_closure_f1"] < 0.5


def test_a_face_that_trembles(faces: dict[str, Any]) -> None:
    """Noise of 0.02 hardly touches r, and more than doubles what is above 8 Hz."""
    face = faces["1114_3_15"]
    noise = np.random.default_rng(0).standard_normal(face.shape).astype(np.float32)
    said = told((face + 0.02 * noise, face))
    assert said["r"] > 0.9 and said["jitter_ratio"] > 2


def test_a_mouth_that_never_quite_closes(faces: dict[str, Any]) -> None:
    """A jaw that stays a tenth open costs jawOpen's r almost nothing."""
    face = faces["1114_3_15"]
    agape = face.copy()
    agape[:, INDEX["jawOpen"]] = np.maximum(face[:, INDEX["jawOpen"]], 0.1)
    said = told((agape, face))
    assert said["by_curve"]["jawOpen"]["r"] > 0.95 and said["lip_closure_f1"] < 0.4


def test_another_takes_face(faces: dict[str, Any]) -> None:
    """It has no lag, few closures by chance, and is diverse nonetheless: right faces for the wrong takes."""
    one, two = faces.values()
    said = told((one, two), (two, one))
    assert said["onset_lag_ms"] is None and abs(said["r"]) < 0.1 and said["diversity"] == pytest.approx(1)
    assert said["lip_closure_f1"] < 0.3

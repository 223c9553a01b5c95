"""Fault 26: values outside [0, 1] are reported, each kind for what it is: an overshoot, a fault, another scale."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX, NAMES
from koekao.takes.doctor.finding import Finding
from koekao.takes.doctor.findings import findings_of
from koekao.takes.doctor.health import Health, examine
from koekao.takes.doctor.subjects import Subject
from koekao.takes.synthetic.making import make_take


def examined(path: Path, values: np.ndarray) -> Health:
    rows = (dict(zip(NAMES, map(float, row), strict=True)) for row in values)
    path.write_text("".join(json.dumps({"timestamp": k / 30, "blendshapes": row}) + "\n" for k, row in enumerate(rows)))
    return examine(Subject(name="take", curves=path))


def told(health: Health) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings_of(health) if finding.name != "no_sound"}


def face() -> np.ndarray:
    return make_take(3, seconds=10).curves.astype(np.float64)


@pytest.mark.parametrize(("value", "level"), [(1.05, "note"), (-0.02, "note"), (-0.2, "look"), (40.0, "look")])
@pytest.mark.parametrize("curve", ["jawOpen", "tongueOut"])
def test_one_value(tmp_path: Path, value: float, level: str, curve: str) -> None:
    values = face()
    values[100, INDEX[curve]] = value
    health = examined(tmp_path / "take.jsonl", values)
    (finding,) = told(health).values()
    assert (finding.name, finding.level, health.usable) == ("outside", level, True)
    assert health.curves is not None
    assert value in (pytest.approx(health.curves.low), pytest.approx(health.curves.high))
    assert health.curves.outside_share == 1 / values.size


@pytest.mark.parametrize("largest", [60, 100])
def test_a_scale_of_0_to_100(tmp_path: Path, largest: float) -> None:
    values = face()
    health = examined(tmp_path / "take.jsonl", values * largest / values.max())
    (finding,) = told(health).values()
    assert (finding.name, finding.level, health.usable) == ("scale_0_to_100", "problem", True)
    assert "100" in finding.do


def test_a_value_of_40_now_and_then_is_no_scale(tmp_path: Path) -> None:
    values = face()
    values[::10, INDEX["browInnerUp"]] = 40
    assert set(told(examined(tmp_path / "take.jsonl", values))) == {"outside"}


def test_inside_nothing_is_said(tmp_path: Path) -> None:
    values = face()
    values[0, 0], values[1, 0] = 0.0, 1.0
    assert told(examined(tmp_path / "take.jsonl", values)) == {}

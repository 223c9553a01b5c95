"""Fault 22: sound that is silent or clipped is reported; the take is neither refused nor repaired without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koekao.outputs.folder import write_take
from koekao.takes.doctor.findings import findings_of
from koekao.takes.doctor.health import Health, examine
from koekao.takes.doctor.subjects import find_subjects
from koekao.takes.synthetic.making import make_take


def examined(folder: Path, gain: float, dtype: str = "int16") -> Health:
    """A take of 9 s, made louder until it is clipped, or silent."""
    take = make_take(1, seconds=9)
    loud = np.clip(gain * (take.audio / 32768), -1, 32767 / 32768)
    audio = np.round(loud * 32768).astype(np.int16) if dtype == "int16" else loud.astype(np.float32)
    write_take(folder, "take", audio, take.sample_rate, take.curves, take.fps)
    (subject,) = find_subjects(folder)
    return examine(subject, sync=False)


def told(health: Health) -> dict[str, str]:
    return {finding.name: finding.level for finding in findings_of(health)}


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_silent(tmp_path: Path, dtype: str) -> None:
    health = examined(tmp_path, 0.0, dtype)
    assert (told(health), health.usable) == ({"silent": "problem"}, True)
    assert health.sound is not None and health.sound.silent_share == 1


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize(("gain", "level"), [(3.0, "look"), (20.0, "problem")])
def test_clipped(tmp_path: Path, gain: float, level: str, dtype: str) -> None:
    health = examined(tmp_path, gain, dtype)
    assert (told(health), health.usable) == ({"clipped": level}, True)
    assert health.sound is not None and health.sound.clipped_samples >= 3 * health.sound.clipped_runs > 0


def test_neither(tmp_path: Path) -> None:
    health = examined(tmp_path, 1.0)
    assert told(health) == {} and health.sound is not None and health.sound.clipped_runs == 0

"""The doctor sees a take as packing will lay it: by timecodes, by a timeline beside it, with the sound of its movie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from koekao import make_take
from koekao.outputs import write_curves
from koekao.takes.doctor.health import Health, examine
from koekao.takes.doctor.subjects import find_subjects
from movies import write_movie
from take_files import write_wav


def examined(place: Path) -> Health:
    (subject,) = find_subjects(place)
    return examine(subject)


@pytest.fixture(scope="module")
def speech() -> tuple[np.ndarray, np.ndarray]:
    take = make_take(77, seconds=40, voice="aoi")
    return take.audio, take.curves


def test_a_timeline_beside_a_take_is_taken_out_before_sync_is_measured(tmp_path: Path, speech: tuple) -> None:
    audio, curves = speech
    write_wav(tmp_path / "a.wav", np.concatenate([np.zeros(8000, np.int16), audio]))
    write_curves(tmp_path / "a.jsonl", curves, 30)
    late = examined(tmp_path)
    assert late.sync is not None and late.sync.sync_ms == pytest.approx(500, abs=15)
    (tmp_path / "a.timeline.json").write_text('{"curves_start_s": 0.5}')
    for place in (tmp_path, tmp_path / "a", tmp_path / "a.wav", tmp_path / "a.jsonl"):
        laid = examined(place)
        assert laid.sync is not None and laid.sync.sync_ms == pytest.approx(0, abs=15)
        assert laid.curves is not None and laid.curves.start_s == pytest.approx(0.5)
        assert any("by a.timeline.json" in note for note in laid.curves.notes)
    (tmp_path / "a.timeline.json").write_text('{"curves_start_s": 500}')
    (error,) = examined(tmp_path).errors
    assert "do not meet it" in str(error)


def test_a_take_folder_of_the_phone_is_seen_with_its_movie(tmp_path: Path, speech: tuple) -> None:
    audio, curves = speech
    write_curves(tmp_path / "X_iPhone.csv", curves, 30, start_s=36_000.0)
    write_movie(tmp_path / "X_iPhone.mov", audio, 16000, timecode="09:59:59:00", n_pictures=30)
    (tmp_path / "X_iPhone_raw.csv").write_bytes((tmp_path / "X_iPhone.csv").read_bytes())
    seen = examined(tmp_path)
    assert seen.name == "X_iPhone" and seen.sound is not None and seen.sound.origin_s == 35_999.0
    assert seen.curves is not None and seen.curves.start_s == pytest.approx(1.0)
    assert seen.sync is not None and seen.sync.sync_ms == pytest.approx(-1000, abs=15)

"""Fault 31: curves longer or shorter than the sound are cut at the end and keep their offset, or are refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koekao.arkit import N_CURVES
from koekao.errors import TakeError
from koekao.outputs import write_curves
from koekao.takes import Take, TakeFiles, TakePolicies, load_take

FRAMES = 90
RNG = np.random.default_rng(31)
SOUND = RNG.integers(-9000, 9000, 16000 * 10).astype(np.int16)
VALUES = RNG.random((300, N_CURVES), np.float32)


def loaded(folder: Path, n_samples: int, n_rows: int, **policies: Any) -> Take:
    soundfile.write(folder / "a.wav", SOUND[:n_samples], 16000, subtype="PCM_16")
    write_curves(folder / "a.jsonl", VALUES[:n_rows], Fraction(30))
    files = TakeFiles(name="a", speaker="a", sound=folder / "a.wav", curves=folder / "a.jsonl")
    return load_take(files, policies=TakePolicies(**policies))


@pytest.mark.parametrize("n_rows", [FRAMES - 30, FRAMES - 1, FRAMES, FRAMES + 1, FRAMES + 30])
def test_fault_31_what_is_over_is_cut_at_the_end_and_nothing_moves(tmp_path: Path, n_rows: int) -> None:
    take = loaded(tmp_path, 16000 * 3, n_rows)
    n_frames = min(FRAMES, n_rows)
    assert take.curves.tobytes() == VALUES[:n_frames].tobytes()
    assert take.audio.tobytes() == SOUND[: take.clock.frame_start(n_frames)].tobytes()
    assert [repair.split(":")[0] for repair in take.repairs] == ([] if n_rows == FRAMES else ["trim"])


@pytest.mark.parametrize("n_rows", [FRAMES // 2, FRAMES - 31, FRAMES + 31, FRAMES + FRAMES // 2])
def test_fault_31_beyond_the_tolerance_they_are_no_pair(tmp_path: Path, n_rows: int) -> None:
    with pytest.raises(TakeError, match=rf"the sound lasts 3\.000 s, the curves {n_rows / 30:.3f} s") as caught:
        loaded(tmp_path, 16000 * 3, n_rows)
    assert "a.wav" in caught.value.where and "a.jsonl" in caught.value.where
    assert loaded(tmp_path, 16000 * 3, n_rows, length_tolerance_s=60).n_frames == min(FRAMES, n_rows)


@pytest.mark.parametrize("n_rows", [FRAMES - 1, FRAMES + 1])
def test_fault_31_a_frame_of_difference_is_refused_where_that_is_asked_for(tmp_path: Path, n_rows: int) -> None:
    with pytest.raises(TakeError, match="expected ends in the same frame"):
        loaded(tmp_path, 16000 * 3, n_rows, ends="refuse")
    assert loaded(tmp_path, 16000 * 3, FRAMES, ends="refuse").n_frames == FRAMES


def test_fault_31_short_curves_are_padded_with_invalid_frames_where_that_is_asked_for(tmp_path: Path) -> None:
    take = loaded(tmp_path, 16000 * 3, FRAMES - 7, ends="pad")
    assert take.n_frames == FRAMES and take.audio.tobytes() == SOUND[: 16000 * 3].tobytes()
    assert np.flatnonzero(~take.valid).tolist() == list(range(FRAMES - 7, FRAMES))
    assert take.repairs[0] == "pad: 7 invalid frames at the end"


def test_fault_31_short_sound_is_padded_with_silence_where_that_is_asked_for(tmp_path: Path) -> None:
    take = loaded(tmp_path, 16000 * 3 - 1000, FRAMES, ends="pad")
    assert take.n_frames == FRAMES and take.n_samples == take.clock.frame_start(FRAMES)
    assert take.audio[: 16000 * 3 - 1000].tobytes() == SOUND[: 16000 * 3 - 1000].tobytes()
    assert not take.audio[16000 * 3 - 1000 :].any()
    assert take.valid.all()
    assert take.repairs == ("pad: 62 ms of silence at the end",)

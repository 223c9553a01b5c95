"""Fault 32: a take shorter than a window is padded or left out by policy, and counted; none vanishes, none hangs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koekao.arkit import N_CURVES
from koekao.corpus import PackConfig, pack
from koekao.errors import PlanError, TakeError
from koekao.outputs import write_curves
from koekao.takes import TakeFiles, TakePolicies, load_take
from small_loaders import clips, streams

WINDOW = 8
LENGTHS = (1, WINDOW - 1, WINDOW, WINDOW + 1)


@pytest.mark.parametrize("loader", [streams, clips])
@pytest.mark.parametrize("short", ["pad", "skip"])
def test_fault_32_windows_of_takes_about_as_long_as_a_window(
    packed_of: Callable[..., Any], loader: Callable[..., Any], short: str
) -> None:
    made = loader(packed_of(LENGTHS).corpus, window_frames=WINDOW, short=short, batch_size=2)
    valid: dict[str, list[int]] = {}
    for batch in made:
        for name, n in zip(batch["file_names"], batch["valid_frames"].tolist(), strict=True):
            if n:
                valid.setdefault(name, []).append(n)
    wanted = {"take_002": [WINDOW], "take_003": [WINDOW, WINDOW]}
    wanted |= {"take_000": [1], "take_001": [WINDOW - 1]} if short == "pad" else {}
    assert valid == wanted
    assert (made.plan.grid.padded_takes, made.plan.grid.skipped_takes) == ((2, 0) if short == "pad" else (0, 2))


def test_fault_32_takes_that_are_all_too_short_are_an_error_and_no_endless_loop(packed_of: Callable[..., Any]) -> None:
    with pytest.raises(PlanError, match="short='pad'"):
        streams(packed_of((1, WINDOW - 1)).corpus, window_frames=WINDOW, short="skip")


def recorded(folder: Path, name: str, n_frames: int) -> TakeFiles:
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / f"{name}.wav", np.zeros(n_frames * 16000 // 30 + 1, np.int16), 16000, subtype="PCM_16")
    write_curves(folder / f"{name}.jsonl", np.zeros((max(1, n_frames), N_CURVES), np.float32), Fraction(30))
    return TakeFiles(name=name, speaker="a", sound=folder / f"{name}.wav", curves=folder / f"{name}.jsonl")


def test_fault_32_a_recording_without_a_frame_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="not one frame"):
        load_take(recorded(tmp_path / "a", "a", 0))
    assert load_take(recorded(tmp_path / "a", "a", 1)).n_frames == 1


def test_fault_32_takes_below_a_length_are_refused_with_their_length_and_counted(tmp_path: Path) -> None:
    for name, n_frames in (("a", 29), ("b", 30), ("c", 31)):
        recorded(tmp_path / "takes", name, n_frames)
    config = PackConfig(val=0.0, skip_bad=True, policies=TakePolicies(shortest_s=1.0))
    report = pack(tmp_path / "takes", tmp_path / "corpus", config)
    assert (report.found, report.packed, report.refused_for) == (3, 2, {"take": 1})
    assert report.refused[0][0] == "a"
    assert "29 frames, 0.967 s; expected at least 1 s" in report.refused[0][1]

"""The law: what is written is read back the same: values to the bit, times to the bit (timecodes: to half a step)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from koekao import arkit
from koekao.conversion import convert
from koekao.outputs import FORMATS, write_curves
from koekao.takes import read_curves

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)
VALUES = st.one_of(st.floats(0, 1, width=32), FINITE, st.sampled_from([0.0, -0.0, 1.0, 1e-38, 1e-45]))
TO_THE_BIT = ["livelink_csv", "jsonl", "named_json", "audio2face_csv"]
"""What has other times (glTF's are float32), fewer curves (BEAT) or no reader (USD) has its tests beside its writer."""
READ_BACK = [name for name in FORMATS if name not in ("beat_json", "usd")]
CLOCKS = [24, 25, 30, 48, 50, 60, 100, 120]


@st.composite
def tracks(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Some rows at times of their own, and curves of any float32 values."""
    steps = draw(st.lists(st.floats(0.002, 3), min_size=1, max_size=12))
    time_s = np.cumsum(steps) + draw(st.sampled_from([-0.002, 0.0, 7200.5]))
    time_s -= min(0.0, time_s[0])
    rows = draw(st.lists(st.lists(VALUES, min_size=4, max_size=4), min_size=len(steps), max_size=len(steps)))
    values = np.zeros((len(steps), arkit.N_CURVES), np.float32)
    values[:, draw(st.permutations(range(arkit.N_CURVES)))[:4]] = np.array(rows, np.float32)
    return time_s, values


@pytest.mark.parametrize("name", TO_THE_BIT)
@settings(max_examples=80, deadline=None)
@given(track=tracks(), fps=st.sampled_from(CLOCKS))
def test_read_of_write_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, name: str, track: tuple[Any, Any], fps: int
) -> None:
    time_s, values = track
    path = tmp_path_factory.mktemp("written") / "file"
    write_curves(path, values, Fraction(fps), time_s=time_s, format=name)
    again = read_curves(path, timecode_rate=fps)
    assert again.values.tobytes() == values.tobytes()
    assert again.tracked.all()
    if again.origin_s is None:
        assert again.time_s.tobytes() == time_s.tobytes()
    else:
        half_a_step_s = 0.5e-3 / fps
        assert np.abs(again.origin_s + again.time_s - time_s).max() <= half_a_step_s + 1e-9


@pytest.mark.parametrize("rows_per_s", [24, 25, 29.97, 30, 30.004, 50, 59.904, 59.94, 60])
@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_the_clock_of_a_written_live_link_csv_is_found_again(tmp_path: Path, rows_per_s: float, lost: float) -> None:
    rng = np.random.default_rng(5)
    time_s = np.arange(int(12 * rows_per_s)) / rows_per_s
    time_s = time_s[rng.random(len(time_s)) >= lost]
    values = rng.random((len(time_s), arkit.N_CURVES), np.float32)
    write_curves(tmp_path / "a.jsonl", values, Fraction(30), time_s=time_s)
    done = convert(tmp_path / "a.jsonl", tmp_path / "a.csv")
    again = read_curves(tmp_path / "a.csv")
    assert done.written_rows == len(again) == len(time_s)
    assert again.values.tobytes() == values.tobytes()
    assert np.abs(again.origin_s + again.time_s - time_s).max() < 3e-5  # type: ignore[operator]


@pytest.mark.parametrize("write", READ_BACK)
@pytest.mark.parametrize("through", READ_BACK)
def test_every_format_converts_to_every_other_and_back(tmp_path: Path, write: str, through: str) -> None:
    rng = np.random.default_rng(6)
    values = rng.random((90, arkit.N_CURVES), np.float32)
    write_curves(tmp_path / "first", values, Fraction(30), format=write)
    for source, target, name in (("first", "second", through), ("second", "third", write)):
        convert(tmp_path / source, tmp_path / target, write=name)
    assert read_curves(tmp_path / "third").values.tobytes() == values.tobytes()
    if write == through:
        assert (tmp_path / "second").read_bytes() == (tmp_path / "third").read_bytes()

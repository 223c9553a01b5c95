"""Whoever draws, names stand as they are written, one input is one picture, and nothing global is changed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from koekao import drawing
from koekao.errors import ConfigError


@pytest.mark.parametrize(("n", "most", "n_slices"), [(10, 3, 3), (3, 10, 3), (1, 1, 1), (100_001, 900, 900)])
def test_a_wave_keeps_every_peak(n: int, most: int, n_slices: int) -> None:
    samples = np.random.default_rng(3).uniform(-1, 1, n).astype(np.float32)
    edges, low, high = drawing.wave(samples, most)
    assert len(edges) == n_slices and edges[0] == 0
    slices = np.split(samples, edges[1:])
    assert max(map(len, slices)) - min(map(len, slices)) <= 1
    np.testing.assert_array_equal(low, [part.min() for part in slices])
    np.testing.assert_array_equal(high, [part.max() for part in slices])


def test_no_sound_has_no_wave() -> None:
    assert [len(part) for part in drawing.wave(np.zeros(0, np.float32), 900)] == [0, 0, 0]


def written(name: str, format: str) -> bytes:
    with drawing.style():
        figure = drawing.figure(2, 1)
        figure.text(0.1, 0.5, name)
        return drawing.picture(figure, format)


def test_names_of_any_language_are_written_as_they_are() -> None:
    """Where no font has a letter it is a box, and no warning; $ begins no formula."""
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    for name in ("声顔", "take_$1_of_$2", "\U0001f600"):
        assert name in written(name, "svg").decode()
        assert written(name, "png").startswith(b"\x89PNG")
    assert written("声顔", "svg") == written("声顔", "svg")


def test_nothing_of_the_process_is_changed_and_pyplot_stays_out() -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    code = """
import sys, matplotlib
before = {name: dict.__getitem__(matplotlib.rcParams, name) for name in matplotlib.rcParams}
from koekao import drawing
with drawing.style(**{"font.size": 30}):
    drawing.picture(drawing.figure(2, 1))
assert all(dict.__getitem__(matplotlib.rcParams, name) == value for name, value in before.items())
assert "matplotlib.pyplot" not in sys.modules"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with (
        pytest.raises(ConfigError, match=r'pictures need matplotlib\n  -> pip install "koekao\[plot\]"'),
        drawing.style(),
    ):
        pass

"""Law: takes are dealt as Python deals them by the same lines: whoever reads Python can check the machine code."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from koekao import machine
from koekao.windows import deal as dealing
from koekao.windows import deal_source


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The functions of the source by name, run by the interpreter line by line."""
    for module in (machine, deal_source):
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, name, value.py_func)
        monkeypatch.setattr(module, "pointer", ctypes.c_void_p)
    return vars(deal_source)


@pytest.mark.parametrize(("n_takes", "n_streams"), [(1, 1), (1, 4), (40, 1), (40, 7), (200, 16)])
def test_takes_are_dealt_alike(
    monkeypatch: pytest.MonkeyPatch, interpreted: dict[str, object], n_takes: int, n_streams: int
) -> None:
    rng = np.random.default_rng([n_takes, n_streams])
    order, counts = rng.permutation(n_takes).astype(np.int32), rng.integers(1, 9, n_takes)
    compiled = dealing.deal(order, counts, n_streams)
    monkeypatch.setattr(dealing, "_code", interpreted)
    by_python = dealing.deal(order, counts, n_streams)
    assert [takes.tolist() for takes in by_python] == [takes.tolist() for takes in compiled]
    assert sorted(np.concatenate(by_python).tolist()) == list(range(n_takes))

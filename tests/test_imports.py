"""What importing costs: whoever reads batches or drives a face does not load what only others need."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEVER = ("torch._dynamo", "torch._inductor", "sympy", "numba", "matplotlib", "onnx", "onnxruntime", "rich", "cyclopts")
"""Seconds or tens of megabytes each: compilers, algebra, drawing, exchange, a terminal, a command line."""


@pytest.mark.parametrize("statement", ["koekao.open, koekao.train, koekao.animate", "import koekao.training.trainer"])
def test_the_front_door_loads_neither_compilers_nor_drawing_nor_a_terminal(statement: str) -> None:
    program = f"import sys, koekao\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "torch" in loaded and not [name for name in NEVER if name in loaded]


def test_koekao_alone_loads_neither_torch_nor_numpy() -> None:
    program = "import sys, koekao\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pyarrow"} & set(done.stdout.split())

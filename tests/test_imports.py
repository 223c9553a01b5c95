"""What importing costs: whoever reads batches or drives a face does not load what only others need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from koekao.corpus import PackConfig, pack_takes
from koekao.takes.synthetic import make_takes

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


def test_pandas_is_not_imported_where_it_is_installed_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "pandas.py").write_text("import sys\nsys.stderr.write('pandas was imported')\nraise ImportError\n")
    pack_takes(make_takes(2, seconds=2), tmp_path / "corpus", PackConfig(val=0.0))
    program = "import sys, koekao\ncorpus = koekao.open(sys.argv[1])\nprint(corpus.names[:], corpus.splits[:])\n"
    program += "for batch in corpus.streams(batch_size=2, window_frames=30): pass"
    words, there = [sys.executable, "-c", program, str(tmp_path / "corpus")], os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(words, env=there, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr

"""Each example runs as it stands and shows what it says: the same after a resume, every rank its share, the laws kept.

They are programs, so they are run as programs, on one small corpus.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import koekao
from examples_place import EXAMPLES, environment
from koekao.takes.synthetic.making import make_take

Run = Callable[..., str]
PROGRAMS = sorted(path.name for path in EXAMPLES.glob("*.py"))


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} is not installed, so its example is not run"
    )


def test_own_takes_become_a_face(run: Run, tmp_path: Path) -> None:
    from koekao.outputs.folder import write_take

    for k in range(4):  # three voices of which one comes twice, so that a take is held out
        take = make_take(k, seconds=4.0, name=f"anna_{k}")
        write_take(tmp_path / "takes", take.name, take.audio, take.sample_rate, take.curves, take.fps)
    said = run("train_on_own_takes.py", tmp_path / "takes", tmp_path / "out", "--minutes", 0.03)
    assert "packed 4 of 4 takes" in said and "ridge on" in said
    assert len(koekao.read_curves(tmp_path / "out" / "face.csv")) == 120
    assert (tmp_path / "out" / "face.glb").read_bytes()[:4] == b"glTF"


def test_a_bare_loop_resumes_to_the_bit(run: Run, corpus: Path) -> None:
    said = run("bare_loop.py", corpus)
    first, last = map(float, re.findall(r"0\.\d+", said.splitlines()[0]))
    assert last < first / 3
    assert "a resume and the rest: the same" in said


@needs("lightning")
def test_lightning_resumes_to_the_bit(run: Run, corpus: Path) -> None:
    assert "again from a checkpoint: the same" in run("lightning_module.py", corpus)


@needs("accelerate")
def test_accelerate_shares_out_the_takes_and_resumes_to_the_bit(run: Run, corpus: Path) -> None:
    """On two ranks: which takes a rank hears is its own affair, that each is heard by one is koekao's."""
    said = run("accelerate_loop.py", corpus, by=("-m", "torch.distributed.run", "--nproc-per-node", "2"))
    heard = {int(rank): int(n) for rank, n in re.findall(r"rank (\d) of 2: step 40, heard (\d+) takes", said)}
    assert "again from a checkpoint: the same" in said
    assert set(heard) == {0, 1} and min(heard.values()) >= 1 and sum(heard.values()) >= 5


@needs("onnxscript")
def test_a_model_of_ones_own_goes_the_whole_way(run: Run, corpus: Path, tmp_path: Path) -> None:
    said = run("custom_model.py", corpus, "--epochs", 4)
    assert "keeps the laws" in said and "live: 60 frames" in said and "exported: " in said
    made = re.search(r"made (\S+);", said)
    assert made is not None
    sound = tmp_path / "speech.wav"
    import soundfile

    take = make_take(9, seconds=1.0)
    soundfile.write(sound, take.audio, take.sample_rate)
    command = [sys.executable, "-m", "koekao", "animate", made[1], str(sound), "-o", str(tmp_path / "face.csv")]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=100)
    assert told.returncode == 2 and "unknown model 'echo'" in told.stderr and "KOEKAO_PLUGINS" in told.stderr
    named = environment(KOEKAO_PLUGINS=str(EXAMPLES / "custom_model.py"))
    told = subprocess.run(command, env=named, capture_output=True, text=True, timeout=100)
    assert told.returncode == 0, told.stderr
    assert len(koekao.read_curves(tmp_path / "face.csv")) == 30


def test_a_format_of_ones_own_is_read_by_the_command_line(run: Run, tmp_path: Path) -> None:
    said = run("custom_format.py")
    assert "packed 2 of 2 takes" in said and "ken_0000.fcap:2: could not convert string to float: 'broken'" in said
    made = re.search(r"made (\S+);", said)
    assert made is not None
    verb = [sys.executable, "-m", "koekao", "pack", f"{made[1]}/takes", str(tmp_path / "corpus"), "--skip-bad"]
    words = [*verb, "--engine", "processes", "--json", "--val", "0"]
    told = subprocess.run(
        words,
        env=environment(KOEKAO_PLUGINS=str(EXAMPLES / "custom_format.py")),
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    report = json.loads(told.stdout)
    assert (report["packed"], len(report["refused"])) == (1, 1)


@needs("nbclient")
@needs("ipykernel")
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first cell to its last, in a kernel of its own; in git it has no output."""
    text = (EXAMPLES / "first_look.ipynb").read_text("utf-8")
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert cells and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = (  # in another process, whose warnings are its own affair
        "import sys, nbformat, nbclient\n"
        "book = nbformat.read(sys.argv[1], 4)\n"
        "nbclient.NotebookClient(book, timeout=150, resources={'metadata': {'path': sys.argv[2]}}).execute()\n"
        "print(''.join(out.get('text', '') for cell in book.cells for out in cell.get('outputs', [])))\n"
        "print(sum('image/png' in out.get('data', {}) for cell in book.cells for out in cell.get('outputs', [])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(EXAMPLES / "first_look.ipynb"), str(tmp_path)],
        env=environment(KOEKAO_NOTEBOOK_MINUTES="0.02", TMPDIR=str(tmp_path)),
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "model on unseen takes" in done.stdout and "next: " in done.stdout
    assert int(done.stdout.split()[-1]) == 4  # charts and faces


def test_every_example_is_in_the_table_and_short() -> None:
    """The README of the folder lists each; a program is some 80 lines beside what is said about it."""
    if not EXAMPLES.is_dir():
        pytest.skip("examples/ is not here (it is no part of the package), so it is not read")
    table = (EXAMPLES / "README.md").read_text("utf-8")
    names = [path.name for path in EXAMPLES.iterdir() if path.name not in ("README.md", "__pycache__")]
    assert len(names) >= 8 and all(f"({name}" in table for name in names)
    for name in PROGRAMS:
        text = (EXAMPLES / name).read_text("utf-8")
        said = len((ast.get_docstring(ast.parse(text)) or "").splitlines())
        code = [line for line in text.splitlines()[said:] if line.strip()]
        assert len(code) <= 85, f"{name}: {len(code)} lines"

"""The wheel holds all that koekao runs with, and no more; the browser library where it was built, else it says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import koekao
from koekao.outputs import write_curves
from koekao.takes.synthetic.making import make_take

pytest.importorskip("hatchling", reason="hatchling is not installed, so no wheel is built")
ROOT = Path(koekao.__file__).parents[2]
PAGE = "koekao/viewer/page.html"
LIBRARY = {"koekao/viewer/browser/koekao.js", "koekao/viewer/browser/ort-wasm-simd-threaded.wasm"}


def built(folder: Path, *, library: bool) -> Path:
    """The wheel of the sources that lie here, unpacked."""
    tree = folder / "tree"
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__", "browser", ".*"))
    for name in (".gitignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    (tree / "src" / "koekao" / "__pycache__").mkdir()
    (tree / "src" / "koekao" / "__pycache__" / "x.pyc").touch()
    for name in LIBRARY if library else ():
        path = tree / "src" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"// {name}")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(words, cwd=tree, check=True, capture_output=True, timeout=60)
    (wheel,) = (folder / "dist").iterdir()
    assert wheel.name == f"koekao-{koekao.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a machine without node."""
    return built(tmp_path_factory.mktemp("bare"), library=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("whole"), library=True)


def names(site: Path) -> set[str]:
    return {path.relative_to(site).as_posix() for path in (site / "koekao").rglob("*") if path.is_file()}


def run(site: Path, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """``python -m koekao`` of the wheel, where no program can be found."""
    env = {name: value for name, value in os.environ.items() if name not in ("PATH", "PYTHONPATH")}
    env |= {"PYTHONPATH": str(site), "PATH": "", "OMP_NUM_THREADS": "1"}
    words = (sys.executable, "-m", "koekao", *map(str, words))
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_it_holds_every_file_of_the_package_and_no_other(bare: Path) -> None:
    tracked = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "koekao").rglob("*")
        if path.is_file() and path.parent.name not in ("__pycache__", "browser")
    }
    assert names(bare) == tracked
    others = {PAGE, "koekao/py.typed", "koekao/controls/presets/natural.yaml", "koekao/takes/doctor/hearing.npz"}
    assert others < names(bare)


def test_the_browser_library_is_in_it_where_it_was_built(bare: Path, whole: Path) -> None:
    assert names(whole) - names(bare) == LIBRARY


def test_it_shows_an_animation_without_any_program(bare: Path, tmp_path: Path) -> None:
    take = make_take(3, seconds=1)
    write_curves(tmp_path / "face.csv", take.curves, take.fps)
    done = run(bare, "view", "face.csv", "-o", "page.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "koekao-sources" in (tmp_path / "page.html").read_text("utf-8")


def test_without_the_library_it_says_what_is_missing_and_what_to_do(bare: Path, tmp_path: Path) -> None:
    take = make_take(3, seconds=1)
    write_curves(tmp_path / "face.csv", take.curves, take.fps)
    (tmp_path / "model.onnx").touch()
    done = run(bare, "view", "face.csv", "--model", "model.onnx", "--no-open", cwd=tmp_path)
    assert done.returncode == 2
    assert "built without the browser library" in done.stderr and "make wheel" in done.stderr


def test_with_it_the_library_is_found_in_the_package(whole: Path, tmp_path: Path) -> None:
    code = "from koekao.viewer.library import library; print(library())"
    env = os.environ | {"PYTHONPATH": str(whole)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout.strip() == str(whole / "koekao" / "viewer" / "browser")

"""What ``koekao doctor`` knows is what ``pyproject.toml`` asks for, and what does not go together is told."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import koekao
from koekao import installation
from koekao.cli import main

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return dict(tomllib.loads(PROJECT.read_text("utf-8"))["project"])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``installed(torch="2.5.0", numba=None)``: what pip is made to believe."""
    version = metadata.version

    def pretend(**packages: str | None) -> None:
        def told(name: str) -> str:
            said = packages.get(name.replace("-", "_"), "")
            if said is None:
                raise metadata.PackageNotFoundError(name)
            return said or version(name)

        monkeypatch.setattr(metadata, "version", told)

    return pretend


def whole(name: str, extras: dict[str, list[str]]) -> list[str]:
    """What an extra asks for, with what the others ask for that it names."""
    found = []
    for wish in extras[name]:
        others = re.fullmatch(r"koekao\[(.*)\]", wish)
        found += [each for other in others[1].split(",") for each in whole(other, extras)] if others else [wish]
    return found


def same(told: list[str], written: list[str]) -> bool:
    """Builders sort what they write. If this fails, install koekao again: its metadata is older than pyproject.toml."""
    return {frozenset(wish.split(",")) for wish in told} == {frozenset(wish.split(",")) for wish in written}


def test_what_is_wanted_is_what_the_project_says(project: dict[str, Any]) -> None:
    assert same(installation.wishes("koekao"), project["dependencies"])
    extras = {name: wishes for name, wishes in project["optional-dependencies"].items() if name != "dev"}
    assert installation.EXTRAS.keys() == extras.keys()
    for name in extras:
        assert same(installation.wishes("koekao", name), whole(name, extras))


def test_a_source_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", nothing)
    assert any(problem.what.startswith("koekao itself is not installed") for problem in installation.look().problems)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 1


def test_every_extra_that_an_error_names_is_in_the_table() -> None:
    root = Path(koekao.__file__).parent
    named = {name for file in root.rglob("*.py") for name in re.findall(r"koekao\[(\w+)\]", file.read_text("utf-8"))}
    assert named - {"NAME"} <= set(installation.EXTRAS)


def test_this_installation_is_told() -> None:
    found = installation.look()
    assert found.koekao == koekao.__version__ and found.place == Path(koekao.__file__).parent
    assert found.packages["torch"] == metadata.version("torch") and found.threads >= 1
    assert found.libsndfile and found.kept_in and found.disk_gb > 0
    told = found.as_dict()
    assert told["well"] == (not found.problems) and {extra["name"] for extra in told["extras"]} >= {"video", "onnx"}


@pytest.mark.parametrize(
    ("packages", "what", "do"),
    [
        ({"torch": "2.5.1+cpu"}, "torch is 2.5.1+cpu; expected torch>=2.6,<2.14, for koekao", "pip install"),
        ({"torch": "2.14.0"}, "torch is 2.14.0; expected torch>=2.6,<2.14", "pip install"),
        ({"pyarrow": None}, "pyarrow is not installed; expected pyarrow>=17", 'pip install "pyarrow>=17"'),
        ({"llvmlite": "0.44.0", "numba": "0.63.1"}, "llvmlite is 0.44.0 beside numba 0.63.1", "pip install"),
        ({"torch": "2.8.0", "onnx": "1.20", "onnxscript": "0.6", "onnxruntime": "1.22"}, "torch is 2.8.0; expected "
         "torch>=2.9, for koekao[onnx]", "pip install"),
        ({"websockets": "12.0", "sounddevice": "0.5"}, "websockets is 12.0; expected websockets>=15", "pip install"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(installed: Callable[..., None], packages: Any, what: str, do: str) -> None:
    installed(**packages)
    told = [str(problem) for problem in installation.look().problems]
    assert any(one.startswith(what) and do in one for one in told), told


def test_an_extra_that_is_not_there_is_no_problem(installed: Callable[..., None]) -> None:
    installed(av=None, mediapipe=None, onnxruntime=None)
    found = installation.look()
    here = {extra.name: extra for extra in found.extras}
    assert not here["video"].installed and not here["capture"].installed and not here["onnx"].installed
    assert here["video"].packages == {"av": None} and here["video"].get == 'pip install "koekao[video]"'
    assert set(here["capture"].packages) == {"av", "mediapipe"}, "what it brings by way of video too"
    assert not [problem for problem in found.problems if "av" in problem.what or "onnx" in problem.expected]


def test_machine_code_that_can_be_kept_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "file").chmod(0o755)
    monkeypatch.setattr(installation, "cache_folders", lambda source: iter([tmp_path / "file" / "cache"]))
    found = installation.look()
    assert found.kept_in is None and any("compiled loops cannot be kept" in one.what for one in found.problems)
    monkeypatch.setattr(installation, "cache_folders", lambda source: iter([tmp_path / "file", tmp_path / "new" / "a"]))
    assert installation.look().kept_in == tmp_path / "new" / "a" and not (tmp_path / "new").exists()


def test_a_library_that_is_missing_and_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    monkeypatch.setattr(installation, "LEAST_GB", 1e9)
    told = [problem.what for problem in installation.look().problems]
    assert "soundfile finds no libsndfile" in told and any("of disk here free" in what for what in told)


def test_the_driver_tells_of_cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert installation.look().gpus == ("NVIDIA H100, 81559 MiB",)
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert installation.look().gpus == ()


def test_the_verb_tells_it_and_ends_with_1_where_something_is_wrong(
    installed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    well = capsys.readouterr().out
    assert ended.value.code == 0 and "all is well; next: koekao demo" in well
    for name, adds in installation.EXTRAS.items():
        assert f"\n{name} " in well and adds in well
    installed(torch="2.5.0", av=None)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    told = capsys.readouterr().out
    assert ended.value.code == 1 and "problem: torch is 2.5.0; expected" in told and told.endswith("problems\n")
    assert 'get one, or several: pip install "koekao[' in told


def test_it_imports_nothing_heavy() -> None:
    seen = (
        "import sys; from koekao.installation import look; look(); print({'torch', 'numba', 'av'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True).stdout == "set()\n"

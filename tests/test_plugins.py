"""Law of plugins: what is named is imported once, when it is needed; what fails is told by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from koekao import plugins
from koekao.errors import ConfigError
from koekao.plugins import VARIABLE, load_plugins


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is loaded yet, nothing is installed, and modules that a test brings are gone after it."""
    before = set(sys.modules)
    monkeypatch.setattr(plugins, "_loaded", set())
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints())
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def counting(path: Path) -> Path:
    """A file of Python that notes each time it is run."""
    path.write_text(f"with open({str(path.with_suffix('.txt'))!r}, 'a') as file:\n    file.write('x')\n", "utf-8")
    return path


def times_run(path: Path) -> int:
    noted = path.with_suffix(".txt")
    return len(noted.read_text("utf-8")) if noted.exists() else 0


def test_a_file_is_imported_once_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = counting(tmp_path / "counted_plugin.py")
    monkeypatch.setenv(VARIABLE, f"{file}{os.pathsep}")
    for group in ("koekao.formats", "koekao.models", "koekao.formats"):
        load_plugins(group)  # type: ignore[arg-type]
    assert times_run(file) == 1
    assert "counted_plugin" in sys.modules


def test_a_module_is_found_by_its_name_and_several_are_separated_as_in_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [counting(tmp_path / name) for name in ("one_plugin.py", "two_plugin.py")]
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(VARIABLE, os.pathsep.join(["one_plugin", str(files[1])]))
    load_plugins("koekao.formats")
    assert list(map(times_run, files)) == [1, 1]


def test_a_program_that_names_itself_does_not_run_twice(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("import koekao.plugins\nprint('run')\nkoekao.plugins.load_plugins('koekao.models')\n", "utf-8")
    environment = os.environ | {VARIABLE: str(file), "PYTHONPATH": str(Path(plugins.__file__).parents[1])}
    done = subprocess.run([sys.executable, str(file)], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "run\n"), done.stderr


def test_packages_bring_what_is_in_the_group_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [counting(tmp_path / name) for name in ("of_formats.py", "of_models.py")]
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(group: str) -> EntryPoints:
        return EntryPoints([EntryPoint("mine", group.replace("koekao.", "of_"), group)])

    monkeypatch.setattr(plugins, "entry_points", installed)
    load_plugins("koekao.formats")
    load_plugins("koekao.formats")
    assert list(map(times_run, files)) == [1, 0]
    load_plugins("koekao.models")
    assert list(map(times_run, files)) == [1, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("from koekao.errors import ConfigError\nraise ConfigError('the name is taken')", "(the name is taken)"),
    ],
)
def test_what_cannot_be_imported_is_told_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    file = tmp_path / "broken_plugin.py"
    file.write_text(text, "utf-8")
    monkeypatch.setenv(VARIABLE, str(file))
    for _ in range(2):
        with pytest.raises(ConfigError) as caught:
            load_plugins("koekao.models")
        assert said in caught.value.what
        assert caught.value.where == f"{VARIABLE}: {file}" and VARIABLE in caught.value.do
    assert "broken_plugin" not in sys.modules
    file.write_text("", "utf-8")  # mended, it is taken up
    load_plugins("koekao.models")


def test_a_broken_package_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("mine", "no_such_module_at_all", "koekao.formats")
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints([broken]))
    with pytest.raises(ConfigError, match=r"koekao.formats: mine of no_such_module_at_all: cannot be imported .*"):
        load_plugins("koekao.formats")


def test_a_file_that_is_missing_or_hides_another_module_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.py"))
    with pytest.raises(ConfigError, match="there is no such file"):
        load_plugins("koekao.formats")
    monkeypatch.setenv(VARIABLE, str(counting(tmp_path / "json.py")))
    with pytest.raises(ConfigError, match="another module is called json: rename the file"):
        load_plugins("koekao.formats")

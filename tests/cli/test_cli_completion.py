"""``koekao completion``: bash runs the script, which fills in verbs, options and choices; others by form."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from koekao.cli.app import VERBS as GROUPS

VERBS = {verb.__name__ for group in GROUPS.values() for verb in group}
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_koekao
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def fills_in(cli: Callable, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., set[str]]:
    """What bash offers for the last of some words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    script = tmp_path_factory.mktemp("completion") / "koekao.bash"
    said = cli("completion", "bash")
    assert (said.code, said.err) == (0, "")
    script.write_text(said.out)

    def ask(*words: str, cwd: Path | None = None) -> set[str]:
        line = [bash, "--norc", "-c", ASK, "bash", str(script), *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        return set(done.stdout.split())

    return ask


def test_verbs(fills_in: Callable[..., set[str]]) -> None:
    assert fills_in("koekao", "") >= VERBS
    assert fills_in("koekao", "ve") == {"verify"}
    assert fills_in("koekao", "pr") == {"pretrain"}


def test_options_and_choices(fills_in: Callable[..., set[str]]) -> None:
    assert {"--val", "--values"} == fills_in("koekao", "pack", "--val")
    assert "--json" in fills_in("koekao", "train", "--")
    assert {"take", "speaker"} == fills_in("koekao", "pack", "--split-by", "")
    assert {"bash", "zsh", "fish"} <= fills_in("koekao", "completion", "")


def test_files(fills_in: Callable[..., set[str]], tmp_path: Path) -> None:
    (tmp_path / "speech.wav").touch()
    assert "speech.wav" in fills_in("koekao", "inspect", "spee", cwd=tmp_path)


@pytest.mark.parametrize(("shell", "sign"), [("zsh", "#compdef koekao"), ("fish", "complete -c koekao")])
def test_other_shells(cli: Callable, shell: str, sign: str) -> None:
    said = cli("completion", shell, "--json").json
    assert said["shell"] == shell and sign in said["script"]
    assert all(verb in said["script"] for verb in VERBS)


def test_it_is_put_where_bash_looks(cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    said = cli("completion", "bash", "--install", "--json")
    (path,) = said.json["made"]
    assert (said.code, said.err) == (0, "") and Path(path).is_relative_to(tmp_path)
    assert Path(path).read_text() == cli("completion", "bash").out
    assert path in (tmp_path / ".bashrc").read_text()
    before = (tmp_path / ".bashrc").read_text()
    assert "open a new bash" in cli("completion", "bash", "--install").out
    assert (tmp_path / ".bashrc").read_text() == before, "the line is there once"


def test_a_shell_that_is_not_known(cli: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cyclopts.completion.detect.detect_shell", lambda: "powershell")
    said = cli("completion")
    assert (said.code, said.out) == (2, "") and "expected bash, zsh or fish\n  -> koekao completion bash" in said.err
    assert cli("completion", "tcsh").code == 2

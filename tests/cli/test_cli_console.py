"""What is printed where: results on stdout, progress on stderr and only on a terminal, Ctrl-C in one line."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from koekao.cli import console
from koekao.cli.progress import PackingProgress, TrainingProgress, WorkProgress
from koekao.corpus import PackProgress

BEGIN = {
    "trainer": "sequential",
    "parameters": 1000,
    "train_takes": 1,
    "train_s": 9.0,
    "val_takes": 1,
    "device": "cpu",
    "epochs": 1,
    "steps": 20,
    "from_step": 0,
    "batch_size": 4,
}
STEP = {"step": 11, "epoch": 0, "loss": 0.5, "windows_per_s": 1234.0}
LINES = [
    "sequential: 1,000 parameters on 1 take (9.0 s), 1 to validate on, cpu",
    "1 epoch, 20 steps of 4 windows",
    "step 11: unseen takes r 0.100, mae 0.2000, the best so far",
]


def plain_env() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return env | {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "TERM": "xterm"}


def training(quiet: bool = False) -> None:
    """A little training is told about."""
    with TrainingProgress(quiet=quiet) as progress:
        progress.tell("begin", **BEGIN)
        progress.tell("step", **STEP)
        progress.tell("validation", r=0.1, mae=0.2, best=True, step=11)
        progress.tell("saved", step=11, epoch=0)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def test_without_a_terminal_there_are_lines_and_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    training()
    said = capsys.readouterr()
    assert (said.out.splitlines(), said.err) == (LINES, "")
    training(quiet=True)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_watches_a_bar_while_the_lines_go_to_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = terminal()
    monkeypatch.setattr(console, "ERRORS", watched)
    training()
    assert capsys.readouterr().out.splitlines() == LINES
    bar = watched.file.getvalue()
    assert "epoch 0" in bar and "11/20 loss 0.500, 1,234 windows/s" in bar and "sequential" not in bar


def test_on_one_terminal_lines_stand_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = terminal()
    monkeypatch.setattr(console, "ERRORS", watched)
    monkeypatch.setattr(console, "OUT", watched)
    monkeypatch.setattr(sys, "stdout", watched.file)
    training()
    assert [line for line in shown(watched.file.getvalue()) if line] == LINES  # the bar itself is gone at the end


def packing() -> PackingProgress:
    """A little packing is told about, the first three takes of which were taken over."""
    with PackingProgress() as progress:
        for done in range(3, 6):
            progress.tell(PackProgress(done=done, total=8, seconds=60.0 * done, resumed=3, resumed_s=180.0))
    return progress


def test_packing_is_watched_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    packing()
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(console, "ERRORS", watched := terminal())
    progress = packing()
    bar = watched.file.getvalue()
    assert "packing" in bar and re.search(r"5/8 takes, [\d,]+ times real time", bar)
    assert shown(bar)[-1] == "" and capsys.readouterr() == ("", "")
    assert progress.times_real_time > 120.0, "two takes of 60 s were read, in far less than a second"


def working(things: str) -> None:
    with WorkProgress("looking", things) as progress:
        progress.tell(1, 1200)
        time.sleep(0.02)  # the time left is that of the speed so far
        progress.tell(600, 1200, "looking at [x]")


@pytest.mark.parametrize(("things", "said"), [("takes", "600/1,200 takes"), ("", "10 min 00 s of 20 min 00 s")])
def test_long_work_shows_how_far_it_is_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], things: str, said: str
) -> None:
    working(things)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(console, "ERRORS", watched := terminal())
    working(things)
    bar = watched.file.getvalue()
    assert "looking at [x]" in bar and said in bar
    assert re.search(r"\d:\d\d:\d\d +\d:\d\d:\d\d", bar), "time gone and time left"
    assert shown(bar)[-1] == "" and capsys.readouterr() == ("", "")


def shown(printed: str) -> list[str]:
    """The lines as a terminal would show them: cursor up, erase line and carriage return obeyed."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", printed):
        if piece == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\r":
            column = 0
        elif piece.startswith("\x1b["):
            if piece.endswith("K"):
                lines[row] = ""
            elif piece.endswith("A"):
                row -= int(piece[2:-1] or 1)
        else:
            lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + len(piece) :]
            column += len(piece)
    return [line.rstrip() for line in lines]


def test_working_is_seen_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with console.working("reading [x]") as tell:
        tell("reading y")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(console, "ERRORS", watched := terminal())
    with console.working("reading [x]") as tell:
        tell("reading [y]")
    assert "reading [y]" in watched.file.getvalue() and shown(watched.file.getvalue())[-1] == ""


def test_a_line_is_wrapped_between_words_on_a_terminal_and_never_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "a/" + "long/" * 30 + "path is " + "wrapped " * 12 + "\n  -> " + ("here " * 20).rstrip()
    console.say(line)
    assert capsys.readouterr().out == line + "\n"
    console.say(line, to=(watched := terminal()))
    lines = watched.file.getvalue().splitlines()
    assert lines[0] == "a/" + "long/" * 30 + "path"
    assert max(map(len, lines[1:])) <= 80 and all(text.startswith("  ") for text in lines[-2:])
    assert " ".join(watched.file.getvalue().split()) == " ".join(line.split())


def test_columns_of_numbers_stand_to_the_right_and_empty_ones_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.table("T", ("name", "n", "none", "share"), [("[b]a", 5, None, "3%"), ("b", 12.5, None, "100%")])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "T",
        "name       n  share",
        "────────────────────",
        "[b]a       5     3%",
        "b     12.500   100%",
        "",
    ]


def test_json_is_never_printed_with_numbers_that_are_none() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        console.json_out({"r": float("nan")})


@pytest.mark.parametrize("verb", ["pack", "inspect", "batches", "evaluate"])
def test_ctrl_c_ends_a_verb_in_one_line(
    cli: Callable, chain, tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    import koekao.api.corpora
    import koekao.corpus
    import koekao.training

    monkeypatch.setattr(koekao.corpus, "pack", interrupt)
    monkeypatch.setattr(koekao.corpus, "describe", interrupt)
    monkeypatch.setattr(koekao.api.corpora, "open", interrupt)
    monkeypatch.setattr(koekao.training, "open_run", interrupt)
    words = {"pack": (chain.takes, tmp_path / "c"), "evaluate": (chain.run, chain.corpus)}.get(verb, (chain.corpus,))
    said = cli(verb, *words)
    assert (said.code, said.out, said.err) == (130, "", "koekao: interrupted\n")


def test_ctrl_c_while_the_program_starts() -> None:
    seen = """
import sys, koekao.cli
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "cyclopts":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting())
koekao.cli.main(["--help"])
"""
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "koekao: interrupted\n")


def test_ctrl_c_in_training_saves_the_run_and_says_how_to_go_on(chain, tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = ("--model.dim", "16", "--batch-size", "4", "--device", "cpu", "--epochs", "5000")
    start = "import sys; sys.modules['tensorboard'] = None; from koekao.cli import main; main()"  # it is slow to import
    words = [sys.executable, "-c", start, "train", str(chain.corpus), str(run), *small]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain_env()) as going:
        told = select.select([going.stdout], [], [], 60)[0]  # the first line comes at once although stdout is a pipe
        first = going.stdout.readline() if told else ""
        deadline = time.monotonic() + 30
        while '"event": "step"' not in _text(run / "log.jsonl") and time.monotonic() < deadline:
            time.sleep(0.05)
        going.send_signal(signal.SIGINT)
        out, err = going.communicate(timeout=30)
    assert (going.returncode, err) == (130, "") and first == 'trainer: "stream"\n'
    last = re.fullmatch(r"interrupted at step (\d+); saved. Go on with: koekao train (.*)", out.splitlines()[-1])
    assert last and int(last[1]) > 0 and last[2] == f"{chain.corpus} {run} --resume"
    assert (run / "last.safetensors").is_file() and f'"step": {last[1]}' in _text(run / "run.json")


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("words", [("inspect",), ("inspect", "--json")])
def test_a_reader_who_has_seen_enough_is_no_fault(chain, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "koekao", words[0], str(chain.corpus), *words[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain_env()) as going:
        going.stdout.close()
        err = going.stderr.read()
    assert (going.returncode, err) == (0, b"")


def test_a_warning_is_one_line_without_code(process: Callable, chain) -> None:
    said = process("batches", chain.corpus, "--kind", "streams", "--split", "val", "--seconds", 0, "--json")
    assert said.code == 0 and said.json["streams"]["windows"] == 2
    assert re.fullmatch(r"koekao: warning: 2 streams for 1 take.*\n", said.err)


def test_a_name_in_no_encoding_can_be_printed(process: Callable, chain, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path / "sp") + b"\xff.wav"))
    odd.write_bytes((chain.takes / "ken_0000.wav").read_bytes())
    said = process("inspect", odd)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{tmp_path}/sp\\udcff.wav: 10.0 s, ")


def test_on_a_terminal_nothing_is_torn(chain, tmp_path: Path) -> None:
    """The real thing in a pseudo-terminal of 80 columns."""
    words = [sys.executable, "-m", "koekao", "evaluate", str(chain.run), str(chain.corpus)]
    parent, child = pty.openpty()
    with subprocess.Popen(words, stdin=child, stdout=child, stderr=child, env=plain_env()) as going:
        os.close(child)
        printed = _read_terminal(parent)
    os.close(parent)
    lines = shown(re.sub(r"\x1b\[[0-9;]*m", "", printed).replace("\r\n", "\n"))
    assert going.returncode == 0
    assert "1 take, 300 frames, " in lines[0] and "animating" not in "".join(lines)
    assert max(map(len, lines)) <= 80


def _read_terminal(descriptor: int) -> str:
    printed = b""
    with contextlib.suppress(OSError):  # the end of a pseudo-terminal on Linux
        while select.select([descriptor], [], [], 60)[0]:
            printed += os.read(descriptor, 1 << 16)
    return printed.decode()

"""A page run as its reader would: commands and Python in the order of the page, in a folder that holds what it says."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from doc_pages import DATA, Block, words_of

import koekao
from koekao.cli import main

_SERVER_S = 240  # on a machine that others use too


class PageRun:
    """One page: its folder, the names its Python has, and what was printed last.

    Args:
        stock: kind of thing -> what puts it at a path. given: name -> what makes the Python object.
    """

    def __init__(
        self,
        folder: Path,
        stock: Mapping[str, Callable[[Path], None]],
        given: Mapping[str, Callable[[], Any]],
    ) -> None:
        self.folder, self.stock, self.given = folder, stock, given
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.printed = ""
        self.n_run = 0

    def run(self, block: Block) -> None:
        """Run a block, or compare what it shows.

        Raises:
            AssertionError: a command failed, or it printed something else; the message says where and what.
        """
        for said in block.all("holds"):
            self._lay(said.words)
        for said in block.all("given"):
            self.names |= {name: self.given[name]() for name in re.split(r"[,\s]+", said.words)}
        if block.skipped is not None:
            return
        for said in block.all("file"):
            (self.folder / said.words).write_text(block.text, "utf-8")
        if block.is_shell:
            self.printed = ""
            for command in block.lines:
                self._command(block, command)
        elif block.language == "python":
            self._python(block)
        elif block.all("output"):
            self._compare(block)
        elif block.language in DATA:
            _parse(block)
        else:
            raise AssertionError(f"{block}: a block of {block.language!r} that nobody runs, and no comment says why")

    def _lay(self, words: str) -> None:
        for thing in re.split(r"[,\s]+", words):
            name, _, kind = thing.partition("=")
            target = self.folder / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                self.stock[kind or name](target)

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        code = compile("\n" * block.line + block.text, block.page, "exec")
        with contextlib.redirect_stdout(out), _with(block):
            exec(code, self.names)
        self.printed = out.getvalue()
        self.n_run += 1

    def _command(self, block: Block, command: str) -> None:
        if block.of("skip", command):
            return
        words = _together(command, block.of("with", command) or "")
        if instead := block.of("instead", command):
            words = words_of(instead)
        wanted = int(block.of("exit", command) or 0)
        until = block.of("until", command)
        if until:
            code, said = _served(words, until), ""
        elif words[0] == "koekao":
            code, said = _in_process(words[1:])
        else:
            code, said = _process(words)
        assert code == wanted, f"{block}: {' '.join(words)}: exit {code}, not {wanted}\n{said}"
        self.printed += said
        self.n_run += 1

    def _compare(self, block: Block) -> None:
        got = "".join(line.rstrip() + "\n" for line in self.printed.splitlines())
        assert _alike(block.text, got), f"{block}: what is shown is not what is printed:\n{got}"
        self.n_run += 1


def _alike(shown: str, printed: str) -> bool:
    """The same words and numbers, whatever the spaces and the time it took; measured ms may lie 5 ms apart."""
    shown, printed = (re.sub(r"\b(in|took) [\d.]+ s\b", r"\1 its time", text) for text in (shown, printed))
    measured = r"[+-]?\d+(?:\.\d+)?(?= ms)"
    bare = [" ".join(re.sub(measured, "#", text).split()) for text in (shown, printed)]
    pairs = zip(*(map(float, re.findall(measured, text)) for text in (shown, printed)))
    return bare[0] == bare[1] and all(abs(one - other) <= 5 for one, other in pairs)


@contextlib.contextmanager
def _with(block: Block) -> Iterator[None]:
    """Functions of koekao with the arguments that a comment adds; those that the page itself gives win."""
    before = {}
    for said in block.all("with"):
        name = said.words.removeprefix("koekao.")
        before[name] = getattr(koekao, name)
        setattr(koekao, name, functools.partial(before[name], **yaml.safe_load(said.rest)))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(koekao, name, function)


def _together(command: str, more: str) -> list[str]:
    """The words of a command and those that a comment adds; an option that both have is that of the comment."""
    words, added = words_of(command), words_of(more)
    for option in added:
        if option.startswith("--") and option in words:
            at = words.index(option)
            del words[at : at + (2 if words[at + 1 : at + 2] and not words[at + 1].startswith("--") else 1)]
    return words + added


def _in_process(words: list[str]) -> tuple[int, str]:
    """A command line of koekao in this process, which has torch already."""
    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), warnings.catch_warnings():
        warnings.simplefilter("default")  # said in a line of red, as to any user
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
    return code, out.getvalue()


def _as_process(words: list[str]) -> list[str]:
    """The words with this Python, whatever is on the path."""
    programs = {"koekao": ["-m", "koekao"], "python": [], "torchrun": ["-m", "torch.distributed.run"]}
    assert words[0] in programs, f"{words[0]}: no program that is run here; say skip, or what to run instead"
    return [sys.executable, *programs[words[0]], *words[1:]]


def _process(words: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        _as_process(words), capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _served(words: list[str], until: str) -> int:
    """Start a server, wait until it has said so, end it as its user would."""
    with subprocess.Popen(
        _as_process(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        watched, heard = time.monotonic() + _SERVER_S, ""
        try:
            while until not in heard:
                line = process.stdout.readline()
                heard += line
                assert line and time.monotonic() < watched, f"it never said {until!r}:\n{heard}"
            process.send_signal(signal.SIGINT)
            code = process.wait(120)
        finally:
            process.kill()
    return 0 if code in (0, 130) else code


def _parse(block: Block) -> None:
    """Data is at least what it says it is."""
    if block.language == "yaml":
        yaml.safe_load(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "jsonl":
        for line in block.text.splitlines():
            json.loads(line)
    elif block.language == "toml":
        tomllib.loads(block.text)


def laid(source: Path) -> Callable[[Path], None]:
    """What puts a copy of a file or a folder somewhere."""

    def lay(target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)

    return lay

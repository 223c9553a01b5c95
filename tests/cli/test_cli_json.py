"""``--json`` of every verb: one document on stdout and nothing else, nothing on stderr, and what was made is there.

A verb that comes later fails here until it has a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.cli.app import VERBS as GROUPS
from koekao.outputs import write_curves
from koekao.takes import capture as capturing
from koekao.takes.synthetic.making import make_take
from movies import Brightness, write_movie

SMALL = ("--model.dim", "16", "--batch-size", "4", "--device", "cpu", "--no-plots")
LINES: dict[str, str] = {
    "demo": "--out {tmp}/demo --minutes 0.02",
    "doctor": "",
    "synthesize": "{tmp}/made --takes 1 --seconds 1",
    "completion": "bash",
    "capture": "{tmp}/movie.mov --model m.task -o {tmp}/captured",
    "inspect": "{takes}",
    "check": "{takes} -o {tmp} --no-sync",
    "convert": "{tmp}/face.csv {tmp}/face.jsonl",
    "pack": "{takes} {tmp}/packed",
    "verify": "{corpus} --takes {takes}",
    "features": "{corpus} --n-mels 8 --n-fft 256",
    "batches": "{corpus} --seconds 0",
    "pretrain": "{takes}/ken_0000.wav {tmp}/w.safetensors --steps 2 --batch-size 2 --window-frames 32 --device cpu "
    "--model.dim 16",
    "train": "{corpus} {tmp}/trained --debug " + " ".join(SMALL),
    "evaluate": "{run} {corpus}",
    "animate": "{run} {takes}/ken_0000.wav -o {tmp}/animated.csv",
    "live": "{run} --source {tmp}/good.wav --sink file:{tmp}/live.csv --fast",
    "view": "{tmp}/face.csv -o {tmp}/page.html",
    "plot": "{tmp}/face.csv -o {tmp}/plot.png",
    "render": "{tmp}/face.csv -o {tmp}/strip.png --size 32",
}
BY_THEMSELVES = {"serve"}
"""Verbs that go on until they are told to end: tried as processes below. (So is ``view`` where it serves.)"""
ELSEWHERE = {"export"}
"""Tried where a graph is drawn anyway, which takes 8 s: test_cli_export.py."""
MAKES_NOTHING = {"doctor", "completion", "inspect", "check", "verify", "batches", "evaluate", "live"}
EXTRAS = {"plot": "matplotlib", "capture": "av"}


def test_every_verb_is_tried() -> None:
    assert {verb.__name__ for group in GROUPS.values() for verb in group} == set(LINES) | BY_THEMSELVES | ELSEWHERE


@pytest.fixture
def places(copied: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """What the lines above speak of."""
    for name, value in {"_TAKES": 6, "_HELD_OUT": 1, "_SECONDS": 2.0, "_SPEECH_S": 1.0, "_MODEL": {"dim": 16}}.items():
        monkeypatch.setattr(f"koekao.cli.demo.{name}", value)
    monkeypatch.setattr(capturing, "media_pipe", lambda model: contextlib.nullcontext(Brightness(range(3, 5))))
    write_curves(tmp_path / "face.csv", make_take(5, seconds=1).curves, 30)
    return {"takes": copied.takes, "corpus": copied.corpus, "run": copied.run, "tmp": tmp_path}


@pytest.mark.parametrize("verb", LINES)
def test_one_document_and_nothing_else(cli: Callable, places: dict[str, Path], verb: str) -> None:
    if verb in EXTRAS:
        pytest.importorskip(EXTRAS[verb], reason=f"koekao {verb} needs it")
    tmp = places["tmp"]
    if verb == "capture":
        write_movie(tmp / "movie.mov", np.arange(16_000).astype(np.int16), n_pictures=10)
    if verb == "live":
        (tmp / "good.wav").write_bytes((places["takes"] / "ken_0000.wav").read_bytes())
    said = cli(verb, *(word.format(**places) for word in shlex.split(LINES[verb])), "--json")
    assert (said.code, said.err) == (0, ""), said.err
    told = said.json
    assert isinstance(told, dict)
    assert ("made" in told) == (verb not in MAKES_NOTHING)
    for path in told.get("made", ()):
        assert Path(path).exists(), path
    if "made" in told:
        assert told["made"] and told["took_s"] > 0
    if "next" in told:
        assert told["next"].startswith("koekao ")


def test_of_several_lines_each_is_json(cli: Callable, chain: Any) -> None:
    """``serve`` and ``view`` tell where they are as soon as they are there, and end with what was."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    for words in (("serve", chain.run, "--port", "0"), ("view", chain.corpus, "--no-open")):
        line = [sys.executable, "-m", "koekao", *map(str, words), "--json"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as going:
            try:
                assert going.stdout is not None
                assert "127.0.0.1" in json.loads(going.stdout.readline())["address"]
                going.send_signal(signal.SIGINT)
                out, err = going.communicate(timeout=30)
            finally:
                going.kill()
        assert (going.returncode, err) == (0, "")
        assert [set(json.loads(left)) for left in out.splitlines()] == ([{"stopped"}] if words[0] == "serve" else [])


def test_what_is_said_last_names_what_was_made_and_a_command_that_works(cli: Callable, places: dict[str, Path]) -> None:
    """Nothing on the way is coloured or written over where nobody watches."""
    tmp = places["tmp"]
    said = cli("synthesize", tmp / "a folder", "--takes", 2, "--seconds", 1)
    last = said.out.splitlines()[-1]
    assert last.startswith(f"made {tmp}/a folder (2 synthetic takes, 2.0 s) in ")
    words = shlex.split(last.partition("next: koekao ")[2])
    assert words == ["pack", str(tmp / "a folder"), "CORPUS"]
    packed = cli(*words[:-1], tmp / "corpus of it")
    assert packed.code == 0 and packed.out.splitlines()[-1].startswith(f"made {tmp}/corpus of it in ")
    for text in (said.out, said.err, packed.out, packed.err):
        assert "\x1b" not in text and "\r" not in text

"""``koekao view``, ``plot`` and ``render``: each kind of thing is shown, and what cannot be is said."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from koekao.outputs import write_curves
from koekao.takes.synthetic.making import make_take

PNG = b"\x89PNG\r\n\x1a\n"


def data_of(page: Path) -> dict[str, Any]:
    return dict(json.loads(page.read_text("utf-8").split('id="data">', 1)[1].split("</script>", 1)[0]))


def labels(page: Path) -> list[str]:
    return [track["label"] for track in data_of(page)["clip"]["tracks"]]


@pytest.fixture
def other(two_takes: Path, tmp_path: Path) -> Path:
    path = tmp_path / "other.csv"
    write_curves(path, make_take(5, seconds=2).curves, 30)
    return path


def test_a_take_and_an_animation_are_written_as_one_file(
    cli: Callable[..., Any], two_takes: Path, other: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    said = cli("view", two_takes / "good.jsonl", "-o", page)
    assert (said.code, said.err) == (0, "")
    assert re.fullmatch(rf"made {re.escape(str(page))} \(\d\.\d MB, good, 2\.0 s\) in [\d.]+ s\n", said.out)
    assert labels(page) == ["good.jsonl"]
    assert cli("view", other, "--sound", two_takes / "good.wav", "-o", page).code == 0
    assert labels(page) == ["other.csv"] and data_of(page)["clip"]["sound"]
    assert cli("view", two_takes / "good.jsonl", other, "-o", page).code == 0
    assert labels(page) == ["good.jsonl", "other.csv"]


def test_two_of_one_name_are_told_apart(cli: Callable[..., Any], two_takes: Path, tmp_path: Path) -> None:
    write_curves(tmp_path / "good.jsonl", make_take(5, seconds=2).curves, 30)
    assert cli("view", two_takes / "good.jsonl", tmp_path / "good.jsonl", "-o", tmp_path / "p.html").code == 0
    assert labels(tmp_path / "p.html") == ["good.jsonl (1)", "good.jsonl (2)"]


def test_a_corpus_and_a_folder_are_lists_and_one_take_of_them_a_clip(
    cli: Callable[..., Any], chain: Any, two_takes: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    assert cli("view", chain.corpus, "-o", page).code == 0
    assert len(data_of(page)["takes"]) == len(data_of(page)["clips"]) == 4
    assert cli("view", chain.corpus, "--take", "ken_0002", "-o", page).code == 0
    assert data_of(page)["clip"]["name"] == "ken_0002"
    assert cli("view", two_takes, "-o", page).code == 0
    assert [row["name"] for row in data_of(page)["takes"]] == ["good", "take"]


def test_a_run_is_shown_beside_what_is_true(
    cli: Callable[..., Any], chain: Any, two_takes: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    for words in ((chain.run, two_takes / "good.jsonl"), (two_takes / "good.jsonl", chain.run)):
        assert cli("view", *words, "-o", page).code == 0
        assert labels(page) == ["truth", "prediction (run)"]
        frames = [track["frames"] for track in data_of(page)["clip"]["tracks"]]
        assert frames == [60, 60]
    (two_takes / "good.jsonl").unlink()
    assert cli("view", chain.run, two_takes / "good.wav", "-o", page).code == 0
    assert labels(page) == ["prediction (run)"]
    assert cli("view", chain.run, chain.corpus, "-o", page).code == 0
    assert [len(clip["tracks"]) for clip in data_of(page)["clips"]] == [2] * 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("{takes}/nothing",), "no such take"),
        (("{takes}/good.jsonl", "-o", "{tmp}/page.txt"), "expected .html"),
        (("{run}",), "a run alone"),
        (("{takes}", "{takes}/good.jsonl"), "--take NAME"),
        (("{takes}/good.jsonl", "--take", "x"), "--take of one take"),
        (("{corpus}", "--take", "x"), "no take 'x'"),
        (("{takes}/good.jsonl", "--model", "{tmp}/m.onnx", "--web", "{tmp}"), "no built koekao.js"),
        (("{takes}/good.jsonl", "--model", "{tmp}/m.onnx", "-o", "{tmp}/page.html"), "kept as a file"),
    ],
)
def test_what_cannot_be_shown_is_said(
    cli: Callable[..., Any], chain: Any, two_takes: Path, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    filled = [word.format(takes=two_takes, tmp=tmp_path, run=chain.run, corpus=chain.corpus) for word in words]
    said = cli("view", *filled, "--no-open")
    assert said.code == 2
    assert told in said.err


def test_a_sound_alone_wants_a_run(cli: Callable[..., Any], two_takes: Path, other: Path) -> None:
    (two_takes / "good.jsonl").unlink()
    said = cli("view", two_takes / "good.wav", "--no-open")
    assert said.code == 2 and "name a run too" in said.err
    said = cli("view", other, two_takes / "good.wav", "--no-open")
    assert said.code == 2 and "good.wav: holds no curves" in said.err


def test_it_serves_until_it_is_interrupted(two_takes: Path) -> None:
    words = [sys.executable, "-m", "koekao", "view", str(two_takes), "--no-open"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
            assert address
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(address[0] + "take/0", timeout=20) as answer:
                assert json.load(answer)["name"] == "good"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_render_makes_strips_and_movies(cli: Callable[..., Any], two_takes: Path, other: Path, tmp_path: Path) -> None:
    strip = tmp_path / "strip.png"
    said = cli("render", two_takes / "good.jsonl", other, "-o", strip, "--size", 40, "--at", 0.5, 1.5)
    assert said.code == 0 and said.out.startswith(f"made {strip} (2 pictures) in ")
    assert strip.read_bytes()[16:24] == (80).to_bytes(4, "big") + (80).to_bytes(4, "big")
    pytest.importorskip("av", reason="the extra video is not installed")
    said = cli("render", two_takes / "good.jsonl", "-o", tmp_path / "a.mp4", "--size", 32, "--json")
    wanted = {"output": str(tmp_path / "a.mp4"), "pictures": 60, "seconds": 2.0, "sound": True}
    assert said.json.items() >= wanted.items()
    assert "(60 pictures, no sound) in" in cli("render", other, "-o", tmp_path / "b.mp4", "--size", 32).out
    said = cli("render", other, "-o", tmp_path / "b.gif")
    assert said.code == 2 and ".mp4 or .png" in said.err


def test_plot_draws_what_there_is(
    cli: Callable[..., Any], chain: Any, two_takes: Path, other: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    good = two_takes / "good.jsonl"
    lines: list[tuple[str, tuple[object, ...]]] = [
        ("curves", (good,)),
        ("curves", (good, other, "--end", 1, "--curves", "jawOpen", "MouthFunnel")),
        ("error", (good, other, "--kind", "error")),
        ("error", (good, "--run", chain.run, "--kind", "error")),
        ("coverage", (chain.corpus,)),
        ("windows", (chain.corpus, "--kind", "windows", "--batches", 5)),
        ("schedule", ("--max-epochs", 10)),
    ]
    for kind, words in lines:
        out = tmp_path / "picture.png"
        said = cli("plot", *words, "-o", out, "--json")
        assert said.code == 0, said.err
        assert said.json.items() >= {"output": str(out), "kind": kind, "bytes": out.stat().st_size}.items()
        assert out.read_bytes().startswith(PNG)
    assert cli("plot", good, "-o", tmp_path / "p.svg").code == 0
    assert b"<svg" in (tmp_path / "p.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "p.pdf"), ".png or .svg"),
        (("--kind", "error", "-o", "p.png"), "error of nothing"),
        (("{good}", "--kind", "error", "-o", "p.png"), "name a second one"),
        (("{good}", "--kind", "schedule", "-o", "p.png"), "schedule of"),
        (("{good}", "--curves", "nose", "-o", "p.png"), "no curve 'nose'"),
        (("{good}", "--start", "3", "-o", "p.png"), "a span of time"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    cli: Callable[..., Any], two_takes: Path, words: tuple[str, ...], told: str
) -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    said = cli("plot", *(word.format(good=two_takes / "good.jsonl") for word in words))
    assert said.code == 2
    assert told in said.err

"""``koekao pretrain``: says what was learnt and what to say next, and a run can be made of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from koekao.corpus import PackConfig, pack_takes
from koekao.takes.synthetic.making import make_take
from koekao.training import open_run

SMALL = ("--steps", 4, "--batch-size", 2, "--window-frames", 32, "--device", "cpu", "--model.dim", 16)
BANDS = ("--model.features", '{"n_mels": 20}', "--model.dilations", "[1, 2]")


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    for seed, (name, seconds) in enumerate((("a", 3), ("b", 3), ("short", 0.6))):
        take = make_take(seed, seconds=seconds)
        soundfile.write(folder / f"{name}.wav", take.audio, take.sample_rate)
    return folder


def test_from_speech_to_a_run(cli: Callable, voices: Path, tmp_path: Path) -> None:
    """What it says to say next is a command that works."""
    out = tmp_path / "out.safetensors"
    said = cli("pretrain", voices, out, *SMALL, *BANDS, "--seed", 2)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("stream: ") and "on 3 files (6.6 s), 1 of them shorter than a window" in lines[0]
    assert lines[1] == "4 steps of 2 windows"
    assert "the frame stays as it is" in said.out and "+6 frames" in said.out
    assert lines[-2] == "4 steps"
    first, _, next_words = lines[-1].partition("; next: ")
    assert first.startswith(f"made {out} in ") and next_words.startswith(
        f"koekao train CORPUS RUN --trainer stream --init {out}"
    )
    corpus, run = tmp_path / "corpus", tmp_path / "run"
    pack_takes([make_take(4, seconds=2)], corpus, PackConfig(val=0.0))
    words = [{"CORPUS": corpus, "RUN": run}.get(word, word) for word in shlex.split(next_words)[1:]]
    trained = cli(*words, "--debug", "--device", "cpu", "--window-frames", 32, "--batch-size", 2)
    assert trained.code == 0, trained.err
    assert f"of {out} (pretraining on 3 files, 7 s, 4 steps" in trained.out and "; fresh: head\n" in trained.out
    assert open_run(run).read()["init"]["path"] == str(out)
    wrong = cli("train", corpus, tmp_path / "other", "--trainer", "stream", "--init", out, "--model.dim", 32)
    assert wrong.code == 2 and "dim 16" in wrong.err and "--model.dim 16" in wrong.err


def test_files_and_json(cli: Callable, voices: Path, tmp_path: Path) -> None:
    words = ("pretrain", voices / "a.wav", voices / "b.wav", tmp_path / "out", *SMALL)
    said = cli(*words, "--json").json
    assert (said["n_files"], said["n_held_out"], said["steps"], said["interrupted"]) == (2, 1, 4, False)
    assert said["path"] == str(tmp_path / "out") and said["ahead_frames"] == [1, 3, 6]
    assert set(said["errors"]) == {"model", "stays", "mean"} and len(said["errors"]["model"]) == 3
    again = cli(*words)
    assert again.code == 2 and "exists already" in again.err and "--overwrite" in again.err
    assert cli(*words, "--overwrite", "--held-out", 0).out.count("nothing is known of what was learnt") == 1


def test_what_cannot_be(cli: Callable, voices: Path, tmp_path: Path) -> None:
    for words, said in (
        ((voices / "nothing", tmp_path / "out"), "nothing: there is no such file"),
        ((tmp_path, tmp_path / "out"), "no sound in this folder"),
        ((voices, tmp_path / "out", "--minutes", 1, "--steps", 2), "minutes and steps are both given"),
    ):
        done = cli("pretrain", *words)
        assert (done.code, done.out) == (2, "") and said in done.err.replace("\n", " ")

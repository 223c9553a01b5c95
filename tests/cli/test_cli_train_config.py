"""``koekao train --config``: what is not said comes from the file, and the whole is shown and saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from koekao.corpus import PackConfig, pack_takes
from koekao.takes.synthetic.making import make_take
from koekao.training import open_run
from koekao.training.settings_file import merged

pytest.importorskip("yaml", reason="PyYAML is not installed")
FILE = (
    "batch_size: 2\nwindow_frames: 24\ndevice: cpu\nnum_workers: 0\ndebug: true\nseed: 4\nmodel: {dim: 8, dropout: 0}\n"
)


def test_file_and_options(cli: Callable, tmp_path: Path) -> None:
    pack_takes([make_take(1, seconds=2)], tmp_path / "corpus", PackConfig(val=0.0))
    (tmp_path / "run.yaml").write_text(FILE)
    words = ("train", tmp_path / "corpus", tmp_path / "run", "--config", tmp_path / "run.yaml")
    augment = '{"gain": {"probability": 0.5}}'
    said = cli(
        *map(str, words), "--model.dim", "16", "--seed", "0", "--augment", augment, "--losses.terms", '{"closure": 0.1}'
    )
    assert said.code == 0, said.err
    config = open_run(tmp_path / "run").read()["config"]
    assert (config["batch_size"], config["seed"], config["model"]) == (2, 0, {"dim": 16, "dropout": 0})
    assert config["augment"] == {"gain": {"probability": 0.5}}
    assert config["losses"] == {"terms": {"closure": 0.1}}
    shown = (tmp_path / "run" / "config.yaml").read_text()
    assert shown in said.out and "window_frames: 24\n" in shown
    assert merged(tmp_path / "run" / "config.yaml", {}).as_dict() == config


def test_a_mistake_is_told_with_its_line(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("seed: 1\nbatchsize: 2\n")
    said = cli("train", "corpus", str(tmp_path / "run"), "--config", str(tmp_path / "run.yaml"))
    assert (said.code, said.out) == (2, "") and "run.yaml:2: no setting 'batchsize'" in said.err.replace("\n", "")

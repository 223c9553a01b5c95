"""A run folder says how it was made, and gives its model, its baseline and its record back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ModelError, RunError
from koekao.models import build, save_model
from koekao.training import open_run
from koekao.training.run import VERSION, Run, fingerprints


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write({"config": {"seed": 1}, "名": "声"})
    assert run.read() == {"version": VERSION, "config": {"seed": 1}, "名": "声"}
    assert open_run(str(tmp_path)).path == tmp_path


def test_no_run_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RunError, match=r"is no run; expected a folder with run\.json") as error:
            open_run(path)
        assert error.value.where == str(path) and "koekao train" in error.value.do


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"step": 1}', '{"version": "new"}', '{"version": null}'])
def test_a_damaged_record_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match="is damaged") as error:
        open_run(tmp_path)
    assert error.value.where == str(tmp_path / "run.json")


def test_a_bit_that_turns_in_a_record_is_found(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write({"step": 7, "corpus": {"id": "ab", "sha256": "0" * 64}, "name": "koé"})
    whole = run.record.read_bytes()
    assert run.read() == {"version": VERSION, "step": 7, "corpus": {"id": "ab", "sha256": "0" * 64}, "name": "koé"}
    for bit in range(8 * len(whole)):
        turned = bytearray(whole)
        turned[bit // 8] ^= 1 << bit % 8
        run.record.write_bytes(turned)
        with pytest.raises(RunError) as error:
            open_run(tmp_path)
        assert error.value.where == str(run.record) and error.value.do


def test_a_record_that_was_edited_or_lost_its_hash_is_refused(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write({"step": 7})
    whole = json.loads(run.record.read_text())
    for change in ({"step": 8}, {"sha256": ""}, {"sha256": "\ud800"}, {"sha256": None}, {"version": 0}):
        run.record.write_text(json.dumps(whole | change, indent=1))
        with pytest.raises(RunError, match="is damaged or was edited"):
            run.read()


def test_a_record_of_before_there_was_a_hash_is_read_and_gets_one(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.record.write_text(json.dumps({"version": 1, "step": 7}))
    assert run.read() == {"version": 1, "step": 7}
    run.write(run.read() | {"step": 8})
    assert run.read() == {"version": VERSION, "step": 8}
    assert len(json.loads(run.record.read_text())["sha256"]) == 64


def test_a_newer_record_is_refused_with_both_numbers(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"version": VERSION + 1}))
    with pytest.raises(RunError, match=rf"version {VERSION + 1}; expected up to {VERSION}"):
        open_run(tmp_path)


def test_the_model_of_a_run_is_its_best_or_its_last(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write({})
    with pytest.raises(RunError, match="holds no weights yet"):
        run.model()
    with pytest.raises(ModelError, match="no such file"):
        run.baseline()
    torch.manual_seed(0)
    last, best = build("frame", {"dim": 4}), build("frame", {"dim": 8})
    save_model(last, run.last)
    assert run.model().config.dim == 4
    save_model(best, run.best)
    assert run.model().config.dim == 8
    assert not run.model().training
    run.record.unlink()
    with pytest.raises(RunError, match="is no run"):
        run.model()


def test_a_take_is_known_by_its_sound(tmp_path: Path, spoken: Corpus) -> None:
    """Under another name, in another corpus, in another order; and not by its curves or its name."""
    marks = fingerprints(spoken)
    assert list(marks) == list(spoken.names) and len(set(marks.values())) == len(spoken)
    sound = np.ascontiguousarray(spoken.audio(2))
    assert marks[spoken.names[2]] == hashlib.sha256(sound.tobytes()).hexdigest()
    takes: list[Any] = []
    for i in reversed(range(3)):
        fields = vars(spoken.take(i)) | {"name": f"other_{9 - i}"}
        takes.append(type(spoken.take(i))(**fields))
    pack_takes(takes, tmp_path / "again", PackConfig(val=0.0))
    again = fingerprints(Corpus.open(tmp_path / "again"))
    assert again == {f"other_{9 - i}": marks[spoken.names[i]] for i in reversed(range(3))}
    assert fingerprints(spoken.select(split="val")) == {"ken_10003": marks["ken_10003"]}

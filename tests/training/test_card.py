"""The model card tells what the run did: each number in it is one that the run, its log or an evaluation gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import koekao
from koekao.arkit import NAMES
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import RunError
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer, evaluate, open_run
from koekao.training.card import differing, model_card
from koekao.training.config import TrainerName
from koekao.training.evaluation import score_takes
from koekao.training.facts import Facts, Share

Start = Callable[..., Trainer]
Events = Callable[..., list[dict[str, Any]]]


def cells(card: str) -> dict[str, list[str]]:
    """First cell of each row of each table -> the others."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in card.splitlines() if line[:1] == "|"]
    return {row[0].strip("` "): row[1:] for row in rows}


def section(card: str, title: str) -> str:
    return card.partition(f"## {title}\n")[2].partition("\n## ")[0]


FACTS = Facts(
    run="runs/a b",
    weights="best.safetensors",
    weights_bytes=12_345,
    model="stream",
    parameters=1_234_567,
    features={"LogMel": {"n_mels": 80}},
    look_ahead_frames=3,
    fps=Fraction(30),
    sample_rate=16_000,
    trained_curves=("jawOpen", "mouthClose"),
    corpus="corpus",
    corpus_id="abc123",
    train=Share(n_takes=3, seconds=90.0, speakers=("aoi", "ken"), names=("a", "b", "c")),
    val=Share(n_takes=0, seconds=0.0, speakers=(), names=()),
    test=Share(n_takes=0, seconds=0.0, speakers=(), names=()),
    config=TrainConfig(),
    step=10,
    n_steps=40,
    epoch=1,
    epochs=4,
    seconds=None,
    ended="",
    device="cpu",
    torch="2.9",
    scores=None,
    picture="",
)
NEW_VOICE = Share(n_takes=1, seconds=9.0, speakers=("sora",), names=("d",))


def test_the_scores_are_those_of_the_run(start: Start, events: Events, spoken: Corpus) -> None:
    """Those of the log's best validation, and all of them those of an evaluation of the weights that are there."""
    trainer = start(epochs=3, validations=1000)
    trainer.fit()
    card = trainer.run.card.read_text("utf-8")
    told = cells(section(card, "How good it is").partition("###")[0])
    best = [line for line in events("validation") if line["best"]][-1]
    logged = {"r": best["r"], "mae": best["mae"], "velocity ratio": best["velocity_ratio"]}
    assert {name: told[name][0] for name in logged} == {name: f"{value:.3f}" for name, value in logged.items()}
    assert f"by the weights of step {best['step']:,}" in card
    found = evaluate(open_run(trainer.run.path), spoken, split="val").as_dict()
    assert f"({found['n_frames']:,} tracked frames)" in card
    shown = {"rmse": "rmse", "jitter ratio": "jitter_ratio", "onset lag, ms": "onset_lag_ms", "mae": "mae", "r": "r"}
    shown |= {"lip closure F1": "lip_closure_f1", "upper face deviation": "upper_face_deviation"}
    for name, metric in shown.items():
        for who, cell in zip(("model", "ridge"), told[name]):
            value = found[who][metric]
            assert (value is None) == (cell == "–")
            assert value is None or float(cell) == pytest.approx(value, abs=0.051 if "ms" in metric else 6e-4), name
    for title, key in (("### By region", "by_region"), ("### By curve", "by_curve")):
        table = cells(card.partition(title)[2].partition("\n#")[0])
        moving = {name: values for name, values in found["model"][key].items() if values["r"] is not None}
        assert {name for name in table if name in found["model"][key]} == set(moving)
        for name, values in moving.items():
            row = table[name][1:] if key == "by_region" else table[name]
            expected = [values["r"], found["ridge"][key][name]["r"], values["mae"], found["ridge"][key][name]["mae"]]
            assert [float(cell) for cell in row[:4]] == pytest.approx(expected, abs=6e-4)
    assert len(moving) > 3


def test_what_it_is_and_how_it_was_made(start: Start, spoken: Corpus) -> None:
    trainer = start("stream", max_steps=3, seed=7, learning_rate=0.003)
    trainer.fit()
    card = trainer.run.card.read_text("utf-8")
    told, model = cells(card), trainer.model
    assert card.startswith("# stream model: speech to the 52 ARKit face curves\n")
    assert told["parameters"] == [f"{sum(p.numel() for p in model.parameters()):,}"]
    assert told["weights"] == [f"`best.safetensors`, {trainer.run.best.stat().st_size / 1000:,.0f} kB"]
    assert told["look-ahead"] == [f"{model.look_ahead_frames} frames ({model.look_ahead_frames * 1000 / 30:.0f} ms)"]
    assert "n_mels 20" in told["features: LogMel"][0] and told["sound in"] == ["16,000 Hz, one channel"]
    assert told["corpus"] == [f"`{spoken.path}`, id `{spoken.id}`"]
    train = spoken.select(split="train")
    assert told["trained on"] == [
        f"4 takes, {train.seconds:.1f} s: `aoi_10001`, `aoi_10004`, `ken_10000`, `sora_10002`"
    ]
    assert told["held out to choose the weights"][0].endswith(" s: `ken_10003`")
    assert told["held out for the test"] == ["none"]
    assert told["speakers trained on"] == ["`aoi`, `ken`, `sora`"]
    n_trained = int((model.curve_spread > 0).sum())
    assert told["curves that moved in training"] == [f"{n_trained} of 52"] and 3 < n_trained < 52
    still = [name for name, spread in zip(NAMES, model.curve_spread.tolist()) if not spread]
    assert f"These {len(still)} stay still: {', '.join(still)}." in card
    assert told["steps"] == [f"3 of {trainer.n_steps} planned"] and told["ended"] == ["3 steps done"]
    run = cells(section(card, "How it was trained").partition("\n\nThese settings")[0])
    assert (run["seed"], run["device"], run["trainer"]) == (["7"], ["cpu"], ["stream"])
    assert told["koekao, torch"] == [f"{koekao.__version__}, {torch.__version__}"]
    assert told["learning_rate"] == ["`0.003`"] and told["max_steps"] == ["`3`"] and "weight_decay" not in told
    assert f"koekao animate {trainer.run.path} SPEECH.wav" in card
    assert "Voices that it was not trained on were not tested." in card


def test_the_scores_stay_those_of_the_best_weights(start: Start, spoken: Corpus) -> None:
    trainer = start(max_steps=2)
    trainer.fit()
    before = trainer.run.read_scores()
    worse = score_takes(lambda audio: np.zeros((len(audio) * 30 // 16_000, 52), np.float32), trainer.val_takes)
    trainer._account.validated(worse, step=3, is_best=False)
    assert trainer.run.read_scores() == before and before["step"] == trainer.best["step"] == 2
    trainer._account.validated(worse, step=4, is_best=True)
    kept = trainer.run.read_scores()
    assert (kept["step"], kept["model"]["mae"]) == (4, worse.average("mae")) and kept["ridge"] == before["ridge"]


def test_the_settings_that_differ() -> None:
    assert differing(TrainConfig()) == {}
    config = TrainConfig(seed=3, model={"dim": 16}, epochs=30)
    assert differing(config) == {"epochs": 30, "model": {"dim": 16}, "seed": 3}
    assert "Every setting is at its default; `config.yaml`" in model_card(FACTS)


def test_without_validation_takes_it_says_so(start: Start, spoken: Corpus) -> None:
    trainer = start(corpus=spoken.select(split="train"), max_steps=2)
    trainer.fit()
    card = trainer.run.card.read_text("utf-8")
    good = section(card, "How good it is")
    assert "There were no validation takes" in good and "those of the last step" in good and "|" not in good
    assert cells(card)["held out to choose the weights"] == ["none"]
    assert "chose the weights" not in section(card, "Limits") and not trainer.run.scores.exists()
    assert "last step" not in model_card(replace(FACTS, weights=""))


def test_an_interrupted_run_has_one_and_a_resumed_one_goes_on_with_it(
    start: Start, events: Events, tmp_path: Path
) -> None:
    """Before any validation; then after one; and resumed at its end, where nothing is validated again."""
    trainer = start(epochs=2, validations=1000, stop_at=2)
    assert trainer.fit() == "interrupted"
    card = trainer.run.card.read_text("utf-8")
    assert cells(card)["ended"] == ["interrupted"] and cells(card)["weights"][0].startswith("none chosen yet")
    assert "Not validated yet." in card and not trainer.run.scores.exists()
    start(resume=True, stop_at=events("begin")[0]["steps"] // 2 + 2).fit()
    assert len(events("validation")) == 1 and "by the weights of step" in trainer.run.card.read_text("utf-8")
    start(resume=True).fit()
    whole = trainer.run.card.read_text("utf-8")
    straight = start(epochs=2, validations=1000, run=tmp_path / "straight")
    straight.fit()
    other = straight.run.card.read_text("utf-8")
    assert section(whole, "How good it is") == section(other, "How good it is") != ""
    start(resume=True).fit()
    again = trainer.run.card.read_text("utf-8")
    assert section(again, "How good it is") == section(whole, "How good it is")


def test_a_run_that_a_fault_ended_has_one(start: Start) -> None:
    class Fault:
        def tell(self, event: str, **values: Any) -> None:
            if event == "step" and values["step"] == 2:
                raise MemoryError

        def close(self) -> None:
            pass

    trainer = start(listeners=[Fault()])
    with pytest.raises(MemoryError):
        trainer.fit()
    assert cells(trainer.run.card.read_text("utf-8"))["ended"] == ["not yet, or killed"]


def test_scores_that_cannot_be_read_are_an_error_that_says_what_to_do(start: Start) -> None:
    trainer = start(epochs=2, validations=1000)
    trainer.fit()
    for text in ("", "[1]", "{"):
        trainer.run.scores.write_text(text)
        with pytest.raises(RunError, match="cannot be read") as error:
            start(resume=True).fit()
        assert error.value.where == str(trainer.run.scores) and "remove it" in error.value.do


def test_unseen_voices_are_named_where_there_were_some(start: Start, tmp_path: Path) -> None:
    takes = make_takes(6, seconds=(2, 3), seed=1)
    pack_takes(takes, tmp_path / "corpus", PackConfig(val=("ken_*",), test=("sora_*",)))
    corpus = Corpus.open(tmp_path / "corpus")
    trainer = start(corpus=corpus, max_steps=2)
    trainer.fit()
    card = trainer.run.card.read_text("utf-8")
    assert "The validation takes hold 1 voice that it was not trained on: `ken`." in card
    assert "The test takes were not looked at here" in card and "of 1 speaker." in card
    mixed = replace(FACTS, val=replace(NEW_VOICE, speakers=("ken", "sora")), scores=None)
    assert "Voices that it was not trained on were not tested." in model_card(mixed), "nothing was scored"


def test_it_is_neat_markdown() -> None:
    """Tables are as wide in every line, odd names break none, and every heading has a line of its own."""
    odd = Share(n_takes=20, seconds=61.0, speakers=("a|b",), names=tuple(f"x|{i}`y" for i in range(12)))
    card = model_card(replace(FACTS, train=odd, corpus="my corpus"))
    for table in re.findall(r"(?:^\|.*\n)+", card, re.M):
        lines = table.splitlines()
        assert len({len(line) for line in lines}) == 1 and re.fullmatch(r"\|( -+:? \|)+", lines[1])
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "20 takes, 1.0 min: `` x\\|0`y ``" in card and "and 8 more" in card
    lines = card.splitlines()
    headings = [i for i, line in enumerate(lines) if line.startswith("#")]
    assert [lines[i].lstrip("# ").split()[0] for i in headings] == ["stream", "What", "How", "How", "Limits", "How"]
    assert all(lines[i + 1] == "" and (i == 0 or lines[i - 1] == "") for i in headings)
    assert "koekao animate 'runs/a b' SPEECH.wav" in card and card.endswith("```\n") and "\n\n\n" not in card
    assert "look-ahead" in card and "3 frames (100 ms)" in card and "Live, the face comes 3 frames after" in card


@pytest.mark.parametrize("trainer", ["stream", "sequential", "clips"])
def test_settings_are_held_against_the_defaults_of_their_trainer(trainer: TrainerName) -> None:
    assert differing(TrainConfig(trainer=trainer)) == {}
    assert differing(TrainConfig(trainer=trainer, batch_size=3)) == {"batch_size": 3}

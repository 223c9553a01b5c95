"""Law of training: 20 steps are 10, a resume and 10 more, in every tensor; and what is trained learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models.weights import read_tensors
from koekao.takes.synthetic.making import make_takes
from koekao.training import TrainConfig, Trainer, evaluate, open_run
from koekao.training import trainer as trainer_module
from small_runs import SETTINGS, StopAt, corpus_at, differences, quick

DRAWN: dict[str, dict[str, Any]] = {
    "sequential": {"level": 0.2, "band_dropout": 0.1},
    "clips": {},
    "stream": {"look_ahead_frames": 1, "noise": 0.2},
}
"""More that is drawn by lot at each step, and must be drawn again."""
EVERY = pytest.mark.parametrize("name", DRAWN)
Fit = Callable[..., Trainer]


class Fault(StopAt):
    """A listener that ends a run as a fault does, some steps after the last save."""

    def tell(self, event: str, **values: Any) -> None:
        if event == "saved" and values["step"] == 12:
            trainer_module._SAVE_EVERY_S = 1e9
        if event == "step" and values["step"] == self.step:
            raise MemoryError("the machine went down")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_at(tmp_path_factory.mktemp("training") / "corpus")


@pytest.fixture
def fit(spoken: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fit:
    """``fit("one", "clips", until=10)``: train the run "one" up to that step, from its start or from where it is."""
    quick(monkeypatch.setattr)

    def train(run: str, name: str, *, until: int, fault: bool = False, **more: Any) -> Trainer:
        stop, path = (Fault if fault else StopAt)(until), tmp_path / run
        model = SETTINGS[name]["model"] | DRAWN[name]
        basics = {"trainer": name, "epochs": 6, "num_workers": 0, "device": "cpu", "plots": False}
        config = TrainConfig(**basics | SETTINGS[name] | {"model": model} | more)
        stop.trainer = trainer = Trainer(spoken, path, config, resume=path.exists(), listeners=[stop])
        torch.manual_seed(12345)  # what else the program drew between the two sessions must not matter
        torch.rand(until)
        if fault:
            with pytest.raises(MemoryError):
                trainer.fit()
        else:
            assert trainer.fit() == "interrupted"
        return trainer

    return train


def assert_same_run(one: Trainer, other: Trainer) -> None:
    """Every tensor of the two checkpoints, and all that stands beside them but the time it took."""
    kinds = {key.split("/")[0] for key in read_tensors(one.run.last)[0]}
    assert {"optimizer", "random", "curve_spread"} <= kinds
    assert ("state" in kinds) is (one.config.trainer == "sequential")
    assert differences(one.run.path, other.run.path) == []


@EVERY
@pytest.mark.parametrize("num_workers", [0, 1])
def test_20_steps_are_10_and_a_resume_and_10(fit: Fit, name: str, num_workers: int) -> None:
    """With dropout, across the ends of epochs, gathered inline and by a thread that is batches ahead."""
    straight = fit("straight", name, until=20, num_workers=num_workers)
    fit("parts", name, until=10, num_workers=num_workers)
    parts = fit("parts", name, until=20)
    assert straight.step == parts.step == 20 and parts.epoch > 0
    assert_same_run(straight, parts)


@EVERY
def test_wherever_it_was_interrupted(fit: Fit, name: str) -> None:
    """After the first step, at once after a resume, and several times."""
    straight = fit("straight", name, until=12)
    for step in (1, 2, 7, 12):
        parts = fit("parts", name, until=step)
    assert_same_run(straight, parts)


@EVERY
@pytest.mark.parametrize("before", [-1, 0, 1])
def test_a_resume_at_the_end_of_an_epoch(fit: Fit, name: str, before: int) -> None:
    """Exactly there, a step before and a step after: no batch twice, none left out."""
    straight = fit("straight", name, until=20)
    loader = straight.parts.loader
    loader.set_epoch(0)
    end = len(loader)
    assert 2 < end < 18
    cut = fit("parts", name, until=end - before)
    assert (cut.epoch, cut.parts.loader.state_dict()["batch"]) == ((0, end - before) if before >= 0 else (1, 1))
    assert_same_run(straight, fit("parts", name, until=20))


@EVERY
def test_after_a_fault_from_the_last_save(fit: Fit, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine goes down at step 17; the run goes on from step 12, where it was saved last."""
    straight = fit("straight", name, until=20)
    monkeypatch.setattr("koekao.training.trainer._SAVE_EVERY_S", -1.0)
    fit("parts", name, until=17, fault=True)
    assert read_tensors(straight.run.path.parent / "parts" / "last.safetensors")[1]["progress"]["step"] == 12
    assert_same_run(straight, fit("parts", name, until=20))


@EVERY
def test_a_whole_run_is_the_same_run_in_parts(fit: Fit, name: str, tmp_path: Path) -> None:
    """To its end: the best weights too, and what the validations said."""
    events = {}
    for run, cuts in (("straight", [0]), ("parts", [3, 9, 0])):
        for until in cuts:
            with pytest.MonkeyPatch.context() as patch:
                if not until:
                    patch.setattr(StopAt, "tell", lambda *args, **values: None)
                    with pytest.raises(AssertionError, match="all epochs done"):
                        fit(run, name, until=until, epochs=3, validations=1000)
                else:
                    fit(run, name, until=until, epochs=3, validations=1000)
        lines = (tmp_path / run / "log.jsonl").read_text("utf-8").splitlines()
        events[run] = [line.partition('"step"')[2] for line in lines if '"validation"' in line]
    assert events["straight"] == events["parts"] and len(events["parts"]) == 3
    for file in ("best.safetensors", "ridge.safetensors"):
        assert (tmp_path / "straight" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


# --- learning


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """80 s to train on and one take of each of two voices that no step sees."""
    path = tmp_path_factory.mktemp("learning") / "corpus"
    pack_takes(make_takes(10, seconds=10, seed=2), path, PackConfig(val=0.0, test=("ken_20009", "aoi_20007")))
    return Corpus.open(path)


LEARNING: dict[str, dict[str, Any]] = {
    "sequential": {
        "epochs": 4,
        "batch_size": 32,
        "n_streams": 8,
        "window_frames": 32,
        "initial_stride": 8,
        "final_stride": 4,
        "learning_rate": 3e-3,
        "model": {"dim": 32, "dilations": (4, 2, 1), "dropout": 0.1, "noise": 0.1, "level": 0.1, "band_dropout": 0.0},
    },
    "clips": {
        "epochs": 2,
        "batch_size": 64,
        "clip_s": 1.0,
        "learning_rate": 3e-3,
        "model": {"dim": 64, "dropout": 0.1, "future_frames": 6},
    },
    "stream": {
        "epochs": 6,
        "batch_size": 16,
        "window_frames": 64,
        "hop_frames": 16,
        "learning_rate": 3e-3,
        "model": {"dim": 32, "channels": 8, "dilations": (1, 2, 4), "dropout": 0.1, "noise": 0.1, "level": 0.1},
    },
}


@pytest.mark.parametrize(("name", "least_r"), [("sequential", 0.3), ("clips", 0.2), ("stream", 0.5)])
def test_it_learns(longer: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, least_r: float) -> None:
    """On takes that it has not seen it follows the curves, is nearer to them than the mean face, and is alive."""
    monkeypatch.setattr("koekao.training.ridge.PENALTIES", (100.0,))
    monkeypatch.setattr("koekao.training.ridge.PAST_FRAMES", 2)
    config = TrainConfig(**{"trainer": name, "device": "cpu", "num_workers": 0, "plots": False} | LEARNING[name])
    Trainer(longer, tmp_path / "run", config).fit()
    result = evaluate(open_run(tmp_path / "run"), longer)
    assert result.takes == ("aoi_20007", "ken_20009")
    r, mae = result.model.average("r"), result.model.average("mae")
    assert r is not None and r > least_r and result.mean.average("r") == 0
    assert mae is not None and mae < 0.9 * (result.mean.average("mae") or 0)
    assert 0.3 < (result.model.average("velocity_ratio") or 0) < 2

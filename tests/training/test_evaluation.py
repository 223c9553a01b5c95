"""Whole takes that were not trained on, the same ones for the model and for both baselines."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from koekao.animation import animate
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ModelError, RunError
from koekao.takes import Take
from koekao.takes.synthetic.making import make_take, make_takes
from koekao.takes.take import as_float
from koekao.training import Run, TrainConfig, Trainer, evaluate, open_run
from koekao.training.evaluation import check_fits, score_takes
from koekao.training.metrics import METRICS_VERSION, score


@pytest.fixture(scope="module")
def run(spoken: Corpus, tmp_path_factory: pytest.TempPathFactory, config_of: Callable[..., TrainConfig]) -> Run:
    """A run of a few steps on the training takes of ``spoken``."""
    path = tmp_path_factory.mktemp("evaluated") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("koekao.training.ridge.PAST_FRAMES", 1)
        Trainer(spoken, path, config_of(max_steps=3)).fit()
    return open_run(path)


def packed(path: Path, *takes: Take, **settings: Any) -> Corpus:
    pack_takes(takes, path, PackConfig(**{"val": 0.0} | settings))
    return Corpus.open(path)


def test_each_is_scored_by_hand_on_the_same_whole_takes(run: Run, spoken: Corpus) -> None:
    """No windows: every frame of the take, animated as a user would."""
    result = evaluate(run, spoken)
    take = spoken.names.index("ken_10003")
    truth, sound, valid = spoken.curves(take), as_float(spoken.audio(take)), spoken.valid(take)
    model = run.model()
    mean = np.repeat(np.clip(model.curve_mean.numpy(), 0, 1)[None], len(truth), 0)
    for scores, predicted in (
        (result.model, animate(model, sound)),
        (result.ridge, run.baseline().predict(sound)),
        (result.mean, mean),
    ):
        by_hand = score([(predicted, truth, valid)], fps=spoken.fps)
        for name in ("r", "mae", "rmse", "moved", "truly_moved"):
            np.testing.assert_array_equal(getattr(scores, name), getattr(by_hand, name))
    assert result.takes == ("ken_10003",) and result.model.n_frames == len(truth)
    assert result.mean.average("r") == 0 and result.mean.average("velocity_ratio") == 0


def test_the_report_is_json_and_names_what_moves(run: Run, spoken: Corpus) -> None:
    result = evaluate(run, spoken)
    told = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert told["metrics_version"] == METRICS_VERSION and told["takes"] == ["ken_10003"]
    curves = spoken.curves(spoken.names.index("ken_10003"))
    from koekao.arkit import NAMES

    assert told["moving"] == [name for name, span in zip(NAMES, np.ptp(curves, axis=0), strict=True) if span > 0.05]
    assert told["mean"]["r"] == 0 and told["model"]["mae"] == result.model.average("mae")
    assert told["n_frames"] == len(curves) and "validation" not in told["chosen"]


@pytest.mark.parametrize(
    ("split", "takes", "chosen"),
    [
        ("unseen", 1, "the val takes of the run's own corpus"),
        ("val", 1, "the val takes"),
        ("train", 4, "the train takes"),
        ("all", 5, "every take"),
    ],
)
def test_takes_by_split(run: Run, spoken: Corpus, split: str, takes: int, chosen: str) -> None:
    result = evaluate(run, spoken, split=split)
    assert len(result.takes) == takes and result.chosen == chosen
    assert ("ken_10003" in result.takes) is (split != "train")


def test_test_takes_come_before_validation_takes(tmp_path: Path, config_of: Callable[..., TrainConfig]) -> None:
    """Validation takes chose the weights, so they are second best."""
    names = ("ken_0", "aoi_0", "sora_0")
    takes = [make_take(i, seconds=2, name=name, voice=name.split("_")[0]) for i, name in enumerate(names)]
    corpus = packed(tmp_path / "corpus", *takes, val=("aoi_0",), test=("sora_0",))
    Trainer(corpus, tmp_path / "run", config_of(max_steps=1, batch_size=1, n_streams=1)).fit()
    result = evaluate(open_run(tmp_path / "run"), corpus)
    assert result.takes == ("sora_0",) and result.chosen == "the test takes of the run's own corpus"


def test_a_take_that_was_trained_on_is_known_in_another_corpus(run: Run, spoken: Corpus, tmp_path: Path) -> None:
    """By its sound: renamed it is still not unseen. The rest of that corpus is scored."""
    trained_on = spoken.take(spoken.names.index("aoi_10001"))
    renamed = Take(**vars(trained_on) | {"name": "brand_new"})
    other = packed(tmp_path / "other", renamed, *make_takes(2, seconds=2, seed=7))
    result = evaluate(run, other)
    assert result.takes == ("aoi_70001", "ken_70000") and result.chosen == "the takes that the run was not trained on"
    assert len(evaluate(run, other, split="all").takes) == 3
    only = packed(tmp_path / "only", renamed)
    with pytest.raises(RunError, match="no unseen take to score") as error:
        evaluate(run, only)
    assert error.value.where == str(only.path) and "--split all" in error.value.do


def test_no_take_of_a_split_is_an_error(run: Run, spoken: Corpus) -> None:
    for split in ("test", "holdout"):
        with pytest.raises(RunError, match=f"no {split} take to score"):
            evaluate(run, spoken, split=split)


@pytest.mark.parametrize("rates", [{"fps": Fraction(60)}, {"sample_rate": 8000}, {"fps": Fraction(30000, 1001)}])
def test_a_corpus_at_other_rates_is_refused_with_both(run: Run, tmp_path: Path, rates: dict[str, Any]) -> None:
    other = packed(tmp_path / "other", make_take(1, seconds=1, **rates), **rates)
    with pytest.raises(ModelError, match=r"the corpus has .*expected 16000 Hz, 30 fps") as error:
        evaluate(run, other)
    assert error.value.where == str(other.path) and str(next(iter(rates.values()))) in error.value.what
    with pytest.raises(ModelError):
        check_fits(run.model(), other)


def test_a_frame_that_the_sound_does_not_cover_is_not_scored(run: Run, tmp_path: Path) -> None:
    """A take of somebody's own reader may have one more than its sound, or one less."""
    takes = []
    for i, more in enumerate((1, -1, 0)):
        take = make_take(i, seconds=1, name=str(i))
        curves, valid = np.full((30 + more, 52), 0.5, np.float32), np.ones(30 + more, bool)
        curves[::2] = 0.1
        takes.append(Take(**vars(take) | {"curves": curves, "valid": valid}))
    corpus = packed(tmp_path / "corpus", *takes)
    result = evaluate(run, corpus)
    assert result.model.n_frames == result.ridge.n_frames == result.mean.n_frames == 30 + 29 + 30


def test_untracked_frames_are_not_scored(tmp_path: Path) -> None:
    take = make_take(1, seconds=1)
    valid = np.ones(30, bool)
    valid[5:9] = False
    corpus = packed(tmp_path / "corpus", Take(**vars(take) | {"valid": valid}))
    assert score_takes(lambda audio: np.zeros((30, 52), np.float32), corpus).n_frames == 26


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_sound_is_heard_in_the_units_of_the_model(tmp_path: Path, dtype: str) -> None:
    """From -1 to 1 whatever the corpus stores, and read-only, as views of a map are."""
    take, heard = make_take(1, seconds=1), []
    corpus = packed(tmp_path / "corpus", take, audio=dtype)
    score_takes(lambda audio: heard.append(audio) or np.zeros((30, 52), np.float32), corpus)
    np.testing.assert_array_equal(heard[0], as_float(take.audio))
    assert heard[0].dtype == np.float32 and np.abs(heard[0]).max() <= 1


def test_a_run_on_float32_sound_from_end_to_end(tmp_path: Path, config_of: Callable[..., TrainConfig]) -> None:
    """Statistics, baseline, batches, validation and evaluation take read-only views without a warning."""
    takes = make_takes(3, seconds=2, seed=3)
    corpus = packed(tmp_path / "corpus", *takes, audio="float32", val=("sora_*",))
    assert corpus.audio_dtype == np.float32
    Trainer(corpus, tmp_path / "run", config_of(max_steps=2)).fit()
    assert evaluate(open_run(tmp_path / "run"), corpus).takes == ("sora_30002",)

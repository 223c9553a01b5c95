"""The baseline is ridge regression by its textbook formula, with a penalty that left-out takes chose."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ModelError, RunError
from koekao.features import LogMel, LogMelConfig
from koekao.models import build, save_model
from koekao.takes import Take
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from koekao.training import ridge
from koekao.training.ridge import Ridge, inputs_of

CONFIG = LogMelConfig(n_mels=6)


@pytest.fixture(scope="module")
def features() -> LogMel:
    mel = LogMel(CONFIG)
    mel.fit([as_float(make_take(1, seconds=2).audio)])
    return mel


@pytest.fixture
def corpus_of(tmp_path: Path) -> Callable[..., Corpus]:
    """A corpus whose curves are made from the sound's inputs by ``curves(inputs, rng)``."""

    def make(features: LogMel, curves: Any, *, n_takes: int = 6, look_ahead: int = 1, untracked: int = 0) -> Corpus:
        takes, rng = [], np.random.default_rng(0)
        for i in range(n_takes):
            spoken = make_take(100 + i, seconds=1.5 + 0.3 * i)
            inputs = inputs_of(features, as_float(spoken.audio), look_ahead).numpy()
            values, valid = curves(inputs, rng).astype(np.float32), np.ones(len(inputs), bool)
            valid[:untracked], values[:untracked] = False, 77.0
            takes.append(
                Take(
                    name=f"{i}",
                    speaker="ken",
                    audio=spoken.audio,
                    sample_rate=16000,
                    curves=values,
                    valid=valid,
                    fps=spoken.fps,
                )
            )
        pack_takes(takes, tmp_path / "corpus", PackConfig(val=0.0))
        return Corpus.open(tmp_path / "corpus")

    return make


def linear(noise: float) -> Any:
    """Curves that are a linear function of the inputs, and noise."""

    def curves(inputs: Any, rng: np.random.Generator) -> Any:
        matrix = np.random.default_rng(5).standard_normal((inputs.shape[1], 52)) * 0.1
        return inputs @ matrix + noise * rng.standard_normal((len(inputs), 52))

    return curves


def frames_of(corpus: Corpus, features: LogMel, look_ahead: int = 1) -> tuple[Any, Any]:
    xs, ys = [], []
    for i in range(len(corpus)):
        valid = corpus.valid(i)
        xs.append(inputs_of(features, as_float(corpus.audio(i)), look_ahead).numpy()[valid])
        ys.append(corpus.curves(i)[valid].astype(np.float64))
    return np.concatenate(xs), np.concatenate(ys)


def by_formula(x: Any, y: Any, penalty: float) -> Any:
    """Minimise |Y - XW|^2 + penalty |W|^2, the offset free, as least squares with rows for the penalty."""
    held = np.sqrt(penalty) * np.eye(x.shape[1])
    held[-1, -1] = 0
    return np.linalg.lstsq(np.concatenate([x, held]), np.concatenate([y, np.zeros((len(held), 52))]), rcond=None)[0]


def test_weights_are_those_of_the_formula(features: LogMel, corpus_of: Any) -> None:
    corpus = corpus_of(features, linear(0.05), untracked=7)
    fitted = Ridge.fit(corpus, features, 1)
    x, y = frames_of(corpus, features)
    np.testing.assert_allclose(fitted.weights.numpy(), by_formula(x, y, fitted.penalty), atol=1e-5)


def test_the_penalty_is_the_one_that_left_out_parts_choose(
    features: LogMel, corpus_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against plain cross-validation: every fifth take is one part, each curve's error in its own variance."""
    monkeypatch.setattr(ridge, "PENALTIES", (0.01, 1.0, 100.0, 10_000.0))
    corpus = corpus_of(features, linear(2.0), n_takes=7)
    errors = []
    _, everything = frames_of(corpus, features)
    for penalty in ridge.PENALTIES:
        total = 0.0
        for part in range(5):
            left_out = [name for i, name in enumerate(corpus.names) if i % 5 == part]
            kept = [name for name in corpus.names if name not in left_out]
            x, y = frames_of(corpus.select(names=kept), features)
            u, v = frames_of(corpus.select(names=left_out), features)
            total += (np.square(v - u @ by_formula(x, y, penalty)).sum(0) / everything.var(0)).sum()
        errors.append(total)
    best = ridge.PENALTIES[int(np.argmin(errors))]
    assert Ridge.fit(corpus, features, 1).penalty == best != 0.01


def test_a_clean_relation_needs_little_penalty_and_noise_needs_much(features: LogMel, corpus_of: Any) -> None:
    assert Ridge.fit(corpus_of(features, linear(0.0)), features, 1).penalty == min(ridge.PENALTIES)


def test_nothing_to_be_learnt_gets_the_largest_penalty(features: LogMel, corpus_of: Any) -> None:
    noise = Ridge.fit(corpus_of(features, lambda x, rng: rng.standard_normal((len(x), 52))), features, 1)
    assert noise.penalty == max(ridge.PENALTIES)


def test_one_take_cannot_choose_and_gets_a_middling_penalty(features: LogMel, corpus_of: Any) -> None:
    fitted = Ridge.fit(corpus_of(features, linear(0.1), n_takes=1), features, 1)
    assert min(ridge.PENALTIES) < fitted.penalty < max(ridge.PENALTIES)


def test_inputs_are_the_frames_around_and_silence_outside(features: LogMel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame t has frames t - 2 .. t + 1, oldest first, then 1; columns of a frame are averaged."""
    monkeypatch.setattr(ridge, "PAST_FRAMES", 2)
    sound = as_float(make_take(1, seconds=1).audio)
    inputs = inputs_of(features, sound, 1)
    mel = features.columns(torch.from_numpy(sound)[None], first_frame=0, n_frames=30)[0].mean(1).double()
    assert inputs.shape == (30, 6 * 4 + 1) and inputs.dtype == torch.float64
    torch.testing.assert_close(inputs[10], torch.cat([mel[8], mel[9], mel[10], mel[11], torch.ones(1)]).double())
    torch.testing.assert_close(inputs[0, :6], features.silence.double())
    assert (inputs[:, -1] == 1).all()


def test_it_hears_as_far_back_as_it_was_fitted(
    features: LogMel, corpus_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A baseline that was saved by a program with another past says the same."""
    monkeypatch.setattr(ridge, "PAST_FRAMES", 3)
    fitted, sound = Ridge.fit(corpus_of(features, linear(0.1)), features, 1), as_float(make_take(9, seconds=1).audio)
    before = fitted.predict(sound)
    monkeypatch.setattr(ridge, "PAST_FRAMES", 1)
    np.testing.assert_array_equal(fitted.predict(sound), before)


def test_predictions_are_every_frame_in_range(features: LogMel, corpus_of: Any) -> None:
    fitted = Ridge.fit(corpus_of(features, linear(1.0)), features, 1)
    for n_samples in (1, 533, 534, 16000):
        curves = fitted.predict(as_float(make_take(9, seconds=1).audio)[:n_samples])
        assert curves.shape == (features.clock.frames_covering(n_samples), 52) and curves.dtype == np.float32
        assert curves.min() >= 0 and curves.max() <= 1


def test_a_linear_face_is_found(features: LogMel, corpus_of: Any) -> None:
    def curves(inputs: Any, rng: Any) -> Any:
        return 0.5 + 0.05 * inputs[:, :1].clip(-4, 4) * np.ones(52)

    fitted, sound = Ridge.fit(corpus_of(features, curves), features, 1), as_float(make_take(9, seconds=2).audio)
    expected = curves(inputs_of(features, sound, 1).numpy(), None)
    np.testing.assert_allclose(fitted.predict(sound), expected, atol=0.02)


def test_a_frame_of_curves_beyond_the_sound_is_left_out(tmp_path: Path, features: LogMel) -> None:
    """A take may have a frame more than its sound covers, or one less."""
    takes = []
    for i, more in enumerate((1, -1, 0)):
        spoken = make_take(i, seconds=1)
        takes.append(
            Take(
                name=f"{i}",
                speaker="ken",
                audio=spoken.audio,
                sample_rate=16000,
                curves=np.zeros((30 + more, 52), np.float32),
                valid=np.ones(30 + more, bool),
                fps=spoken.fps,
            )
        )
    pack_takes(takes, tmp_path / "corpus", PackConfig(val=0.0))
    fitted = Ridge.fit(Corpus.open(tmp_path / "corpus"), features, 0)
    assert fitted.weights.isfinite().all()


def test_round_trip(features: LogMel, corpus_of: Any, tmp_path: Path) -> None:
    fitted, path = Ridge.fit(corpus_of(features, linear(0.1)), features, 1), tmp_path / "ridge.safetensors"
    fitted.save(path)
    again = Ridge.load(path)
    assert torch.equal(again.weights, fitted.weights) and again.weights.dtype == torch.float64
    assert (again.penalty, again.look_ahead_frames) == (fitted.penalty, 1)
    assert again.features.config == features.config
    sound = as_float(make_take(9, seconds=1).audio)
    np.testing.assert_array_equal(again.predict(sound), fitted.predict(sound))


def test_features_are_kept_as_they_were(features: LogMel, corpus_of: Any) -> None:
    before = copy.deepcopy(features.state_dict())
    Ridge.fit(corpus_of(features, linear(0.1)), features, 1)
    assert all(torch.equal(before[name], value) for name, value in features.state_dict().items())


def test_what_is_no_baseline_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ridge.safetensors"
    with pytest.raises(ModelError, match="no such file"):
        Ridge.load(path)
    path.write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot be read") as error:
        Ridge.load(path)
    assert error.value.where == str(path)
    save_model(build("frame", {"dim": 8}), path)
    with pytest.raises(ModelError, match="is no ridge baseline"):
        Ridge.load(path)


def test_no_take_is_an_error(features: LogMel, corpus_of: Any) -> None:
    corpus = corpus_of(features, linear(0.1)).select(split="val")
    with pytest.raises(RunError, match="no takes to fit"):
        Ridge.fit(corpus, features, 1)

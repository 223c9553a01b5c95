"""Mean, spread and levels come from the tracked frames of the training takes, and still curves have no spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from koekao.arkit import INDEX
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import RunError
from koekao.models import build
from koekao.takes import Take
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from koekao.training.statistics import fit_statistics


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Corpus]:
    """A corpus of takes with the curves given, and sound of the same length."""

    def pack(*curves: Any, valid: Any = None, dtype: str = "int16") -> Corpus:
        takes = []
        for i, values in enumerate(curves):
            spoken = make_take(i, seconds=len(values) / 30, voice="ken")
            audio = spoken.audio if dtype == "int16" else as_float(spoken.audio)
            tracked = np.ones(len(values), bool) if valid is None else np.array(valid[i], bool)
            takes.append(
                Take(
                    name=str(i),
                    speaker="ken",
                    audio=audio,
                    sample_rate=16000,
                    curves=np.asarray(values, np.float32),
                    valid=tracked,
                    fps=spoken.fps,
                )
            )
        pack_takes(takes, tmp_path / "corpus", PackConfig(val=0.0))
        return Corpus.open(tmp_path / "corpus")

    return pack


def test_mean_and_spread_over_all_takes(packed: Callable[..., Corpus]) -> None:
    rng = np.random.default_rng(0)
    takes = [rng.random((n, 52)) for n in (30, 61, 10)]
    model = build("sequential", {"dim": 8})
    fit_statistics(model, packed(*takes))
    together = np.concatenate(takes).astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(model.curve_mean.numpy(), together.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.curve_spread.numpy(), together.std(0), atol=1e-6)


def test_pace_of_jaw_and_mouth_over_all_takes(packed: Callable[..., Corpus]) -> None:
    """Steps of 0.1 in one take, of 0.3 in the other: (0.01 + 0.09) / 0.4, whatever brows do, and not over a gap."""
    one, two = np.zeros((3, 52)), np.zeros((5, 52))
    one[1:, INDEX["jawOpen"]] = 0.1
    one[:, INDEX["browInnerUp"]] = [0, 1, 0]
    two[2:, INDEX["mouthPucker"]] = 0.3
    two[4, INDEX["mouthPucker"]] = 1.0
    model = build("stream", {"dim": 8})
    fit_statistics(model, packed(one, two, valid=[np.ones(3), [1, 1, 1, 0, 1]]))
    assert model.liveliness.pace.item() == pytest.approx(0.25)


def test_curves_that_do_not_move_have_spread_0_and_their_mean(packed: Callable[..., Corpus]) -> None:
    """Up to 0.05 from lowest to highest over all takes; one that moves from take to take alone does move."""
    one, two = np.full((30, 52), 0.25), np.full((30, 52), 0.25)
    one[::2, 3] += 0.0499
    one[::2, 4] += 0.06
    two[:, 5] += 0.06
    model = build("sequential", {"dim": 8})
    fit_statistics(model, packed(one, two))
    assert model.curve_spread.nonzero().flatten().tolist() == [4, 5]
    assert model.curve_mean[3].item() == pytest.approx(0.25 + 0.0499 / 4, abs=1e-6)


def test_untracked_frames_do_not_count(packed: Callable[..., Corpus]) -> None:
    values = np.random.default_rng(1).random((40, 52))
    values[10:20] = 50.0
    tracked = np.ones(40)
    tracked[10:20] = 0
    model = build("sequential", {"dim": 8})
    fit_statistics(model, packed(values, np.full((5, 52), 99.0), valid=[tracked, np.zeros(5)]))
    kept = np.delete(values, slice(10, 20), axis=0)
    np.testing.assert_allclose(model.curve_mean.numpy(), kept.mean(0), atol=1e-6)
    np.testing.assert_allclose(model.curve_spread.numpy(), kept.std(0), atol=1e-6)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_levels_of_sound_are_those_of_the_takes(packed: Callable[..., Corpus], dtype: str) -> None:
    """In units of -1 to 1 whatever the corpus stores; views of a float32 corpus are read-only, which torch dislikes."""
    corpus = packed(np.zeros((30, 52)), np.ones((45, 52)), dtype=dtype)
    model, by_hand = build("sequential", {"dim": 8}), build("sequential", {"dim": 8})
    fit_statistics(model, corpus)
    by_hand.features.fit(as_float(make_take(i, seconds=n / 30, voice="ken").audio) for i, n in ((0, 30), (1, 45)))
    for name in ("mean", "std", "floor"):
        assert torch.equal(getattr(model.features, name), getattr(by_hand.features, name))


def test_no_tracked_frame_is_an_error(packed: Callable[..., Corpus]) -> None:
    corpus = packed(np.zeros((30, 52)), valid=[np.zeros(30)])
    with pytest.raises(RunError, match="no frame of the training takes was tracked") as error:
        fit_statistics(build("sequential", {"dim": 8}), corpus)
    assert error.value.where == str(corpus.path)

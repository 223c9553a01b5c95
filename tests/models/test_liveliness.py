"""Liveliness: what a stream moves less than training faces did is given back, in any pieces, by row, and no more."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from koekao.animation import Animators, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.arkit import INDEX
from koekao.clock import Clock
from koekao.errors import ConfigError, ModelError
from koekao.models import FaceModel, StreamConfig, load_model, save_model
from koekao.models.liveliness import SPEAKING, TOLD_SHARE, Liveliness, Pace
from koekao.models.state import reset_rows

Make = Callable[..., FaceModel]
JAW, BLINK = INDEX["jawOpen"], INDEX["eyeBlinkLeft"]


def lively(pace: float, amount: float = 1.0) -> Liveliness:
    made = Liveliness(Clock(16_000, Fraction(30)), amount)
    made.pace.fill_(pace)
    return made


def through(made: Liveliness, curves: Tensor) -> Tensor:
    return made.step(curves, made.init_state(len(curves)))[0]


def jaw(values: Any) -> Tensor:
    """``[1, T, 52]``: a face whose jaw moves so, and nothing else."""
    curves = torch.zeros(1, len(values), 52)
    curves[0, :, JAW] = torch.as_tensor(values, dtype=torch.float32)
    return curves


def chatter(n_frames: int, step: float) -> Tensor:
    """A jaw that goes up and down by ``step`` a frame, five frames a way: its pace is ``step``."""
    return jaw(0.4 + step * np.abs((np.arange(n_frames) + 2.5) % 10 - 5))


def pace_of(curves: Tensor) -> float:
    pace = Pace()
    pace.hear(curves[0].numpy(), np.ones(curves.shape[1], np.bool_))
    return pace.value


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """Three faces of 90 frames, each curve a walk of its own."""
    steps = 0.02 * torch.randn(3, 90, 52, generator=torch.Generator().manual_seed(4))
    return 0.5 + steps.cumsum(1)


def test_as_the_formula_frame_by_frame(faces: Tensor) -> None:
    """The sums as they are written: fading over 10 s, the mean over 1 s, the prior of 2/3 s, the gain from 1 on."""
    asked, told = TOLD_SHARE * 0.9, through(lively(0.9, amount=0.8), faces)
    left, left_of_mean = np.exp(-1 / 300), np.exp(-1 / 30)
    for row, face in enumerate(faces.numpy().astype(np.float64)):
        speeds = squares = 0.0
        before = centre = face[0]
        for t, now in enumerate(face):
            speed = np.abs(now - before)[SPEAKING].sum()
            speeds, squares = left * speeds + speed, left * squares + speed**2
            centre = left_of_mean * centre + (1 - left_of_mean) * now
            gain = np.clip(asked * (speeds + 20 * asked) / (squares + 20 * asked**2), 1, None)
            np.testing.assert_allclose(told[row, t], now + 0.8 * (gain - 1) * (now - centre), atol=2e-5)
            before = now


@pytest.mark.parametrize("sizes", [[1] * 90, [7, 0, 1, 50, 32]])
def test_in_pieces_as_at_once(faces: Tensor, sizes: list[int]) -> None:
    made = lively(1.5)
    whole, end = made.step(faces, made.init_state(3))
    state, parts = made.init_state(3), []
    for piece in faces.split(sizes, 1):
        told, state = made.step(piece, state)
        parts.append(told)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
    assert state.keys() == end.keys() == made.init_state(1).keys()
    for name, value in end.items():
        torch.testing.assert_close(state[name], value, atol=1e-4, rtol=1e-5)


def test_no_row_knows_of_another_and_a_reset_row_is_fresh(faces: Tensor) -> None:
    made = lively(1.5)
    told, state = made.step(faces, made.init_state(3))
    noisy = faces.clone()
    noisy[[0, 2]] = 9.0
    beside, other = made.step(noisy, made.init_state(3))
    assert torch.equal(told[1], beside[1]) and all(torch.equal(state[name][1], other[name][1]) for name in state)
    torch.testing.assert_close(through(made, faces[1:2])[0], told[1], atol=1e-5, rtol=0)
    reset = reset_rows(state, made.init_state(3), torch.tensor([False, True, False]))
    again, straight = made.step(faces, reset)[0], made.step(faces, state)[0]
    assert torch.equal(again[1], told[1]) and torch.equal(again[[0, 2]], straight[[0, 2]])
    assert not torch.equal(straight[1], told[1])
    with pytest.raises(ModelError, match="expected 2 rows"):
        made.step(faces[:2], state)


@pytest.mark.parametrize("made", [lively(0.0), lively(0.9, amount=0.0)], ids=["no pace is known", "none is wanted"])
def test_curves_stay_to_the_bit(made: Liveliness, faces: Tensor) -> None:
    assert torch.equal(through(made, faces), faces)
    assert bool(made.amount) is bool(made.init_state(1))


def test_a_dull_face_comes_to_move_as_far_as_is_asked() -> None:
    """Half of what is asked: after twice the span it moves nearly as far. What moves enough stays as it is."""
    dull, asked = chatter(900, 0.02), 0.04
    told = through(lively(asked / TOLD_SHARE), dull)
    assert pace_of(dull) == pytest.approx(0.02, rel=0.05)
    assert 0.85 * asked < pace_of(told[:, 600:]) < 1.02 * asked
    assert pace_of(told[:, :30]) < pace_of(told[:, 600:])  # it begins as it is
    assert torch.equal(through(lively(0.019 / TOLD_SHARE), dull), dull)


@pytest.mark.parametrize(("step", "least", "most"), [(0.02, 2.2, 2.5), (0.0004, 1.0, 1.06)])
def test_it_is_bounded(step: float, least: float, most: float) -> None:
    """A face that moves a fifth of what is asked gets the most there is; one that trembles is not made to talk."""
    dull = chatter(1800, step)
    ways = [np.ptp(curves[0, 1500:, JAW].numpy()) for curves in (through(lively(0.1 / TOLD_SHARE), dull), dull)]
    assert least < ways[0] / ways[1] < most


def test_a_pause_changes_little() -> None:
    """Three seconds of rest, and it goes on nearly as lively, where a plain mean of speeds would have lost a third."""
    dull, rest = chatter(600, 0.02), jaw(np.full(90, 0.4))
    made = lively(0.04 / TOLD_SHARE)
    told = through(made, torch.cat([dull, rest, dull], 1))
    before, after = pace_of(told[:, 570:600]), pace_of(told[:, 720:750])
    assert after == pytest.approx(before, rel=0.08) and before > 0.032


def test_what_stays_is_not_widened_and_blinks_do_not_count() -> None:
    dull, made = chatter(300, 0.02), lively(0.04 / TOLD_SHARE)
    torch.testing.assert_close(through(made, dull + 0.2), through(made, dull) + 0.2, atol=1e-5, rtol=0)
    blinking = dull.clone()
    blinking[0, ::20, BLINK] = 1.0
    assert torch.equal(through(made, blinking)[..., JAW], through(made, dull)[..., JAW])


def test_pace_is_weighted_by_speed_and_measured_over_no_gap() -> None:
    """Steps of 0.1 and 0.3: (0.01 + 0.09) / 0.4. The leap over an untracked frame is none."""
    pace, curves = Pace(), jaw([0.0, 0.1, 0.1, 0.4, 0.9, 0.0])[0].numpy()
    pace.hear(curves, np.array([True, True, True, True, False, True]))
    assert pace.value == pytest.approx(0.25)
    pace.hear(jaw([0.0, 0.1])[0].numpy(), np.ones(2, np.bool_))
    assert pace.value == pytest.approx(0.11 / 0.5)
    assert Pace().value == 0


@pytest.fixture(scope="module")
def model(small_model: Make) -> FaceModel:
    """Moves by far less than it is told that faces do."""
    made = small_model("stream", liveliness=1.0)
    made.set_pace(3.0)
    return made


def test_a_face_in_use_is_lively_and_what_is_learnt_is_not(model: FaceModel, small_model: Make, speech: Any) -> None:
    plain = small_model("stream")
    plain.set_pace(3.0)
    told, learnt = animate(model, speech), animate(plain, speech)
    assert np.abs(np.diff(told, axis=0)).sum() > 1.1 * np.abs(np.diff(learnt, axis=0)).sum()
    sound = torch.from_numpy(speech)[None]
    with torch.no_grad():
        assert torch.equal(model(sound), plain(sound))


def test_live_as_offline_and_resumed_to_the_bit(model: FaceModel, speech: Any) -> None:
    """Three streams in chunks of their own; saved in the middle and gone on with, nothing differs."""
    whole, rows = animate(model, speech), Animators(TorchEngine(model), 3)
    at, parts, again = 0, [], Animators(TorchEngine(model), 3)
    for size in (700, 5000, 12_000, 30_300):
        sound = np.repeat(speech[None, at : at + size], 3, 0)
        if at > 10_000:
            kept = rows.state_dict()
            again.load_state_dict(kept)
            assert np.array_equal(again.push(sound).curves, Animators.push(rows, sound).curves)
            rows.load_state_dict(kept)
        parts.append(rows.push(sound).of(2))
        at += size
    parts.append(rows.finish().of(2))
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)


def test_it_is_in_the_file(model: FaceModel, speech: Any, tmp_path: Path) -> None:
    save_model(model, tmp_path / "w.safetensors")
    again, header = load_model(tmp_path / "w.safetensors")
    assert header["config"]["liveliness"] == 1.0 and again.liveliness.pace == 3.0
    assert np.array_equal(animate(again, speech), animate(model, speech))


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan")])
def test_amounts_that_cannot_be_are_refused(amount: float) -> None:
    with pytest.raises(ConfigError, match=r"liveliness .*; expected a share in \[0, 1\]"):
        StreamConfig(liveliness=amount)

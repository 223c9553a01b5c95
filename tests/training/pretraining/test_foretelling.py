"""What is foretold from what: the right frames at the right distances, by what the model has heard and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from koekao.models import StreamModel, build
from koekao.training.pretraining.foretelling import (
    AHEAD_FRAMES,
    Foreteller,
    foretelling_loss,
    held_out_errors,
    reach_frames,
)
from koekao.training.pretraining.speech import read_speech

AHEAD = 3
Made = tuple[StreamModel, Foreteller]


@pytest.fixture
def made() -> Made:
    torch.manual_seed(0)
    settings = {"dim": 8, "channels": 4, "front_frames": 1, "dilations": (1, 2), "look_ahead_frames": AHEAD}
    model = build("stream", settings | {"features": {"n_mels": 20}})
    assert isinstance(model, StreamModel) and model.config.context_frames == 8
    return model.eval(), Foreteller(model)


class Numbered(Foreteller):
    """Foretells what is right where every value of a frame is its number: t + look-ahead + distance."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        frames = torch.arange(hidden.shape[1])[:, None] + AHEAD + torch.tensor(AHEAD_FRAMES)
        return frames[None, :, :, None, None].expand(len(hidden), -1, -1, 2, 20).float()


def numbered(rows: int, n_frames: int) -> torch.Tensor:
    return torch.arange(n_frames).float()[None, :, None, None].expand(rows, -1, 2, 20)


def loss(made: Made, columns: torch.Tensor, starts: list[int], valid: list[int]) -> torch.Tensor:
    return foretelling_loss(*made, columns, start_frames=torch.tensor(starts), valid_frames=torch.tensor(valid))


def test_each_distance_is_that_many_frames_after_the_last_one_heard(made: Made) -> None:
    oracle = made[0], Numbered(made[0])
    assert reach_frames(made[0]) == AHEAD + max(AHEAD_FRAMES) == 9
    assert loss(oracle, numbered(2, 24), [0, 5], [24, 24]) == 0
    assert loss(oracle, numbered(2, 24) + 1, [0, 5], [24, 24]) == 1
    errors = held_out_errors(*oracle, (numbered(1, 40)[0], numbered(1, 9)[0], numbered(1, 11)[0]))
    assert errors is not None and errors.model == (0, 0, 0)
    assert errors.stays == pytest.approx(AHEAD_FRAMES)  # every frame is one more than that before it
    n, targets = 31 + 2, [sum(range(first, first + 31)) + 2 * first + 1 for first in (4, 6, 9)]
    assert errors.mean == pytest.approx([total / n for total in targets])
    assert held_out_errors(*oracle, (numbered(1, 9)[0],)) is None


def test_only_frames_that_are_there_and_have_their_context_count(made: Made) -> None:
    """A wrong value where it must not count is not seen; the same value where it counts is."""
    oracle = made[0], Numbered(made[0])

    def seen(frame: int, start: int, valid: int) -> bool:
        columns = numbered(1, 24).clone()
        columns[0, frame] += 9
        return bool(loss(oracle, columns, [start], [valid]))

    assert [frame for frame in range(24) if seen(frame, 0, 24)] == [*range(4, 24)]
    assert [frame for frame in range(24) if seen(frame, 0, 20)] == [*range(4, 20)]
    assert [frame for frame in range(24) if seen(frame, 50, 24)] == [*range(7 + 4, 24)]
    assert loss(oracle, numbered(1, 24) + 1, [0], [3]) == 0, "nothing to foretell is no error"


@torch.no_grad()
def test_it_is_foretold_by_what_was_heard_alone(made: Made) -> None:
    """Another sound from frame 12 on changes no hidden state of the frames whose look-ahead ends before it."""
    model, told = made[0], []
    columns = torch.randn(1, 24, 2, 20)
    other = torch.cat([columns[:, :12], torch.randn(1, 12, 2, 20)], 1)

    class Kept(Foreteller):
        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            told.append(hidden)
            return super().forward(hidden)

    for each in (columns, other):
        loss((model, Kept(model)), each, [0], [24])
    one, two = told
    assert one.shape == (1, 24 - 9, 8)
    assert torch.equal(one[:, :9], two[:, :9]) and not torch.equal(one[:, 9], two[:, 9])


@torch.no_grad()
def test_whole_sounds_are_measured_alike_in_pieces(made: Made, monkeypatch: pytest.MonkeyPatch, voices: Path) -> None:
    model = made[0].train()
    sounds = read_speech([voices / "a.wav"], model, held_out=0.0, seed=0).learnt
    whole = held_out_errors(*made, sounds)
    assert model.training
    monkeypatch.setattr("koekao.training.pretraining.foretelling._PIECE_FRAMES", 7)
    pieces = held_out_errors(*made, sounds)
    assert whole is not None and pieces is not None
    assert pieces.model == pytest.approx(whole.model, abs=1e-5) and pieces.stays == whole.stays
    model.eval()
    alone = loss(made, sounds[0][None], [0], [len(sounds[0])])
    assert sum(whole.model) / 3 == pytest.approx(float(alone), abs=1e-5), "a window of all of it is the whole sound"


def test_what_is_heard_is_disturbed_and_what_is_foretold_is_not(made: Made) -> None:
    """In training the hidden states differ from draw to draw, and an oracle of the true frames makes no error."""
    model, columns = made[0].train(), torch.randn(1, 24, 2, 20)
    assert loss(made, columns, [0], [24]) != loss(made, columns, [0], [24])
    assert loss((model, Numbered(model)), numbered(2, 24), [0, 5], [24, 24]) == 0
    model.eval()
    assert loss(made, columns, [0], [24]) == loss(made, columns, [0], [24])


def test_gradients_reach_the_trunk_and_not_the_head(made: Made) -> None:
    model, foreteller = made
    model.train()
    loss(made, torch.randn(2, 24, 2, 20), [0, 7], [24, 24]).backward()
    for name, parameter in [*model.named_parameters(), *foreteller.named_parameters()]:
        assert (parameter.grad is not None and bool(parameter.grad.any())) is not name.startswith("head"), name

"""Windows at another tempo: by hand, and frames of a stretched window that count are those of the stretched take."""

from __future__ import annotations

import pytest
import torch
from judged_frames import judge

from koekao.batches import ClipSpec, Loader
from koekao.corpus import Corpus
from koekao.models import StreamModel, build
from koekao.training.statistics import fit_statistics
from koekao.training.take_mel import TakeMel
from koekao.training.tasks import StreamTask
from koekao.training.tempo import at_tempo, drawn_tempos, known_at_tempo


def test_by_hand() -> None:
    """Frame k comes from 1.5 k; past the end the last frame stands."""
    frames = torch.tensor([[0.0, 10, 20, 40], [0, 10, 20, 40]])[..., None]
    faster = at_tempo(frames, torch.tensor([1.5, 0.5]))[..., 0]
    assert faster.tolist() == [[0, 15, 40, 40], [0, 5, 10, 15]]


def test_it_stretches_about_the_first_frame_of_the_window() -> None:
    """Frames before it are stretched too, away from it: columns keep their place beside the curves."""
    frames = torch.arange(8.0)[None, :, None]
    slower = at_tempo(frames, torch.tensor([0.5]), before=2)[0, :, 0]
    assert slower.tolist() == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]


def test_a_tempo_of_one_changes_nothing() -> None:
    frames = torch.rand(3, 9, 2, 5)
    assert torch.equal(at_tempo(frames, torch.ones(3), before=4), frames)
    known = torch.rand(3, 9) < 0.5
    assert torch.equal(known_at_tempo(known, torch.ones(3)), known)


def test_what_is_made_of_unknown_frames_is_unknown() -> None:
    known = torch.tensor([[True, True, False, True, True, True]])
    assert known_at_tempo(known, torch.tensor([0.5])).tolist() == [[True, True, True, False, False, False]]
    assert known_at_tempo(known, torch.tensor([1.5])).tolist() == [[True, False, True, True, False, False]]


def test_tempos_are_about_one() -> None:
    torch.manual_seed(0)
    tempos = drawn_tempos(20_000, 0.25, torch.device("cpu"))
    assert tempos.log().mean().item() == pytest.approx(0, abs=0.01)
    assert tempos.log().std().item() == pytest.approx(0.25, abs=0.01)


@pytest.fixture
def made(spoken: Corpus) -> tuple[StreamModel, StreamTask]:
    torch.manual_seed(0)
    still = {"dropout": 0.0, "noise": 0.0, "tempo": 0.5}
    model = build("stream", {"dim": 8, "channels": 4, "front_frames": 1, "look_ahead_frames": 1} | still)
    fit_statistics(model, spoken)
    assert isinstance(model, StreamModel)
    return model, StreamTask(model, TakeMel(spoken, model.features), judge())


def test_training_hears_tempos_and_use_does_not(spoken: Corpus, made: tuple[StreamModel, StreamTask]) -> None:
    model, task = made
    batch = Loader(spoken, ClipSpec(batch_size=4, window_frames=48, columns=("arkit",))).batch(0)
    torch.manual_seed(1)
    first, second = (task.losses(model.train(), batch)["position"] for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(task.losses(model, batch)["position"], first)
    assert torch.equal(task.losses(model.eval(), batch)["position"], task.losses(model, batch)["position"])


@torch.no_grad()
@pytest.mark.parametrize("tempo", [0.5, 0.7, 1.3, 2.0])
def test_frames_that_count_are_made_of_what_is_in_the_window(
    spoken: Corpus, made: tuple[StreamModel, StreamTask], tempo: float
) -> None:
    """Whatever comes after the window, or is no number there, they stay as they are; and those that are left out are as
    few as can be."""
    model, task = made
    model.eval()
    batch = Loader(spoken, ClipSpec(batch_size=4, window_frames=48, columns=("arkit",))).batch(0)
    tempos = torch.full((4,), tempo)
    counts = task.supervised(batch, tempos)
    last = int((47 / tempo) if tempo > 1 else 47) - 1
    assert counts[:, : last + 1].any() and not counts[:, int(47 / tempo) :].any()
    told = task.predict(model, batch, tempos)
    assert task.mel is not None
    for take in task.mel._of_take.values():  # what the windows do not hold
        take[int(batch["start_frames"].max()) + 48 :] = 100.0
    again = task.predict(model, batch, tempos)
    assert torch.equal(told[counts], again[counts]) and told[counts].isfinite().all()

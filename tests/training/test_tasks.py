"""What a batch is asked: the seeds' target frames, the state by stream, and no word on what was not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from judged_frames import judge, loss

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus
from koekao.errors import ConfigError
from koekao.models import FrameModel, SequentialModel, build
from koekao.training.losses import position_by_curve, velocity_by_curve
from koekao.training.parts import make_parts
from koekao.training.statistics import fit_statistics
from koekao.training.tasks import ClipTask, SequentialTask, last_frames
from koekao.windows import StridePolicy

SPEC = StreamSpec(batch_size=4, n_streams=2, window_frames=24, stride=StridePolicy(mode="sparse", initial_stride=2))


@pytest.fixture(scope="module")
def sequential(spoken: Corpus) -> SequentialModel:
    torch.manual_seed(0)
    model = build("sequential", {"dim": 8, "dilations": (2, 1), "initial_alpha": 0.5})
    fit_statistics(model, spoken)
    assert isinstance(model, SequentialModel)
    return model.eval()


@pytest.fixture(scope="module")
def frame(spoken: Corpus) -> FrameModel:
    torch.manual_seed(0)
    model = build("frame", {"dim": 8, "target_frame": 3, "past_frames": 1, "future_frames": 2})
    fit_statistics(model, spoken)
    assert isinstance(model, FrameModel)
    return model.eval()


def test_the_target_of_whole_windows_is_their_last_frame(spoken: Corpus) -> None:
    """``target_blendshapes[:, -1, :]``, as the seeds have it."""
    batch = Loader(spoken, SPEC).batch(0)
    target, mask = last_frames(batch)
    assert torch.equal(target, batch["blendshapes"][:, -1, :])
    assert torch.equal(mask, batch["frame_mask"][:, -1])


def test_the_target_of_a_padded_window_is_its_last_real_frame() -> None:
    """And of a padding row nothing: its mask is false, whatever stands there."""
    curves, tracked = torch.rand(3, 10, 52), torch.ones(3, 10, dtype=torch.bool)
    tracked[1, 6], tracked[2] = False, False
    target, mask = last_frames({"blendshapes": curves, "frame_mask": tracked, "valid_frames": torch.tensor([10, 7, 0])})
    assert torch.equal(target[0], curves[0, 9]) and torch.equal(target[1], curves[1, 6])
    assert mask.tolist() == [True, False, False]


@torch.no_grad()
def test_the_losses_are_of_the_last_frames_by_stream(spoken: Corpus, sequential: SequentialModel) -> None:
    """Position and weighted velocity of ``[S, R]`` predictions, from the functions tested by hand."""
    task, loader = SequentialTask(sequential, 2, judge(velocity=0.25)), Loader(spoken, SPEC)
    by_hand = SequentialTask(sequential, 2, judge(velocity=0.25))
    for batch in (loader.batch(0), loader.batch(1)):
        losses = task.losses(sequential, batch)
        predicted, by_hand.state = by_hand.predict(sequential, batch)
        target, mask, reset, gap = (
            values.view(2, 2, *values.shape[1:])
            for values in (batch["blendshapes"][:, -1], batch["frame_mask"][:, -1], batch["reset"], batch["gap_frames"])
        )
        spread = sequential.curve_spread
        assert torch.equal(losses["position"], loss(position_by_curve(predicted, target, spread, mask)))
        velocity = loss(velocity_by_curve(predicted, target, spread, mask, reset=reset, gap_frames=gap))
        assert torch.equal(losses["velocity"], 0.25 * velocity) and velocity > 0
    assert all(torch.equal(task.state[name], by_hand.state[name]) for name in task.state)


@torch.no_grad()
def test_without_weight_there_is_no_velocity(spoken: Corpus, sequential: SequentialModel) -> None:
    losses = SequentialTask(sequential, 2, judge()).losses(sequential, Loader(spoken, SPEC).batch(0))
    assert list(losses) == ["position"]


@torch.no_grad()
def test_rows_are_smoothed_along_their_stream(spoken: Corpus, sequential: SequentialModel) -> None:
    """Stream-major: row 1 follows row 0 by alpha ** gap, row 2 begins another stream; the next batch goes on."""
    loader, task = Loader(spoken, SPEC), SequentialTask(sequential, 2, judge())
    first, second = loader.batch(0), loader.batch(1)
    raw = [sequential(b["audio"], b["start_frames"], b["valid_frames"]).view(2, 2, 52) for b in (first, second)]
    y, task.state = task.predict(sequential, first)
    alpha = sequential.smoothing.alpha**2
    assert first["reset"].tolist() == [True, False, True, False] and first["gap_frames"].tolist() == [0, 2, 0, 2]
    assert torch.equal(y[:, 0], raw[0][:, 0])
    torch.testing.assert_close(y[:, 1], alpha * y[:, 0] + (1 - alpha) * raw[0][:, 1])
    z, _ = task.predict(sequential, second)
    torch.testing.assert_close(z[:, 0], alpha * y[:, 1] + (1 - alpha) * raw[1][:, 0])


@torch.no_grad()
def test_consistency_holds_a_fresh_state_to_the_carried_one(spoken: Corpus, sequential: SequentialModel) -> None:
    """By hand for the second batch, whose streams go on: the carried state is the truth and gets no gradient."""
    loader = Loader(spoken, SPEC)
    task = SequentialTask(sequential, 2, judge(consistency=0.5))
    first = task.losses(sequential, loader.batch(0))
    assert first["consistency"].item() == 0  # where streams begin there is one past
    carried, fresh = (SequentialTask(sequential, 2, judge()) for _ in range(2))
    carried.losses(sequential, loader.batch(0))
    batch, spread = loader.batch(1), sequential.curve_spread
    assert not batch["reset"].any()
    (expected, _), (short, _) = (each.predict(sequential, batch) for each in (carried, fresh))
    assert not torch.equal(expected, short)
    mask = batch["frame_mask"][:, -1].view(2, 2)
    with torch.enable_grad():
        losses = task.losses(sequential, batch)
        losses["consistency"].backward()
    torch.testing.assert_close(losses["consistency"], 0.5 * loss(position_by_curve(short, expected, spread, mask)))
    assert torch.equal(task.state["previous"], expected[:, -1])
    assert sequential.smoothing.logit.grad is not None and sequential.smoothing.logit.grad.any()
    sequential.zero_grad()


def test_padding_rows_say_nothing(spoken: Corpus, sequential: SequentialModel) -> None:
    """The last batches, where one stream is over: loss and gradients are those of the rows that are there."""
    loader = Loader(spoken, SPEC)
    batch = loader.batch(len(loader) - 1)
    missing = batch["valid_frames"] == 0
    assert missing.any() and not missing.all()
    task = SequentialTask(sequential, 2, judge(velocity=0.5))
    before = {name: value.clone() for name, value in task.state.items()}
    losses = task.losses(sequential, batch)
    changed = {**batch, "audio": batch["audio"].clone(), "blendshapes": batch["blendshapes"].clone()}
    changed["audio"][missing], changed["blendshapes"][missing] = float("nan"), float("nan")
    again = SequentialTask(sequential, 2, judge(velocity=0.5))
    other = again.losses(sequential, changed)
    assert all(torch.equal(losses[name], other[name]) for name in losses)
    sum(other.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in sequential.parameters())
    sequential.zero_grad()
    for stream in range(2):
        if missing.view(2, 2)[stream].all():
            assert all(torch.equal(again.state[name][stream], before[name][stream]) for name in before)


@torch.no_grad()
@pytest.mark.parametrize("target_frame", [0, 3])
def test_the_target_of_a_clip_is_its_first_frame_or_the_one_asked_for(
    spoken: Corpus, frame: FrameModel, target_frame: int
) -> None:
    """``target_blendshapes[:, 0, :]`` by default, as the seeds have it."""
    model = build("frame", {"dim": 8, "future_frames": 2, "target_frame": target_frame})
    fit_statistics(model, spoken)
    batch = Loader(spoken, ClipSpec(batch_size=6, window_frames=20)).batch(0)
    assert isinstance(model, FrameModel)
    losses = ClipTask(model.eval(), judge()).losses(model, batch)
    predicted = model(batch["wav"], batch["start_frames"])
    target, mask = batch["arkit"][:, target_frame, :], batch["frame_mask"][:, target_frame]
    assert list(losses) == ["position"]
    assert torch.equal(losses["position"], loss(position_by_curve(predicted, target, model.curve_spread, mask)))
    assert not torch.equal(target, batch["arkit"][:, 1, :])


@torch.no_grad()
def test_an_untracked_target_frame_of_a_clip_does_not_count(spoken: Corpus, frame: FrameModel) -> None:
    batch = Loader(spoken, ClipSpec(batch_size=4, window_frames=20)).batch(0)
    batch["frame_mask"][1:, 3] = False
    value = ClipTask(frame, judge()).losses(frame, batch)["position"]
    batch["arkit"][1:, 3] = 1e6
    assert torch.equal(ClipTask(frame, judge()).losses(frame, batch)["position"], value) and value > 0
    batch["frame_mask"][0, 3] = False
    assert ClipTask(frame, judge()).losses(frame, batch)["position"] == 0


def test_a_target_frame_outside_of_the_clip_is_refused(spoken: Corpus, frame: FrameModel, config_of: Any) -> None:
    make_parts(config_of("clips"), spoken, frame, ClipSpec(batch_size=4, window_frames=4))
    with pytest.raises(ConfigError, match="target_frame 3 of clips of 3 frames"):
        make_parts(config_of("clips"), spoken, frame, ClipSpec(batch_size=4, window_frames=3))


def test_tasks_are_for_their_own_models(spoken: Corpus, frame: FrameModel, sequential: SequentialModel) -> None:
    """The wrong pair is our mistake and not the user's, so it is no koekao error."""
    with pytest.raises(TypeError, match="FrameModel has no smoothing"):
        SequentialTask(sequential, 2, judge(velocity=0.5)).predict(frame, Loader(spoken, SPEC).batch(0))


def test_weights_are_decayed_and_offsets_are_not(spoken: Corpus, sequential: SequentialModel, config_of: Any) -> None:
    parts = make_parts(config_of(weight_decay=0.3, learning_rate=0.01), spoken, sequential, SPEC)
    decay = {id(p): group["weight_decay"] for group in parts.optimizer.param_groups for p in group["params"]}
    for name, parameter in sequential.named_parameters():
        assert decay.pop(id(parameter)) == (0.3 if parameter.dim() > 1 else 0.0), name
    assert not decay


def test_takes_are_seen_as_packed(spoken: Corpus) -> None:
    """The batches of training are those of the loader: sound, curves and mask of the named window."""
    batch = Loader(spoken.select(split="train"), SPEC).batch(1)
    take, start = spoken.names.index(batch["file_names"][1]), int(batch["start_frames"][1])
    np.testing.assert_array_equal(batch["blendshapes"][1], spoken.curves(take)[start : start + 24])

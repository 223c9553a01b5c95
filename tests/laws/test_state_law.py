"""Law of state: a row's output depends on its own stream alone; after a reset it is that of a fresh start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from koekao.animation import Animators
from koekao.animation.torch_engine import TorchEngine
from koekao.batches import Batch, Loader, StreamSpec
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.models import SequentialModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from koekao.training.loss_weights import LossConfig
from koekao.training.losses import Judge
from koekao.training.tasks import SequentialTask
from koekao.windows import StridePolicy

SPEECH = as_float(make_take(7, seconds=3).audio)
S, R, WINDOW = 3, 4, 12


@pytest.fixture(scope="module")
def model() -> SequentialModel:
    torch.manual_seed(3)
    model = build("sequential", {"dim": 16, "dilations": (3, 1), "initial_alpha": 0.6, "features": {"n_mels": 24}})
    model.features.fit([SPEECH])
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 0.2, np.float32))
    assert isinstance(model, SequentialModel)
    return model.eval()


@pytest.fixture(scope="module")
def five_takes(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Takes "0" to "4" of 14 to 46 frames."""
    path = tmp_path_factory.mktemp("state") / "corpus"
    takes = [make_take(20 + i, seconds=(14 + 8 * i) / 30, name=str(i)) for i in range(5)]
    pack_takes(takes, path, PackConfig(val=0.0))
    return Corpus.open(path)


def batch_of(model: SequentialModel, starts: list[list[int]], resets: list[tuple[int, int]], gap: int = 3) -> Batch:
    """S streams of R windows of the speech; ``resets`` names (stream, window) pairs that begin a take."""
    start, reset = torch.tensor(starts), torch.zeros(S, R, dtype=torch.bool)
    for stream, window in resets:
        reset[stream, window] = True
    begins = [model.clock.frame_start(frame) for frame in start.flatten().tolist()]
    n_samples = model.clock.window_samples(WINDOW)
    sound = np.stack([SPEECH[begin : begin + n_samples] for begin in begins])
    return {
        "audio": torch.from_numpy(sound),
        "start_frames": start.flatten(),
        "valid_frames": torch.full((S * R,), WINDOW),
        "reset": reset.flatten(),
        "gap_frames": torch.where(reset, 0, gap).flatten(),
    }


def starts_from(*firsts: int) -> list[list[int]]:
    return [[first + 3 * i for i in range(R)] for first in firsts]


@torch.no_grad()
def run(model: SequentialModel, *batches: Batch) -> tuple[Tensor, SequentialTask]:
    """All streams' outputs ``[S, R * batches, 52]`` through one task, and the task after them."""
    task, outputs = SequentialTask(model, S, Judge(LossConfig())), []
    for batch in batches:
        output, task.state = task.predict(model, batch)
        outputs.append(output)
    return torch.cat(outputs, 1), task


def test_a_reset_in_the_middle_of_a_run_is_a_fresh_start(model: SequentialModel) -> None:
    """Of the second of three streams, at its third window: from there on as if it had begun there."""
    first = batch_of(model, starts_from(0, 10, 20), [(0, 0), (1, 0), (2, 0)])
    second = batch_of(model, starts_from(12, 40, 32), [(1, 2)])
    straight = batch_of(model, starts_from(12, 40, 32), [])
    with_reset, _ = run(model, first, second)
    without, _ = run(model, first, straight)
    assert torch.equal(with_reset[[0, 2]], without[[0, 2]])
    assert torch.equal(with_reset[1, : R + 2], without[1, : R + 2])
    assert not torch.equal(with_reset[1, R + 2 :], without[1, R + 2 :])
    alone = batch_of(model, starts_from(12, 40, 32), [(0, 0), (1, 2), (2, 0)])
    fresh, _ = run(model, alone)
    assert torch.equal(with_reset[1, R + 2 :], fresh[1, 2:])


def test_one_stream_does_not_hear_the_others(model: SequentialModel) -> None:
    """Other sound and other resets in rows of other streams: this stream's outputs and state stay, to the bit."""
    begin = [(0, 0), (1, 0), (2, 0)]
    one, task = run(model, batch_of(model, starts_from(0, 10, 20), begin), batch_of(model, starts_from(12, 22, 32), []))
    loud = batch_of(model, starts_from(12, 50, 60), [(1, 1), (2, 3)])
    loud["audio"][R:] *= 3
    other, other_task = run(model, batch_of(model, starts_from(0, 45, 33), begin), loud)
    assert torch.equal(one[0], other[0])
    assert not torch.equal(one[1:], other[1:])
    for name in task.state:
        assert torch.equal(task.state[name][0], other_task.state[name][0])


def test_one_take_after_another_is_the_take_alone(model: SequentialModel, five_takes: Corpus) -> None:
    """Through plan, gather and task: whatever stood before it in its stream, a take's windows come out the same."""
    spec = StreamSpec(
        batch_size=6, n_streams=2, window_frames=WINDOW, stride=StridePolicy(mode="sparse", initial_stride=5)
    )
    together = outputs_by_window(model, Loader(five_takes, spec))
    assert len({take for take, _ in together}) == 5
    for take in range(5):
        alone_spec = StreamSpec(batch_size=3, n_streams=1, window_frames=WINDOW, stride=spec.stride)
        alone = outputs_by_window(model, Loader(five_takes.select(names=[str(take)]), alone_spec))
        of_take = {start: value for (number, start), value in together.items() if number == take}
        assert of_take.keys() == {start for _, start in alone}
        for (_, start), value in alone.items():
            torch.testing.assert_close(of_take[start], value, atol=1e-6, rtol=0)


@torch.no_grad()
def outputs_by_window(model: SequentialModel, loader: Loader) -> dict[tuple[int, int], Tensor]:
    task, found = SequentialTask(model, loader.spec.n_streams, Judge(LossConfig())), {}
    for batch in loader:
        output, task.state = task.predict(model, batch)
        for row, value in enumerate(output.flatten(0, 1)):
            if batch["valid_frames"][row]:
                key = int(batch["file_names"][row]), int(batch["start_frames"][row])
                assert key not in found
                found[key] = value
    return found


def test_padding_rows_leave_the_state_as_it_is(model: SequentialModel) -> None:
    """A stream that has ended early is padded with rows of nothing; its state stays to the bit."""
    begin = batch_of(model, starts_from(0, 10, 20), [(0, 0), (1, 0), (2, 0)])
    _, before = run(model, begin)
    padded = batch_of(model, starts_from(12, 22, 32), [])
    padded["valid_frames"].view(S, R)[1, 2:] = 0
    padded["audio"].view(S, R, -1)[1, 2:] = float("nan")
    padded["gap_frames"].view(S, R)[1, 2:] = 0
    output, after = run(model, begin, padded)
    shorter, _ = run(model, begin, batch_of(model, starts_from(12, 22, 32), []))
    assert torch.equal(output[1, : R + 2], shorter[1, : R + 2])
    assert torch.equal(after.state["previous"][1], output[1, R + 1])
    assert output.isfinite().all()
    padded["valid_frames"].view(S, R)[1] = 0
    _, untouched = run(model, begin, padded)
    for name in before.state:
        assert torch.equal(untouched.state[name][1], before.state[name][1])


def test_between_steps_the_past_is_kept_and_its_gradient_is_not(model: SequentialModel) -> None:
    task = SequentialTask(model, S, Judge(LossConfig()))
    _, state = task.predict(model, batch_of(model, starts_from(0, 10, 20), [(0, 0), (1, 0), (2, 0)]))
    assert not any(value.requires_grad for value in state.values())
    assert state["previous"].any()


@pytest.mark.parametrize("name", ["sequential", "frame", "stream", "window"])
def test_a_row_of_an_animator_hears_its_own_sound_alone(model: SequentialModel, name: str) -> None:
    torch.manual_seed(3)
    any_model = model if name == "sequential" else build(name, {"dim": 16, "features": {"n_mels": 24}})
    rows = np.stack([SPEECH[:16000], SPEECH[16000:32000], SPEECH[8000:24000]])
    others = rows.copy()
    others[[0, 2]] = 0.4

    def animated(sound: Any) -> Any:
        animators = Animators(TorchEngine(any_model), n_rows=3)
        parts = [animators.push(sound[:, i : i + 1600]).curves for i in range(0, 16000, 1600)]
        return np.concatenate([*parts, animators.finish().curves], 1)

    before, after = animated(rows), animated(others)
    np.testing.assert_array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])

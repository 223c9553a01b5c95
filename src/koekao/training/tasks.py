"""The two ways of training: what a batch is asked and how the answer is judged. The loop around them is one.

Shapes: B = S streams * R consecutive windows, T frames a window.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from koekao.batches import Batch
from koekao.models import FaceModel, FrameModel, SequentialModel, State
from koekao.models.state import detached
from koekao.training.losses import position_loss, velocity_loss


class Task(Protocol):
    """Judges a model on batches; ``state`` is what goes over from one batch to the next."""

    state: State

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """The terms of the loss by name, already weighted; their sum is minimised."""
        ...


class SequentialTask:
    """model(audio) -> the last frame of each window, smoothed along its stream.

    The smoothing's state is one row a stream. It starts anew where ``reset`` says so and nowhere else, knows how many
    frames have passed (``gap_frames``), and does not move on padding rows. Between steps the past is kept, its gradient
    is not.
    """

    def __init__(self, model: SequentialModel, n_streams: int, velocity_weight: float) -> None:
        self.n_streams, self.velocity_weight = n_streams, velocity_weight
        self.state = model.smoothing.init_state(n_streams)

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """``position`` and ``velocity`` in spreads of each curve."""
        predicted, self.state = self.predict(model, batch)
        target, mask = last_frames(batch)
        target, mask = self._by_stream(target), self._by_stream(mask)
        losses = {"position": position_loss(predicted, target, model.curve_spread, mask)}
        if self.velocity_weight:
            reset, gap = self._by_stream(batch["reset"]), self._by_stream(batch["gap_frames"])
            velocity = velocity_loss(predicted, target, model.curve_spread, mask, reset=reset, gap_frames=gap)
            losses["velocity"] = self.velocity_weight * velocity
        return losses

    def predict(self, model: FaceModel, batch: Batch) -> tuple[Tensor, State]:
        """``[S, R, 52]`` and the state after it."""
        if not isinstance(model, SequentialModel):
            raise TypeError(f"{type(model).__name__} has no smoothing to train in streams")
        active = batch["valid_frames"] > 0
        heard = [batch[key] for key in ("audio", "start_frames", "valid_frames")]
        if active.all():
            raw = model(*heard)
        else:  # padding rows cost nothing and say nothing
            raw = model.curve_mean.expand(len(active), -1).clone()
            raw[active] = model(*(values[active] for values in heard))
        smoothed, state = model.smoothing.step(
            self._by_stream(raw),
            self.state,
            gap_frames=self._by_stream(batch["gap_frames"]),
            reset=self._by_stream(batch["reset"]),
            active=self._by_stream(active),
        )
        return smoothed, detached(state)

    def _by_stream(self, rows: Tensor) -> Tensor:
        return rows.view(self.n_streams, -1, *rows.shape[1:])


class ClipTask:
    """model(wav) -> the target frame of each clip, ``arkit[:, 0, :]`` by default."""

    def __init__(self, model: FrameModel) -> None:
        self.target_frame = model.config.target_frame
        self.state: State = {}

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """``position`` in spreads of each curve."""
        predicted = model(batch["wav"], batch["start_frames"], batch["valid_frames"])
        target, mask = batch["arkit"][:, self.target_frame, :], batch["frame_mask"][:, self.target_frame]
        return {"position": position_loss(predicted, target, model.curve_spread, mask)}


def last_frames(batch: Batch) -> tuple[Tensor, Tensor]:
    """The target of each window, its last real frame (``blendshapes[:, -1, :]`` of a whole window).

    Returns:
        ``[B, 52]`` curves and ``[B]`` bool, whether that frame was tracked.
    """
    last = (batch["valid_frames"] - 1).clamp_min(0)
    rows = torch.arange(len(last), device=last.device)
    return batch["blendshapes"][rows, last], batch["frame_mask"][rows, last]

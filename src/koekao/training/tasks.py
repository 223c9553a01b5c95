"""The three ways of training: what a batch is asked and how the answer is judged. The loop around them is one.

Shapes: B = S streams * R consecutive windows, T frames a window.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from koekao.batches import Batch
from koekao.models import ColumnModel, FaceModel, State, TemporalSmoothing, WindowModel
from koekao.models.state import detached
from koekao.training.losses import Judge, Passage
from koekao.training.take_mel import COLUMN, TakeMel
from koekao.training.tempo import at_tempo, drawn_tempos, known_at_tempo


class Task(Protocol):
    """Judges a model on batches; ``state`` is what goes over from one batch to the next."""

    state: State
    judge: Judge

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """The terms of the loss by name, already weighted; their sum is minimised."""
        ...


class SequentialTask:
    """model(audio), or model.of_columns of packed features -> the last frame of each window, smoothed along its stream.

    The smoothing's state is one row a stream. It starts anew where ``reset`` says so and nowhere else, knows how many
    frames have passed (``gap_frames``), and does not move on padding rows. Between steps the past is kept, its gradient
    is not. Where ``consistency`` has weight, the same frames smoothed from a state that begins with the batch are held
    to those of the carried state.
    """

    def __init__(self, model: FaceModel, n_streams: int, judge: Judge) -> None:
        self.n_streams, self.judge = n_streams, judge
        self.state = _smoothing_of(model).init_state(n_streams)

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """Of the last frames, each stream's in a row."""
        raw = self._unsmoothed(model, batch)
        predicted, self.state = self._smoothed(model, batch, raw, self.state)
        consistent: dict[str, Tensor] = {}
        if self.judge.weighs("consistency"):
            afresh, _ = self._smoothed(model, batch, raw, _smoothing_of(model).init_state(self.n_streams))
            consistent = {"afresh": afresh, "reference": predicted}
        target, mask = last_frames(batch)
        passage = Passage(
            predicted=predicted,
            target=self._by_stream(target),
            spread=model.curve_spread,
            mask=self._by_stream(mask),
            reset=self._by_stream(batch["reset"]),
            gap_frames=self._by_stream(batch["gap_frames"]),
            **consistent,
        )
        return self.judge.parts(passage).terms

    def predict(self, model: FaceModel, batch: Batch) -> tuple[Tensor, State]:
        """``[S, R, 52]`` and the state after it."""
        return self._smoothed(model, batch, self._unsmoothed(model, batch), self.state)

    def _unsmoothed(self, model: FaceModel, batch: Batch) -> Tensor:
        """``[B, 52]``: the last frame of each window."""
        keys: tuple[str, ...] = ("audio", "start_frames", "valid_frames")
        active, predict = batch["valid_frames"] > 0, model.__call__
        if isinstance(model, WindowModel) and COLUMN in batch:
            predict, keys = model.of_columns, (COLUMN, model.emotion.name, "valid_frames")
        heard = [batch[key] for key in keys]
        if active.all():
            whole: Tensor = predict(*heard)
            return whole
        raw = model.curve_mean.expand(len(active), -1).clone()  # padding rows cost nothing and say nothing
        if active.any():  # a rank may have none while another has
            raw[active] = predict(*(values[active] for values in heard))
        return raw

    def _smoothed(self, model: FaceModel, batch: Batch, raw: Tensor, state: State) -> tuple[Tensor, State]:
        """``[S, R, 52]`` and the state after it."""
        smoothed, after = _smoothing_of(model).step(
            self._by_stream(raw),
            state,
            gap_frames=self._by_stream(batch["gap_frames"]),
            reset=self._by_stream(batch["reset"]),
            active=self._by_stream(batch["valid_frames"] > 0),
        )
        return smoothed, detached(after)

    def _by_stream(self, rows: Tensor) -> Tensor:
        return rows.view(self.n_streams, -1, *rows.shape[1:])


def _smoothing_of(model: FaceModel) -> TemporalSmoothing:
    smoothing = getattr(model, "smoothing", None)
    if not isinstance(smoothing, TemporalSmoothing):
        raise TypeError(f"{type(model).__name__} has no smoothing to train in streams")
    return smoothing


class ClipTask:
    """model(wav) -> the target frame of each clip, ``arkit[:, 0, :]`` by default."""

    def __init__(self, model: FaceModel, judge: Judge) -> None:
        self.target_frame, self.judge = int(model.config.target_frame), judge
        self.state: State = {}

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """Of one frame a clip, none of which follows another."""
        predicted = model(batch["wav"], batch["start_frames"], batch["valid_frames"])[:, None]
        target, mask = batch["arkit"][:, self.target_frame, None], batch["frame_mask"][:, self.target_frame, None]
        passage = Passage(predicted=predicted, target=target, spread=model.curve_spread, mask=mask)
        return self.judge.parts(passage).terms


class StreamTask:
    """model.step over each window -> all its frames, of which those count that are the same in the whole stream.

    A window starts with the state of a stream that has not begun. Where it starts a take, that is the truth; elsewhere
    its first ``context_frames - 1`` frames only tell the model what came before, and its last ``look_ahead_frames``
    only what comes after. Windows are independent, so nothing goes over from one batch to the next. In training each is
    spoken at a tempo of its own (``tempo`` of the model's settings).

    Args:
        mel: where the log-mel of windows comes from if batches do not bring it.
    """

    def __init__(self, model: ColumnModel, mel: TakeMel | None, judge: Judge) -> None:
        self.context_frames, self.look_ahead_frames = model.context_frames, model.look_ahead_frames
        self.mel, self.judge = mel, judge
        self.state: State = {}

    def losses(self, model: FaceModel, batch: Batch) -> dict[str, Tensor]:
        """Of the supervised frames of each window."""
        tempos, target = self._tempos(model, batch), batch["arkit"]
        passage = Passage(
            predicted=self.predict(model, batch, tempos),
            target=target if tempos is None else at_tempo(target, tempos),
            spread=model.curve_spread,
            mask=self.supervised(batch, tempos),
        )
        return self.judge.parts(passage).terms

    def predict(self, model: FaceModel, batch: Batch, tempos: Tensor | None = None) -> Tensor:
        """``[B, T, 52]``, every frame of each window from a fresh state."""
        if not isinstance(model, ColumnModel):
            raise TypeError(f"{type(model).__name__} does not predict every frame of a window")
        columns = self._columns(model, batch)
        if tempos is not None:
            columns = at_tempo(columns, tempos, before=model.past_frames)
        curves, _ = model.step(model.seen_of(columns), model.init_state(len(columns)))
        return curves

    def supervised(self, batch: Batch, tempos: Tensor | None = None) -> Tensor:
        """``[B, T]`` bool: tracked frames whose look-ahead is in the window, and whose context is or begins the take.

        The last frames of a short take do not count either: columns after its end still reach back into its sound.
        """
        valid, start, tracked = batch["valid_frames"][:, None], batch["start_frames"][:, None], batch["frame_mask"]
        frame = torch.arange(tracked.shape[1], device=valid.device)
        heard_to = frame + self.look_ahead_frames
        if tempos is not None:
            heard_to, tracked = heard_to * tempos[:, None], known_at_tempo(tracked, tempos)
        from_begin = (start == 0) | (frame >= self.context_frames - 1)
        supervised: Tensor = tracked & from_begin & (heard_to <= valid - 1)
        return supervised

    def _tempos(self, model: FaceModel, batch: Batch) -> Tensor | None:
        """One a window; none where nothing is stretched."""
        if not (isinstance(model, ColumnModel) and model.training and model.tempo):
            return None
        return drawn_tempos(len(batch["arkit"]), model.tempo, batch["arkit"].device)

    def _columns(self, model: ColumnModel, batch: Batch) -> Tensor:
        """Normalised log-mel ``[B, front + T + look-ahead, C, M]``, silent before and after the window."""
        n_frames, device = batch["arkit"].shape[1], model.curve_mean.device
        if COLUMN in batch:
            raw = batch[COLUMN]
        elif self.mel is not None:
            raw = self.mel.windows(batch["file_indices"], batch["start_frames"], n_frames).to(device)
        else:
            raise TypeError("batches without log-mel, and no TakeMel to have it from")
        lengths = model.past_frames, self.look_ahead_frames
        before, after = (model.features.silence.expand(len(raw), n, raw.shape[2], -1) for n in lengths)
        return torch.cat([before, model.features.normalise(raw), after], 1)


def last_frames(batch: Batch) -> tuple[Tensor, Tensor]:
    """The target of each window, its last real frame (``blendshapes[:, -1, :]`` of a whole window).

    Returns:
        ``[B, 52]`` curves and ``[B]`` bool, whether that frame was tracked.
    """
    last = (batch["valid_frames"] - 1).clamp_min(0)
    rows = torch.arange(len(last), device=last.device)
    return batch["blendshapes"][rows, last], batch["frame_mask"][rows, last]

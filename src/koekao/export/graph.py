"""A model as one graph without data-dependent shapes: what ``torch.export`` can follow, and the same numbers.

Three things of a model in use cannot be drawn as a graph: log-mel cuts its sound into blocks whose number the sound
decides, it calls an FFT that few runtimes have fast, and smoothing walks frame by frame in Python. Each has a stand-in
here that is put into a copy of the model, so the eager code stays as fast and as plain as it is. Everything else is the
model itself, :class:`koekao.models.Listening` included.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from koekao.export.fourier import PowerSpectrum
from koekao.features import LogMel
from koekao.features.logmel import POWER_FLOOR
from koekao.models import FaceModel, Listening, TemporalSmoothing
from koekao.models.state import State


class GraphLogMel(LogMel):
    """:class:`~koekao.features.LogMel` over sound that holds the end of every column."""

    def __init__(self, features: LogMel) -> None:
        super().__init__(features.config)
        self.load_state_dict(features.state_dict())
        self.power = PowerSpectrum(self.config.n_fft)

    def raw(
        self, audio: Tensor, *, first_frame: Tensor | int, n_frames: int, origin_samples: Tensor | int = 0
    ) -> Tensor:
        """As :meth:`LogMel.raw`, where every column ends in ``audio``; samples before it count as 0."""
        n_fft, per_frame = self.config.n_fft, self.config.columns_per_frame
        origin = torch.as_tensor(origin_samples, device=audio.device).reshape(-1, 1)
        ends = self._column_ends(first_frame, n_frames * per_frame, audio.device) - origin
        padded = nn.functional.pad(audio, (n_fft, 0))  # so a column begins where it ends without
        index = ends[:, :, None] + torch.arange(n_fft, device=audio.device)
        pieces = padded.gather(1, index.flatten(1)).view(-1, n_fft)
        power: Tensor = self.power(pieces * self.taper) @ self.filters
        mel = power.clamp_min(POWER_FLOOR).log()
        return mel.view(len(audio), n_frames, per_frame, self.config.n_mels)


class GraphSmoothing(TemporalSmoothing):
    """:class:`~koekao.models.TemporalSmoothing` of a stream without gaps, as a loop inside the graph."""

    def __init__(self, smoothing: TemporalSmoothing) -> None:
        super().__init__()
        self.load_state_dict(smoothing.state_dict())

    def step(
        self,
        x: Tensor,
        state: State,
        *,
        gap_frames: Tensor | None = None,
        reset: Tensor | None = None,
        active: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        from torch._higher_order_ops.scan import scan  # has no public name yet; becomes ONNX's Scan

        alpha = self.alpha

        def follow(previous: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
            smoothed = alpha * previous + (1 - alpha) * now
            return smoothed.clone(), smoothed

        before = torch.where(state["started"][:, None], state["previous"], x[:, 0])  # a first frame follows itself
        last, smoothed = scan(follow, before, x.transpose(0, 1))
        return smoothed.transpose(0, 1), {"previous": last, "started": torch.ones_like(state["started"])}


class Step(nn.Module):
    """:class:`Listening` with its state as a flat list: ``(sound, [tensors]) -> (curves, [tensors])``."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.listening = Listening(graph_of(model))
        self.names = tuple(self.listening.init_state(1))

    def forward(self, sound: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        curves, after = self.listening(sound, dict(zip(self.names, state)))
        return curves, [after[name] for name in self.names]


def graph_of(model: FaceModel) -> FaceModel:
    """A copy of ``model`` on the CPU, in evaluation mode, with stand-ins for what cannot be drawn."""
    drawn = copy.deepcopy(model).cpu()
    drawn.features = GraphLogMel(drawn.features)
    for owner in list(drawn.modules()):
        for name, part in list(owner.named_children()):
            if type(part) is TemporalSmoothing:
                setattr(owner, name, GraphSmoothing(part))
    return drawn.eval()

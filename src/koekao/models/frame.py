"""The frame model: one frame of a clip from the sound around it, each frame by itself.

Shapes: B clips or streams, T frames, L = past + 1 + future frames of sound, C columns a frame, M bands.

The seeds' clip trainer takes the first frame of each clip as the target, so by default the model hears the frame itself
and what follows it. Sound outside the L frames counts as silence in training and in use alike, so what was learnt from
clips holds for every frame of a stream; the price is ``future_frames`` of look-ahead and L times the features.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.errors import ConfigError
from koekao.features import LogMel, LogMelConfig
from koekao.models.base import FaceModel
from koekao.models.state import State


@dataclass(frozen=True, kw_only=True)
class FrameConfig:
    """Settings of :class:`FrameModel`.

    Attributes:
        features: the log-mel front end.
        target_frame: the frame of a clip that is predicted; 0 is the first.
        past_frames: frames of sound before it that are heard.
        future_frames: frames of sound after it that are heard.
        dim: width of the hidden layers.
        dropout: share of hidden values dropped in training, in [0, 1).
    """

    features: LogMelConfig = field(default_factory=LogMelConfig)
    target_frame: int = 0
    past_frames: int = 0
    future_frames: int = 12
    dim: int = 256
    dropout: float = 0.2

    def __post_init__(self) -> None:
        if min(self.target_frame, self.past_frames, self.future_frames) < 0 or self.past_frames > self.target_frame:
            raise ConfigError(
                f"target_frame {self.target_frame}, past_frames {self.past_frames}, future_frames {self.future_frames}",
                expected="none below 0, and past_frames up to target_frame: a clip has no sound before its first frame",
            )
        if not isinstance(self.dim, int) or self.dim < 4 or not 0 <= self.dropout < 1:
            raise ConfigError(f"dim {self.dim!r}, dropout {self.dropout!r}", expected="a whole number >= 4, in [0, 1)")


class FrameModel(FaceModel):
    """Clips ``[B, S]`` to one frame ``[B, 52]``; no memory between frames."""

    def __init__(self, config: FrameConfig) -> None:
        super().__init__(LogMel(config.features))
        self.config = config
        self._heard_frames = config.past_frames + 1 + config.future_frames
        width = config.features.columns_per_frame * config.features.n_mels
        self.layers = nn.Sequential(
            nn.Linear(width, config.dim // 4),
            nn.GELU(),
            nn.Flatten(-2),
            nn.Linear(config.dim // 4 * self._heard_frames, config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.dim, config.dim),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.dim, N_CURVES),
        )

    @property
    def look_ahead_frames(self) -> int:
        return int(self.config.future_frames)

    @property
    def past_frames(self) -> int:
        return int(self.config.past_frames)

    def forward(self, audio: Tensor, start_frames: Tensor | None = None, valid_frames: Tensor | None = None) -> Tensor:
        """The target frame of each clip (see :class:`FaceModel`); sound past the end of a clip counts as silence."""
        start = torch.zeros(len(audio), dtype=torch.int64).to(audio.device) if start_frames is None else start_frames
        origin = self.features.frame_starts(start)
        return self.step(self._around(audio, origin, start[:, None] + self.config.target_frame), {})[0][:, 0]

    def observe(
        self, audio: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int
    ) -> Tensor:
        first = torch.as_tensor(first_frame, device=audio.device).expand(len(audio))
        origin = torch.as_tensor(origin_samples, device=audio.device).expand(len(audio))
        return self._around(audio, origin, first[:, None] + torch.arange(n_frames, device=audio.device))

    def init_state(self, n_rows: int) -> State:
        return {}

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        return self.in_units(self.layers(seen.flatten(3))), state

    def _around(self, audio: Tensor, origin_samples: Tensor, frames: Tensor) -> Tensor:
        """``[B, T, L, C, M]``: the columns around ``frames`` (``[B, T]``) of each row, each frame heard by itself."""
        first = frames - self.config.past_frames
        begin = self.features.frame_starts(first)
        n_samples = self.clock.frame_start(self._heard_frames) + 1  # as long as so many frames are anywhere
        index = begin[:, :, None] - origin_samples[:, None, None] + torch.arange(n_samples, device=audio.device)
        inside = (index >= 0) & (index < audio.shape[1])
        pieces = audio.gather(1, index.clamp(0, audio.shape[1] - 1).flatten(1)) * inside.flatten(1)
        columns = self.features.columns(
            pieces.view(-1, n_samples),
            origin_samples=begin.flatten(),
            first_frame=first.flatten(),
            n_frames=self._heard_frames,
        )
        return columns.view(*frames.shape, *columns.shape[1:])

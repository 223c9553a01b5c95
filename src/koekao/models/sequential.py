"""The sequential model: the last frame of a window from the sound up to its end, causal.

Shapes: B windows or streams, T frames, K context frames, C columns a frame, M bands, D width.

Log-mel columns of a frame become one vector; residual dilated convolutions without padding look over exactly K frames;
a linear head gives the curves in units of their spread; smoothing with state per stream follows. The widest dilation
comes first: for one output frame that needs a third of the arithmetic of the usual order at the same reach.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.errors import ConfigError
from koekao.features import LogMel, LogMelConfig
from koekao.models.base import FaceModel
from koekao.models.causal import CausalBlock, causal_blocks
from koekao.models.disturbance import disturbed, level_and_tilt
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State, check_rows


@dataclass(frozen=True, kw_only=True)
class SequentialConfig:
    """Settings of :class:`SequentialModel`.

    The defaults are for minutes of recordings: little to learn with, much noise in its way, which is what carries over
    to another session of the same speaker. With hours, give it more (``dim=128, dilations=(8, 4, 2, 1), noise=0.3``).

    Attributes:
        features: the log-mel front end.
        dim: width D.
        dilations: one residual block each, in frames, kernel 3.
        dropout: share of hidden values dropped in training, in [0, 1).
        noise: spread of the noise added to the features in training, in their own spreads.
        level: spread of the level and of the tilt over the bands that each window is shifted by in training.
        band_dropout: share of bands silenced in training, the same ones all over a window, in [0, 1).
        initial_alpha: the smoothing's weight of the past before training.
    """

    features: LogMelConfig = field(default_factory=LogMelConfig)
    dim: int = 32
    dilations: tuple[int, ...] = (2, 1)
    dropout: float = 0.1
    noise: float = 1.2
    level: float = 0.2
    band_dropout: float = 0.1
    initial_alpha: float = 0.05

    def __post_init__(self) -> None:
        if not all(isinstance(n, int) and n >= 1 for n in (self.dim, *self.dilations)):
            raise ConfigError(f"dim {self.dim!r}, dilations {self.dilations!r}", expected="whole numbers of at least 1")
        if not (0 <= self.dropout < 1 and 0 <= self.band_dropout < 1):
            raise ConfigError(f"dropout {self.dropout!r}, band_dropout {self.band_dropout!r}", expected="in [0, 1)")
        if not (self.noise >= 0 and self.level >= 0):
            raise ConfigError(f"noise {self.noise!r}, level {self.level!r}", expected="0 or more")
        if not 0 < self.initial_alpha < 1:
            raise ConfigError(f"initial_alpha {self.initial_alpha!r}", expected="a number between 0 and 1")

    @property
    def context_frames(self) -> int:
        """K: the frame itself and the past it is made from."""
        return 1 + 2 * sum(self.dilations)


class SequentialModel(FaceModel):
    """Windows ``[B, S]`` to their last frame ``[B, 52]``; streams frame by frame with state per row."""

    def __init__(self, config: SequentialConfig) -> None:
        super().__init__(LogMel(config.features))
        self.config = config
        width = config.features.columns_per_frame * config.features.n_mels
        self.front = nn.Sequential(nn.Linear(width, config.dim), nn.GELU(), nn.Dropout(config.dropout))
        self.blocks = nn.ModuleList(CausalBlock(config.dim, d, config.dropout) for d in config.dilations)
        self.head = nn.Sequential(nn.LayerNorm(config.dim), nn.Dropout(config.dropout), nn.Linear(config.dim, N_CURVES))
        self.smoothing = TemporalSmoothing(config.initial_alpha)

    @property
    def look_ahead_frames(self) -> int:
        return 0

    @property
    def past_frames(self) -> int:
        return 0

    def forward(self, audio: Tensor, start_frames: Tensor | None = None, valid_frames: Tensor | None = None) -> Tensor:
        """The last real frame of each window, before smoothing (see :class:`FaceModel`)."""
        context = self.config.context_frames
        start, valid = self.bounds_of(audio, start_frames, valid_frames)
        seen = self.features.columns(
            audio,
            origin_samples=self.features.frame_starts(start),
            first_frame=start + valid - context,
            n_frames=context,
        )
        return self._curves(seen)[:, 0]

    def observe(
        self, audio: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int
    ) -> Tensor:
        return self.features.columns(audio, origin_samples=origin_samples, first_frame=first_frame, n_frames=n_frames)

    def init_state(self, n_rows: int) -> State:
        silence = self.features.silence.expand(
            n_rows, self.config.context_frames - 1, self.config.features.columns_per_frame, -1
        )
        return {"past": silence.clone(), **self.smoothing.init_state(n_rows)}

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        check_rows(state, len(seen))
        heard = torch.cat([state["past"], seen], 1)
        curves, smoothed = self.smoothing.step(self._curves(heard), state)
        return curves, {"past": heard[:, seen.shape[1] :], **smoothed}

    def _curves(self, columns: Tensor) -> Tensor:
        """``[B, T + K - 1, C, M] -> [B, T, 52]``."""
        if self.training:
            how, shapes = self.config, level_and_tilt(columns.shape[3], columns.device)
            columns = disturbed(columns, noise=how.noise, level=how.level, shapes=shapes, band_dropout=how.band_dropout)
        x = self.front(columns.flatten(2))
        for block in causal_blocks(self.blocks):  # the first frames of each block's input are its past
            x, _ = block(x[:, block.past_frames :], x[:, : block.past_frames])
        return self.in_units(self.head(x))

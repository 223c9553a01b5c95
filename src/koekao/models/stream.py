"""The stream model: every frame of a stream from the sound up to it and a declared look-ahead, with carried state.

Shapes: B streams or windows, T frames, F frames around a frame, C columns a frame, M bands, D width.

A convolution over time and frequency turns the log-mel around each frame into a vector; a trunk of dilated causal
convolutions, whose past is the state, turns those into curves in units of their spread. The look-ahead lies in the
front alone, so the trunk's state never holds what a later frame would change.

Training runs the very :meth:`StreamModel.step` that a live face runs, over windows from a stream's fresh state, and
every frame of a window is predicted at the price of one: that is why it learns from some hundred times more frames a
second than a model that is asked for the last frame. Its reach is finite (``context_frames``), so frames that deep in a
window are to the bit what they are in the whole stream, and the others are left out of the loss. What that gives up:
nothing said longer ago than the context, 11 frames by default, plays a part.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.errors import ConfigError
from koekao.features import LogMel, LogMelConfig
from koekao.models.causal import CausalBlock, causal_blocks
from koekao.models.column_model import ColumnModel
from koekao.models.disturbance import disturbed_as
from koekao.models.front import BANDS, BandFront, blurred
from koekao.models.state import State, check_rows

LOOK_AHEADS_FRAMES = (0, 1, 3, 6)


@dataclass(frozen=True, kw_only=True)
class StreamConfig:
    """Settings of :class:`StreamModel`.

    Attributes:
        features: the log-mel front end.
        look_ahead_frames: frames of sound after a frame's own end that it waits for: 0, 1, 3 or 6.
        front_frames: frames before a frame that the front sees with it; the trunk reaches further back.
        blur_bands: how many neighbouring bands are averaged before anything else; odd, 1 blurs nothing.
        channels: what the front tells of each patch of bands.
        dim: width D of the trunk; 128 makes 0.18 million parameters, 256 0.6 million, 768 5 million.
        dilations: one residual block each, in frames, kernel 3.
        dropout: share of hidden values dropped in training, in [0, 1).
        noise: spread of the noise added to the features in training, in their own spreads.
        level: spread of each of the smooth curves over the bands that each window is equalised by in training.
        band_shift: spread of how far, in bands, the spectrum of each window is moved up or down in training.
        band_dropout: share of bands silenced in training, the same ones all over a window, in [0, 1).
        tempo: how much faster or slower windows are spoken in training, the spread of its logarithm.
        liveliness: how much of what movements lack of those in training a face in use gets back, in [0, 1]
            (:mod:`koekao.models.liveliness`); 0 shows what was learnt as it is, which is a little nearer to the truth.
    """

    features: LogMelConfig = field(default_factory=LogMelConfig)
    look_ahead_frames: int = 3
    front_frames: int = 4
    blur_bands: int = 5
    channels: int = 16
    dim: int = 128
    dilations: tuple[int, ...] = (1, 2)
    dropout: float = 0.3
    noise: float = 0.3
    level: float = 0.0
    band_shift: float = 0.0
    band_dropout: float = 0.0
    tempo: float = 0.4
    liveliness: float = 0.0

    def __post_init__(self) -> None:
        if self.look_ahead_frames not in LOOK_AHEADS_FRAMES:
            expected = "one of " + ", ".join(map(str, LOOK_AHEADS_FRAMES))
            raise ConfigError(f"look_ahead_frames {self.look_ahead_frames!r}", expected=expected)
        if not isinstance(self.front_frames, int) or self.front_frames < 0:
            raise ConfigError(f"front_frames {self.front_frames!r}", expected="a whole number of at least 0")
        if not isinstance(self.blur_bands, int) or self.blur_bands < 1 or self.blur_bands % 2 == 0:
            raise ConfigError(f"blur_bands {self.blur_bands!r}", expected="an odd number of at least 1")
        whole = (self.dim, self.channels, *self.dilations)
        if not all(isinstance(n, int) and n >= 1 for n in whole):
            seen = f"dim {self.dim!r}, channels {self.channels!r}, dilations {self.dilations!r}"
            raise ConfigError(seen, expected="whole numbers of at least 1")
        if not (0 <= self.dropout < 1 and 0 <= self.band_dropout < 1):
            raise ConfigError(f"dropout {self.dropout!r}, band_dropout {self.band_dropout!r}", expected="in [0, 1)")
        if not all(spread >= 0 for spread in (self.noise, self.level, self.band_shift, self.tempo)):
            seen = f"noise {self.noise!r}, level {self.level!r}, band_shift {self.band_shift!r}, tempo {self.tempo!r}"
            raise ConfigError(seen, expected="0 or more")
        if not 0 <= self.liveliness <= 1:
            raise ConfigError(f"liveliness {self.liveliness!r}", expected="a share in [0, 1]")
        if self.features.n_mels < BANDS:
            seen = f"n_mels {self.features.n_mels}"
            raise ConfigError(seen, expected=f"at least {BANDS}, as many as the front looks at together")

    @property
    def context_frames(self) -> int:
        """The frame itself and the past that it is made from."""
        return 1 + self.front_frames + 2 * sum(self.dilations)

    @property
    def n_around(self) -> int:
        """F: frames that the front sees of each frame."""
        return self.front_frames + 1 + self.look_ahead_frames


class StreamModel(ColumnModel):
    """Streams in pieces of any length to all their frames; windows ``[B, S]`` to their last frame ``[B, 52]``."""

    config: StreamConfig

    def __init__(self, config: StreamConfig) -> None:
        super().__init__(LogMel(config.features), config.liveliness)
        self.config = config
        self.front = BandFront(
            n_columns=config.n_around * config.features.columns_per_frame,
            n_mels=config.features.n_mels,
            channels=config.channels,
            dim=config.dim,
            dropout=config.dropout,
        )
        self.blocks = nn.ModuleList(CausalBlock(config.dim, d, config.dropout) for d in config.dilations)
        self.head = nn.Sequential(nn.LayerNorm(config.dim), nn.Dropout(config.dropout), nn.Linear(config.dim, N_CURVES))

    @property
    def look_ahead_frames(self) -> int:
        return self.config.look_ahead_frames

    @property
    def past_frames(self) -> int:
        return self.config.front_frames

    @property
    def context_frames(self) -> int:
        return self.config.context_frames

    @property
    def tempo(self) -> float:
        return self.config.tempo

    def seen_of(self, columns: Tensor) -> Tensor:
        """What :meth:`step` takes of frames, from normalised columns ``[B, T + F - 1, C, M]`` of them and around them.

        In training the columns are disturbed on the way.
        """
        if self.training:
            columns = disturbed_as(columns, self.config)
        return super().seen_of(blurred(columns, self.config.blur_bands))

    @property
    def silence(self) -> Tensor:
        """``[M]``: what :meth:`step` sees where there is no sound at all."""
        return blurred(self.features.silence, self.config.blur_bands)

    def init_state(self, n_rows: int) -> State:
        """The state of streams that have been silent for ever: the past ``[B, 2 d, D]`` of each block's input.

        In training the gradient goes through it, for windows that begin with a take begin with this state.
        """
        shape = n_rows, 1, self.config.n_around, self.config.features.columns_per_frame, -1
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
            x, state = self.front(self.silence.expand(shape)), {}
            for number, block in enumerate(causal_blocks(self.blocks)):
                state[f"past_{number}"] = block.past_of(x[:, 0])
                x, _ = block(x, state[f"past_{number}"])
        return state

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        x, after = self.hidden(seen, state)
        return self.in_units(self.head(x)), after

    def hidden(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        """:meth:`step` before its head: what the trunk knows at each frame, ``[B, T, D]``, and the state after."""
        check_rows(state, len(seen))
        x, after = self.front(seen), {}
        for number, block in enumerate(causal_blocks(self.blocks)):
            x, after[f"past_{number}"] = block(x, state[f"past_{number}"])
        return x, after

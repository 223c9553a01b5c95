"""The window model: the last frame of a window, each curve by its own attention over mel and over emotion, causal.

Shapes: B windows or streams, T frames, K mel frames, L emotion frames, C columns a frame, M bands, D and W widths.

What the lips do is in the last few hundred milliseconds of the spectrum; what brows, eyes and cheeks do is in how
something is said. So there are two branches. The log-mel columns of the last K frames are the keys of the one, and the
prosody of the last L frames with the summaries of the last 20 s (now, 300 and 600 ms ago) those of the other. Each of
the 52 curves asks both with its learnt query, and a learnt gate mixes the answers: mouth, jaw and tongue begin with
mel, all others with emotion, and training may move any of them. Smoothing with state per row follows.

Raw sound of a window holds only the window's own past, so there the emotion stream begins with the window; streams and
packed columns hear what came before it too, which is also far cheaper (:meth:`WindowModel.of_columns`). What the model
gives up: attention with constant queries knows no order but the places it has learnt, and prosody needs float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koekao.arkit import N_CURVES
from koekao.errors import ConfigError
from koekao.features import LogMel, LogMelConfig, Prosody, ProsodyConfig
from koekao.features.prosody import N_ALONE, N_NOW
from koekao.models.base import FaceModel
from koekao.models.curve_attention import CurveAttention, CurveHead, CurveRouting
from koekao.models.disturbance import disturbed_as
from koekao.models.recent import heard_by_each, last_of
from koekao.models.smoothing import TemporalSmoothing
from koekao.models.state import State, check_rows

_MOST_SPREADS = 5.0
"""Emotion values lie this far from their mean at most: summaries of a stream that has just begun are far from any."""
_EMOTION = "emotion_"


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """Settings of :class:`WindowModel`.

    Attributes:
        features: the log-mel front end. emotion: the prosody stream, at the same rates.
        mel_frames: K, the frame itself and the past whose columns are keys.
        emotion_frames: L, the same of the prosody.
        dim: D, width of a token. width: W, width of an answer. heads: of the attention, a divisor of width.
        dropout: share of hidden values and of the attention dropped in training, in [0, 1).
        noise, level, band_shift, band_dropout: of the mel columns in training (:func:`~.disturbance.disturbed`).
        emotion_noise: spread of the noise added to the emotion values in training, in their own spreads.
        initial_alpha: the smoothing's weight of the past before training.
    """

    features: LogMelConfig = field(default_factory=LogMelConfig)
    emotion: ProsodyConfig | None = None
    mel_frames: int = 12
    emotion_frames: int = 6
    dim: int = 256
    width: int = 64
    heads: int = 4
    dropout: float = 0.1
    noise: float = 0.5
    level: float = 0.2
    band_shift: float = 0.0
    band_dropout: float = 0.1
    emotion_noise: float = 0.5
    initial_alpha: float = 0.05

    def __post_init__(self) -> None:
        rates: dict[str, Any] = {"sample_rate": self.features.sample_rate, "fps": self.features.fps}
        if not isinstance(self.emotion, ProsodyConfig):  # none stated, or read from a file
            object.__setattr__(self, "emotion", ProsodyConfig(**rates | dict(self.emotion or {})))
        if self.prosody.clock != self.features.clock:
            seen = f"emotion at {self.prosody.sample_rate} Hz and {self.prosody.fps} fps"
            raise ConfigError(seen, expected=f"those of the features, {rates['sample_rate']} Hz and {rates['fps']} fps")
        for name in ("mel_frames", "emotion_frames", "dim", "width", "heads"):
            if not (isinstance(getattr(self, name), int) and getattr(self, name) >= 1):
                raise ConfigError(f"{name} {getattr(self, name)!r}", expected="a whole number of at least 1")
        if self.width % self.heads:
            raise ConfigError(f"width {self.width} for {self.heads} heads", expected="a multiple of heads")
        if not (0 <= self.dropout < 1 and 0 <= self.band_dropout < 1):
            raise ConfigError(f"dropout {self.dropout!r}, band_dropout {self.band_dropout!r}", expected="in [0, 1)")
        for name in ("noise", "level", "band_shift", "emotion_noise"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} {getattr(self, name)!r}", expected="0 or more")
        if not 0 < self.initial_alpha < 1:
            raise ConfigError(f"initial_alpha {self.initial_alpha!r}", expected="a number between 0 and 1")

    @property
    def prosody(self) -> ProsodyConfig:
        """``emotion``, which is always there once the config is made."""
        if self.emotion is None:
            raise ConfigError("no emotion stream", expected="settings of one")
        return self.emotion


class _Tokens(nn.Module):
    """``[..., n_values] -> [..., D]``, each moment by itself."""

    def __init__(self, n_values: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(n_values, dim), nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values: Tensor) -> Tensor:
        x = self.dropout(nn.functional.gelu(self.first(values)))
        deeper: Tensor = x + nn.functional.gelu(self.second(x))
        return deeper


class WindowModel(FaceModel):
    """Windows ``[B, S]`` to their last frame ``[B, 52]``; streams frame by frame with state per row.

    State, beside the smoothing's: ``mel_past [B, K - 1, C, M]`` and ``voice_past [B, L - 1, V]``, both normalised;
    ``frame [B]`` int64, frames heard; and the emotion stream's memory under ``emotion_``.
    """

    def __init__(self, config: WindowConfig) -> None:
        super().__init__(LogMel(config.features))
        self.config = config
        self.emotion = Prosody(config.prosody)
        self.n_summaries = len(config.prosody.delays_ms)
        columns, dim, dropout = config.features.columns_per_frame, config.dim, config.dropout
        self.columns = _Tokens(config.features.n_mels, dim, dropout)
        self.moments = _Tokens(N_NOW, dim, dropout)
        self.summaries = _Tokens((self.emotion.frame_shape[0] - N_NOW) // self.n_summaries, dim, dropout)
        self.queries = nn.Parameter(torch.randn(N_CURVES, config.width))
        mel_ages = torch.arange(config.mel_frames * columns).flip(0) / columns
        emotion_ages = torch.cat([torch.arange(config.emotion_frames).flip(0), torch.zeros(self.n_summaries)])
        attention: dict[str, Any] = {"dim": dim, "width": config.width, "heads": config.heads, "dropout": dropout}
        self.hear_mel = CurveAttention(ages=mel_ages, **attention)
        self.hear_emotion = CurveAttention(ages=emotion_ages, **attention)
        self.routing = CurveRouting()
        self.head = CurveHead(width=config.width, hidden=2 * config.width, dropout=dropout)
        self.smoothing = TemporalSmoothing(config.initial_alpha)

    @property
    def look_ahead_frames(self) -> int:
        return 0

    @property
    def past_frames(self) -> int:
        """The frames that the sound of a frame's prosody reaches back over, where that is longer than mel's."""
        reach = self.config.prosody.window_samples
        return 0 if reach <= self.config.features.n_fft else self.clock.frames_covering(reach)

    def fit_features(self, sounds: Callable[[], Iterable[NDArray[np.float32]]]) -> None:
        super().fit_features(sounds)
        self.emotion.fit(sounds())

    def forward(self, audio: Tensor, start_frames: Tensor | None = None, valid_frames: Tensor | None = None) -> Tensor:
        """The last real frame of each window, before smoothing (see :class:`FaceModel`), of the window's own past."""
        n_mel, (start, valid) = self.config.mel_frames, self.bounds_of(audio, start_frames, valid_frames)
        origin, first = self.features.frame_starts(start), start + valid - n_mel
        columns = self.features.columns(audio, origin_samples=origin, first_frame=first, n_frames=n_mel)
        n_frames, fresh = max(1, int(valid.max())), torch.zeros_like(start)
        alone = self.emotion.alone(audio, origin_samples=origin, first_frame=start, n_frames=n_frames)
        memory = self.emotion.init_memory(len(audio))
        frames, _ = self.emotion.carry(alone, first_frame=fresh, n_ready=valid.clamp_min(1), memory=memory)
        return self._curves(columns, self._last_emotion(frames, valid))[:, 0]

    def of_columns(self, mel: Tensor, prosody: Tensor, valid_frames: Tensor) -> Tensor:
        """The last real frame of each window, before smoothing, from packed columns; ``[B, 52]``.

        Args:
            mel: ``[B, N, C, M]`` float32, raw log-mel of the windows' frames.
            prosody: ``[B, N, V]`` float32, raw frames of the prosody stream, with the take's whole past in them.
            valid_frames: ``[B]`` int64, how many of the N are real. Before them: silence, and a mean voice.
        """
        raw, before = last_of(mel, valid_frames, self.config.mel_frames)
        columns = torch.where(before[..., None, None], self.features.silence, self.features.normalise(raw))
        return self._curves(columns, self._last_emotion(prosody, valid_frames))[:, 0]

    def observe(
        self, audio: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int
    ) -> Tensor:
        """``[B, T, C * M + A]`` float64: normalised columns, and what the prosody says of each frame alone."""
        where: dict[str, Any] = {"origin_samples": origin_samples, "first_frame": first_frame, "n_frames": n_frames}
        columns = self.features.columns(audio, **where) if n_frames else self._no_columns(len(audio))
        return torch.cat([columns.flatten(2).double(), self.emotion.alone(audio, **where)], 2)

    def init_state(self, n_rows: int) -> State:
        n_mel, n_emotion = self.config.mel_frames - 1, self.config.emotion_frames - 1
        silence = self.features.silence.expand(n_rows, n_mel, self.config.features.columns_per_frame, -1)
        memory = self.emotion.init_memory(n_rows)
        return {
            "mel_past": silence.clone(),
            "voice_past": silence.new_zeros(n_rows, n_emotion, N_NOW),
            "frame": torch.zeros(n_rows, dtype=torch.int64, device=silence.device),
            **{_EMOTION + name: value for name, value in memory.items()},
            **self.smoothing.init_state(n_rows),
        }

    def step(self, seen: Tensor, state: State) -> tuple[Tensor, State]:
        check_rows(state, len(seen))
        rows, n_frames = seen.shape[:2]
        if not n_frames:
            return self.curve_mean.new_zeros(rows, 0, N_CURVES), state
        flat, alone = seen[..., :-N_ALONE], seen[..., -N_ALONE:]
        columns = flat.to(self.curve_mean).view(rows, n_frames, self.config.features.columns_per_frame, -1)
        memory = {name.removeprefix(_EMOTION): value for name, value in state.items() if name.startswith(_EMOTION)}
        ready = torch.full_like(state["frame"], n_frames)
        frames, after = self.emotion.carry(alone, first_frame=state["frame"], n_ready=ready, memory=memory)
        heard = torch.cat([state["mel_past"], columns], 1)
        now = self._emotion(frames)
        emotion = torch.cat([nn.functional.pad(state["voice_past"], (0, now.shape[2] - N_NOW)), now], 1)
        curves, smoothed = self.smoothing.step(self._curves(heard, emotion), state)
        return curves, {
            "mel_past": heard[:, n_frames:],
            "voice_past": emotion[:, n_frames:, :N_NOW],
            "frame": state["frame"] + n_frames,
            **{_EMOTION + name: value for name, value in after.items()},
            **smoothed,
        }

    def _curves(self, columns: Tensor, emotion: Tensor) -> Tensor:
        """``[B, T + K - 1, C, M]`` and ``[B, T + L - 1, V]``, both normalised, to ``[B, T, 52]``."""
        if self.training:
            columns = disturbed_as(columns, self.config)
            emotion = emotion + self.config.emotion_noise * torch.randn_like(emotion)
        told = self.hear_mel.told(self.columns(columns))  # [B, T + K - 1, C, 2 W]
        from_mel = self.hear_mel(self.queries, heard_by_each(told, self.config.mel_frames))
        moments = self.hear_emotion.told(self.moments(emotion[..., :N_NOW]))[:, :, None]
        past = emotion[:, self.config.emotion_frames - 1 :, N_NOW:]
        summaries = self.hear_emotion.told(self.summaries(past.reshape(*past.shape[:2], self.n_summaries, -1)))
        keys = torch.cat([heard_by_each(moments, self.config.emotion_frames), summaries], 2)
        answers = self.routing(from_mel, self.hear_emotion(self.queries, keys))
        return self.in_units(self.head(self.queries, answers))

    def _emotion(self, raw: Tensor) -> Tensor:
        return self.emotion.normalise(raw).clamp(-_MOST_SPREADS, _MOST_SPREADS)

    def _last_emotion(self, raw: Tensor, valid_frames: Tensor) -> Tensor:
        last, before = last_of(raw, valid_frames, self.config.emotion_frames)
        return self._emotion(last).masked_fill(before[..., None], 0.0)

    def _no_columns(self, n_rows: int) -> Tensor:
        features = self.config.features
        return self.curve_mean.new_zeros(n_rows, 0, features.columns_per_frame, features.n_mels)

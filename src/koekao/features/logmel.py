"""Log-mel on exact frame times, causal, from corpus statistics.

Shapes: B streams, S samples, T frames, C columns a frame, M mel bands.

Column c of frame k covers the ``n_fft`` samples that end where (k + (c + 1) / C) / fps falls, rounded to a sample; so
the last column of frame k ends where frame k + 1 starts, and nothing after that moment is heard. Because the ends come
from the clock and not from a hop, a frame's columns are the same numbers whether they are computed from a ten-second
window, a whole take or live chunks.

Levels are kept: the statistics (mean and spread of each band, and a floor under which a band counts as silent) come
from the training takes and are fixed, never from the window itself. Mel scale and filter norm are Slaney's (Auditory
Toolbox, 1998), the definitions that librosa uses by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError
from koekao.features.framing import frame_starts, pieces_ending_at

POWER_FLOOR = 1e-9
RAW_VERSION = 1
"""To be raised with any change of what :meth:`LogMel.raw` computes, so that packed columns are known as older."""
_LOW_QUANTILE = 0.01
_BLOCK_COLUMNS = 256  # a megabyte of samples: larger blocks leave the cache and are four times slower


@dataclass(frozen=True, kw_only=True)
class LogMelConfig:
    """What the features are.

    Attributes:
        sample_rate: Hz. fps: frames a second, as text (``"30"``, ``"30000/1001"``).
        n_fft: samples a column. columns_per_frame: columns a frame. n_mels: bands from f_min_hz to f_max_hz.
    """

    sample_rate: int = 16000
    fps: str = "30"
    n_fft: int = 1024
    columns_per_frame: int = 2
    n_mels: int = 80
    f_min_hz: float = 20.0
    f_max_hz: float = 8000.0

    def __post_init__(self) -> None:
        parse_fps(self.fps)
        if not 0 <= self.f_min_hz < self.f_max_hz <= self.sample_rate / 2:
            raise ConfigError(
                f"mel bands from {self.f_min_hz} to {self.f_max_hz} Hz at {self.sample_rate} Hz",
                expected="0 <= f_min_hz < f_max_hz <= half the sample rate",
            )
        if min(self.n_fft, self.columns_per_frame, self.n_mels) < 1:
            raise ConfigError("n_fft, columns_per_frame and n_mels", expected="at least 1 each")

    @property
    def clock(self) -> Clock:
        return Clock(self.sample_rate, parse_fps(self.fps))

    def raw_settings(self) -> dict[str, Any]:
        """All that :meth:`LogMel.raw` depends on, as JSON values: the settings of a column that was packed with it."""
        return {"extractor": "koekao.features.LogMel.raw", "version": RAW_VERSION, **asdict(self)}


class LogMel(nn.Module):
    """``columns(audio, ...) -> [B, T, C, M]``, normalised by fixed statistics (0 and 1 until :meth:`fit`)."""

    mean: Tensor
    std: Tensor
    floor: Tensor
    taper: Tensor
    filters: Tensor

    def __init__(self, config: LogMelConfig) -> None:
        super().__init__()
        self.config, self.clock = config, config.clock
        self._column_clock = Clock(config.sample_rate, self.clock.fps * config.columns_per_frame)
        self.register_buffer("mean", torch.zeros(config.n_mels))
        self.register_buffer("std", torch.ones(config.n_mels))
        self.register_buffer("floor", torch.full((config.n_mels,), float(np.log(POWER_FLOOR))))
        self.register_buffer("taper", torch.hann_window(config.n_fft, periodic=True), persistent=False)
        self.register_buffer("filters", torch.from_numpy(mel_filters(config)), persistent=False)

    @property
    def past_samples(self) -> int:
        """Samples before a frame's start that its columns may need."""
        return self.config.n_fft

    def columns(
        self, audio: Tensor, *, first_frame: Tensor | int, n_frames: int, origin_samples: Tensor | int = 0
    ) -> Tensor:
        """The normalised columns of frames ``first_frame .. first_frame + n_frames - 1``.

        Args:
            audio: ``[B, S]`` float32 in [-1, 1]; ``audio[b, 0]`` is sample ``origin_samples[b]`` of its stream.
            first_frame: ``[B]`` int64 (or one for all), counted on the stream's own clock from its sample 0.
            n_frames: T.

        Returns:
            ``[B, T, C, M]`` float32. Samples outside ``audio`` count as 0.
        """
        raw = self.raw(audio, first_frame=first_frame, n_frames=n_frames, origin_samples=origin_samples)
        return self.normalise(raw)

    def normalise(self, raw: Tensor) -> Tensor:
        """Log-mel to features: raised to the floor, mean 0 and spread 1 over the training takes."""
        return (torch.maximum(raw, self.floor) - self.mean) / self.std

    @property
    def silence(self) -> Tensor:
        """``[M]``: the features of no sound at all."""
        return (self.floor - self.mean) / self.std

    def frame_starts(self, frames: Tensor) -> Tensor:
        """The first sample of each frame (int64, any shape), on the tensor's device."""
        return frame_starts(self.clock, frames)

    def raw(
        self, audio: Tensor, *, first_frame: Tensor | int, n_frames: int, origin_samples: Tensor | int = 0
    ) -> Tensor:
        """Log-mel before normalisation: ln(max(power, 1e-9)) ``[B, T, C, M]``."""
        n_fft, n_columns = self.config.n_fft, n_frames * self.config.columns_per_frame
        ends = self._column_ends(first_frame, n_columns, audio.device) - torch.as_tensor(
            origin_samples, device=audio.device
        ).reshape(-1, 1)
        pieces = pieces_ending_at(audio, ends, n_fft, _BLOCK_COLUMNS)
        power = torch.cat([self._band_power(block) for block in pieces])
        mel = power.clamp_min(POWER_FLOOR).log()
        return mel.view(len(audio), n_frames, self.config.columns_per_frame, self.config.n_mels)

    def _band_power(self, pieces: Tensor) -> Tensor:
        """``[n, n_fft]`` samples to ``[n, M]`` power in each mel band."""
        spectrum = torch.fft.rfft(pieces * self.taper)
        power: Tensor = spectrum.real.square() + spectrum.imag.square()
        return power @ self.filters

    def _column_ends(self, first_frame: Tensor | int, n_columns: int, device: torch.device) -> Tensor:
        """``[B or 1, n_columns]`` int64: the sample after each column's last one, on the stream's clock."""
        first = torch.as_tensor(first_frame, dtype=torch.int64, device=device).reshape(-1, 1)
        column = first * self.config.columns_per_frame + torch.arange(1, n_columns + 1, device=device)
        return frame_starts(self._column_clock, column)

    @torch.no_grad()
    def fit(self, sounds: Iterable[NDArray[np.float32]]) -> None:
        """Set mean, spread and floor from whole takes (each ``[n_samples]`` float32).

        The floor of a band is the mean over the takes of its 1 % quantile: what the quietest moments of the
        recordings sound like. Digital silence is raised to it, so that a stream's start is a quiet room, not a hole.
        """
        count, total, squares, lows = 0, torch.zeros(0), torch.zeros(0), []
        for sound in sounds:
            audio = torch.from_numpy(np.require(sound, np.float32, ("C", "W")))[None]  # torch takes no read-only views
            n_frames = max(1, self.clock.frame_at(len(sound)))
            raw = self.raw(audio.to(self.mean.device), first_frame=0, n_frames=n_frames).flatten(0, 2).double().cpu()
            total = raw.sum(0) if count == 0 else total + raw.sum(0)
            squares = raw.square().sum(0) if count == 0 else squares + raw.square().sum(0)
            lows.append(torch.from_numpy(np.quantile(raw.numpy(), _LOW_QUANTILE, axis=0)))
            count += len(raw)
        if not count:
            raise ConfigError("no sound to take statistics from", expected="at least one take")
        mean = total / count
        self.mean.copy_(mean)
        self.std.copy_((squares / count - mean.square()).clamp_min(1e-6).sqrt())
        self.floor.copy_(torch.stack(lows).mean(0))


def mel_filters(config: LogMelConfig) -> NDArray[np.float32]:
    """``[n_fft // 2 + 1, n_mels]`` triangular filters on Slaney's mel scale, each of area 2 / width (Slaney's norm)."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(config.f_min_hz), _hz_to_mel(config.f_max_hz), config.n_mels + 2))
    bins = np.linspace(0, config.sample_rate / 2, config.n_fft // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - bins) / np.diff(edges)[1:]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))
    return np.ascontiguousarray(filters, np.float32)


_LINEAR_HZ, _LINEAR_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return float(hz * 3 / 200 if hz < _LINEAR_HZ else _LINEAR_MEL + np.log(hz / _LINEAR_HZ) / _LOG_STEP)


def _mel_to_hz(mel: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(mel < _LINEAR_MEL, mel * 200 / 3, _LINEAR_HZ * np.exp(_LOG_STEP * (mel - _LINEAR_MEL)))

"""The emotion stream: how something is said, frame by frame and over the last 20 seconds; causal, in torch.

Shapes: B streams, T frames, K descriptors, N frames of the long past, C values a frame.

Each frame is described by the 64 ms of sound that end where the frame ends: pitch, voicing and clarity
(:mod:`.pitch`), level, loudness, slopes and flux (:mod:`.spectrum`), three resonances (:mod:`.formants`). Every 300 ms
the descriptors of the last 20 s are summed up (:mod:`.functionals`), and each frame gets the summary of now, 300 and
600 ms ago (:mod:`.refresh`). All of it is our own code after published formulas, under this project's licence; the
usual extractors may not be used commercially or bind a program to the GPL.

Pitch is held through unvoiced frames at the last voiced value, and stands at the geometric middle of its range before
the first; ``voicing`` says how far to believe it. The work is done in two moves, for those who observe sound without a
memory and step without sound (:mod:`koekao.models.window`): :meth:`Prosody.alone` describes every frame by its own
samples, :meth:`Prosody.carry` does the rest from numbers and memory by row. Arithmetic is float64, so that decisions (a
peak, a voiced frame) do not depend on how the sound was cut; frames come out as float32. What it gives up: devices
without float64 (Apple's MPS) must compute this stream on the CPU, and the definitions are near to, but not those of,
openSMILE or Praat.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from koekao.clock import Clock, parse_fps
from koekao.errors import ConfigError
from koekao.features.formants import Formants
from koekao.features.framing import pieces_ending_at
from koekao.features.functionals import Past, functional_names, functionals
from koekao.features.pitch import Pitch, harmonicity_db, voicing
from koekao.features.refresh import Refresh
from koekao.features.spectrum import BAND_FLOOR_DB, N_BANDS, Shape, flux_db_per_s
from koekao.features.stream import FeatureStream, State, ends_of

VERSION = 1
"""To be raised with any change of what a frame's values are, so that packed columns are known as older."""
DESCRIPTORS = (
    "f0_ln_hz",
    "clarity_db",
    "f1_khz",
    "f2_khz",
    "f3_khz",
    "level_db",
    "loudness",
    "slope_low_db_per_khz",
    "slope_mid_db_per_khz",
    "alpha_db",
    "flux_db_per_s",
)
_N_OF_SHAPE = len(DESCRIPTORS) - 1  # all but flux, which needs the frame before
N_NOW = 1 + len(DESCRIPTORS)
"""Values of a frame that are of the frame itself: voicing and the descriptors. The functionals follow them."""
N_ALONE = len(DESCRIPTORS) + N_BANDS
"""What a frame says by itself: the descriptors but flux, voicing, and the levels of the bands."""
_N_OF_VOICE = 5  # the first five mean something in voiced frames only
_LEVEL, _FLUX = DESCRIPTORS.index("level_db"), DESCRIPTORS.index("flux_db_per_s")
_BLOCK_FRAMES = 64


@dataclass(frozen=True, kw_only=True)
class ProsodyConfig:
    """What the stream is.

    Attributes:
        sample_rate: Hz, at least 8000. fps: frames a second, as text.
        window_ms: sound a frame is described by; at least three periods of f0_min_hz.
        f0_min_hz, f0_max_hz: range of the pitch.
        past_s: the long past. refresh_ms: from one summary of it to the next.
        delays_ms: which summaries a frame gets, in ms before now; multiples of refresh_ms.
    """

    sample_rate: int = 16000
    fps: str = "30"
    window_ms: float = 64.0
    f0_min_hz: float = 60.0
    f0_max_hz: float = 500.0
    past_s: float = 20.0
    refresh_ms: int = 300
    delays_ms: tuple[int, ...] = (0, 300, 600)

    def __post_init__(self) -> None:
        object.__setattr__(self, "delays_ms", tuple(self.delays_ms))  # a list when it comes from JSON
        if self.sample_rate < 8000:
            raise ConfigError(f"prosody of sound at {self.sample_rate} Hz", expected="at least 8000 Hz")
        if not 0 < self.f0_min_hz < self.f0_max_hz <= self.sample_rate / 8:
            what = f"pitch from {self.f0_min_hz} to {self.f0_max_hz} Hz at {self.sample_rate} Hz"
            raise ConfigError(what, expected="0 < f0_min_hz < f0_max_hz <= an eighth of the sample rate")
        if not 3000 / self.f0_min_hz <= self.window_ms <= 1000:
            what = f"a window of {self.window_ms} ms for pitch from {self.f0_min_hz} Hz"
            raise ConfigError(what, expected=f"{3000 / self.f0_min_hz:.0f} to 1000 ms: three periods of the lowest")
        if not self.refresh_ms / 1000 <= self.past_s <= 600:
            raise ConfigError(f"a past of {self.past_s} s", expected=f"{self.refresh_ms} ms to 600 s")
        self.refresh  # noqa: B018 - checks refresh_ms and delays_ms

    @property
    def clock(self) -> Clock:
        return Clock(self.sample_rate, parse_fps(self.fps))

    @property
    def refresh(self) -> Refresh:
        return Refresh(clock=self.clock, refresh_ms=self.refresh_ms, delays_ms=self.delays_ms)

    @property
    def window_samples(self) -> int:
        return round(self.window_ms * self.sample_rate / 1000)


class Prosody(FeatureStream):
    """Frames ``[C]``: voicing, the descriptors, and the functionals of each delay. :attr:`names` names them all."""

    taper: Tensor
    of_voice: Tensor

    def __init__(self, config: ProsodyConfig) -> None:
        self.summary_names = functional_names(DESCRIPTORS)
        n_values = 1 + len(DESCRIPTORS) + len(config.delays_ms) * len(self.summary_names)
        super().__init__("prosody", config.clock, (n_values,), config.window_samples)
        self.config, self.refresh, self.fps = config, config.refresh, float(config.clock.fps)
        self.past_frames = max(3, config.clock.frames_of(config.past_s))
        n_fft = 2 ** math.ceil(math.log2(config.window_samples + config.sample_rate / config.f0_min_hz + 2))
        taper = torch.hann_window(config.window_samples, periodic=True, dtype=torch.float64)
        taper *= (2 / n_fft / taper.square().sum()).sqrt()  # so that a frame's bins add up to its mean square
        self.n_fft = n_fft
        self.register_buffer("taper", taper, persistent=False)
        self.register_buffer("of_voice", torch.arange(len(DESCRIPTORS)) < _N_OF_VOICE, persistent=False)
        self.pitch = Pitch(taper, n_fft, config.sample_rate, config.f0_min_hz, config.f0_max_hz)
        self.shape = Shape(n_fft, config.sample_rate)
        self.formants = Formants(n_fft, config.sample_rate)

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the C values is: ``f0_ln_hz`` ... of the frame, ``f0_ln_hz.mean@-300ms`` ... of the past."""
        delays = [f"@-{delay}ms" if delay else "@now" for delay in self.config.delays_ms]
        return ("voicing", *DESCRIPTORS, *(name + delay for delay in delays for name in self.summary_names))

    def raw_settings(self) -> dict[str, Any]:
        return {"extractor": "koekao.features.Prosody", "version": VERSION, **asdict(self.config)}

    def init_memory(self, n_rows: int) -> State:
        """Band levels and pitch of the frame before, the long past (K descriptors and voicing), held summaries."""
        device, double = self.taper.device, torch.float64
        middle = 0.5 * (math.log(self.config.f0_min_hz) + math.log(self.config.f0_max_hz))
        past = torch.zeros(n_rows, self.past_frames, len(DESCRIPTORS) + 1, dtype=double, device=device)
        return {
            "bands_db": torch.full((n_rows, N_BANDS), BAND_FLOOR_DB, dtype=double, device=device),
            "f0_ln_hz": torch.full((n_rows,), middle, dtype=double, device=device),
            "past": past,
            "summaries": torch.zeros(n_rows, self.refresh.n_held, len(self.summary_names), device=device),
        }

    def describe(
        self, sound: Tensor, *, origin_samples: Tensor, first_frame: Tensor, n_ready: Tensor, memory: State
    ) -> tuple[Tensor, State]:
        n_frames = int(n_ready.max())
        alone = self.alone(sound, origin_samples=origin_samples, first_frame=first_frame, n_frames=n_frames)
        return self.carry(alone, first_frame=first_frame, n_ready=n_ready, memory=memory)

    @torch.no_grad()
    def alone(self, sound: Tensor, *, origin_samples: Tensor | int, first_frame: Tensor | int, n_frames: int) -> Tensor:
        """What frames say by themselves: ``[B, T, A]`` float64.

        Args:
            sound: ``[B, S]`` float32; ``sound[b, 0]`` is sample ``origin_samples`` (``[B]`` int64, or one for all) of
                its stream. Samples outside count as 0.
            first_frame: ``[B]`` int64, or one for all, on the clock of the sound. n_frames: T.
        """
        first = torch.as_tensor(first_frame, device=sound.device).expand(len(sound))
        origin = torch.as_tensor(origin_samples, device=sound.device).reshape(-1, 1)
        if not n_frames:
            return sound.new_zeros(len(sound), 0, N_ALONE, dtype=torch.float64)
        ends = ends_of(self.clock, first, n_frames) - origin
        pieces = pieces_ending_at(sound, ends, self.config.window_samples, _BLOCK_FRAMES)
        return torch.cat([self._alone(block) for block in pieces]).view(len(sound), n_frames, N_ALONE)

    @torch.no_grad()
    def carry(self, alone: Tensor, *, first_frame: Tensor, n_ready: Tensor, memory: State) -> tuple[Tensor, State]:
        """``alone`` ``[B, T, A]``, T at least 1, and the memory before it to frames ``[B, T, C]`` and the memory after.

        Args:
            first_frame: ``[B]`` int64, frames that each stream has had before, counted from its own beginning: they
                decide when it refreshes and how much of its past it has heard.
            n_ready: ``[B]`` int64, how many of the T are the row's (the most is T); what lies after them is no value.
            memory: as of :meth:`Prosody.init_memory`.
        """
        f0_ln_hz, others, voiced, bands_db = torch.split(alone, [1, len(DESCRIPTORS) - 2, 1, N_BANDS], 2)
        bands = torch.cat([memory["bands_db"][:, None], bands_db], 1)
        flux = flux_db_per_s(bands[:, 1:], bands[:, :-1], self.fps)
        pitch = _held(torch.cat([memory["f0_ln_hz"][:, None], f0_ln_hz[..., 0]], 1), voiced[..., 0] > 0.5)
        seen = torch.cat([pitch[:, 1:, None], others, flux[..., None], voiced], 2)
        past = torch.cat([memory["past"], seen], 1)
        due = self.refresh.due(first_frame, n_ready)
        fresh = self._summaries(past, due, first_frame).to(memory["summaries"])
        held, summaries = self.refresh.hold(fresh, due, memory["summaries"])
        row = torch.arange(len(alone), device=alone.device)
        kept = n_ready[:, None] + torch.arange(self.past_frames, device=alone.device)
        after = {
            "bands_db": bands[row, n_ready],
            "f0_ln_hz": pitch[row, n_ready],
            "past": past[row[:, None], kept],
            "summaries": summaries,
        }
        return torch.cat([torch.cat([voiced, seen[..., :-1]], 2).to(held), held.flatten(2)], 2), after

    def _alone(self, pieces: Tensor) -> Tensor:
        """What frames say by themselves: ``[n, W]`` samples to ``[n, K - 1 + 1 + 24]`` float64.

        The descriptors but the last, flux, which needs the frame before; then voicing; then the levels of the bands.
        """
        pieces = pieces.double()
        spectrum = torch.fft.rfft((pieces - pieces.mean(1, keepdim=True)) * self.taper, self.n_fft)
        power = spectrum.real.square() + spectrum.imag.square()
        f0_hz, periodic = self.pitch(power)
        shape = self.shape(power)
        voiced = voicing(periodic, shape["level_db"])
        of_pitch = [f0_hz.log(), harmonicity_db(periodic)]
        of_shape = [*(shape[name] for name in DESCRIPTORS[_N_OF_VOICE:_N_OF_SHAPE]), voiced]
        parts = [torch.stack(of_pitch, 1), self.formants(power), torch.stack(of_shape, 1), shape["bands_db"]]
        return torch.cat(parts, 1)

    def _summaries(self, past: Tensor, due: Tensor, first_frame: Tensor) -> Tensor:
        """The functionals ``[n, F]`` at the ``n`` frames that are due, from ``past [B, N + T, K + 1]``."""
        rows, frames = due.nonzero(as_tuple=True)
        if not len(rows):  # most steps of live input
            return past.new_zeros(0, len(self.summary_names))
        n = self.past_frames
        window = past.unfold(1, n, 1)[rows, frames + 1]  # [n, K + 1, N], the frame itself is the last
        n_heard = (first_frame[rows] + frames + 1).clamp_max(n)
        heard = torch.arange(n, device=past.device) >= n - n_heard[:, None]
        return functionals(
            Past(
                values=window[:, :-1],
                heard=heard,
                voiced=window[:, -1] > 0.5,
                level_db=window[:, _LEVEL],
                flux_db_per_s=window[:, _FLUX],
                of_voice=self.of_voice,
                fps=self.fps,
            )
        )


def _held(pitch: Tensor, voiced: Tensor) -> Tensor:
    """``pitch [B, 1 + T]``, the first of it good: each frame that is not ``voiced [B, T]`` gets the last good one."""
    place = torch.arange(1, pitch.shape[1], device=pitch.device) * voiced
    newest = torch.cat([torch.zeros_like(place[:, :1]), place], 1).cummax(1).values
    return pitch.gather(1, newest)

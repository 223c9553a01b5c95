"""The sound of a take in numbers: level, noise, clipping, silence, channel by channel, at the file's own rate.

Loudness is measured in windows of 20 ms, each without its own mean, so that a constant offset is no sound. The noise
floor is the 5th percentile of the windows, speech the 95th: a recording of speech has pauses, and they are its noise.

What it gives up: a take without pauses shows a floor that is speech, so its signal-to-noise ratio is a lower bound.
Sound that was clipped and then turned down, filtered or compressed (Ogg, MP3) has no flat tops any more. Of more than
two channels only the mix is looked at. The sound is in memory whole, as it is for packing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.takes.doctor.spans import runs, share_of, spread
from koekao.takes.sound.reading import SoundInfo, probe_sound, read_sound

WINDOW_S = 0.020
SILENT_DBFS = -60.0
"""A window below this is silent: a voice at arm's length comes 20 to 40 dB above it, a quiet room lies near it."""
FLOOR_DBFS = -100.0
"""Nothing is called quieter than this: the rounding noise of 16 bits lies at -101 dBFS."""
FULL_SCALE = 32767 / 32768
"""The largest value of 16 bits; what reaches it may have been meant to go beyond."""
CLIP_SAMPLES = 3
"""So many samples in a row at full scale are clipped; one or two can be a peak that just fits."""
_FLOOR_PERCENT, _SPEECH_PERCENT = 5, 95
_MOST_TIMES = 50


@dataclass(frozen=True, kw_only=True)
class SoundHealth:
    """What was measured of a sound file.

    Attributes:
        duration_s, sample_rate_hz, channels, subtype: as the header says; ``subtype`` is libsndfile's word.
        notes: what reading had to do or to pass over.
        peak: largest absolute value, of 1.
        dc_offset: the mean, of the channel where it is farthest from 0.
        silent_share: share of the 20 ms windows below -60 dBFS, of the mix.
        silent_channels: numbers from 1 of the channels that are silent throughout while another is not.
        noise_dbfs, speech_dbfs: 5th and 95th percentile of the windows' level; 0 dBFS is a square wave at full scale.
        clipped_runs, clipped_samples: stretches of 3 or more samples at full scale, and their samples.
        origin_s: the time of day at its first sample, in seconds since midnight, where the file tells it.
        clipped_s: when they begin, in seconds; of more than fifty, fifty spread over all of them.
    """

    duration_s: float
    sample_rate_hz: int
    channels: int
    subtype: str
    notes: tuple[str, ...]
    peak: float
    dc_offset: float
    silent_share: float
    silent_channels: tuple[int, ...]
    noise_dbfs: float
    speech_dbfs: float
    clipped_runs: int
    clipped_samples: int
    clipped_s: tuple[float, ...]
    origin_s: float | None = None

    @property
    def snr_db(self) -> float:
        """Speech above the noise floor, in dB."""
        return self.speech_dbfs - self.noise_dbfs

    @property
    def clipped_share(self) -> float:
        return share_of(self.clipped_samples, round(self.duration_s * self.sample_rate_hz))


def examine_sound(path: Path) -> tuple[SoundHealth, NDArray[np.float32]]:
    """Measure a sound file; also gives its mix ``[n]`` float32 at its own rate, nominally in [-1, 1].

    Raises:
        SoundError: it cannot be read.
    """
    info = probe_sound(path)
    sides = ("left", "right") if info.channels == 2 else ("mix",)
    sounds = [read_sound(path, sample_rate=info.sample_rate, mono=side, dtype="float32") for side in sides]
    channels = [np.asarray(sound.samples, np.float32) for sound in sounds]
    mix = channels[0] if len(channels) == 1 else (channels[0] + channels[1]) * np.float32(0.5)
    notes = tuple(dict.fromkeys(note for note in (*sounds[0].repairs, *sounds[0].notes) if not note.startswith("mono")))
    return measure_sound(channels, mix, info, notes), mix


def measure_sound(
    channels: list[NDArray[np.float32]], mix: NDArray[np.float32], info: SoundInfo, notes: tuple[str, ...] = ()
) -> SoundHealth:
    """The numbers of ``channels``, each ``[n]`` float32, and of their ``mix``."""
    rate = info.sample_rate
    levels = level_dbfs(mix, rate)
    silent = [bool((level_dbfs(channel, rate) < SILENT_DBFS).all()) for channel in channels]
    clipped = [clipped_runs(channel) for channel in channels]
    starts = np.unique(np.concatenate([stretch[:, 0] for stretch in clipped]))
    return SoundHealth(
        duration_s=len(mix) / rate,
        sample_rate_hz=rate,
        channels=info.channels,
        subtype=info.subtype,
        notes=notes,
        peak=max(float(np.abs(channel).max()) for channel in channels),
        dc_offset=max((float(channel.mean(dtype=np.float64)) for channel in channels), key=abs),
        silent_share=float((levels < SILENT_DBFS).mean()),
        silent_channels=() if all(silent) else tuple(i + 1 for i, quiet in enumerate(silent) if quiet),
        noise_dbfs=float(np.percentile(levels, _FLOOR_PERCENT)),
        speech_dbfs=float(np.percentile(levels, _SPEECH_PERCENT)),
        clipped_runs=sum(map(len, clipped)),
        clipped_samples=sum(int((stretch[:, 1] - stretch[:, 0]).sum()) for stretch in clipped),
        clipped_s=tuple((spread(starts, _MOST_TIMES) / rate).tolist()),
        origin_s=info.origin_s,
    )


def level_dbfs(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Level of each whole window of 20 ms (of all there is, where that is less), in dB of full scale, -100 or more."""
    width = min(len(samples), max(2, round(WINDOW_S * rate_hz)))
    windows = samples[: len(samples) // width * width].reshape(-1, width)
    power = windows.var(axis=1, dtype=np.float64)
    return np.asarray(10 * np.log10(np.maximum(power, 10 ** (FLOOR_DBFS / 10))), np.float64)


def clipped_runs(samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """``[k, 2]`` begin and end of every stretch of at least three samples at full scale on the same side."""
    found = [runs(samples >= FULL_SCALE), runs(samples <= -FULL_SCALE)]
    both = np.concatenate(found)
    return both[both[:, 1] - both[:, 0] >= CLIP_SAMPLES]

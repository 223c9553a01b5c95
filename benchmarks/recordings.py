"""The corpus of the benchmarks: 64 takes of one to three minutes, made from a seed, as wav and jsonl.

The sound is koekao's synthetic speech with the face that fits it. It is written as people's takes are (16 kHz PCM16,
one JSON line a frame), and :class:`Reference` reads those files by the standard library alone: what every contestant
delivers is compared with it bit for bit.
"""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import NAMES
from koekao.outputs.folder import write_take
from koekao.takes.synthetic.making import make_takes
from workloads import FPS, PCM_SCALE, SAMPLE_RATE, Batch, Workload, first_sample

N_TAKES = 64
SHORTEST_S, LONGEST_S = 60.0, 180.0
SEED = 3


@dataclass(frozen=True)
class Recording:
    """One take as its files hold it: ``audio`` int16 ``[n_samples]``, ``curves`` float32 ``[n_frames, 52]``."""

    name: str
    audio: NDArray[np.int16]
    curves: NDArray[np.float32]


def make_recordings(
    folder: Path, *, n: int = N_TAKES, seconds: tuple[float, float] = (SHORTEST_S, LONGEST_S), seed: int = SEED
) -> None:
    """Write ``n`` takes into ``folder``, whole or not at all; nothing is done where the folder is there already."""
    if folder.exists():
        return
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for number, take in enumerate(make_takes(n, seconds=seconds, seed=seed, voices=8)):
        write_take(unfinished, f"take_{number:03d}", take.audio, take.sample_rate, take.curves, take.fps)
    unfinished.replace(folder)


def names_of(folder: Path) -> list[str]:
    """The takes of a folder: what has both a wav and a jsonl, sorted."""
    return sorted(path.stem for path in folder.glob("*.wav") if path.with_suffix(".jsonl").is_file())


def read_recording(folder: Path, name: str) -> Recording:
    """Read one take by the standard library.

    Raises:
        ValueError: sound that is not 16 kHz mono PCM16, or frames that do not come 30 times a second.
    """
    with wave.open(str(folder / f"{name}.wav")) as file:
        form = file.getframerate(), file.getnchannels(), file.getsampwidth()
        if form != (SAMPLE_RATE, 1, 2):
            raise ValueError(f"{folder / name}.wav: (rate, channels, bytes) {form}, expected {(SAMPLE_RATE, 1, 2)}")
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").copy()
    frames = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
    times = np.array([frame["timestamp"] for frame in frames])
    if not np.allclose(times, np.arange(len(times)) / FPS, rtol=0, atol=1e-3):
        raise ValueError(f"{folder / name}.jsonl: frames are not {FPS} a second from 0, as benchmarks need them")
    curves = np.array([[frame["blendshapes"][curve] for curve in NAMES] for frame in frames], np.float32)
    return Recording(name, audio, curves)


def read_recordings(folder: Path) -> Iterator[Recording]:
    """Every take of a folder, in the order of names."""
    return (read_recording(folder, name) for name in names_of(folder))


class Reference:
    """What a window must hold, read from wav and jsonl: the judge of every contestant."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, names_of(folder)
        self._recording = cache(lambda take: read_recording(folder, self._names[take]))

    def window(
        self, workload: Workload, take: int, start_frame: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The sound ``[N]`` (zeros past the take's end) and the curves ``[T, 52]`` of one window."""
        recording = self._recording(take)
        begin = first_sample(start_frame)
        heard = recording.audio[begin : begin + workload.n_samples]
        audio = np.zeros(workload.n_samples, np.float32)
        audio[: len(heard)] = heard.astype(np.float32) * PCM_SCALE
        return audio, recording.curves[start_frame : start_frame + workload.n_frames]

    def refuse_difference(self, workload: Workload, batch: Batch) -> None:
        """Compare a batch with the files, bit for bit.

        Raises:
            ValueError: naming the take, the frame and what differs.
        """
        shapes = tuple(batch["audio"].shape), tuple(batch["curves"].shape)
        size = workload.batch_size
        expected = (size, workload.n_samples), (size, workload.n_frames, len(NAMES))
        if shapes != expected:
            raise ValueError(f"batch of shapes {shapes}, expected {expected}")
        for row, (take, start) in enumerate(zip(batch["file_indices"].tolist(), batch["start_frames"].tolist())):
            truth = self.window(workload, take, start)
            for key, values in zip(("audio", "curves"), truth, strict=True):
                delivered = np.ascontiguousarray(batch[key][row])
                if delivered.dtype != np.float32 or delivered.tobytes() != values.tobytes():
                    raise ValueError(f"{self._names[take]}:{start}: {key} is not what the files hold")

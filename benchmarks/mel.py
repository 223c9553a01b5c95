"""Question: what does log-mel cost a window at stride 1, packed once, beside computing it for every window?

Command: python benchmarks/mel.py

At stride 1 each frame lies in 256 windows, so that a trainer which computes log-mel from the window computes it 256
times. Compared are: windows of the packed column as the loader delivers them (reading included), koekao's own
``LogMel`` by torch on the window's sound, and librosa's ``melspectrogram`` with the same bands (sound already in hand
for both). One process, one thread, the three by turns, medians over the rounds. The packed windows are first compared
with what torch computes from the window, over the frames that do not need sound from before it.

Result: a table in docs/benchmarks.md between the markers.

Reading: the ratio is how many times longer a window takes than packed. Packing itself is paid once; its line says how
many windows' worth of torch it costs. librosa steps by a whole number of samples and so drifts from the frames of
30 fps; at 25 fps it does not, and there both are compared first.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
import torch

import koekao
from koekao.features import LogMel, LogMelConfig
from koekao.features.logmel import POWER_FLOOR
from recordings import make_recordings
from tables import put_between_markers
from workloads import FPS, SAMPLE_RATE, WORKLOADS, visits

N_TAKES = 16
WINDOW = WORKLOADS["streams-1"]
CONFIG = LogMelConfig()
DOCS = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True, kw_only=True)
class Packing:
    """What packing the column once took, how much it is, and how many windows an epoch at stride 1 reads of it."""

    seconds: float
    n_bytes: int
    n_frames: int
    n_windows: int


def packed_corpus(folder: Path) -> tuple[Any, Packing]:
    """A corpus of made takes in ``folder`` with its mel column, packed anew to be timed."""
    make_recordings(folder / "takes", n=N_TAKES)
    shutil.rmtree(folder / "corpus", ignore_errors=True)
    koekao.pack(folder / "takes", folder / "corpus", koekao.PackConfig(val=0.0))
    corpus = koekao.open(folder / "corpus")
    began, before = time.perf_counter(), _size(folder / "corpus")
    koekao.pack_features(corpus, "mel")
    packing = Packing(
        seconds=time.perf_counter() - began,
        n_bytes=_size(folder / "corpus") - before,
        n_frames=int(corpus.n_frames.sum()),
        n_windows=len(visits(corpus.n_frames, WINDOW)[0]),
    )
    return koekao.open(folder / "corpus"), packing


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def endless(corpus: Any, *columns: str) -> Iterator[dict[str, Any]]:
    """Batches of the dense stream workload with these columns, epoch after epoch."""
    loader = corpus.streams(batch_size=WINDOW.batch_size, n_streams=2, drop_last=True, short="skip", columns=columns)
    for epoch in itertools.count():
        loader.set_epoch(epoch)
        yield from loader


def by_torch(features: LogMel, batch: dict[str, Any]) -> torch.Tensor:
    """``[B, T, C, M]`` from the windows' sound, each on its own frame times."""
    starts = batch["start_frames"]
    origin = features.frame_starts(starts)
    return features.raw(batch["audio"], first_frame=starts, n_frames=WINDOW.n_frames, origin_samples=origin)


def by_librosa(batch: dict[str, Any]) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """``[M, about T * C]`` of each window."""
    import librosa

    hop = round(SAMPLE_RATE / FPS / CONFIG.columns_per_frame)
    how: dict[str, Any] = {
        "n_fft": CONFIG.n_fft,
        "hop_length": hop,
        "n_mels": CONFIG.n_mels,
        "fmin": CONFIG.f_min_hz,
        "center": False,
    }
    mels = (librosa.feature.melspectrogram(y=sound, sr=SAMPLE_RATE, **how) for sound in batch["audio"].numpy())
    return [np.log(np.maximum(mel, 1e-9)) for mel in mels]


def refuse_difference(corpus: Any, features: LogMel) -> None:
    """Compare packed windows with what torch computes from the same windows' sound.

    Raises:
        ValueError: they differ by more than rounding.
    """
    unheard = -(-CONFIG.n_fft * FPS // SAMPLE_RATE) + 1  # the first frames hear what lies before the window
    for batch in itertools.islice(endless(corpus, "mel", "audio"), 0, 40, 8):
        computed = by_torch(features, batch)
        difference = float((batch["mel"] - computed)[:, unheard:].abs().max())
        if not difference < 1e-3:
            raise ValueError(f"packed and computed log-mel differ by {difference}")


def refuse_other_than_librosa(seconds: int = 20) -> None:
    """Compare with librosa where the definitions meet: at 25 fps a column's hop is 320 samples, and columns end alike.

    Raises:
        ValueError: they differ by more than rounding.
    """
    import librosa

    config = LogMelConfig(fps="25")
    sound = (0.1 * np.random.default_rng(0).standard_normal(seconds * SAMPLE_RATE)).astype(np.float32)
    ours = LogMel(config).raw(torch.from_numpy(sound)[None], first_frame=0, n_frames=25 * seconds).flatten(1, 2)
    begun = np.concatenate([np.zeros(config.n_fft - 320, np.float32), sound])
    bands: dict[str, Any] = {"n_mels": config.n_mels, "fmin": config.f_min_hz, "fmax": config.f_max_hz}
    power = librosa.feature.melspectrogram(
        y=begun, sr=SAMPLE_RATE, n_fft=config.n_fft, hop_length=320, center=False, **bands
    )
    difference = float(np.abs(np.log(np.maximum(power, POWER_FLOOR)).T - ours[0].numpy()).max())
    if not difference < 1e-4:
        raise ValueError(f"log-mel and librosa's differ by {difference}")
    print(f"largest difference from librosa's, where the definitions meet: {difference:.1g}")


def seconds_a_window(work: Callable[[], object], seconds: float) -> float:
    """How long one window takes, over about ``seconds`` of batches."""
    n_batches, began = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        work()
        n_batches += 1
    return elapsed / (n_batches * WINDOW.batch_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("out/benchmarks"), help="takes and corpus go here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="timed seconds of each in a round")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/ as it is")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.work / "mel"
    folder.mkdir(parents=True, exist_ok=True)
    corpus, packing = packed_corpus(folder)
    features = LogMel(CONFIG)
    refuse_difference(corpus, features)
    refuse_other_than_librosa()
    packed = endless(corpus, "mel")
    batch = {**next(endless(corpus, "audio"))}
    ways: dict[str, Callable[[], object]] = {
        "packed once, read by the loader": lambda: next(packed),
        "torch, on the window": lambda: by_torch(features, batch),
        "librosa, on the window": lambda: by_librosa(batch),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for work in ways.values():
        work()
    for _ in range(options.rounds):
        for name, work in ways.items():
            measured[name].append(seconds_a_window(work, options.seconds))
    text = report(measured, packing)
    print(text)
    if not options.no_docs:
        put_between_markers(DOCS / "benchmarks.md", "mel", text)


def report(measured: dict[str, list[float]], packing: Packing) -> str:
    """The table, ratios to the first row, and what packing cost."""
    packed, torch_s, *_ = (statistics.median(seconds) for seconds in measured.values())
    lines = ["| | µs a window [min-max] | × packed |", "| --- | ---: | ---: |"]
    for name, seconds in measured.items():
        middle = statistics.median(seconds)
        low, high = min(seconds) * 1e6, max(seconds) * 1e6
        lines.append(f"| {name} | {middle * 1e6:,.1f} [{low:,.1f}-{high:,.1f}] | {middle / packed:,.0f} |")
    hours = packing.n_frames / FPS / 3600
    lines += [
        "",
        f"Packing took {packing.seconds / hours:,.0f} s and {packing.n_bytes / hours / 1e6:,.0f} MB an hour of sound. "
        f"That is as long as torch takes for {packing.seconds / torch_s:,.0f} windows, of the {packing.n_windows:,} "
        "that an epoch at stride 1 of these takes has.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

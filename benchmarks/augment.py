"""Question: how many windows a second can be augmented on one core, and what does each effect cost?

Command: python benchmarks/augment.py

Windows of 256 frames (8.5 s at 16 kHz) of synthetic speech, in batches of 16 as a trainer holds them, augmented in
place by one thread. Timed is the processor's time of this process, not the clock on the wall: waiting for others on the
machine does not count. Medians over the rounds. Each effect is applied to every window, alone; then ``usual`` is
``AugmentConfig.usual()``, and ``everything`` has all effects on every window.

Result: usual 2.58 ms a window, 388 windows/s (353 and 421 in two other runs, for neighbours on the machine slow the
cache down); everything 9.52 ms, 105 windows/s. Alone, in ms: mirror 0.18, gain 0.17, time_shift 0.26, silence 0.57,
noise 1.12, tilt 1.36, equaliser 1.44, bands 1.40, reverb 1.67, formants 2.60, voice 3.56. One core of an AMD EPYC of
which others used both, numpy 2.1.3, scipy 1.17.1.

Reading: ``usual`` is what a training run pays. A filter costs what any number of filters costs, for they share a pass.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from fractions import Fraction

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
import torch

from koekao.batches import Batch
from koekao.clock import Clock
from koekao.takes.synthetic import make_take
from koekao.training.augmentation import Augmentation, AugmentConfig

CLOCK = Clock(16000, Fraction(30))
N_FRAMES = 256
N_ROWS = 16


def spoken_batch() -> Batch:
    """Sixteen windows of as many takes, as a loader delivers them."""
    n_samples = CLOCK.window_samples(N_FRAMES)
    takes = [make_take(seed, seconds=N_FRAMES / 30 + 1) for seed in range(N_ROWS)]
    sound = np.stack([take.audio[:n_samples] for take in takes]).astype(np.float32) / 32768
    curves = np.stack([take.curves[:N_FRAMES] for take in takes])
    return {
        "audio": torch.from_numpy(sound),
        "blendshapes": torch.from_numpy(curves),
        "file_indices": torch.arange(N_ROWS),
        "start_frames": torch.zeros(N_ROWS, dtype=torch.int64),
        "file_names": [take.name for take in takes],
        "valid_frames": torch.full((N_ROWS,), N_FRAMES),
        "frame_mask": torch.ones(N_ROWS, N_FRAMES, dtype=torch.bool),
    }


def configs() -> dict[str, AugmentConfig]:
    """What is measured, by name."""
    always = {name: {"probability": 1.0} for name in AugmentConfig().effects()}
    each = {name: AugmentConfig.from_dict({name: settings}) for name, settings in always.items()}
    return each | {"usual": AugmentConfig.usual(), "everything": AugmentConfig.from_dict(always)}


def ms_a_window(config: AugmentConfig, batch: Batch, n_batches: int, first_epoch: int) -> float:
    """Milliseconds of the processor's time a window; every batch begins as it was."""
    augmentation, spent_s = Augmentation(config, CLOCK, seed=0), 0.0
    for epoch in range(first_epoch, first_epoch + n_batches):
        fresh = batch | {key: batch[key].clone() for key in ("audio", "blendshapes")}
        began = time.process_time()
        augmentation(fresh, epoch=epoch)
        spent_s += time.process_time() - began
    return 1000 * spent_s / (n_batches * N_ROWS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=4, help="of 16 windows, of each configuration in a round")
    options = parser.parse_args()
    torch.set_num_threads(1)
    batch = spoken_batch()
    measured: dict[str, list[float]] = {name: [] for name in configs()}
    for config in configs().values():
        ms_a_window(config, batch, 1, 0)
    for number in range(options.rounds):
        for name, config in configs().items():
            measured[name].append(ms_a_window(config, batch, options.batches, number * options.batches))
    print(report(measured))


def report(measured: Mapping[str, list[float]]) -> str:
    """A table of milliseconds and windows a second."""
    lines = ["| | ms a window [min-max] | windows/s |", "| --- | ---: | ---: |"]
    for name, ms in measured.items():
        middle = statistics.median(ms)
        lines.append(f"| {name} | {middle:.2f} [{min(ms):.2f}-{max(ms):.2f}] | {1000 / middle:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

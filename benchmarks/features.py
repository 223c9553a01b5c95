"""Question: how much of one core do the two streams of features take, beside the sound's own length?

Command: python benchmarks/features.py

RTF is seconds of one core for a second of sound of one stream: 0.01 is a hundred times real time. Whole takes go
through ``FeatureStream.whole`` (packing, animation of files); live sound through ``FeatureStream.step`` in chunks of
300 ms, 100 ms and a frame, for one stream and for eight side by side. Synthetic speech at 16 kHz, 30 fps, default
settings, one thread. Time is that of the process (other work on the machine does not count as ours, though it fills the
caches), the ways by turns, medians over the rounds with the least and the most.

Result:

| RTF, median [least-most] | mel | prosody |
| --- | ---: | ---: |
| a whole take | 0.0003 [0.0003-0.0004] | 0.0030 [0.0029-0.0031] |
| live, 1 stream, 300 ms a step | 0.0013 [0.0012-0.0014] | 0.0070 [0.0069-0.0072] |
| live, 1 stream, 100 ms a step | 0.0028 [0.0028-0.0029] | 0.0143 [0.0142-0.0151] |
| live, 1 stream, a frame a step | 0.0080 [0.0079-0.0085] | 0.0351 [0.0347-0.0352] |
| live, 8 streams, 300 ms a step | 0.0004 [0.0004-0.0004] | 0.0024 [0.0023-0.0026] |
| live, 8 streams, 100 ms a step | 0.0006 [0.0006-0.0006] | 0.0032 [0.0031-0.0032] |
| live, 8 streams, a frame a step | 0.0013 [0.0013-0.0013] | 0.0060 [0.0060-0.0063] |

Measured on one of 2 cores (AMD EPYC), torch 2.13 for the CPU, 5 rounds.

Reading: the bar is 0.01 for a whole take; both streams together take a third of it. Live, a step of prosody makes some
hundreds of calls into torch whether it brings one frame or ten, and at these sizes the calls are nearly all of its
cost. So one stream a frame at a time does not meet the bar of a whole take (1.2 ms of each 33 ms frame); chunks of
300 ms or eight streams side by side do.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import torch
from torch import Tensor

import koekao
from koekao.features import FeatureStream, open_stream
from koekao.takes.take import as_float

SAMPLE_RATE = 16_000
WHOLE_S, LIVE_S = 60, 6
CHUNKS_SAMPLES = {"300 ms": 4800, "100 ms": 1600, "a frame": 533}
STREAMS = ("mel", "prosody")


def whole(stream: FeatureStream, audio: Tensor) -> None:
    stream.whole(audio, stream.clock.frame_at(audio.shape[1]))


def live(stream: FeatureStream, audio: Tensor, chunk_samples: int) -> None:
    state = stream.init_state(len(audio))
    for chunk in torch.split(audio, chunk_samples, dim=1):
        _, _, state = stream.step(chunk, state)


def ways_of(stream: FeatureStream, speech: Tensor) -> dict[str, tuple[Callable[[], None], float]]:
    """What is measured of a stream: name to the work, and the seconds of sound that it hears."""
    some = speech[:, : LIVE_S * SAMPLE_RATE]
    ways: dict[str, tuple[Callable[[], None], float]] = {
        "a whole take": (partial(whole, stream, speech), speech.shape[1] / SAMPLE_RATE)
    }
    for rows in (1, 8):
        for chunk, n_samples in CHUNKS_SAMPLES.items():
            name = f"live, {rows} stream{'s' * (rows > 1)}, {chunk} a step"
            ways[name] = (partial(live, stream, some.expand(rows, -1), n_samples), float(rows * LIVE_S))
    return ways


def measured(rounds: int) -> dict[str, dict[str, list[float]]]:
    """RTF of each round: stream to way to numbers."""
    speech = torch.from_numpy(as_float(koekao.make_take(1, seconds=WHOLE_S).audio).copy())[None]
    ways = {name: ways_of(open_stream(name, sample_rate=SAMPLE_RATE), speech) for name in STREAMS}
    found: dict[str, dict[str, list[float]]] = {name: {way: [] for way in ways[name]} for name in STREAMS}
    for i in range(rounds + 1):
        for name in STREAMS:
            for way, (work, seconds) in ways[name].items():
                began = time.process_time()
                work()
                if i:  # the first round warms up
                    found[name][way].append((time.process_time() - began) / seconds)
    return found


def report(found: dict[str, dict[str, list[float]]]) -> str:
    """A table: a row a way, a column a stream, RTF."""
    lines = ["| RTF, median [least-most] | " + " | ".join(STREAMS) + " |", "| --- |" + " ---: |" * len(STREAMS)]
    for way in found[STREAMS[0]]:
        cells = []
        for name in STREAMS:
            rtf = found[name][way]
            cells.append(f"{statistics.median(rtf):.4f} [{min(rtf):.4f}-{max(rtf):.4f}]")
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(report(measured(options.rounds)))


if __name__ == "__main__":
    main()

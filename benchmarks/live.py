"""Question: how late is a live face, and does an hour of it drift or grow?

Command: OMP_NUM_THREADS=1 python benchmarks/live.py [--seconds 60] [--hours 1]

The default stream model, untrained (what it says costs the same), one thread.

- **Way**: synthetic speech is spoken in real time, in blocks of 10 ms, at 16 and at 48 kHz, and Live Link packets go to
  a receiver on this machine. What is told is how long after the last sample it needs (the look-ahead and the filter of
  the resampling count as needed) a frame was decoded there; so waiting for the block to be full is in it.
- **Frame**: how long a push takes that makes a frame, without any waiting.
- **Pieces**: ten minutes in pieces of 1600, 533, 160 and 1 samples against the whole (``--pieces``, minutes).
- **Hour**: the same sound over and over in blocks of 10 ms as fast as it goes, at 44.1 kHz; frames are counted against
  the clock, and the memory of the process is read after ten minutes of it and at the end.

Result: see the README. Reading: waiting for a block of 10 ms is half of what there is; the rest is the model.
"""

from __future__ import annotations

import argparse
import gc
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.animation import Animator, animate
from koekao.animation.torch_engine import TorchEngine
from koekao.live.performance import Performance
from koekao.live.resampling import StreamResampler
from koekao.live.show import show
from koekao.live.sources import SpokenSource
from koekao.models import FaceModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from koekao.wire import loopback

BLOCK_S = Fraction(1, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--pieces", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    speech, model = as_float(make_take(5, seconds=60).audio), build("stream", {})
    model.fit_features(lambda: [speech])
    for rate in (16000, 48000):
        way(model, at_rate(speech, rate)[: int(args.seconds * rate)], rate)
    frame(model, speech)
    if args.pieces:
        pieces(model, np.tile(speech, 10))
    hour(model, at_rate(speech, 44100), 44100, args.hours)


class _Noted(SpokenSource):
    """Notes when it began: block n is there n blocks later."""

    began_s = 0.0

    def pace(self, n_samples: int, began_s: float) -> None:
        self.began_s = began_s
        super().pace(n_samples, began_s)


def way(model: FaceModel, sound: NDArray[np.float32], rate: int) -> None:
    performance, source = Performance(Animator(model), sample_rate=rate), _Noted(sound, rate, "speech")
    with loopback("livelink", fps=performance.fps) as (sink, receiver):
        shown = show(performance, source, [sink])
        sink.close()
        receiver.wait(shown.counts.shown, 2.0)
        received = receiver.frames
    last = Fraction(len(sound), rate) - performance.latency_s
    late_ms = [
        1000 * (each.at_s - source.began_s - float(each.time_s + performance.latency_s))
        for each in received
        if each.time_s is not None and each.time_s <= last
    ]
    told = ", ".join(f"{q} % {np.percentile(late_ms, q):.2f} ms" for q in (50, 99, 100))
    print(f"way, {rate} Hz: {len(received)} of {shown.frames} frames; beyond the declared latency of "
          f"{1000 * float(performance.latency_s):.1f} ms: {told}")  # fmt: skip


def frame(model: FaceModel, speech: NDArray[np.float32]) -> None:
    animator, took_ms, begin = Animator(model), [], 0
    for k in range(1, 1 + int(30 * len(speech) / 16000) - 1):
        end = model.clock.frame_start(k)
        before = time.perf_counter()
        made = animator.push(speech[begin:end])
        if len(made):
            took_ms.append(1000 * (time.perf_counter() - before))
        begin = end
    half, most = np.percentile(took_ms, 50), np.percentile(took_ms, 99)
    print(f"frame: {half:.2f} ms, 99 % {most:.2f} ms, of {len(took_ms)}")


def pieces(model: FaceModel, sound: NDArray[np.float32]) -> None:
    whole = animate(model, sound)
    for size in (1600, 533, 160, 1):
        animator = Animator(model)
        made = [animator.push(sound[i : i + size]) for i in range(0, len(sound), size)]
        off = np.abs(np.concatenate([*made, animator.finish()]) - whole).max()
        print(f"pieces of {size}: {len(whole)} frames, farthest from the whole {off:.1e}")


def hour(model: FaceModel, speech: NDArray[np.float32], rate: int, hours: float) -> None:
    performance, size = Performance(Animator(TorchEngine(model)), sample_rate=rate), int(BLOCK_S * rate)
    n_blocks, made, began, early = int(hours * 3600 / BLOCK_S), 0, time.perf_counter(), 0
    whole = len(speech) // size * size
    for i in range(n_blocks):
        at = i * size % whole
        made += len(performance.push(speech[at : at + size]).curves)
        if i == n_blocks // 6:
            early = kept_bytes()
    late = kept_bytes()
    made += len(performance.finish().curves)
    took_s, expected = time.perf_counter() - began, int(hours * 3600 * performance.fps)
    print(f"{hours:g} h in {took_s:.0f} s ({hours * 3600 / took_s:.0f} x real time): {made} frames of {expected}, "
          f"drift {performance.heard_s * 16000 - int(hours * 3600 * 16000)} samples, "
          f"memory {(late - early) / 2**20:+.2f} MB")  # fmt: skip


def kept_bytes() -> int:
    """Private memory of this process."""
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text("utf-8").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def at_rate(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    resampler = StreamResampler(16000, rate)
    return np.concatenate([resampler.push(sound), resampler.finish()])


if __name__ == "__main__":
    main()

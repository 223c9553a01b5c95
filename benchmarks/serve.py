"""Question: how many faces does one server animate live on two cores, how late are they, and does an hour hold?

Command: python benchmarks/serve.py [--sessions 10 25 50 75] [--seconds 20] [--hour-s 3600] [--run RUN]

``koekao serve`` runs as a process of its own, the clients in others: each session sends 20 ms of 16 kHz sound (or at
``--sample-rate``) every 20 ms, beginning at a moment of its own, and takes its frames as binary messages. A frame's
wait is from the moment at which the chunk with the last sample it needs (its own interval and what is declared)
was handed to the socket to the moment its message was there, on the one monotonic clock of the machine; so it holds
both ways through the socket, the wait for the step, and whatever the clients themselves are late. A frame is late if
its wait is longer than a frame. The first two seconds of each session do not count. Then one session sends
``--hour-s`` seconds of sound as fast as it is taken, and frames and memory are counted; memory is the server's own,
proportional set size, from one minute of sound on.

Result: 50 sessions of 16 kHz on two cores: wait p50 10.9, p99 18.9 ms, none late of 14,800, server 0.62 CPU s a
second; 10: 5.0 and 13.9 ms; 25: 7.6 and 15.5 ms; 75: 14.2 and 30.2 ms, 0.7 % late. That was with other work on both
cores (load 3), behind this in the order of the scheduler; at load 6, 50 sessions had 11.9 and 29.6 ms, 0.8 % late. At
48 kHz 25 sessions had 10.9 and 18.0 ms; 50 are too many there, for the change of rate takes what is left of the core.
An hour of sound in 49 s: 108,000 frames of 108,000, memory grown by 0.41 MB. The default model (180,000 weights).

Reading: the server's CPU is what one machine needs a session; the clients take the other core. What the hour is held
to: every frame there, each once and in order, and no more than 1 MB of growth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are imported

import numpy as np
from numpy.typing import NDArray

from koekao.clock import Clock
from koekao.serve.protocol import frames_of
from measures import cpu_s, memory_bytes

CHUNK_S = 0.02
WARM_S = 2.0
HELLO = {"koekao": 1, "format": "s16", "frames": "binary"}


@dataclass(frozen=True)
class Served:
    """A server process that listens."""

    process: subprocess.Popen[str]
    address: str

    @property
    def pid(self) -> int:
        return self.process.pid


def started(run: Path, sessions: int) -> Served:
    """``koekao serve`` on a free port."""
    words = [sys.executable, "-m", "koekao", "serve", str(run), "--port", "0", "--sessions", str(sessions), "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline() if process.stdout else ""
    return Served(process, json.loads(line)["address"])


def stopped(served: Served) -> dict[str, Any]:
    """The counts that it says at its end."""
    served.process.send_signal(signal.SIGTERM)
    said, _ = served.process.communicate(timeout=30)
    return dict(json.loads(said)["stopped"])


def own_view(served: Served) -> str:
    """What the server itself measured: its steps, and how long frames waited in it."""
    with urllib.request.urlopen(served.address.replace("ws:", "http:") + "/metrics") as page:
        lines = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if not line.startswith("#"))
    said = []
    for name in ("step", "wait"):
        ms = [1000 * float(lines[f'koekao_{name}_seconds{{quantile="{q}"}}']) for q in (0.5, 0.99)]
        said.append(f"{name} p50 {ms[0]:.1f}, p99 {ms[1]:.1f} ms")
    return ", ".join(said)


def pcm(seconds: float, sample_rate: int, seed: int) -> NDArray[np.int16]:
    """Noise that swells as syllables do; what it says costs the model nothing more or less."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    loud = 0.1 * (1 + np.sin(2 * np.pi * 4 * time_s))
    return (rng.normal(size=len(time_s)) * loud * 32767).clip(-32768, 32767).astype("<i2")


async def live_session(address: str, sample_rate: int, seconds: float, seed: int, begin_s: float) -> list[float]:
    """One client: the wait of every frame after the warm-up, in seconds."""
    from websockets.asyncio.client import connect

    sound, sent_s, waits = pcm(seconds, sample_rate, seed), list[float](), list[float]()
    chunk = round(CHUNK_S * sample_rate)
    async with connect(address, compression=None, proxy=None, ping_interval=None) as client:
        await client.send(json.dumps(HELLO | {"sample_rate": sample_rate}))
        hello = json.loads(await client.recv())
        clock, ahead = Clock(sample_rate, Fraction(hello["fps"])), 1 + hello["look_ahead_frames"]
        held = round((hello["latency_s"] - float(ahead / clock.fps)) * sample_rate)  # by the change of rate

        async def speak() -> None:
            for number, first in enumerate(range(0, len(sound), chunk)):
                await asyncio.sleep(begin_s + number * CHUNK_S - time.monotonic())
                sent_s.append(time.monotonic())
                await client.send(sound[first : first + chunk].tobytes())
            await client.send('{"end": true}')

        speaking = asyncio.create_task(speak())
        async for message in client:
            now_s = time.monotonic()
            if isinstance(message, str):
                break
            number, curves, _ = frames_of(message)
            for frame in range(number, number + len(curves)):
                needs = (clock.frame_start(frame + ahead) + held - 1) // chunk
                if frame / clock.fps > WARM_S and needs < len(sent_s):  # after the end it waits for nothing
                    waits.append(now_s - sent_s[needs])
        await speaking
    return waits


def clients(out: Connection, address: str, sample_rate: int, seconds: float, seeds: list[int], begin_s: float) -> None:
    """A process of clients."""

    async def all_of_them() -> list[list[float]]:
        phases = np.random.default_rng(seeds[0]).uniform(0, 1, len(seeds))
        return await asyncio.gather(
            *(live_session(address, sample_rate, seconds, seed, begin_s + p) for seed, p in zip(seeds, phases))
        )

    out.send(asyncio.run(all_of_them()))


def live(run: Path, n: int, seconds: float, sample_rate: int, n_processes: int) -> None:
    """Print a line about ``n`` sessions at once."""
    served = started(run, n)
    context = multiprocessing.get_context("spawn")
    begin_s = time.monotonic() + 3 + n * 0.02  # the clients have to be there
    pipes, processes = [], []
    for k in range(min(n_processes, n)):
        receiver, sender = context.Pipe(duplex=False)
        seeds = list(range(k, n, n_processes))
        process = context.Process(target=clients, args=(sender, served.address, sample_rate, seconds, seeds, begin_s))
        process.start()
        pipes.append(receiver)
        processes.append(process)
    time.sleep(max(0.0, begin_s + WARM_S - time.monotonic()))
    before_s, began_s = cpu_s([served.pid]), time.monotonic()
    time.sleep(seconds - WARM_S - 1)
    used, load = (cpu_s([served.pid]) - before_s) / (time.monotonic() - began_s), os.getloadavg()[0]
    waits = np.array([wait for pipe in pipes for session in pipe.recv() for wait in session])
    for process in processes:
        process.join()
    own, counts = own_view(served), stopped(served)
    ms = 1000 * np.quantile(waits, [0.5, 0.9, 0.99, 1.0])
    print(
        f"{n:3d} sessions, {sample_rate} Hz: wait p50 {ms[0]:.1f}, p90 {ms[1]:.1f}, p99 {ms[2]:.1f}, most {ms[3]:.1f} "
        f"ms; late {np.mean(waits > 1 / 30):.3%} of {len(waits)}; server {used:.2f} CPU s/s; load {load:.1f}; "
        f"by itself: {own}; {counts}",
        flush=True,
    )


async def hour(address: str, pid: int, seconds: float, sample_rate: int) -> None:
    """Print a line about one session that sends ``seconds`` of sound as fast as it is taken."""
    from websockets.asyncio.client import connect

    minute, frames, memory = pcm(60, sample_rate, 0).tobytes(), 0, dict[int, int]()
    began_s = time.monotonic()
    async with connect(address, compression=None, proxy=None, ping_interval=None) as client:
        await client.send(json.dumps(HELLO | {"sample_rate": sample_rate}))
        fps = Fraction(json.loads(await client.recv())["fps"])

        async def speak() -> None:
            for _ in range(round(seconds / 60)):
                for first in range(0, len(minute), 8192):
                    await client.send(minute[first : first + 8192])
            await client.send('{"end": true}')

        speaking = asyncio.create_task(speak())
        async for message in client:
            if isinstance(message, str):
                said = json.loads(message)
                break
            first, curves, _ = frames_of(message)
            if first != frames:
                raise ValueError(f"frame {first} came where {frames} is due")
            frames += len(curves)
            if int(frames / fps) // 60 not in memory:
                memory[int(frames / fps) // 60] = memory_bytes([pid])
        await speaking
    wanted = Clock(sample_rate, fps).frames_covering(round(seconds / 60) * len(minute) // 2)
    took_s, after = time.monotonic() - began_s, [n for minute_, n in memory.items() if minute_ >= 1]
    growth = (after[-1] - after[0]) / 1e6
    print(
        f"{seconds:.0f} s of sound in {took_s:.0f} s ({seconds / took_s:.0f} times real time): {frames} frames of "
        f"{wanted}, {said['samples']} samples; memory {after[0] / 1e6:.1f} MB after a minute, growth {growth:.2f} MB, "
        f"at most {(max(after) - after[0]) / 1e6:.2f} MB; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def made_run(folder: Path) -> Path:
    """A run of the default model on synthetic takes, if there is none yet; what it has learnt does not matter."""
    import koekao
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic.making import make_take

    if not (folder / "run" / "run.json").is_file():
        for seed in range(3):
            take = make_take(seed, seconds=10)
            write_take(folder / "takes", f"take_{seed}", take.audio, take.sample_rate, take.curves, take.fps)
        koekao.pack(folder / "takes", folder / "corpus", koekao.PackConfig(val=0.3))
        koekao.train(folder / "corpus", folder / "run", max_steps=5, validations=1, device="cpu")
    return folder / "run"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, help="a run; one of the default model is made where not given")
    parser.add_argument("--work", type=Path, default=Path("out/benchmarks/serve"))
    parser.add_argument("--sessions", type=int, nargs="*", default=[10, 25, 50, 75])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--sample-rate", type=int, default=16000)
    parser.add_argument("--processes", type=int, default=1, help="of clients")
    parser.add_argument("--hour-s", type=float, default=3600.0)
    options = parser.parse_args()
    run = options.run or made_run(options.work)
    for n in options.sessions:
        live(run, n, options.seconds, options.sample_rate, options.processes)
    if options.hour_s:
        served = started(run, 64)
        asyncio.run(hour(served.address, served.pid, options.hour_s, options.sample_rate))
        print(stopped(served))


if __name__ == "__main__":
    main()

"""Question: how much of the mouth can be told from the sound by the small network that sync is measured with?

Command: python benchmarks/hearing.py [--write]

It trains the network of :mod:`koekao.takes.doctor.hearing` anew, on 580 synthetic takes of 40 s: one half in the
built-in voices, the other in voices drawn at random. Their band energies get the colour of a random microphone, three
in four the noise of a room; an eighth loses the upper bands, as sound of a low sample rate does. With ``--write`` the
weights replace those in the package, as float16. Everything is drawn from seeds; the last bits depend on the machine's
arithmetic.

Result (20 takes that were not trained on): explained variance of

    jawOpen 0.94, jawForward 0.89, mouthClose 0.72, mouthFunnel 0.83, mouthPucker 0.78, mouthPress 0.72,
    mouthRollLower 0.73, mouthRollUpper 0.73, mouthShrugLower 0.76, mouthShrugUpper 0.79, mouthLowerDown 0.88,
    mouthUpperUp 0.87, mouthStretch 0.85, mouthSmile 0.85, mouthDimple 0.84, cheekPuff 0.73, noseSneer 0.88,
    tongueOut 0.60

Reading: the jaw is heard well, closed lips less (a /p/ is silent, as a pause is). For time that is plenty: see
``benchmarks/sync.py``.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from koekao.takes.doctor.hearing import CONTEXT, MOUTH, N_BANDS, RATE_HZ, band_energies, mouth_of, normalised
from koekao.takes.synthetic import VOICES, Voice, make_take

SECONDS, FPS, FIRST_SEED = 40.0, 50, 6_000_000
N_TAKES, N_HELD_OUT = 600, 20
HIDDEN = (192, 96)
STEPS, BATCH, LEARNING_RATE = 10_000, 4096, 2e-3
WEIGHTS = Path(__file__).resolve().parent.parent / "src/koekao/takes/doctor/hearing.npz"


def lesson(number: int) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """One take as it is heard ``[moments, 16]`` and seen ``[rows, 18]``, two moments a row."""
    rng = np.random.default_rng([777, number])
    voice = list(VOICES.values())[number // 2 % len(VOICES)] if number % 2 else _any_voice(rng)
    take = make_take(FIRST_SEED + number, seconds=SECONDS, voice=voice, fps=FPS)
    bands = band_energies(take.audio, take.sample_rate)
    heard = None if bands is None else normalised(_in_a_room(bands, rng, quiet=number % 4 == 0))
    if heard is None:
        raise ValueError(f"take {number} is silent")
    n_rows = int(SECONDS * FPS)
    return heard[: 2 * n_rows].astype(np.float16), mouth_of(take.curves)[:n_rows].astype(np.float16)


def _any_voice(rng: np.random.Generator) -> Voice:
    return Voice(
        name="any",
        pitch_hz=rng.uniform(75, 320),
        formant_scale=rng.uniform(0.85, 1.4),
        breath=rng.uniform(0, 0.7),
        rate=rng.uniform(0.8, 1.25),
        slope_db=rng.uniform(3.5, 8),
    )


def _in_a_room(bands: NDArray[np.float32], rng: np.random.Generator, *, quiet: bool) -> NDArray[np.float32]:
    """The band energies through a random microphone, with noise 15 to 50 dB below the loud moments unless quiet."""
    slant = np.linspace(-1, 1, N_BANDS)
    bands = bands * np.exp(rng.normal(0, 1) * slant + rng.normal(0, 0.3, N_BANDS)).astype(np.float32)
    if not quiet:
        below = 10 ** -rng.uniform(1.5, 5)
        shape = np.exp(rng.normal(0, 1) * slant)
        level = np.quantile(bands.sum(axis=1), 0.9) * below / shape.sum()
        bands = bands + (level * shape * rng.gamma(3, 1 / 3, bands.shape)).astype(np.float32)
    if rng.random() < 0.12:
        bands[:, -3:] = np.nan
    return bands


def train(heard: torch.Tensor, seen: torch.Tensor) -> tuple[torch.nn.Sequential, list[float]]:
    """The network, and what it explains of each curve in the held-out takes, which are the first."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(len(CONTEXT) * N_BANDS, HIDDEN[0]),
        torch.nn.Tanh(),
        torch.nn.Linear(HIDDEN[0], HIDDEN[1]),
        torch.nn.Tanh(),
        torch.nn.Linear(HIDDEN[1], len(MOUTH)),
    )
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _share_of_rate)
    draws = torch.Generator().manual_seed(0)
    n_takes, n_rows = seen.shape[:2]
    edge = CONTEXT[-1] * FPS // RATE_HZ

    def rows(take: torch.Tensor, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        moments = (row * (RATE_HZ // FPS))[:, None] + torch.tensor(CONTEXT)
        return heard[take[:, None], moments].flatten(1).float(), seen[take, row]

    for step in range(STEPS):
        take = torch.randint(N_HELD_OUT, n_takes, (BATCH,), generator=draws)
        inputs, wanted = rows(take, torch.randint(edge, n_rows - edge, (BATCH,), generator=draws))
        loss = torch.nn.functional.mse_loss(net(inputs), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 1000 == 0:
            print(f"step {step}: {loss.item():.4f}", flush=True)
    with torch.no_grad():
        take = torch.arange(N_HELD_OUT).repeat_interleave(n_rows - 2 * edge)
        inputs, wanted = rows(take, torch.arange(edge, n_rows - edge).repeat(N_HELD_OUT))
        explained = 1 - (net(inputs) - wanted).square().mean(0) / wanted.var(0)
    return net, explained.tolist()


def _share_of_rate(step: int) -> float:
    """Of the learning rate: half a cosine down to 0.3 %."""
    return 0.5 * (1 + math.cos(math.pi * step / STEPS)) + 0.003


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="replace the weights in the package")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with multiprocessing.Pool(options.processes) as pool:
        lessons = pool.map(lesson, range(N_TAKES), chunksize=10)
    torch.set_num_threads(options.processes)
    heard = torch.from_numpy(np.stack([sound for sound, _ in lessons]))
    seen = torch.from_numpy(np.stack([mouth for _, mouth in lessons])).float()
    deviation, mean = torch.std_mean(seen, dim=(0, 1))
    net, explained = train(heard, (seen - mean) / deviation)
    print(", ".join(f"{name} {share:.2f}" for name, share in zip(MOUTH, explained)))
    if options.write:
        _write(net)


def _write(net: torch.nn.Sequential) -> None:
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    arrays = {
        "in": state["0.weight"].T.reshape(len(CONTEXT), N_BANDS, HIDDEN[0]),
        "in_bias": state["0.bias"],
        "mid": state["2.weight"].T,
        "mid_bias": state["2.bias"],
        "out": state["4.weight"].T,
        "out_bias": state["4.bias"],
    }
    halves: dict[str, Any] = {name: np.ascontiguousarray(array, np.float16) for name, array in arrays.items()}
    np.savez(WEIGHTS, **halves)


if __name__ == "__main__":
    main()

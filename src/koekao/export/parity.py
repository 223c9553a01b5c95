"""The exported step beside torch's, frame by frame over the same sound: what a file must pass to be published.

Both go through the bookkeeping that users go through (:class:`koekao.animation.Animators`), two rows at a time, in
chunks of random size, each row its own, so that rows stand at different frames and steps are of every length. The sound
is made here: bursts of a buzz and of noise with pauses between, loud and soft, for a model that is right in noise alone
may be wrong in silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from koekao.animation import Animators
from koekao.animation.engine import Engine

N_ROWS = 2


def largest_difference(one: Engine, other: Engine, n_frames: int, rng: np.random.Generator) -> float:
    """The largest difference of any curve over ``n_frames`` frames (about) of each of two rows."""
    n_samples = one.clock.frame_start(n_frames + one.look_ahead_frames)
    sound = np.stack([made_sound(n_samples, one.clock.sample_rate, rng) for _ in range(N_ROWS)])
    animators = Animators(one, N_ROWS), Animators(other, N_ROWS)
    at, largest = np.zeros(N_ROWS, np.int64), 0.0
    second = one.clock.sample_rate
    while (at < n_samples).any():
        size = np.minimum(
            rng.choice([0, second // 100, second // 30, second // 10, 2 * second], N_ROWS), n_samples - at
        )
        chunk = np.zeros((N_ROWS, int(size.max())), np.float32)
        for row in range(N_ROWS):
            chunk[row, : size[row]] = sound[row, at[row] : at[row] + size[row]]
        made = [a.push(chunk, size).curves for a in animators]
        at += size
        largest = max(largest, _difference(*made))
    return max(largest, _difference(*(a.finish().curves for a in animators)))


def made_sound(n_samples: int, sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """``[n_samples]`` float32 in [-1, 1]: syllables of a tenth of a second, some voiced, some hissed, some none."""
    sound = np.zeros(n_samples)
    at = 0
    while at < n_samples:
        n = int(rng.uniform(0.04, 0.2) * sample_rate)
        t = np.arange(n) / sample_rate
        pitch, level = rng.uniform(80, 300), 10 ** rng.uniform(-3, -0.3)
        buzz = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 12)) / 2
        kind = (buzz, rng.normal(0, 0.3, n), np.zeros(n))[rng.integers(3)]
        part = (level * np.sin(np.pi * t * sample_rate / n) * kind)[: n_samples - at]
        sound[at : at + len(part)] = part
        at += n
    return np.clip(sound, -1, 1).astype(np.float32)


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Infinite where one of them is no number."""
    worst = float(np.abs(one - other).max(initial=0.0))
    return worst if np.isfinite(worst) else float("inf")

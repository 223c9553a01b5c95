"""The power spectrum of real pieces as two matrix products, for graphs that shall run anywhere.

Shapes: n pieces of N samples, N = P * Q.

With sample n = P q + p and bin k = k1 + Q k2 the transform falls into P transforms of Q samples, a turn of each result
by exp(-2 pi i p k1 / N), and Q transforms of P of those (Cooley and Tukey, "An Algorithm for the Machine Calculation of
Complex Fourier Series", 1965). P is the factor of N nearest to its root: for 1024 samples 32 by 32, tables of 29 KB.

Turned down: ONNX's DFT operator, as exact but 2.5 times slower in onnxruntime (19 beside 8 microseconds a piece of
1024 on one core, benchmarks/export.py) and missing from GPU backends; one product with a table of all angles, 4 MB and
24 microseconds; that product folded in half by symmetry, 2 MB and 13 microseconds, and twice the rounding.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn


class PowerSpectrum(nn.Module):
    """``[n, N]`` real to ``[n, N // 2 + 1]``, the squared magnitude of each bin; as ``abs(rfft)**2`` to rounding."""

    first: Tensor
    turn_real: Tensor
    turn_imaginary: Tensor
    second: Tensor

    def __init__(self, n_samples: int) -> None:
        super().__init__()
        self.n_bins = n_samples // 2 + 1
        self.p = max(p for p in range(1, math.isqrt(n_samples) + 1) if n_samples % p == 0)
        self.q = n_samples // self.p
        self.n_second = self.p // 2 + 1  # the bins above half mirror those below
        inner = 2 * np.pi / self.q * np.outer(np.arange(self.q), np.arange(self.q))
        turn = 2 * np.pi / n_samples * np.outer(np.arange(self.p), np.arange(self.q))
        outer = 2 * np.pi / self.p * np.outer(np.arange(self.p), np.arange(self.n_second))
        self.register_buffer("first", _table(np.hstack([np.cos(inner), -np.sin(inner)])))
        self.register_buffer("turn_real", _table(np.cos(turn)))
        self.register_buffer("turn_imaginary", _table(-np.sin(turn)))
        rows = [np.hstack([np.cos(outer), -np.sin(outer)]), np.hstack([np.sin(outer), np.cos(outer)])]
        self.register_buffer("second", _table(np.vstack(rows)))

    def forward(self, pieces: Tensor) -> Tensor:
        by_phase = pieces.view(-1, self.q, self.p).transpose(1, 2)  # [n, P, Q]
        inner = by_phase @ self.first
        real, imaginary = inner[..., : self.q], inner[..., self.q :]
        turned = torch.cat(
            [
                real * self.turn_real - imaginary * self.turn_imaginary,
                real * self.turn_imaginary + imaginary * self.turn_real,
            ],
            1,
        )
        outer = turned.transpose(1, 2) @ self.second  # [n, Q, 2 * n_second], bin k1 + Q k2 at [k1, k2]
        real, imaginary = outer[..., : self.n_second], outer[..., self.n_second :]
        power = real * real + imaginary * imaginary
        return power.transpose(1, 2).flatten(1)[:, : self.n_bins]


def _table(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))

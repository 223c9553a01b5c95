"""Keyed order without a stored permutation.

A shuffled epoch is a bijection on the window numbers, not a list of them: a Feistel network over the smallest even
number of bits that holds ``n``, walked until it falls below ``n`` (cycle walking, Black and Rogaway 2002). Six rounds
of the SplitMix64 finaliser (Steele, Lea, Flood 2014) mix each half. It needs no memory, gives entry *i* of a billion
in microseconds, and depends on nothing but (seed, epoch, purpose): not on numpy's generators, workers or listing order.

What it gives up: it is not cryptographic, and with a handful of windows not every permutation can occur.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 6
_BLOCK = 1 << 16  # entries at a time: the dozen arrays between the rounds stay in the cache and cost no memory


def keys(n: int, *what: object) -> NDArray[np.uint64]:
    """``n`` 64-bit keys from anything printable, by SHA-256 in counter mode."""
    text = repr(what).encode()
    digests = (hashlib.sha256(b"%d:" % i + text).digest()[:8] for i in range(n))
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def mix64(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The SplitMix64 finaliser, elementwise: every output bit depends on every input bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Permutation:
    """A bijection on ``0 .. n-1`` chosen by what it is named after.

    >>> order = Permutation(10, "golden", 0)
    >>> sorted(order(np.arange(10)).tolist()) == list(range(10))
    True
    """

    def __init__(self, n: int, *what: object) -> None:
        self.n = n
        self._half_bits = np.uint64(max(1, ((n - 1).bit_length() + 1) // 2))
        self._mask = np.uint64((1 << int(self._half_bits)) - 1)
        self._keys = keys(_ROUNDS, n, *what)

    def __call__(self, index: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The entries at ``index`` (any shape, each in 0..n-1), int64."""
        places = np.ravel(index)
        entries = np.empty(places.shape, np.int64)
        for begin in range(0, len(places), _BLOCK):
            entries[begin : begin + _BLOCK] = self._entries(places[begin : begin + _BLOCK].astype(np.uint64))
        return entries.reshape(np.shape(index))

    def all(self) -> NDArray[np.int32]:
        """Every entry in order, int32 (n up to 2**31); no array of places is made for it."""
        entries = np.empty(self.n, np.int32)
        for begin in range(0, self.n, _BLOCK):
            end = min(begin + _BLOCK, self.n)
            entries[begin:end] = self._entries(np.arange(begin, end, dtype=np.uint64))
        return entries

    def _entries(self, x: NDArray[np.uint64]) -> NDArray[np.uint64]:
        x = self._network(x)
        outside = np.flatnonzero(x >= np.uint64(self.n))
        while len(outside):
            x[outside] = self._network(x[outside])
            outside = outside[x[outside] >= np.uint64(self.n)]
        return x

    def _network(self, x: NDArray[np.uint64]) -> NDArray[np.uint64]:
        left, right = x >> self._half_bits, x & self._mask
        for key in self._keys:
            left, right = right, left ^ (mix64(right + key) & self._mask)
        return (left << self._half_bits) | right


def draw_below(widths: NDArray[np.int64], *what: object) -> NDArray[np.int64]:
    """One whole number in ``0 .. widths[j]-1`` for each j (widths up to 2**32), keyed by ``what``."""
    (key,) = keys(1, *what)
    bits = mix64(np.arange(1, len(widths) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key)
    return ((bits >> np.uint64(32)) * widths.astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def window_generator(seed: int, epoch: int, take: int, start_frame: int) -> np.random.Generator:
    """The generator of one window in one epoch: what is drawn for it depends on no worker and no rank."""
    key = keys(2, "window", int(seed), int(epoch), int(take), int(start_frame))
    return np.random.Generator(np.random.Philox(key=key))

"""Damaged input by the hundred thousand: a reader answers with a value or a koekao error, quickly, or it is broken.

A case is a function of (seed file, number): whole files are cut, bytes flipped, pieces doubled, moved and swapped
between files, and the words that parsers stumble over put in. So a case that was found is named by its number, and the
same number is the same case anywhere. Readers of your own can be held to it:

    for number in range(100_000):
        hold(number, seeds, lambda data: my_reader(data))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from koekao.errors import KoekaoError

LONGEST_CASE_S = 1.0
"""CPU seconds that one case may take."""

_WORDS = (
    *(b"NaN", b"nan", b"Infinity", b"-inf", b"1e999", b"-1e999", b"1e-999", b"1_0", b"0,5", b"0x1p3", b"+.5e+", b"--1"),
    *(b"9" * 400, b"0" * 400, b"-0.0", b"true", b"null", b"None", b'""', b"''", b"\\u0000", b'"\\ud800"'),
    *(b"[" * 3000, b'{"a":' * 3000, b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", "０．５".encode(), "٣".encode()),
    *(b"\r\n", b"\n\n", b"\r", b"\t", b";", b",", b",,", b'"', b"'", b"\\", b"}", b"]", b":", b"#", b"|", b"&", b"="),
    *(b"24:00:00:00", b"00:00:59:99.999", b"-1", b"1e308", b"18446744073709551616", b"4294967295", b"2147483648"),
    *((-1 % (1 << 32)).to_bytes(4, "little"), (1 << 31).to_bytes(4, "little"), (0).to_bytes(8, "little")),
)
_MOST_BYTES = 1 << 20


def case(number: int, seeds: Sequence[bytes]) -> bytes:
    """Case ``number``: one of the seeds with one to six damages."""
    rng = np.random.default_rng([0xF022, number])
    data = bytearray(seeds[int(rng.integers(len(seeds)))])
    for _ in range(int(rng.integers(1, 7))):
        damage = _DAMAGES[int(rng.integers(len(_DAMAGES)))]
        damage(data, rng, seeds)
        del data[_MOST_BYTES:]
    return bytes(data)


def hold(number: int, seeds: Sequence[bytes], read: Callable[[bytes], Any]) -> bool:
    """Read one case; whether it was read (True) or refused with a koekao error (False).

    Raises:
        AssertionError: any other exception, or more than :data:`LONGEST_CASE_S` of CPU time.
    """
    data = case(number, seeds)
    began_s = time.process_time()
    try:
        read(data)
        was_read = True
    except KoekaoError as error:
        if not error.what or not str(error):
            raise AssertionError(f"case {number}: an error that says nothing") from error
        was_read = False
    except Exception as error:
        raise AssertionError(f"case {number}: {type(error).__name__}: {error}") from error
    took_s = time.process_time() - began_s
    if took_s > LONGEST_CASE_S:
        raise AssertionError(f"case {number}: took {took_s:.1f} s of CPU time")
    return was_read


Damage = Callable[[bytearray, np.random.Generator, Sequence[bytes]], None]


def _place(data: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(len(data) + 1))


def _piece(data: bytes | bytearray, rng: np.random.Generator) -> slice:
    """A piece of mostly some bytes, seldom a large part."""
    begin = int(rng.integers(len(data) + 1))
    return slice(begin, begin + int(rng.exponential(1 + len(data) * float(rng.choice([0.002, 0.02, 0.3])))))


def _flip(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    for place in rng.integers(0, max(1, len(data)), int(rng.integers(1, 5))).tolist():
        if place < len(data):
            data[place] ^= 1 << int(rng.integers(8))


def _set(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    place = _place(data, rng)
    if place < len(data):
        data[place] = int(rng.integers(256))


def _cut(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    del data[_place(data, rng) :]


def _remove(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    del data[_piece(data, rng)]


def _double(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    place = _place(data, rng)
    data[place:place] = data[_piece(data, rng)]


def _word(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    place, word = _place(data, rng), _WORDS[int(rng.integers(len(_WORDS)))]
    end = place + (int(rng.integers(len(word) + 1)) if rng.random() < 0.5 else 0)
    data[place:end] = word


def _digit(data: bytearray, rng: np.random.Generator, _: Sequence[bytes]) -> None:
    """Another number where a number stands."""
    digits = [place for place in range(len(data)) if 48 <= data[place] <= 57]
    if digits:
        place = digits[int(rng.integers(len(digits)))]
        data[place : place + 1] = [b"9", b"-", b".", b"e", b"999999", b" ", b""][int(rng.integers(7))]


def _other(data: bytearray, rng: np.random.Generator, seeds: Sequence[bytes]) -> None:
    """A piece of another file."""
    other = seeds[int(rng.integers(len(seeds)))]
    place = _place(data, rng)
    data[place:place] = other[_piece(other, rng)]


_DAMAGES: tuple[Damage, ...] = (_flip, _set, _cut, _remove, _double, _word, _digit, _other)

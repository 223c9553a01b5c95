"""The words of takes (names, speakers, splits) as sequences over the index, without a Python string for each.

They read like tuples of str: ``names[3]``, ``"a" in names``, ``names == ("a", "b")``; a slice is a tuple. A million
names as Python strings are 80 MB and half a second; here they stay the bytes that were read. What that gives up: an
item costs most of a microsecond, where a tuple's costs a twentieth of that.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from koekao.corpus.viewed import viewed

_PIECE = 4096  # strings that are made at a time while one iterates


class Words(Sequence[str]):
    """What names and labels share: the manners of a tuple of str."""

    @abstractmethod
    def at(self, rows: NDArray[np.int64]) -> Words:
        """The words of ``rows`` (``[m]`` int64, in any order), over the same bytes."""

    @abstractmethod
    def _piece(self, start: int, stop: int) -> list[str]: ...

    @abstractmethod
    def _one(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if not isinstance(row, slice):
            n = len(self)
            if not -n <= row < n:
                raise IndexError(f"take {row} of {n}")
            return self._one(int(row) % n)
        start, stop, step = row.indices(len(self))
        if step == 1:
            return tuple(self._piece(start, max(start, stop)))
        return tuple(self.at(np.arange(start, stop, step)))

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _PIECE):
            yield from self._piece(start, min(start + _PIECE, len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Words, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __add__(self, other: Sequence[str]) -> tuple[str, ...]:
        return (*self, *other)

    def __mul__(self, times: int) -> tuple[str, ...]:
        return tuple(self) * times

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3]))
        return f"({shown}, ... {len(self)} in all)" if len(self) > 3 else repr(tuple(self))


class Names(Words):
    """Names of takes, which rise: finding one is a matter of halving.

    Args:
        array: pyarrow strings, each greater than the one before.
        rows: which of them, rising; all where not given.
    """

    def __init__(self, array: Any, rows: NDArray[np.int64] | None = None) -> None:
        self._array, self._rows = array, rows

    def __reduce__(self) -> tuple[Any, ...]:
        mine = self._array if self._rows is None else self._array.take(pa.array(self._rows))
        return Names, (mine,)

    def __len__(self) -> int:
        return len(self._array) if self._rows is None else len(self._rows)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self[(place := bisect_left(self, name)) : place + 1] == (name,)

    def index(self, name: str, start: int = 0, stop: int | None = None) -> int:
        place = bisect_left(self, name)
        if name not in self or place not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{name!r} is not among the names")
        return place

    def count(self, name: str) -> int:
        return int(name in self)

    def at(self, rows: NDArray[np.int64]) -> Names:
        return Names(self._array, rows if self._rows is None else self._rows[rows])

    def among(self, wanted: Iterable[str]) -> NDArray[np.bool_]:
        """``[n]``: whether each name is one of ``wanted``."""
        import pyarrow.compute as pc  # 4 MB, in processes that choose by name alone

        as_bytes = pa.array([name.encode("utf-8", "surrogatepass") for name in wanted], pa.binary())
        found = pc.is_in(self._array.cast(pa.binary()), value_set=as_bytes).to_numpy(zero_copy_only=False)
        chosen: NDArray[np.bool_] = found if self._rows is None else found[self._rows]
        return chosen

    def near(self, name: str, most: int = 2000) -> tuple[str, ...]:
        """At most ``most`` names around the place where ``name`` would stand."""
        place = max(0, min(bisect_left(self, name) - most // 2, len(self) - most))
        return self[place : place + most]

    def _one(self, row: int) -> str:
        name: str = self._array[row if self._rows is None else int(self._rows[row])].as_py()
        return name

    def _piece(self, start: int, stop: int) -> list[str]:
        some = self._array[start:stop] if self._rows is None else self._array.take(pa.array(self._rows[start:stop]))
        names: list[str] = some.to_pylist()
        return names


class Labels(Words):
    """Few different words for many takes: speakers, splits.

    Args:
        words: the different ones.
        codes: ``[n]`` integers, the place in ``words`` of each take's.
    """

    def __init__(self, words: tuple[str, ...], codes: NDArray[Any]) -> None:
        self._words, self._codes = words, codes

    @classmethod
    def of(cls, column: Any) -> Labels:
        """A dictionary-encoded column of Arrow without empty cells, viewed where it lies."""
        return cls(tuple(column.dictionary.to_pylist()), viewed(column.indices))

    def __reduce__(self) -> tuple[Any, ...]:
        return Labels, (self._words, self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __contains__(self, word: object) -> bool:
        return word in self._words and bool(self.where(str(word)).any())

    def at(self, rows: NDArray[np.int64]) -> Labels:
        return Labels(self._words, self._codes[rows])

    def where(self, word: str) -> NDArray[np.bool_]:
        """``[n]``: whether the word of each take is this one."""
        return np.isin(self._codes, [code for code, known in enumerate(self._words) if known == word])

    def _one(self, row: int) -> str:
        word: str = self._words[self._codes[row]]
        return word

    def _piece(self, start: int, stop: int) -> list[str]:
        return [self._words[code] for code in self._codes[start:stop].tolist()]

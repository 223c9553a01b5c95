"""An opened corpus: takes as views of memory-mapped files.

Opening reads ``corpus.json`` and the index, nothing else; shards are mapped when a take of theirs is first asked for,
and views point straight into the map. A :class:`Corpus` is a value: :meth:`Corpus.select` gives another one over fewer
takes with the same id and the same maps, and a pickled one leaves its maps behind and opens them anew where it arrives.

What it gives up: the corpus must stay where it is while it is open. A shard first mapped after the folder was replaced
is refused; one truncated in place under a live map ends the process, as with any memory map.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.arkit import N_CURVES
from koekao.clock import Clock
from koekao.corpus.header import Header, read_header
from koekao.corpus.index import numbers, read_index
from koekao.corpus.split import SPLITS
from koekao.errors import ConfigError, CorpusError
from koekao.takes.take import Source, Take

_NUMBERS = ("n_frames", "n_samples", "shard", "audio_offset", "curves_offset", "valid_offset")


class CorpusFiles:
    """The files of an open corpus, each read or mapped at its first use and shared by all selections."""

    def __init__(self, folder: Path, header: Header, index: Any = None) -> None:
        self.folder, self.header = folder, header
        self._index = index
        self._maps: dict[int, NDArray[np.uint8]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "header": self.header, "_index": None, "_maps": {}}

    @property
    def index(self) -> Any:
        """The index as a pyarrow table."""
        if self._index is None:
            index = read_index(self.folder, self.header)
            self.refuse_replaced()
            self._index = index
        return self._index

    def shard(self, number: int) -> NDArray[np.uint8]:
        """All bytes of shard ``number``, read-only and mapped."""
        if number not in self._maps:
            entry = self.header.shards[number]
            problem = entry.problem(self.folder, checksum=False)
            if problem is not None:
                raise problem
            mapped = np.asarray(np.memmap(self.folder / entry.file, np.uint8, mode="r"))
            self.refuse_replaced()  # after mapping: a map of the old folder stays good, one of the new is caught here
            self._maps[number] = mapped
        return self._maps[number]

    def refuse_replaced(self) -> None:
        """Raise CorpusError if the folder now holds another corpus than the one that was opened."""
        now = read_header(self.folder).id
        if now != self.header.id:
            what = f"was replaced while it was open: id {self.header.id[:12]}... is now {now[:12]}..."
            raise CorpusError(what, where=self.folder, do="open it again")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Corpus:
    """Takes of a corpus, all or a selection.

    Attributes:
        path: the folder.
        id: identity of the whole corpus; a selection has the same.
        clock: sample rate and frame rate.
        audio_dtype: int16 or float32.
        names, speakers, splits: of each take; names rise.
        take_ids: ``[n]`` int64, row of each take in the whole corpus.
        n_frames, n_samples: ``[n]`` int64.
        shard: ``[n]`` int64, number of the shard that holds the take.
        audio_offset, curves_offset, valid_offset: ``[n]`` int64, bytes into :meth:`shard_bytes`.
        files: the maps behind it.
    """

    path: Path
    id: str
    clock: Clock
    audio_dtype: np.dtype[Any]
    names: tuple[str, ...]
    speakers: tuple[str, ...]
    splits: tuple[str, ...]
    take_ids: NDArray[np.int64]
    n_frames: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    shard: NDArray[np.int64]
    audio_offset: NDArray[np.int64]
    curves_offset: NDArray[np.int64]
    valid_offset: NDArray[np.int64]
    files: CorpusFiles

    @classmethod
    def open(cls, path: str | Path) -> Corpus:
        """Open the corpus in folder ``path``.

        Raises:
            CorpusError: no corpus there, a newer version, an edited or damaged header or index, a shard that is
                missing or of another size, a take that would lie outside its shard.
        """
        folder = Path(path)
        header = read_header(folder)
        problems = (shard.problem(folder, checksum=False) for shard in header.shards)
        for problem in problems:
            if problem is not None:
                raise problem
        index = read_index(folder, header)
        return cls(
            path=folder,
            id=header.id,
            clock=Clock(header.sample_rate, header.fps),
            audio_dtype=np.dtype(header.audio_dtype),
            names=tuple(index.column("name").to_pylist()),
            speakers=tuple(index.column("speaker").to_pylist()),
            splits=tuple(index.column("split").to_pylist()),
            take_ids=np.arange(index.num_rows, dtype=np.int64),
            **{name: numbers(index, name) for name in _NUMBERS},
            files=CorpusFiles(folder, header, index),
        )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Corpus({str(self.path)!r}, {len(self)} takes, {self.seconds:.1f} s, id {self.id[:12]})"

    @property
    def sample_rate(self) -> int:
        return self.clock.sample_rate

    @property
    def fps(self) -> Fraction:
        return self.clock.fps

    @property
    def seconds(self) -> float:
        """Duration of all sound."""
        return int(self.n_samples.sum()) / self.sample_rate

    @property
    def repairs(self) -> tuple[tuple[str, ...], ...]:
        """What was done to each take when it was read, read from the index at each call."""
        return tuple(map(tuple, self.files.index.column("repairs").take(self.take_ids).to_pylist()))

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """Name and reason of each take that was left out at packing."""
        return self.files.header.refused

    def select(self, *, split: str | None = None, names: Sequence[str] | None = None) -> Corpus:
        """The takes of one split, or those named, or both; in the order of the corpus. It may hold no take.

        Raises:
            ConfigError: no such split, or a name that is not in this corpus.
        """
        if split is not None and split not in SPLITS:
            raise ConfigError(f"split {split!r}", where=self.path, expected=" or ".join(SPLITS))
        wanted = None if names is None else {names} if isinstance(names, str) else set(names)
        for name in sorted((wanted or set()) - set(self.names)):
            close = difflib.get_close_matches(name, self.names, n=3, cutoff=0.4)
            do = "did you mean " + ", ".join(close) + "?" if close else ""
            raise ConfigError(f"holds no take {name!r}", where=self.path, do=do)
        rows = [
            row
            for row, (name, of) in enumerate(zip(self.names, self.splits, strict=True))
            if (split is None or of == split) and (wanted is None or name in wanted)
        ]
        columns = {key: tuple(getattr(self, key)[row] for row in rows) for key in ("names", "speakers", "splits")}
        arrays = {key: getattr(self, key)[np.array(rows, np.int64)] for key in ("take_ids", *_NUMBERS)}
        changes: dict[str, Any] = {**columns, **arrays}
        return replace(self, **changes)

    def shard_bytes(self, number: int) -> NDArray[np.uint8]:
        """All bytes of shard ``number`` as a read-only map, for gathering by the offsets."""
        return self.files.shard(number)

    def audio(self, i: int) -> NDArray[np.int16] | NDArray[np.float32]:
        """Sound of take ``i``: ``[n_samples]`` int16 or float32 (:attr:`audio_dtype`), a read-only view."""
        return self._view(i, self.audio_offset, int(self.n_samples[i]) * self.audio_dtype.itemsize, self.audio_dtype)

    def curves(self, i: int) -> NDArray[np.float32]:
        """Curves of take ``i``: ``[n_frames, 52]`` float32 in canonical order, a read-only view."""
        n_bytes = int(self.n_frames[i]) * N_CURVES * 4
        return self._view(i, self.curves_offset, n_bytes, np.dtype(np.float32)).reshape(-1, N_CURVES)

    def valid(self, i: int) -> NDArray[np.bool_]:
        """Which frames of take ``i`` were tracked: ``[n_frames]`` bool, a read-only view."""
        return self._view(i, self.valid_offset, int(self.n_frames[i]), np.dtype(np.bool_))

    def take(self, i: int) -> Take:
        """Take ``i`` with views as arrays and source paths relative to the folder that was packed."""
        row = self.files.index.slice(int(self.take_ids[i]), 1)
        return Take(
            name=self.names[i],
            speaker=self.speakers[i],
            audio=self.audio(i),
            sample_rate=self.sample_rate,
            curves=self.curves(i),
            valid=self.valid(i),
            fps=self.fps,
            repairs=tuple(row.column("repairs")[0].as_py()),
            sources=tuple(Source(**source) for source in row.column("sources")[0].as_py()),
        )

    def verify(self) -> list[CorpusError]:
        """Compare the content of every file with its checksum; an empty list means that all is as it was packed."""
        header = self.files.header
        problems = (entry.problem(self.path, checksum=True) for entry in (header.index, *header.shards))
        found = [problem for problem in problems if problem is not None]
        try:
            self.files.refuse_replaced()
        except CorpusError as error:
            found.append(error)
        return found

    def _view(self, i: int, offsets: NDArray[np.int64], n_bytes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        start = int(offsets[i])
        return self.files.shard(int(self.shard[i]))[start : start + n_bytes].view(dtype)

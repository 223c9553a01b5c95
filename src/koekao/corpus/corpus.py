"""An opened corpus: takes as views of memory-mapped files.

Opening reads ``corpus.json`` and the index, nothing else; shards are mapped when a take of theirs is first asked for,
and views point straight into the map. A :class:`Corpus` is a value: :meth:`Corpus.select` gives another one over fewer
takes with the same id and the same maps, and a pickled one leaves its maps behind and opens them anew where it arrives.
Ten thousand hours in a million takes open in a fraction of a second: nothing is made of a take until it is asked for.

What it gives up: the corpus must stay where it is while it is open. A shard first mapped after the folder was replaced
is refused, and so is one that was cut since. A view that is held while its shard is cut is as dangerous as any memory
map: see :mod:`koekao.corpus.mapped`.
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
from koekao.corpus.column_header import column_names
from koekao.corpus.columns import FrameColumn, open_column
from koekao.corpus.files import CorpusFiles
from koekao.corpus.header import HEADER_FILE
from koekao.corpus.index import numbers, read_index
from koekao.corpus.mapped import mark_of
from koekao.corpus.names import Labels, Names
from koekao.corpus.remote import CacheConfig, corpus_at
from koekao.corpus.split import SPLITS
from koekao.corpus.verify import verify
from koekao.errors import ConfigError, CorpusError
from koekao.place import is_url, local_path
from koekao.takes.take import Source, Take

_NUMBERS = ("n_frames", "n_samples", "shard", "audio_offset", "curves_offset", "valid_offset")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Corpus:
    """Takes of a corpus, all or a selection.

    Attributes:
        path: the folder; of a corpus that lies elsewhere its folder in the cache.
        id: identity of the whole corpus; a selection has the same.
        clock: sample rate and frame rate.
        audio_dtype: int16 or float32.
        names, speakers, splits: of each take, to be read like tuples of str; names rise.
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
    names: Names
    speakers: Labels
    splits: Labels
    take_ids: NDArray[np.int64]
    n_frames: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    shard: NDArray[np.int64]
    audio_offset: NDArray[np.int64]
    curves_offset: NDArray[np.int64]
    valid_offset: NDArray[np.int64]
    files: CorpusFiles

    @classmethod
    def open(cls, path: str | Path, *, cache: CacheConfig | None = None) -> Corpus:
        """Open the corpus in folder ``path``, or at a URL (``s3://bucket/corpus``, see :mod:`koekao.corpus.remote`).

        Args:
            cache: where what comes from a URL is kept; by default as $KOEKAO_CACHE and $KOEKAO_CACHE_GB say.

        Raises:
            CorpusError: no corpus there, a newer version, an edited or damaged header or index, a shard that is
                missing or of another size, a take that would lie outside its shard.
        """
        files, index = _remote(path, cache) if is_url(path) else _local(local_path(path))
        header = files.header
        return cls(
            path=files.folder,
            id=header.id,
            clock=Clock(header.sample_rate, header.fps),
            audio_dtype=np.dtype(header.audio_dtype),
            names=Names(index.column("name")),
            speakers=Labels.of(index.column("speaker")),
            splits=Labels.of(index.column("split")),
            take_ids=np.arange(index.num_rows, dtype=np.int64),
            **{name: numbers(index, name) for name in _NUMBERS},
            files=files,
        )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Corpus({self.place!r}, {len(self)} takes, {self.seconds:.1f} s, id {self.id[:12]})"

    @property
    def place(self) -> str:
        """Where it lies: the folder, or the URL."""
        return self.files.place

    @property
    def sample_rate(self) -> int:
        return self.clock.sample_rate

    @property
    def fps(self) -> Fraction:
        return self.clock.fps

    @property
    def n_packed(self) -> int:
        """Takes in the whole corpus, of which this may be a selection."""
        return self.files.header.n_takes

    @property
    def seconds(self) -> float:
        """Duration of all sound."""
        return int(self.n_samples.sum()) / self.sample_rate

    @property
    def repairs(self) -> tuple[tuple[str, ...], ...]:
        """What was done to each take when it was read, gathered from the file of sources at each call."""
        return tuple(map(tuple, self.files.sources.column("repairs").take(self.take_ids).to_pylist()))

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
        chosen = np.ones(len(self), bool) if split is None else self.splits.where(split)
        if names is not None:
            chosen = chosen & self._named({names} if isinstance(names, str) else set(names))
        rows = np.flatnonzero(chosen)
        changes: dict[str, Any] = {key: getattr(self, key).at(rows) for key in ("names", "speakers", "splits")}
        changes |= {key: getattr(self, key)[rows] for key in ("take_ids", *_NUMBERS)}
        return replace(self, **changes)

    def _named(self, wanted: set[str]) -> NDArray[np.bool_]:
        """``[n]``: which takes have one of these names; each of the names must be that of a take."""
        found = self.names.among(wanted)
        if int(found.sum()) < len(wanted):
            name = min(wanted.difference(self.names.at(np.flatnonzero(found))))
            close = difflib.get_close_matches(name, self.names.near(name), n=3, cutoff=0.4)
            do = "did you mean " + ", ".join(close) + "?" if close else ""
            raise ConfigError(f"holds no take {name!r}", where=self.path, do=do)
        return found

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
        row = self.files.sources.slice(int(self.take_ids[i]), 1)
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

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the frame columns that were packed beside this corpus."""
        self.files.fetch_columns()
        return column_names(self.path)

    def column(self, name: str, key: str | None = None) -> FrameColumn:
        """A column of numbers a frame (``"mel"``), for the takes of this selection in their order.

        Args:
            key: the hash of its settings, or its beginning; needed where there are several of that name.

        Raises:
            ConfigError: none of that name or key, or several. CorpusError: damaged, or of another corpus.
        """
        return open_column(self, name, key)

    def verify(self, takes_dir: str | Path | None = None) -> list[CorpusError]:
        """Compare every file with its checksum; an empty list means that all is as it was packed.

        The columns beside the corpus are among them, and with ``takes_dir`` (the folder that was packed) the sources.
        See :mod:`koekao.corpus.verify`.
        """
        there = self.files.fetched
        if there is None:
            found = verify(self.path, takes_dir)
        else:
            found = verify(there.store.url, takes_dir, cache=there.cache.config)
        try:
            self.files.refuse_replaced()
        except CorpusError as error:
            found += [] if str(error) in map(str, found) else [error]
        return found

    def _view(self, i: int, offsets: NDArray[np.int64], n_bytes: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        number, start = int(self.shard[i]), int(offsets[i])
        whole = self.files.shard(number)
        self.files.refuse_truncated((number,))
        return whole[start : start + n_bytes].view(dtype)


def _remote(url: str | Path, cache: CacheConfig | None) -> tuple[CorpusFiles, Any]:
    files = CorpusFiles.fetch(corpus_at(str(url), cache))
    return files, read_index(files.folder, files.header)


def _local(folder: Path) -> tuple[CorpusFiles, Any]:
    """What :meth:`Corpus.open` reads; of the new corpus where the old one is replaced while it is being opened."""
    while True:
        mark = mark_of(folder / HEADER_FILE)
        try:
            files = CorpusFiles.open(folder)
            return files, read_index(folder, files.header)
        except CorpusError:
            if mark_of(folder / HEADER_FILE) == mark:
                raise  # it is so by itself, and not because its files were of two corpora

"""The files behind an opened corpus: the header that was read, the shards, and the file of sources.

One object is shared by a corpus and all its selections, so each shard is mapped once and the sources are read once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from koekao.corpus.header import HEADER_FILE, Header, read_header
from koekao.corpus.index import read_sources
from koekao.corpus.mapped import MappedFiles, Mark, mark_of


class CorpusFiles(MappedFiles):
    """The shards of an open corpus by number, and its header and sources.

    Attributes:
        folder: where it lies.
        header: what ``corpus.json`` said when it was opened.
    """

    def __init__(self, folder: Path, header: Header, mark: Mark | None = None) -> None:
        super().__init__(folder, header.shards, HEADER_FILE, mark)
        self.header = header
        self._sources: Any = None

    @classmethod
    def open(cls, folder: Path) -> CorpusFiles:
        """Read the header and compare the size of every shard.

        Raises:
            CorpusError: no corpus there, another version, an edited or damaged header, a shard missing or cut.
        """
        mark = mark_of(folder / HEADER_FILE)
        header = read_header(folder)
        problems = (shard.problem(folder, checksum=False) for shard in (header.sources, *header.shards))
        for problem in problems:
            if problem is not None:
                raise problem
        return cls(folder, header, mark)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_sources": None}

    @property
    def id(self) -> str:
        return self.header.id

    def id_there(self) -> str:
        return read_header(self.folder).id

    @property
    def sources(self) -> Any:
        """Where each take came from, a pyarrow record batch with the rows of the index; read at the first use."""
        if self._sources is None:
            sources = read_sources(self.folder, self.header)
            self.refuse_replaced()
            self._sources = sources
        return self._sources

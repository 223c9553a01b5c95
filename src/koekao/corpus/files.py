"""The files behind an opened corpus: the header that was read, the shards, and the file of sources.

The folder is that of the corpus, or one of the cache where the corpus lies elsewhere. One object is shared by a corpus
and all its selections, so each shard is mapped once and the sources are read once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from koekao.corpus.column_header import COLUMNS_FOLDER, is_column_folder
from koekao.corpus.column_header import HEADER_FILE as COLUMN_HEADER_FILE
from koekao.corpus.header import HEADER_FILE, Header, read_header
from koekao.corpus.index import read_sources
from koekao.corpus.mapped import MappedFiles, Mark, mark_of
from koekao.corpus.remote.fetched import FetchedFiles
from koekao.errors import CorpusError


class CorpusFiles(MappedFiles):
    """The shards of an open corpus by number, and its header and sources.

    Attributes:
        folder: where it lies.
        header: what ``corpus.json`` said when it was opened.
        fetched: how files come that lie elsewhere; None for a folder here.
    """

    def __init__(
        self, folder: Path, header: Header, mark: Mark | None = None, fetched: FetchedFiles | None = None
    ) -> None:
        super().__init__(folder, header.shards, HEADER_FILE, mark, fetched)
        self.header, self.fetched = header, fetched
        self._has_columns = fetched is None
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

    @classmethod
    def fetch(cls, fetched: FetchedFiles) -> CorpusFiles:
        """Read the header and the index of a corpus that lies elsewhere; shards come when they are asked for.

        Raises:
            CorpusError: an edited or damaged header, an index that cannot be had.
        """
        mark = mark_of(fetched.folder / HEADER_FILE)
        try:
            header = read_header(fetched.folder)
        except CorpusError as error:
            where = fetched.store.where(HEADER_FILE)
            raise CorpusError(error.what, where=where, expected=error.expected, do=error.do) from error
        fetched.shards = header.shards
        fetched.have(header.index)
        return cls(fetched.folder, header, mark, fetched)

    @property
    def place(self) -> str:
        """Where the corpus lies: the folder, or the URL."""
        return str(self.folder) if self.fetched is None else self.fetched.store.where()

    def fetch_columns(self) -> None:
        """Have the headers of the columns that lie beside a corpus elsewhere."""
        if self.fetched is not None and not self._has_columns:
            for name in self.fetched.store.folders(COLUMNS_FOLDER):
                if is_column_folder(name):
                    self.fetched.below(f"{COLUMNS_FOLDER}/{name}", COLUMN_HEADER_FILE)
            self._has_columns = True

    def fetched_column(self, folder: Path) -> FetchedFiles | None:
        """How the files of the column in ``folder`` come, if not from there."""
        if self.fetched is None:
            return None
        return self.fetched.below(f"{COLUMNS_FOLDER}/{folder.name}", COLUMN_HEADER_FILE)

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
            if self.fetched is not None:
                self.fetched.have(self.header.sources)
            sources = read_sources(self.folder, self.header)
            self.refuse_replaced()
            self._sources = sources
        return self._sources

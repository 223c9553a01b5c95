"""From a URL to a folder of the cache: the header is fetched at each opening, and its hash says which folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from koekao.atomic import write_file
from koekao.corpus.remote.cache import Cache, CacheConfig
from koekao.corpus.remote.fetched import FetchedFiles
from koekao.corpus.remote.leases import OPEN, leases_of
from koekao.corpus.remote.store import RemoteFolder

_HEADER_FILE = "corpus.json"
_KEY_LETTERS = 32


def corpus_at(url: str, config: CacheConfig | None = None) -> FetchedFiles:
    """The files of the corpus at ``url``, of which the header is in the cache now.

    Raises:
        CorpusError: no corpus there, or no leave, or nothing to be had; the URL is named. ConfigError: a package is
            missing. OutputError: the cache cannot be written.
    """
    cache = Cache(config or CacheConfig())
    store = RemoteFolder(url, tries=cache.config.tries, timeout_s=cache.config.timeout_s)
    data = store.read(_HEADER_FILE)
    folder = cache.folder_of(hashlib.sha256(data).hexdigest()[:_KEY_LETTERS])
    with leases_of(folder).held(OPEN):
        fetched = FetchedFiles(store, folder, cache, _HEADER_FILE)
        if not _holds(folder / _HEADER_FILE, data):
            write_file(folder / _HEADER_FILE, data)
    return fetched


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False

"""The folder behind a URL: small files whole, large ones in pieces, each tried a few times, errors with the URL.

Transport is fsspec's: one seam for s3, gs, hf, http(s), memory and what else it knows, with credentials where people
have them already (profiles, roles, tokens, ``AWS_ENDPOINT_URL``). What a transport raises is its own affair (botocore,
aiohttp, OSError ...); everything leaves here as a :class:`CorpusError`. What is not there or may not be read is said at
once; anything else (5xx, a cut connection, too few bytes, nothing within the time) is tried again, with longer and
longer pauses, a bounded number of times.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from koekao.errors import ConfigError, CorpusError
from koekao.place import shown

PIECE_BYTES = 16_000_000
_AT_ONCE = 4
"""Pieces of one file on their way together: one connection is often slower than the line."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0
_PASSING_STATUS = {408, 425, 429}
_NO_LEAVE = {"NoCredentialsError", "PartialCredentialsError", "HttpError403", "ProfileNotFound"}
_CREDENTIALS = {
    "s3": "AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth application-default login",
    "hf": "HF_TOKEN, or hf auth login",
}
_SETTINGS: dict[str, dict[str, Any]] = {
    # botocore's own tries come on top of s3fs's and these: a dead server would be asked a hundred times.
    "s3": {"config_kwargs": {"retries": {"total_max_attempts": 1}}},
    "http": {"client_kwargs": {"trust_env": True}},
    "https": {"client_kwargs": {"trust_env": True}},
}

T = TypeVar("T")


class RemoteFolder:
    """What lies below a URL. Threads may share it, and a forked process may go on with it.

    Args:
        url: of the folder.
        tries: how often a piece is asked for before that is an error.
        timeout_s: how long a piece may take.
    """

    def __init__(self, url: str, *, tries: int, timeout_s: float) -> None:
        self.url, self.tries, self.timeout_s = url.rstrip("/"), tries, timeout_s
        self._begin()

    def _begin(self) -> None:
        self._opened: tuple[int, Any, str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url, "tries": self.tries, "timeout_s": self.timeout_s}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def below(self, name: str) -> RemoteFolder:
        """A folder in it."""
        return RemoteFolder(f"{self.url}/{name}", tries=self.tries, timeout_s=self.timeout_s)

    def where(self, name: str = "") -> str:
        """The URL of a file (of the folder itself), as it may stand in a message."""
        return shown(f"{self.url}/{name}" if name else self.url)

    def read(self, name: str) -> bytes:
        """A small file, whole.

        Raises:
            CorpusError: not there, no leave, or not to be had. ConfigError: a package is missing.
        """
        return self._tried(name, lambda: self._cat(name, None, None))

    def pieces(self, name: str, n_bytes: int) -> Iterator[bytes]:
        """A file of ``n_bytes``, piece after piece; some of them come while one is looked at.

        Raises:
            CorpusError: as :meth:`read`, and where it has another size.
        """
        spans = [(start, min(start + PIECE_BYTES, n_bytes)) for start in range(0, n_bytes, PIECE_BYTES)]
        if len(spans) <= 1:
            yield self._tried(name, lambda: self._span(name, 0, n_bytes, n_bytes))
            return
        pool, coming = ThreadPoolExecutor(_AT_ONCE, "koekao-fetch"), deque[Future[bytes]]()
        given_up = threading.Event()
        try:
            for start, end in spans:
                coming.append(pool.submit(self._piece, name, start, end, n_bytes, given_up))
                if len(coming) > _AT_ONCE:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            given_up.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def size(self, name: str) -> int | None:
        """Bytes of a file, None where the server does not say. Raises CorpusError as :meth:`read`."""

        def ask() -> int | None:
            fs, path = self._fs()
            size = self._in_time(fs, "info", f"{path}/{name}").get("size")
            return None if size is None else int(size)

        return self._tried(name, ask)

    def folders(self, name: str) -> list[str]:
        """Names of the folders in ``name``; empty where there is none, or the server does not list, or not for us.

        Raises:
            CorpusError: a server that does list was asked as often as allowed, and there was no answer.
        """

        def ask() -> list[str]:
            fs, path = self._fs()
            try:
                found = list(self._in_time(fs, "ls", f"{path}/{name}", detail=True, refresh=True))
            except Exception as error:
                if self._lists_nothing(error, name):
                    return []
                raise
            return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

        return self._tried(name, ask)

    def _lists_nothing(self, error: Exception, name: str) -> bool:
        """Whether it says that there is no such folder, none for us, or that the server lists nothing at all; from a
        web server also whether what came is no page. Anything else is no answer: features would seem to be gone."""
        no_page = isinstance(error, UnicodeDecodeError) and _protocol(self.url) in ("http", "https")
        return no_page or _status(error) == 501 or self._final(error, name) is not None

    def _piece(self, name: str, start: int, end: int, n_bytes: int, given_up: threading.Event) -> bytes:
        return self._tried(name, lambda: self._span(name, start, end, n_bytes), given_up)

    def _span(self, name: str, start: int, end: int, n_bytes: int) -> bytes:
        """Some bytes; a server that knows no ranges sends all of them, and one that is cut too few."""
        whole = (start, end) == (0, n_bytes)
        data = self._cat(name, None if whole else start, None if whole else end)
        if not whole and len(data) == n_bytes:
            return data[start:end]
        if len(data) != end - start:
            raise ConnectionError(f"{len(data)} bytes of {end - start} came")
        return data

    def _cat(self, name: str, start: int | None, end: int | None) -> bytes:
        fs, path = self._fs()
        return bytes(self._in_time(fs, "cat_file", f"{path}/{name}", start=start, end=end))

    def _in_time(self, fs: Any, what: str, path: str, **settings: Any) -> Any:
        """What a method of the file system answers within the time; those that do not run in a loop take theirs."""
        if not fs.async_impl:
            return getattr(fs, what)(path, **settings)
        from fsspec.asyn import sync

        async def in_time() -> Any:
            return await asyncio.wait_for(getattr(fs, f"_{what}")(path, **settings), self.timeout_s)

        return sync(fs.loop, in_time)

    def _tried(self, name: str, ask: Callable[[], T], given_up: threading.Event | None = None) -> T:
        """The answer, asked for as often as allowed; what is final is said at once."""
        pause_s, last = _FIRST_PAUSE_S, ""
        for attempt in range(self.tries):
            if attempt:
                if given_up is None:
                    time.sleep(pause_s)
                elif given_up.wait(pause_s):
                    break
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            try:
                return ask()
            except (CorpusError, ConfigError):
                raise
            except Exception as error:
                final = self._final(error, name)
                if final is not None:
                    raise final from error
                last = _said(error, self.timeout_s)
        do = "look at the network and the server; what is in the cache stays, and the same command goes on after it"
        raise CorpusError(f"cannot be fetched, tried {self.tries} times ({last})", where=self.where(name), do=do)

    def _final(self, error: Exception, name: str) -> CorpusError | None:
        """What need not be tried again, as an error of ours."""
        status, where = _status(error), self.where(name)
        if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)) or status == 404:
            return CorpusError("is not there", where=where, do="look at the URL: it is that of the folder of a corpus")
        refused = 400 <= status < 500 and status not in _PASSING_STATUS
        if isinstance(error, PermissionError) or type(error).__name__ in _NO_LEAVE or refused:
            known = _CREDENTIALS.get(_protocol(self.url), "")
            do = f"give credentials in the way of that service{known and f' ({known})'}"
            return CorpusError(f"may not be read ({_said(error, 0)})", where=where, do=do)
        return None

    def _fs(self) -> tuple[Any, str]:
        """The file system of this process and the path in it."""
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            opened = self._opened = (os.getpid(), *_file_system(self.url))
        return opened[1:]


def _protocol(url: str) -> str:
    return url.partition("://")[0].lower()


def _file_system(url: str) -> tuple[Any, str]:
    protocol = _protocol(url)
    do = 'pip install "koekao[remote]"'
    try:
        from fsspec.core import url_to_fs

        fs, path = url_to_fs(url, skip_instance_cache=True, use_listings_cache=False, **_SETTINGS.get(protocol, {}))
    except ImportError as error:
        do += {"gs": ' and "gcsfs"', "gcs": ' and "gcsfs"', "hf": ' and "huggingface_hub"'}.get(protocol, "")
        raise ConfigError(
            f"{protocol}:// needs a package that is missing ({error})", where=shown(url), do=do
        ) from error
    except (ValueError, OSError, TypeError) as error:
        raise ConfigError(f"cannot be opened ({error})", where=shown(url), do="look at the URL") from error
    return fs, str(path).rstrip("/")


def _status(error: Exception) -> int:
    """The HTTP status of an answer, where aiohttp, gcsfs or huggingface_hub put it; 0 where the error is none."""
    if isinstance(error, OSError) and str(error).startswith("Forbidden: "):
        return 403  # gcsfs says this one in words
    for holder, name in ((error, "status"), (error, "code"), (getattr(error, "response", None), "status_code")):
        status = getattr(holder, name, None)
        if isinstance(status, int):
            return status
    return 0


def _said(error: Exception, timeout_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {timeout_s:g} s"
    text = " ".join(shown(str(error)).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

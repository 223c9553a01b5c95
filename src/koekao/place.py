"""Is it a folder here or a URL? ``file://`` is a folder here; any other URL is left to fsspec."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeGuard
from urllib.parse import unquote, urlsplit

from koekao.errors import ConfigError

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SECRET = re.compile(r"(?<=://)[^/@]*@")


def is_url(place: str | Path) -> TypeGuard[str]:
    """Whether ``place`` is the URL of something that is fetched."""
    return isinstance(place, str) and bool(_URL.match(place)) and not place.lower().startswith("file://")


def local_path(place: str | Path) -> Path:
    """The folder that a path, or a ``file://`` URL, names.

    Raises:
        ConfigError: a ``file://`` URL of another machine.
    """
    if not isinstance(place, str) or not place.lower().startswith("file://"):
        return Path(place)
    parts = urlsplit(place)
    if parts.netloc not in ("", "localhost"):
        raise ConfigError("names another machine", where=place, expected="file:///path", do="say file:///path")
    return Path(unquote(parts.path))


def shown(url: str) -> str:
    """The URL as it may stand in messages and records: without a name and a password."""
    return _SECRET.sub("", url)

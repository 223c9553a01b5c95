"""The page as one text of HTML: the built file with data put in.

``page.html`` is made from ``web/src/viewer`` by ``npm run build:viewer`` and says in its head from which sources (their
hash). A page that is kept as a file asks for nothing; one that is served may ask its own server, and nobody else.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from koekao.errors import ConfigError
from koekao.head import head_glb
from koekao.viewer.clip import Clip
from koekao.viewer.listing import Listing

PAGE_NAME = "page.html"
_MARK = re.compile("{{(CONNECT|SCRIPT_FROM|TITLE|DATA)}}")
MOST_BYTES = 100_000_000
"""A page of several takes that is kept as a file may be so large; browsers take long over more."""


def clip_page(clip: Clip, *, served: bool = False, model: bool = False) -> str:
    """The page of one clip; ``served`` with a ``model`` can record and animate (see :mod:`koekao.viewer.serving`)."""
    return _page({"title": clip.name, "clip": clip.as_dict()}, served=served, model=model)


def listing_page(listing: Listing, *, served: bool = False, model: bool = False) -> str:
    """The page of many takes. Where it is not served everything is inside.

    Raises:
        ConfigError: it would be larger than 100 MB.
    """
    data: dict[str, Any] = {"title": listing.title, "takes": list(listing.rows)}
    if not served:
        clips, size = [], 0
        for place in range(len(listing)):
            clips.append(listing.clip(place).as_dict())
            size += len(clips[-1]["sound"] or "") + sum(len(track["curves"]) for track in clips[-1]["tracks"])
            if size > MOST_BYTES:
                raise ConfigError(
                    f"{len(listing)} takes, of which {place + 1} already are {size / 1e6:.0f} MB",
                    where=listing.title,
                    expected=f"a page of at most {MOST_BYTES // 1_000_000} MB",
                    do="name one take with --take, or look at them without -o",
                )
        data |= {"clips": clips, "details": [listing.details(place) for place in range(len(listing))]}
    return _page(data, served=served, model=model)


def refuse_other_ending(path: Path) -> None:
    """Raise ConfigError unless a page may be kept under this name."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"unknown ending {path.suffix!r}", where=path, expected=".html")


def sources_hash() -> str:
    """SHA-256 of the sources that the page was built from, as its head says."""
    mark = '<meta name="koekao-sources" content="'
    return template().partition(mark)[2].partition('"')[0]


@cache
def template() -> str:
    """The built file."""
    return files(__package__).joinpath(PAGE_NAME).read_text("utf-8")


@cache
def _head() -> str:
    return base64.b64encode(zlib.compress(head_glb(), 9)).decode("ascii")


def _page(data: dict[str, Any], *, served: bool, model: bool) -> str:
    whole = {"clip": None, "takes": None, "clips": None, "details": None, "model": None, "library": None} | data
    whole["head"] = _head()
    if model:
        whole |= {"model": "/model.onnx", "library": "/web/koekao.js"}
    # What a take is called may hold anything; < would end the block that it stands in.
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    values = {
        "CONNECT": "'self' blob: data:" if served else "blob: data:",
        "SCRIPT_FROM": " 'self' 'wasm-unsafe-eval'" if model else "",
        "TITLE": escape(f"{data['title']} · koekao"),
        "DATA": text,
    }
    # In one pass: what is filled in may look like a mark itself.
    return _MARK.sub(lambda found: values[found[1]], template())

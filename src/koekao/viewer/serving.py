"""The page served on this machine: what it was asked to show, and nothing else.

It listens on the loopback address alone, answers ``GET`` alone, and of paths only those that it knows by name: no path
of a request ever becomes a path of a file. A request whose Host is not this server's own (a name that somebody else's
DNS points here) or whose Origin is another page is refused, so that no other page can read a take.

What it gives up: passwords. Whoever may open connections on this machine may look.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from koekao.errors import ConfigError, KoekaoError, OutputError
from koekao.viewer.clip import Clip
from koekao.viewer.listing import Listing
from koekao.viewer.page import clip_page, listing_page
from koekao.visitors import is_own_name, is_own_page

HOST = "127.0.0.1"
MOST_DETAILS = 200
_GZIP_FROM = 2000
_TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html; charset=utf-8"}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a server shows: a clip or a listing; and a model with the folder of the browser library, or neither."""

    clip: Clip | None = None
    listing: Listing | None = None
    model: Path | None = None
    web: Path | None = None

    def page(self, *, served: bool) -> str:
        """The page of it."""
        model = served and self.model is not None and self.web is not None
        if self.listing is not None:
            return listing_page(self.listing, served=served, model=model)
        if self.clip is None:
            raise ConfigError("nothing to show")
        return clip_page(self.clip, served=served, model=model)


@contextmanager
def served(shown: Shown, *, port: int = 0) -> Iterator[str]:
    """Serve it in threads of their own; the address to open.

    Raises:
        OutputError: the port is taken.
    """
    answers = _Answers(shown)

    class Handler(_Handler):
        answer = staticmethod(answers.of)

    try:
        server = ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise OutputError(f"port {port} cannot be had ({error.strerror})", do="choose another with --port") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Answer = tuple[HTTPStatus, str, bytes]


class _Answers:
    """What is answered to a path."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._page = shown.page(served=True).encode()
        self._files: dict[str, Path] = {}
        if shown.model is not None and shown.web is not None:
            self._files["/model.onnx"] = shown.model
            for path in shown.web.iterdir():
                if path.is_file() and path.suffix in (".js", ".wasm"):
                    self._files[f"/web/{path.name}"] = path

    def of(self, path: str) -> Answer:
        if path == "/":
            return HTTPStatus.OK, _TYPES[".html"], self._page
        if path in self._files:
            file = self._files[path]
            return HTTPStatus.OK, _TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()
        words = path.strip("/").split("/")
        listing = self._shown.listing
        if listing is not None and all(word.isascii() and word.isdigit() and len(word) < 10 for word in words[1:]):
            numbers = [int(word) for word in words[1:]]
            if words[0] == "take" and len(numbers) == 1 and numbers[0] < len(listing):
                return _take(listing, numbers[0])
            if words[0] == "details" and len(numbers) == 2:
                first, n = numbers[0], min(numbers[1], MOST_DETAILS)
                return _json([listing.details(place) for place in range(first, min(first + n, len(listing)))])
        return HTTPStatus.NOT_FOUND, "text/plain", b"there is no such thing here\n"


def _take(listing: Listing, place: int) -> Answer:
    try:
        return _json(listing.clip(place).as_dict())
    except KoekaoError as error:
        return _json({"error": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return status, "application/json", json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


class _Handler(BaseHTTPRequestHandler):
    """One request: who asks, for what, and the answer."""

    answer: Callable[[str], Answer]
    server_version, sys_version = "koekao", ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._send(*self._answered())

    def _answered(self) -> Answer:
        port = self.connection.getsockname()[1]
        pages = self.headers.get_all("Origin", [])
        if not is_own_name(self.headers.get("Host", ""), port) or not all(is_own_page(page, port) for page in pages):
            return HTTPStatus.FORBIDDEN, "text/plain", b"this page is for this machine\n"
        return type(self).answer(urlsplit(self.path).path)

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        packs = (
            len(body) > _GZIP_FROM and kind == "application/json" and "gzip" in self.headers.get("Accept-Encoding", "")
        )
        body = gzip.compress(body, 1) if packs else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if packs:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: what is asked for is no news for the screen."""

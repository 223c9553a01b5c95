"""A web server on loopback that can be told to fail: 5xx, slow, cut, other bytes, no ranges. It counts requests."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class WebServer(ThreadingHTTPServer):
    """Serves the files below ``folder``.

    Attributes:
        faults: file name -> faults for its next requests, taken from the front; one that begins with ``always`` stays.
        asked: file name -> requests. sent: bytes of content, in all.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.faults, self.asked, self.sent = folder, {}, Counter(), 0
        self.knows_ranges, self.lists = True, False
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{self.folder.name}"

    def fault_of(self, name: str) -> str:
        faults: list[str] = self.faults.get(name, [])
        if faults and faults[0].startswith("always "):
            return faults[0].removeprefix("always ")
        return faults.pop(0) if faults else ""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.server.folder.parent / self.path.lstrip("/")
        self.server.asked[path.name] += 1
        fault = self.server.fault_of(path.name)
        if fault.isdigit():
            return self._answer(int(fault), b"no")
        if path.is_dir() and self.server.lists:
            names = [f"{one.name}/" if one.is_dir() else one.name for one in path.iterdir()]
            return self._answer(200, "".join(f'<a href="{name}">{name}</a>' for name in names).encode(), fault)
        if not path.is_file():
            return self._answer(404, b"")
        data, status = path.read_bytes(), 200
        if fault == "wrong":
            data = data[:-1] + bytes([data[-1] ^ 1])
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if span and self.server.knows_ranges:
            data, status = data[int(span[1]) : int(span[2]) + 1], 206
        return self._answer(status, data, fault)

    def _answer(self, status: int, data: bytes, fault: str = "") -> None:
        if fault == "slow":
            self.server.ended.wait(30)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) // 2 if fault == "short" else len(data)))
        self.end_headers()
        if fault in ("cut", "short"):
            data = data[: len(data) // 2]
        if fault == "late":
            time.sleep(0.2)
        self.wfile.write(data)
        self.server.sent += len(data)
        self.close_connection = fault == "cut"

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[WebServer]:
    server = WebServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()

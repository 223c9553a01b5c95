"""A server in a thread of its own, for programs that have something else to do."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from koekao.serve.server import Server


class Background:
    """``with Background(server) as server:`` - it serves inside and has stopped, gracefully, after."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="koekao server", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait()
        if self._fault is not None:
            raise self._fault
        return self.server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            asyncio.run(self.server.run(self._ready.set))
        except BaseException as fault:  # noqa: BLE001 - raised again in the thread that waits
            self._fault = fault
        finally:
            self._ready.set()

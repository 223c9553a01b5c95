"""Ctrl-C as a wish: what is running comes to its end, what it made is saved, and only then is it over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def on_interrupt(wish: Callable[[], None]) -> Iterator[None]:
    """Call ``wish`` at the first Ctrl-C inside; a second one interrupts at once, as it would without this.

    Outside the main thread signals cannot be caught, and nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def first(signum: int, frame: Any) -> None:
        wish()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

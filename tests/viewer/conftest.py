"""A Chromium without a network, and the page opened in it. Where there is none the tests are skipped, and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from browser import CHROMIUM, FLAGS


@dataclass
class Opened:
    """A page, the addresses that it asked for, and what it told its console."""

    page: Any
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def js(self, script: str, *args: Any) -> Any:
        return self.page.evaluate(script, *args)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed, so no page is opened")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed, so no page is opened")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """``opened(address, width=1280, height=800, dark=False)``: the page when its face is there."""
    pages = []

    def open_page(address: str | Path, *, width: int = 1280, height: int = 800, dark: bool = False) -> Opened:
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        pages.append(page)
        one = Opened(page)
        page.on("request", lambda request: one.asked.append(request.url))
        page.on("console", lambda said: one.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: one.errors.append(str(error)))
        page.goto(address.as_uri() if isinstance(address, Path) else address)
        page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        return one

    yield open_page
    for page in pages:
        page.close()

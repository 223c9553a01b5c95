"""The live avatar: sound goes out, frames come back, the face on the page moves, and nobody else is asked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples_place import EXAMPLES

pytest.importorskip("websockets", reason="the extra live is not installed, so the avatar is not served")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed, so no page is opened")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
FLAGS = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip
SHOWN = "() => Number(document.body.dataset.frames ?? 0)"


@pytest.fixture(scope="module")
def address(a_run: Path) -> Iterator[str]:
    if not EXAMPLES.is_dir():
        pytest.skip("examples/ is not here (it is no part of the package), so the avatar is not served")
    sys.path.insert(0, str(EXAMPLES / "live_avatar"))
    try:
        from avatar import serving
    finally:
        sys.path.pop(0)
    with serving(a_run, 0) as there:
        yield there


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed, so no page is opened")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def test_the_face_says_what_is_heard(address: str, chromium: Any) -> None:
    page, asked, wrong = chromium.new_page(viewport={"width": 480, "height": 400}), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]", timeout=60_000)

    face = page.locator("#face")
    still = face.screenshot()
    assert face.screenshot() == still
    page.evaluate("() => avatar.draw({ jawOpen: 1 })")
    assert face.screenshot() != still  # the mouth is open
    page.evaluate("() => avatar.draw({ jawOpen: 0 })")
    assert face.screenshot() == still

    page.click("#sample")  # speech that is served with the page
    page.wait_for_function(f"() => ({SHOWN})() >= 15", timeout=60_000)
    weights = page.evaluate("() => avatar.weights")
    assert len(weights) == 52 and all(0 <= value <= 1 for value in weights.values())
    assert page.inner_text("#said") == "nobody speaks"
    page.click("#stop")
    before = page.evaluate(SHOWN)

    page.click("#microphone")  # Chromium's own, which beeps
    page.wait_for_function(f"(n) => ({SHOWN})() >= n + 10", arg=before, timeout=60_000)
    assert page.inner_text("#said") == "speak"
    page.click("#stop")
    assert wrong == []
    assert {url.split("://")[1].split(":")[0] for url in asked if not url.startswith("blob:")} == {"127.0.0.1"}
    page.close()


def test_the_page_gives_nothing_of_the_disk(address: str) -> None:
    import urllib.error
    import urllib.request

    for path in ("../avatar.py", "avatar.py", "../../README.md", "%2e%2e/avatar.py", "/etc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + path, timeout=10)

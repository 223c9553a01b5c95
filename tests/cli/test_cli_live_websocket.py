"""``koekao live --source ws``: a program or a browser is the microphone, and the face goes to any sink."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import koekao

connect = pytest.importorskip("websockets.sync.client", reason="the extra live is not installed").connect
DOCS = Path(koekao.__file__).parents[2] / "docs/live.md"
CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), "")
FLAGS = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


@pytest.fixture
def speech(chain: Any, tmp_path: Path) -> Path:
    """Two seconds of a take."""
    sound, rate = soundfile.read(chain.takes / "ken_0000.wav", dtype="float32")
    soundfile.write(tmp_path / "speech.wav", sound[: 2 * rate], rate, subtype="FLOAT")
    return tmp_path / "speech.wav"


@contextmanager
def hearing(chain: Any, face: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``koekao live`` as a process of its own, and the address that it listens at."""
    words = [chain.run, "--source", "ws:127.0.0.1:0", "--sink", f"file:{face}"]
    with subprocess.Popen(
        [sys.executable, "-m", "koekao", "live", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"ws://127\.0\.0\.1:\d+", process.stderr.readline())
            assert found
            yield found[0], process
        finally:
            process.kill()


def test_a_program_sends_its_sound(chain: Any, speech: Path, tmp_path: Path) -> None:
    sound, rate = soundfile.read(speech, dtype="float32")
    with hearing(chain, tmp_path / "face.jsonl") as (address, process):
        with connect(address, proxy=None) as client:
            client.send(json.dumps({"koekao": 1, "sample_rate": rate, "format": "f32"}))
            assert json.loads(client.recv())["hello"] == "koekao"
            for i in range(0, len(sound), 800):
                client.send(sound[i : i + 800].astype("<f4").tobytes())
            client.send(json.dumps({"end": True}))
            assert json.loads(client.recv())["samples"] == len(sound)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and out.startswith("2.0 s of WebSocket at ws://") and "jsonl: 60 sent" in out
    written = koekao.read_curves(tmp_path / "face.jsonl").values
    assert np.abs(written - koekao.animate(chain.run, speech)).max() <= 1e-5


def test_the_lines_of_the_docs_make_a_browser_the_microphone(chain: Any, speech: Path, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed, so no page is opened")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed, so no page is opened")
    (lines,) = re.findall(r"```js\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert "ws://127.0.0.1:8766" in lines
    with (
        a_page() as page_address,
        hearing(chain, tmp_path / "face.jsonl") as (address, process),
        sync_api.sync_playwright() as playwright,
    ):
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={speech}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(permissions=["microphone"]).new_page()
        page.goto(page_address)
        lines = lines.replace("ws://127.0.0.1:8766", address)
        page.evaluate(f"async () => {{ {lines}; Object.assign(window, {{ socket, audio }}); }}")
        page.wait_for_function("() => socket.readyState === 1 && audio.currentTime > 3")
        page.evaluate("() => { audio.suspend(); socket.send(JSON.stringify({ end: true })); }")
        out, _ = process.communicate(timeout=30)
        browser.close()
    assert process.returncode == 0 and "of WebSocket at ws://" in out
    curves = koekao.read_curves(tmp_path / "face.jsonl").values
    assert (
        len(curves) >= 60 and curves.std(0).max() > 0.01
    )  # the face moves: the fake microphone says the take over and over


@contextmanager
def a_page() -> Iterator[str]:
    """An empty page of this machine: browsers give no microphone to others."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>microphone</title>")

        log_message: Callable[..., None] = lambda *_: None

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

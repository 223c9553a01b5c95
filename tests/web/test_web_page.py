"""The page runs the same file as Python and gives the same curves, and asks no other host for anything.

It is built here from ``web/`` where npm is; the test is skipped, and says so, where npm or Chromium is missing or the
packages cannot be fetched.
"""

from __future__ import annotations

import base64
import functools
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import koekao
from browser import CHROMIUM, FLAGS
from exported_faces import exported_file
from koekao.animation import animate
from koekao.outputs.folder import write_take
from koekao.runtime import OnnxEngine
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from web_packages import run_npm

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")
TAKE = make_take(11, seconds=3)
SPEECH = as_float(TAKE.audio)
CHUNKS = (1, 533, 0, 700, 4000, 160, 10_000)


@pytest.fixture(scope="module")
def built(web: Path) -> Path:
    """``web/dist``, built from the sources as they are."""
    run_npm("check")
    run_npm("build")
    return web / "dist"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported_file("stream 29.97 fps, look-ahead 3", tmp_path_factory)


@dataclass
class Page:
    """The page in a browser, the addresses that it asked for and the errors that it told its console."""

    page: Any
    origin: str
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def library(self, script: str, *args: Any) -> Any:
        """The result of ``async (koekao, args) => ...`` with the library as a page would import it."""
        code = f"async (args) => {{ const koekao = await import('/koekao.js'); return ({script})(koekao, ...args); }}"
        return self.page.evaluate(code, list(args))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def served(built: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(served: str) -> Iterator[Page]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed, so the page is not tested")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        opened = Page(browser.new_page(), served)
        opened.page.on("request", lambda request: opened.asked.append(request.url))
        opened.page.on("console", lambda said: opened.errors.append(said.text) if said.type == "error" else None)
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.goto(served)
        yield opened
        browser.close()


def text_of(values: bytes) -> str:
    return base64.b64encode(values).decode("ascii")


BYTES = "const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));"


def test_a_sound_dropped_on_the_page_gives_what_python_gives(page: Page, exported: Path, tmp_path: Path) -> None:
    sound, _ = write_take(tmp_path, "speech", TAKE.audio, TAKE.sample_rate, TAKE.curves, TAKE.fps)
    wait = """() => { window.made = new Promise((done) =>
        document.addEventListener("koekao-curves", (e) => done(Array.from(e.detail.curves)), { once: true })); }"""
    page.page.evaluate(wait)
    page.page.set_input_files("#sound", sound)
    page.page.set_input_files("#model", exported)
    made = np.array(page.page.evaluate("() => window.made"), np.float32).reshape(-1, 52)
    expected = animate(OnnxEngine(exported), SPEECH)
    assert made.shape == expected.shape == (90, 52)
    assert np.ptp(expected, axis=0).max() > 0.1, "a still face would say nothing"
    assert np.abs(made - expected).max() <= 1e-4
    bars = page.page.evaluate("() => Array.from(document.querySelectorAll('#curves meter'), (bar) => bar.value)")
    np.testing.assert_allclose(bars, expected[0], atol=1e-4)
    names = page.page.evaluate(
        "() => Array.from(document.querySelectorAll('#curves li'), (row) => row.innerText.trim())"
    )
    assert names == list(koekao.arkit.NAMES)
    assert page.page.inner_text("#said").startswith("speech.wav: 90 frames in ")


def test_pushed_in_chunks_it_gives_the_frames_that_python_gives_then(page: Page, exported: Path) -> None:
    """Not only the same curves: as many frames at each push, after a reset too, and pushes may overlap."""
    script = f"""async (koekao, model, sound, chunks) => {{
        {BYTES}
        const animator = await koekao.Animator.load(bytes(model));
        const samples = new Float32Array(bytes(sound).buffer);
        const once = async () => {{
            const pushed = [];
            for (let at = 0, i = 0; at < samples.length; at += chunks[i++ % chunks.length])
                pushed.push(animator.push(samples.subarray(at, at + chunks[i % chunks.length])));
            pushed.push(animator.finish());
            return (await Promise.all(pushed)).map((part) => Array.from(part));
        }};
        await animator.push(samples.subarray(500, 9000));
        await animator.reset();
        const made = await once();
        const owed = await animator.finish();
        const refused = await animator.push(samples).catch((error) => error.message);
        await animator.reset();
        const bad = await animator.push(new Float32Array([0, NaN])).catch((error) => error.message);
        const again = await once();
        await animator.release();
        return {{ made, again, owed: owed.length, refused, bad }};
    }}"""
    told = page.library(script, text_of(exported.read_bytes()), text_of(SPEECH.tobytes()), CHUNKS)
    live, at = koekao.runtime.load(exported), 0
    expected = []
    for i in range(len(told["made"]) - 1):
        size = CHUNKS[i % len(CHUNKS)]
        expected.append(live.push(SPEECH[at : at + size]))
        at += size
    expected.append(live.finish())
    assert at >= len(SPEECH) and told["made"] == told["again"]
    assert [len(part) // 52 for part in told["made"]] == [len(part) for part in expected]
    for made, part in zip(told["made"], expected):
        np.testing.assert_allclose(np.array(made, np.float32).reshape(-1, 52), part, atol=1e-4)
    assert told["owed"] == 0 and "sound after finish()" in told["refused"] and "sample 1 is not finite" in told["bad"]


def test_the_library_reads_the_header(page: Page, exported: Path) -> None:
    script = f"""async (koekao, model) => {{
        {BYTES}
        const h = koekao.readHeader(bytes(model));
        const starts = [0, 1, 2, 3, 1000, 123456].map((k) => [h.clock.frameStart(k), h.clock.framesCovering(k)]);
        const state = h.state.map((e) => [e.name, e.dtype, e.shape, Array.from(e.values, Number)]);
        return {{ ...h, clock: [h.clock.sampleRate, h.clock.fps], starts, state }};
    }}"""
    told, header = page.library(script, text_of(exported.read_bytes())), OnnxEngine(exported).header
    clock = header.clock
    assert told["clock"] == [16000, "30000/1001"]
    assert told["starts"] == [[clock.frame_start(k), clock.frames_covering(k)] for k in (0, 1, 2, 3, 1000, 123456)]
    assert (told["model"], told["lookAheadFrames"], told["firstSamples"]) == ("stream", 3, clock.frame_start(3))
    assert (told["curves"], told["weightsSha256"]) == (list(koekao.arkit.NAMES), header.weights_sha256)
    assert told["config"] == json.loads(header.as_text())["config"]
    for (name, dtype, shape, values), (expected, fresh) in zip(told["state"], header.fresh.items()):
        assert (name, dtype, shape) == (expected, str(fresh.dtype), list(fresh.shape))
        assert np.array_equal(np.array(values, fresh.dtype), fresh.ravel())


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"RIFF....WAVE", "damaged"), (b"", "no model of koekao"), (b"\x08\x0a", "no model of koekao"), (None, "damaged")],
)
def test_a_file_that_is_no_model_is_refused(page: Page, exported: Path, content: bytes | None, told: str) -> None:
    content = exported.read_bytes()[:-50] if content is None else content
    script = f"async (koekao, file) => {{ {BYTES} return koekao.Animator.load(bytes(file)).catch((e) => e.message); }}"
    assert told in page.library(script, text_of(content))


def test_nothing_was_asked_of_another_host_and_nothing_went_wrong(page: Page) -> None:
    """The last of the page's tests: all that it asked for above came from where it is served, or from itself."""
    assert any(url.endswith(".wasm") for url in page.asked)
    assert [url for url in page.asked if not url.startswith((page.origin, "blob:", "data:"))] == []
    assert page.errors == []

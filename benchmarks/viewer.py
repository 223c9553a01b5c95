"""How quick is the page, and does the face keep time with the sound?

Question: in a Chromium that draws in software, at 960x540 with the face playing and at least 12 lanes in sight, how
many pictures a second are drawn, how far is the face from the sound, and when is the first paint? And how long does a
list of 10,000 takes need to open and to scroll?

    python benchmarks/viewer.py            # wants chromium and playwright; a minute

The sound's clock is the audio element's. A picture's lag is the sound's time when the next picture is about to be drawn
less the time of the frame that was shown until then: with a frame of 33 ms, at most one frame and what a picture takes.
Sync is measured at the moment of drawing: the frame drawn against the frame that the sound is in just after.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from browser import CHROMIUM, FLAGS
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Listing, clip_of_take, clip_page
from koekao.viewer.clip import Clip
from koekao.viewer.serving import Shown, served

SECONDS = 5
WATCH = """async (seconds) => {
    const { player, drawn } = window.koekao, track = window.koekao.clip.tracks[0];
    player.seek(0);
    await player.play();
    await new Promise((done) => setTimeout(done, 700));
    const off = [], stale = [], began = performance.now(), first = drawn.pictures;
    let frames = 0, last = -1;
    await new Promise((done) => {
        const look = () => {  // runs in the same turn, after the page's own
            const now = player.time;
            if (drawn.frame !== last) { frames++; last = drawn.frame; }
            off.push(Math.floor(now * track.fps + 1e-6) - drawn.frame);
            stale.push(1000 * (now - drawn.seconds));
            if (performance.now() - began < 1000 * seconds) requestAnimationFrame(look); else done();
        };
        requestAnimationFrame(look);
    });
    const took = (performance.now() - began) / 1000;
    player.pause();
    const lanes = [...document.querySelectorAll("#lanes canvas")].filter((c) => {
        const box = c.getBoundingClientRect(); return box.top < innerHeight && box.bottom > 0; }).length;
    return { pictures_s: (drawn.pictures - first) / took, frames_s: frames / took, lanes,
             worst_frames: Math.max(...off.map(Math.abs)), stale_ms: Math.max(...stale) };
}"""


def measure(width: int = 960, height: int = 540) -> dict[str, Any]:
    """All numbers, from one browser."""
    from playwright.sync_api import sync_playwright

    take = make_take(3, seconds=12)
    page_bytes = len(clip_page(Clip(name="x", sound=None, sample_rate=1, tracks=clip_of_take(take).tracks)))
    said: dict[str, Any] = {"page_mb_without_sound": page_bytes / 1e6}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "page.html")
        file.write_text(clip_page(clip_of_take(take)), "utf-8")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, look in (
            ("opened first", "() => 0"),
            ("one face", "() => 0"),
            ("still curves too", "() => document.getElementById('still').click()"),
        ):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(file.as_uri())
            page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
            page.evaluate(look)
            paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
            said[name] = {"first_paint_ms": paint} | page.evaluate(WATCH, SECONDS)
            page.close()
        said["10,000 takes"] = _many(browser)
        browser.close()
    return said


def _many(browser: Any, n: int = 10_000) -> dict[str, float]:
    take = make_take(4, seconds=3)
    rows = [{"name": f"take_{i:05d}", "speaker": f"s{i % 50}", "split": "train", "seconds": 3.0} for i in range(n)]
    listing = Listing(title="many", rows=rows, clip=lambda _: clip_of_take(take), look=lambda _: ("0359", ()))
    with served(Shown(listing=listing)) as address:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.wait_for_selector("body[data-ready=yes]", timeout=60_000)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        steps = page.evaluate("""async () => {
            const list = document.getElementById('take-list'), took = [];
            for (let i = 1; i <= 60; i++) {
                const began = performance.now();
                list.scrollTop = i / 60 * list.scrollHeight;
                list.dispatchEvent(new Event('scroll'));
                took.push(performance.now() - began);
                await new Promise(requestAnimationFrame);
            }
            const search = document.getElementById('take-search'), began = performance.now();
            search.value = '777'; search.dispatchEvent(new Event('input'));
            return { scroll: took, search: performance.now() - began };
        }""")
        rows_there = page.evaluate("document.querySelectorAll('#take-list [role=option]').length")
        page.close()
    scroll = np.array(steps["scroll"])
    return {
        "first_paint_ms": paint, "scroll_ms_median": float(np.median(scroll)), "scroll_ms_worst": float(scroll.max()),
        "search_ms": steps["search"], "rows_in_page": rows_there,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1), file=sys.stdout)

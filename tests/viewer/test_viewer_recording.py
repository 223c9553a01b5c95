"""The microphone of a browser (Chromium's own beeping one) is recorded and animated by the model in the page.

Skipped, and said so, where the browser library cannot be built (npm and the packages of ``web/``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exported_faces import exported_file
from koekao.takes.synthetic.making import make_take
from koekao.viewer import clip_of_take
from koekao.viewer.serving import Shown, served
from web_packages import run_npm


@pytest.fixture(scope="module")
def library(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    run_npm("build", "--", "--out", str(dist))
    return dist


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported_file("stream 29.97 fps, look-ahead 3", tmp_path_factory)


def test_ten_seconds_or_less_are_recorded_and_animated(opened: Callable[..., Any], library: Path, model: Path) -> None:
    shown = Shown(clip=clip_of_take(make_take(1, seconds=1)), model=model, web=library)
    with served(shown) as address:
        page = opened(address)
        page.page.click("#record")
        page.page.wait_for_function("() => document.querySelector('#record span').textContent.startsWith('Stop')")
        page.page.wait_for_timeout(2500)
        page.page.click("#record")
        page.page.wait_for_function("() => koekao.clip.name === 'Microphone'", timeout=60_000)
        frames, seconds, moved = page.js(
            """() => { const track = koekao.clip.tracks[0], jaw = Array.from(track.curves[24]);
            return [track.frames, koekao.clip.seconds, Math.max(...jaw) - Math.min(...jaw)]; }"""
        )
        assert 1 < seconds < 9
        assert abs(frames - 29.97 * seconds) <= 1.5
        assert moved > 0
        page.page.wait_for_function("() => koekao.player.time > 0.1")
        assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)
        assert [said for said in page.errors if "ScriptProcessor" not in said] == []


def test_without_a_model_nothing_is_recorded(opened: Callable[..., Any]) -> None:
    with served(Shown(clip=clip_of_take(make_take(1, seconds=1)))) as address:
        assert not opened(address).page.is_visible("#record")

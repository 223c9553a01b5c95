"""The page in a real browser: everything on it works, the face keeps time, and nothing is asked of anybody."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import koekao
from koekao.arkit import INDEX, NAMES
from koekao.head import head_glb
from koekao.outputs import write_curves
from koekao.outputs.folder import write_take
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Curves, Listing, clip_of_take, clip_page, listing_page
from koekao.viewer.serving import Shown, served

TAKE = make_take(5, seconds=6)
CLIP = clip_of_take(TAKE, label="truth")
ROOT = Path(koekao.__file__).parents[2]
SHOTS = ROOT / "out" / "viewer"
PLAYING = "() => koekao.player.playing"


def wrong_at(seconds: float) -> Clip:
    """The clip beside one whose jaw is wrong at one moment, and whose lips are a little at another."""
    values = TAKE.curves.copy()
    values[round(seconds * 30), INDEX["jawOpen"]] = 1 - values[round(seconds * 30), INDEX["jawOpen"]]
    values[60, INDEX["mouthFunnel"]] += 0.1  # a smaller one, earlier
    other = Curves(label="prediction", fps=TAKE.fps, values=values)
    return replace(CLIP, tracks=(*CLIP.tracks, other))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(clip_page(CLIP), "utf-8")
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "pair.html"
    path.write_text(clip_page(wrong_at(4.0)), "utf-8")
    return path


def test_a_file_opens_from_the_disk_asks_nobody_and_says_nothing_wrong(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    page.js("() => koekao.player.play()")
    page.page.wait_for_timeout(300)
    assert [url for url in page.asked if not url.startswith(("blob:", "data:"))] == [file.as_uri()]
    assert page.errors == []
    assert page.text("#title") == TAKE.name
    assert page.text("#about").split("·")[0].strip() == "0:06.00"


def test_the_curves_that_arrive_are_those_that_were_sent(opened: Callable[..., Any], file: Path) -> None:
    got = opened(file).js("() => koekao.clip.tracks[0].curves.map((curve) => Array.from(curve))")
    assert np.abs(np.array(got).T - TAKE.curves).max() < 2e-5
    page = opened(file)
    page.js("() => koekao.timeline.onSeek(2.01)")
    page.page.wait_for_function("() => koekao.drawn.frame === 60")
    shown = page.js("""() => [...document.querySelectorAll('#lanes li')].map((row) =>
        [row.querySelector('.name').title, row.querySelector('.value').textContent])""")
    told = {name: value for name, value in shown if value}
    assert len(told) >= 12
    assert {name: f"{TAKE.curves[60, INDEX[name]]:.2f}" for name in told} == told


def test_playing_moves_the_playhead_and_the_face_keeps_time(opened: Callable[..., Any], file: Path) -> None:
    """At each picture the frame drawn is that of the sound just then, or at most the one before."""
    page = opened(file, width=960, height=540)
    seen = page.js("""async () => {
        await koekao.player.play();
        const seen = [];
        await new Promise((done) => { const look = () => {
            const now = koekao.player.audio.currentTime;
            seen.push([now, koekao.drawn.frame]);
            if (now < 2) requestAnimationFrame(look); else done();
        }; requestAnimationFrame(look); });
        koekao.player.pause();
        return seen;
    }""")
    late = [int(now * 30 + 1e-6) - frame for now, frame in seen[1:]]
    assert len({frame for _, frame in seen}) > 5
    assert max(late) <= 1 and min(late) >= 0
    x = page.js("() => document.getElementById('playhead').getBoundingClientRect().x")
    lane = page.js(
        "() => { const b = document.querySelector('#lanes canvas').getBoundingClientRect(); return [b.x, b.width]; }"
    )
    assert x == pytest.approx(lane[0] + lane[1] * page.js("() => koekao.player.time") / 6, abs=6)


def test_the_face_moves_with_the_curves(opened: Callable[..., Any], tmp_path: Path) -> None:
    values = np.zeros((30, 52), np.float32)
    values[15:, INDEX["jawOpen"]] = 1
    path = tmp_path / "jaw.html"
    jaw = Curves(label="jaw", fps=TAKE.fps, values=values)
    path.write_text(clip_page(Clip(name="jaw", sound=None, sample_rate=1, tracks=(jaw,))), "utf-8")
    page = opened(path)

    def picture(seconds: float) -> Any:
        page.js(f"() => koekao.timeline.onSeek({seconds})")
        page.page.wait_for_function(f"() => koekao.drawn.frame === {int(30 * seconds)} && !koekao.face.stale")
        page.page.wait_for_timeout(400)  # until the compositor has it
        shown = image.open(io.BytesIO(page.page.locator("#face").screenshot())).convert("L")
        return np.asarray(shown.resize((64, 64)), np.float32)

    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    picture(0.2)
    shut, still, wide = picture(0.1), picture(0.3), picture(0.8)
    assert np.abs(shut - wide).mean() > 1
    assert np.abs(shut - still).mean() < 0.2 * np.abs(shut - wide).mean()
    page.js("() => koekao.player.play()")  # without a sound a clock of its own
    page.page.wait_for_function("() => koekao.player.time > 0.2")


def test_each_control_and_key_does_what_it_says(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    press = page.page.keyboard.press
    time = lambda: page.js("() => koekao.player.time")  # noqa: E731
    page.page.click("#play")
    page.page.wait_for_function(PLAYING)
    press("k")
    assert not page.js(PLAYING)
    press("Home")
    assert time() == 0
    press("ArrowRight")
    press("ArrowRight")
    assert page.js("() => Math.floor(koekao.player.time * 30)") == 2
    press("ArrowLeft")
    assert page.js("() => Math.floor(koekao.player.time * 30)") == 1
    press("Shift+ArrowRight")
    assert 1 < time() < 1.1
    press("End")
    assert time() == pytest.approx(6, abs=0.05)
    press("]")
    assert page.js("() => [koekao.player.audio.playbackRate, document.getElementById('speed').value]") == [1.5, "1.5"]
    press("[")
    page.page.select_option("#speed", "0.5")
    assert page.js("() => koekao.player.audio.playbackRate") == 0.5
    press("l")
    assert page.page.get_attribute("#loop", "aria-pressed") == "true"
    press("+")
    assert page.js("() => koekao.timeline.to - koekao.timeline.from") == pytest.approx(6 / 1.6)
    page.page.click("#zoom-all")
    assert page.js("() => [koekao.timeline.from, koekao.timeline.to]") == [0, 6]
    box = page.page.locator("#wave").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert time() == pytest.approx(3, abs=0.05)
    press("t")
    assert page.js("() => document.documentElement.dataset.theme") == "dark"
    press("?")
    assert page.page.is_visible("#help")
    press("Escape")
    press("v")
    assert "truth: " in page.text("#said")
    assert page.errors == []


def test_a_loop_turns_back(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    page.js("() => { koekao.timeline.onLoop([1, 1.5]); return koekao.player.play(); }")
    seen = page.js("""async () => { const seen = []; const end = performance.now() + 1600;
        while (performance.now() < end) { await new Promise(requestAnimationFrame); seen.push(koekao.player.time); }
        return seen; }""")
    assert min(seen[2:]) >= 0.95 and max(seen) <= 1.85
    assert any(b < a for a, b in pairwise(seen))


def test_the_mouse_tells_values_and_loops_a_part(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    box = page.page.locator("#wave").bounding_box()
    at = lambda seconds: (box["x"] + box["width"] * seconds / 6, box["y"] + 10)  # noqa: E731
    page.page.wait_for_timeout(300)
    page.page.mouse.move(*at(2.016))  # the middle of a frame
    page.page.wait_for_timeout(300)
    assert page.js("() => koekao.timeline.hover") == pytest.approx(2.016, abs=0.012)
    frame = 60
    jaw = page.page.locator("#lanes li", has=page.page.locator("[title=jawOpen]")).locator(".value")
    assert jaw.inner_text() == f"{TAKE.curves[frame, INDEX['jawOpen']]:.2f}"
    page.page.keyboard.down("Shift")
    page.page.mouse.down()
    page.page.mouse.move(*at(3.0))
    page.page.mouse.up()
    page.page.keyboard.up("Shift")
    assert page.js("() => koekao.player.span") == pytest.approx([2, 3], abs=0.03)
    assert page.js("() => koekao.player.time") == 0
    assert page.page.is_visible("#loop-band")
    page.page.mouse.move(5, 5)
    assert not page.page.is_visible("#cursor")


def test_curves_are_searched_pinned_and_ordered(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    names = "() => [...document.querySelectorAll('#lanes .name')].map((name) => name.title)"
    moving = [name for name in NAMES if np.ptp(TAKE.curves[:, INDEX[name]]) > 0.05]
    assert sorted(page.js(names)) == sorted(moving)
    page.page.check("#still")
    assert sorted(page.js(names)) == sorted(NAMES)
    page.page.click("[aria-label='Pin mouthFunnel']")
    assert page.js(names)[0] == "mouthFunnel"
    assert page.page.get_attribute("[aria-label='Pin mouthFunnel']", "aria-pressed") == "true"
    page.page.fill("#search", "browIn")
    assert page.js(names) == ["browInnerUp"]
    page.page.fill("#search", "")
    page.page.select_option("#order", "movement")
    ranges = [np.ptp(TAKE.curves[:, INDEX[name]]) for name in page.js(names)[1:]]
    assert ranges == sorted(ranges, reverse=True)


def test_two_are_compared_and_the_worst_moment_is_found(opened: Callable[..., Any], pair: Path) -> None:
    page = opened(pair)
    assert [one.strip() for one in page.page.locator("#captions span").all_inner_texts()] == ["truth", "prediction"]
    first = page.page.locator("#moments button").first
    assert first.locator(".time").inner_text() == "0:04.00"
    assert first.locator(".worst").inner_text().startswith("jawOpen ")
    assert page.page.locator("#moments .time").all_inner_texts() == ["0:04.00", "0:02.00"]
    first.click()
    assert page.js("() => koekao.player.time") == pytest.approx(4.0, abs=0.02)
    assert page.page.is_visible("#errors")
    off = abs(1 - 2 * float(TAKE.curves[120, INDEX["jawOpen"]]))
    assert page.js("() => koekao.comparison.mean") == pytest.approx((off + 0.1) / 52 / 180, rel=1e-2)
    assert page.js(f"() => koekao.comparison.byCurve[{INDEX['jawOpen']}].mae") == pytest.approx(off / 180, rel=1e-2)
    side = bytes(page.page.locator("#face").screenshot())
    page.page.click("#over")
    page.page.wait_for_timeout(300)
    assert bytes(page.page.locator("#face").screenshot()) != side
    assert page.errors == []


DROP = """async (files) => {
    const data = new DataTransfer();
    for (const [name, text, type] of files)
        data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type }));
    for (const kind of ["dragenter", "drop"])
        document.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize("ending", ["jsonl", "csv", "json"])
def test_a_sound_with_curves_is_dropped(opened: Callable[..., Any], file: Path, tmp_path: Path, ending: str) -> None:
    page, take = opened(file), make_take(9, seconds=2)
    sound, _ = write_take(tmp_path, "new", take.audio, take.sample_rate, take.curves, take.fps)
    curves = tmp_path / f"new.{ending}"
    write_curves(curves, take.curves, take.fps)
    dropped = [(one.name, base64.b64encode(one.read_bytes()).decode(), "") for one in (sound, curves)]
    page.js(DROP, dropped)
    page.page.wait_for_function("() => koekao.clip.name === 'new'")
    assert page.js("() => koekao.player.duration") == pytest.approx(2, abs=0.01)
    got = np.array(page.js("() => koekao.clip.tracks[0].curves.map((curve) => Array.from(curve))")).T
    assert got.shape == take.curves.shape
    assert np.abs(got - take.curves).max() < (2e-3 if ending == "csv" else 1e-5)
    assert page.errors == []


def test_a_face_is_dropped_and_what_is_none_is_said(opened: Callable[..., Any], file: Path) -> None:
    page = opened(file)
    page.js(DROP, [("face.glb", base64.b64encode(head_glb()).decode(), "")])
    page.page.wait_for_function("() => document.getElementById('said').textContent.includes('52 of the 52')")
    for name, content, told in (("a.csv", "x,y\n1,2\n", "a.csv"), ("a.exe", "x", "expected sound"), ("a.glb", "x", "")):
        page.js(DROP, [(name, base64.b64encode(content.encode()).decode(), "")])
        page.page.wait_for_selector("#said.wrong")
        assert told in page.text("#said")
        page.js("() => document.getElementById('said').classList.remove('wrong')")


def drop(page: Any, *paths: Path) -> None:
    page.js(DROP, [(path.name, base64.b64encode(path.read_bytes()).decode(), "") for path in paths])


def written(path: Path, curves: Any, fps: int) -> Path:
    write_curves(path, curves, fps)
    return path


def curves_shown(page: Any) -> Any:
    return np.array(page.js("() => koekao.clip.tracks[0].curves.map((curve) => Array.from(curve))")).T


def test_a_face_that_is_dropped_plays_its_own_animation(opened: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    """As our own outputs write it, frame by frame; poses a second apart are walked between evenly."""
    page, take = opened(file), make_take(9, seconds=2)
    drop(page, written(tmp_path / "talk.glb", take.curves, 24))
    page.page.wait_for_function("() => koekao.clip.name === 'talk'")
    assert "its own animation of 2.5 s" in page.text("#said")
    track = page.js("() => { const { label, fps, frames } = koekao.clip.tracks[0]; return [label, fps, frames]; }")
    assert track == ["talk.glb", 24, 60]
    assert np.abs(curves_shown(page) - take.curves).max() < 1e-5
    assert page.js("() => koekao.clip.sound !== null"), "the sound that is here stays, as for a file of curves"
    poses = np.zeros((3, 52), np.float32)
    poses[1, INDEX["jawOpen"]] = 1
    drop(page, written(tmp_path / "poses.glb", poses, 1))
    page.page.wait_for_function("() => koekao.clip.name === 'poses'")
    up = np.arange(31) / 30
    np.testing.assert_allclose(curves_shown(page)[:, INDEX["jawOpen"]], [*up, *up[-2::-1]], atol=1e-6)
    assert page.errors == []


def test_curves_dropped_with_a_face_come_before_its_own(opened: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    page = opened(file)
    still = written(tmp_path / "still.csv", np.zeros((30, 52), np.float32), 30)
    drop(page, written(tmp_path / "talk.glb", TAKE.curves, 30), still)
    page.page.wait_for_function("() => koekao.clip.name === 'still'")
    assert np.ptp(curves_shown(page)) == 0
    before = page.js("() => koekao.clip.name")
    page.js(DROP, [("bare.glb", base64.b64encode(head_glb()).decode(), "")])
    page.page.wait_for_function(
        "() => document.getElementById('said').textContent.startsWith('bare.glb: 52 of the 52')"
    )
    assert page.js("() => koekao.clip.name") == before, "a face without an animation shows what is there"


def many(n: int) -> Listing:
    rows = [{"name": f"take_{i:05d}", "speaker": f"s{i % 7}", "split": "train", "seconds": 6.0 + i} for i in range(n)]
    from koekao.takes.doctor.finding import Finding

    finding = Finding(name="x", level="problem", what="clipped often", do="")
    return Listing(
        title="many",
        rows=rows,
        clip=lambda i: replace(CLIP, name=rows[i]["name"]),
        look=lambda i: ("0123456789", (finding,) if i == 77 else ()),
    )


def test_ten_thousand_takes_are_listed_searched_and_played(opened: Callable[..., Any]) -> None:
    with served(Shown(listing=many(10_000))) as address:
        page = opened(address)
        page.page.wait_for_function("() => document.getElementById('title').textContent === 'take_00000'")
        rows = "() => document.querySelectorAll('#take-list [role=option]').length"
        assert 5 < page.js(rows) < 60
        assert page.text("#take-count") == "10,000 takes"
        took = page.js("""async () => { const list = document.getElementById('take-list'); let worst = 0, most = 0;
            for (let i = 0; i < 20; i++) { list.scrollTop = i * 25000; const began = performance.now();
                list.dispatchEvent(new Event('scroll')); worst = Math.max(worst, performance.now() - began);
                most = Math.max(most, list.querySelectorAll('[role=option]').length);
                await new Promise(requestAnimationFrame); } return [worst, most]; }""")
        assert took[0] < 200 and took[1] < 60
        page.page.fill("#take-search", "take_00077")
        assert page.text("#take-count") == "1 of 10,000"
        page.page.wait_for_selector("#take-list .flag.problem")
        page.page.click("#take-list [role=option]")
        page.page.wait_for_function("() => document.getElementById('title').textContent === 'take_00077'")
        assert "clipped often" in page.text("#notes")
        page.page.fill("#take-search", "")
        page.page.focus("#take-list")
        page.page.keyboard.press("ArrowDown")
        page.page.wait_for_function("() => document.getElementById('title').textContent === 'take_00078'")
        assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)
        assert page.errors == []


def test_a_corpus_in_one_file_needs_no_server(opened: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "corpus.html"
    path.write_text(listing_page(many(3)), "utf-8")
    page = opened(path)
    page.page.click("#take-2")
    page.page.wait_for_function("() => document.getElementById('title').textContent === 'take_00002'")
    assert page.errors == []


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 800, False), (820, 1180, True), (390, 844, False)])
def test_it_fits_and_axe_finds_nothing(
    opened: Callable[..., Any], pair: Path, web: Path, width: int, height: int, dark: bool
) -> None:
    page = opened(pair, width=width, height=height, dark=dark)
    page.js("() => koekao.timeline.onSeek(2.5)")
    page.page.wait_for_timeout(500)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.page.screenshot(path=SHOTS / f"compare_{width}_{'dark' if dark else 'light'}.png", full_page=True)
    assert page.js("() => document.documentElement.scrollWidth") <= width
    page.js((web / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    found = page.js(
        "async () => (await axe.run()).violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 120))])"
    )
    assert found == [], json.dumps(found, indent=1)

"""The page as text: small, self-contained, built from the sources that lie here, with data that cannot break out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from koekao.errors import ConfigError
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Listing, clip_of_take, clip_page, listing_page
from koekao.viewer import page as page_module
from koekao.viewer.page import sources_hash, template
from web_packages import WEB, run_npm

CLIP = clip_of_take(make_take(1, seconds=2))


def data_of(page: str) -> dict[str, object]:
    return dict(json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0]))


def policy_of(page: str) -> dict[str, str]:
    text = page.split('http-equiv="Content-Security-Policy" content="', 1)[1].split('"', 1)[0]
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def test_the_built_file_is_of_the_sources_that_lie_here() -> None:
    sources = WEB / "src" / "viewer"
    if not sources.is_dir():
        pytest.skip("web/ is not here, only the built page")
    digest = hashlib.sha256()
    for path in sorted(sources.iterdir(), key=lambda path: path.name):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    digest.update((WEB / "package-lock.json").read_bytes())
    assert sources_hash() == digest.hexdigest(), "page.html is old: npm run build:viewer in web/"


@pytest.mark.usefixtures("web")
def test_built_again_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    run_npm("check")
    run_npm("build:viewer", "--", str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_text("utf-8") == template()


def test_it_is_small() -> None:
    assert len(template()) < 1.5e6
    assert len(clip_page(replace(CLIP, sound=None))) < 2.5e6


def test_the_script_that_may_run_is_the_one_that_is_there() -> None:
    page = clip_page(CLIP)
    script = page.rsplit("<script>", 1)[1].rsplit("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy_of(page)["script-src"] == f"'sha256-{digest}'"


def test_a_file_may_ask_nobody_and_a_served_page_its_server_alone() -> None:
    assert policy_of(clip_page(CLIP)) | {"script-src": ""} == {
        "default-src": "'none'", "script-src": "", "style-src": "'unsafe-inline'", "img-src": "blob: data:",
        "media-src": "blob:", "connect-src": "blob: data:", "base-uri": "'none'", "form-action": "'none'",
    }  # fmt: skip
    assert policy_of(clip_page(CLIP, served=True))["connect-src"] == "'self' blob: data:"
    assert "wasm" not in policy_of(clip_page(CLIP, served=True))["script-src"]
    assert policy_of(clip_page(CLIP, served=True, model=True))["script-src"].endswith("'self' 'wasm-unsafe-eval'")


def test_no_address_is_fetched_by_it() -> None:
    page = template()
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page.split("<script", 1)[0])
    assert loaded == ["data:,"]
    assert "{{" not in clip_page(CLIP).split("<script>", 1)[0]


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "{{SCRIPT}}", "{{DATA}}", '"><img>', "声顔\u2028"]
)
def test_a_name_may_hold_anything(name: str) -> None:
    page = clip_page(replace(CLIP, name=name))
    assert data_of(page)["title"] == name
    assert page.count("<script") == clip_page(CLIP).count("<script")
    assert page.rsplit("<script>", 1)[1] == clip_page(CLIP).rsplit("<script>", 1)[1]
    assert "<img>" not in page.split("<body>", 1)[0]


def listing(n: int) -> Listing:
    rows = [{"name": f"t{i}", "speaker": "", "split": "", "seconds": 2.0} for i in range(n)]
    return Listing(title="some", rows=rows, clip=lambda i: replace(CLIP, name=f"t{i}"), look=lambda i: ("09", ()))


def test_a_list_kept_as_a_file_holds_every_take_and_a_served_one_none() -> None:
    kept, served = data_of(listing_page(listing(3))), data_of(listing_page(listing(3), served=True))
    clips = kept["clips"]
    assert isinstance(clips, list)
    assert [clip["name"] for clip in clips] == ["t0", "t1", "t2"]
    assert kept["details"] == [{"spark": "09", "flags": []}] * 3
    assert (served["clips"], served["details"]) == (None, None)
    assert kept["takes"] == served["takes"]


def test_a_list_that_is_too_much_for_a_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MOST_BYTES", 100_000)
    with pytest.raises(ConfigError, match=r"50 takes.*\n  -> name one take"):
        listing_page(listing(50))


def test_a_clip_without_sound_has_none() -> None:
    silent = Clip(name="x", sound=None, sample_rate=1, tracks=CLIP.tracks)
    said = data_of(clip_page(silent))["clip"]
    assert isinstance(said, dict)
    assert said["sound"] is None
    assert said["seconds"] == 2.0

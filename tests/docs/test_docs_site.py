"""The site is built of all pages, no link of it is broken, and what is drawn or written by a program is up to date.

The examples in the docstrings, which the reference shows, are run by ``tests/test_api.py``.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from doc_pages import ROOT, pages

import koekao
from api_pages import ROOMS, api_pages, public_names
from plan_pictures import HERE, PICTURES

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return api_pages()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical", reason="the extra docs is not installed")
    from website import build

    home = tmp_path_factory.mktemp("site")
    build(home / "pages", home / "site")
    return home / "site"


def test_every_page_of_docs_and_every_room_is_in_the_site(site: Path, reference: dict[str, str]) -> None:
    for path in pages():
        if path.parent == DOCS:
            assert (site / path.with_suffix(".html").name).is_file(), path.name
    for name in reference:
        assert (site / "api" / Path(name).with_suffix(".html").name).is_file(), name


def test_every_page_stands_in_the_navigation() -> None:
    listed = set(re.findall(r'"([\w-]+\.md)"', (ROOT / "zensical.toml").read_text("utf-8")))
    assert {path.name for path in pages() if path.parent == DOCS} == listed


def test_the_site_asks_nobody_on_the_network(site: Path) -> None:
    text = (site / "index.html").read_text("utf-8")
    assert not re.findall(
        r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//(?!localhost)[^"]+\.(?:js|css|woff2?|png|svg)', text
    )


def test_a_broken_link_and_a_missing_anchor_are_found(tmp_path: Path) -> None:
    from website import broken_links

    (tmp_path / "a.html").write_text('<a href="b.html#there">x</a><a href="b.html#gone">x</a><img src="no.png">')
    (tmp_path / "b.html").write_text('<h2 id="there">x</h2><a href="a.html">x</a><a href="https://example.org/">x</a>')
    assert sorted(broken_links(tmp_path)) == [
        "a.html: b.html#gone: no such anchor",
        "a.html: no.png leads nowhere",
    ]


def test_a_link_to_a_file_that_is_not_there_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import website

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# a\n\n[x](../gone.py)\n")
    monkeypatch.setattr(website, "ROOT", tmp_path)
    monkeypatch.setattr(website, "DOCS", tmp_path / "docs")
    with pytest.raises(SystemExit, match=r"docs/a.md: a link to ../gone.py, which is not there"):
        website.stage(tmp_path / "pages")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_show_what_the_plans_say_today(name: str) -> None:
    """``python docs/making/plan_pictures.py`` draws them anew."""
    assert (HERE / f"{name}.svg").read_text("utf-8") == str(PICTURES[name]())


def test_every_public_name_is_in_the_reference(reference: dict[str, str]) -> None:
    for name in koekao.__all__:
        assert f"{{ #koekao.{name} }}" in reference["koekao.md"], name
    for room in ROOMS:
        page = reference[f"{room.removeprefix('koekao.').replace('.', '-')}.md"]
        for name in public_names(importlib.import_module(room)):
            assert f"## {name}" in page, f"{room}.{name}"


def test_the_reference_is_markdown_and_no_sphinx(reference: dict[str, str]) -> None:
    for name, text in reference.items():
        bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert not re.search(r":(?:class|func|meth|mod|data):`", bare), name
        assert "``" not in bare, name
        assert text.count("```") % 2 == 0, name


def test_arguments_of_one_line_are_told_apart(reference: dict[str, str]) -> None:
    page = reference["koekao.md"]
    assert "- `batch_size`: rows a batch. `n_streams`: 2 where not given" in page
    assert "[`koekao.batches.Loader`](batches.md#koekao.batches.Loader)" in page

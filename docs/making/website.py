"""The documentation as a site: ``python docs/making/website.py``, or ``make docs``; out/site/index.html.

The pages are docs/*.md as they stand, and the API reference made from the docstrings. What they link to outside docs/
(a test, a licence) is laid into the site, so that no link leads to a place on the network that may not be there. The
site is built by zensical in strict mode, and then every link and every anchor of the HTML is followed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api_pages import ROOMS, api_pages, file_of

ROOT = Path(__file__).resolve().parents[2]
DOCS, CONFIG, BESIDE = ROOT / "docs", ROOT / "zensical.toml", "repository"
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def build(pages: Path, site: Path) -> None:
    """Lay the pages into one folder and build the site in another; both are made anew.

    Raises:
        SystemExit: zensical complains, or a link of the site leads nowhere; the reasons are printed.
    """
    for folder in (pages, site):
        shutil.rmtree(folder, ignore_errors=True)
    stage(pages)
    config = pages.parent / "zensical.toml"
    config.write_text(_configured(pages, site), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--config-file", str(config), "--clean", "--strict"],
        cwd=pages.parent, capture_output=True, text=True,
    )  # fmt: skip
    wrong = [done.stdout + done.stderr] if done.returncode else list(broken_links(site))
    if wrong:
        raise SystemExit("\n".join(wrong))


def _configured(pages: Path, site: Path) -> str:
    """zensical.toml with the folders of this build and every page of the reference."""
    rooms = ", ".join(f'{{ "{title}" = "api/{file_of(room)}" }}' for room, title in ROOMS.items())
    text = CONFIG.read_text("utf-8")
    for written, meant in (("out/docs", pages.name), ("out/site", site.name)):
        text = text.replace(f'"{written}"', f'"{meant}"')
    return text.replace('"api/index.md"', f'"api/index.md", {rooms}')


def stage(pages: Path) -> None:
    """Write every page of the site as Markdown: docs/, the API reference, and what they link to outside docs/."""
    for source in sorted(DOCS.rglob("*")):
        target = pages / source.relative_to(DOCS)
        if source.is_dir() or "making" in source.parts or source.suffix in (".py", ".pyc"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            _write_page(source, target, pages)
        else:
            shutil.copyfile(source, target)
    (pages / "api").mkdir(parents=True)
    for name, text in api_pages().items():
        (pages / "api" / name).write_text(text, "utf-8")


def _write_page(source: Path, target: Path, pages: Path) -> None:
    """A page of the repository as one of the site; what it links to outside docs/ is copied, and the links follow."""

    def led(found: re.Match[str]) -> str:
        linked = (source.parent / found[2]).resolve()
        if not linked.exists():
            raise SystemExit(f"{source.relative_to(ROOT)}: a link to {found[2]}, which is not there")
        if linked.is_relative_to(DOCS):
            aim = pages / linked.relative_to(DOCS)
        else:
            aim = _copied(linked, pages)
        return f"{found[1]}{os.path.relpath(aim, target.parent)}{found[3]}"

    text = source.read_text("utf-8")
    parts = re.split(f"({_FENCE.pattern})", text, flags=_FENCE.flags)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(part if part.startswith("```") else _LINK.sub(led, part) for part in parts), "utf-8")


def _copied(linked: Path, pages: Path) -> Path:
    """Where a file outside docs/ stands in the site: Markdown as a page, the rest as plain text."""
    name = linked.relative_to(ROOT).as_posix()
    copy = pages / BESIDE / (name if linked.suffix == ".md" else f"{name}.txt")
    if copy.exists():
        return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.touch()  # pages that link to each other end here
    if linked.suffix == ".md":
        _write_page(linked, copy, pages)
    else:
        shutil.copyfile(linked, copy)
    return copy


class _Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name in ("href", "src"):
                self.links.append(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """What is wrong with the links of a built site, a line each; the network is not asked."""
    pages: dict[Path, _Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = page = _Page()
        page.feed(path.read_text("utf-8"))
    for path, page in pages.items():
        if path.name == "404.html":
            continue
        for link in sorted(set(page.links)):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            aim = aim / "index.html" if aim.is_dir() else aim
            where = path.relative_to(site)
            if not aim.exists():
                yield f"{where}: {link} leads nowhere"
            elif parts.fragment and aim in pages and unquote(parts.fragment) not in pages[aim].anchors:
                yield f"{where}: {link}: no such anchor"


if __name__ == "__main__":
    build(ROOT / "out" / "docs", ROOT / "out" / "site")
    print(ROOT / "out" / "site" / "index.html")

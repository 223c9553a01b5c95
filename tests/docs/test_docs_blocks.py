"""Every command and code block of README.md and docs/ is run, page by page, or a comment says why it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from doc_pages import ROOT, Block, Said, account, blocks_of, inline_commands, pages, words_of
from doc_running import PageRun

from koekao.cli.app import app

PAGES = [path for path in pages() if blocks_of(path)]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_of_a_page_runs(
    path: Path,
    tmp_path: Path,
    stock: Mapping[str, Callable[[Path], None]],
    given: Mapping[str, Callable[[], Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PageRun(tmp_path, stock, given)
    for block in blocks_of(path):
        if block.is_code or block.said:
            page.run(block)


def test_the_pages_are_all_there_and_what_is_not_run_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = account()
    with capsys.disabled():
        print("\n" + "\n".join(told))
    n_run, n_not = map(int, re.findall(r"(\d+) (?:commands|are not)", told[0]))
    assert n_run > 80 and n_not < n_run / 3
    assert {"README.md", "docs/quickstart.md", "docs/batches.md"} <= {
        path.relative_to(ROOT).as_posix() for path in PAGES
    }


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_running_text_name_verbs_and_options_that_there_are(path: Path) -> None:
    for command in inline_commands(path):
        _, verb, *words = words_of(command.replace("...", ""))
        if verb == "VERB":
            continue
        known = {name for argument in app[verb].assemble_argument_collection() for name in argument.names}
        known |= {"--help", "-h", "--debug-errors"}
        for word in words:
            if word.startswith("-") and len(word) > 1:
                name = word.split("=")[0]
                assert name in known or any(name.startswith(f"{each}.") for each in known), f"{path.name}: {command}"


def test_the_japanese_readme_has_the_blocks_of_the_english_one() -> None:
    def bare(block: Block) -> list[str]:
        return [re.sub(r"\s+", " ", line) for line in block.lines]

    english, japanese = (
        [bare(block) for block in blocks_of(ROOT / name) if block.is_code] for name in ("README.md", "README.ja.md")
    )
    assert japanese == english


def test_a_block_that_nobody_runs_and_nobody_explains_is_found(tmp_path: Path) -> None:
    page = PageRun(tmp_path, {}, {})
    with pytest.raises(AssertionError, match=r"x\.md:1: a block of 'js' that nobody runs"):
        page.run(Block("x.md", 1, "js", "alert(1)\n", ()))
    with pytest.raises(AssertionError, match="exit 2, not 0"):
        page.run(Block("x.md", 1, "", "koekao inspect nothing-here\n", ()))
    page.printed = "moved  +179 ms, 2 findings\n"
    output = (Said("output", "", ""),)
    page.run(Block("x.md", 1, "text", "moved +180 ms, 2 findings\n", output))
    for other in ("moved +190 ms, 2 findings\n", "moved +180 ms, 3 findings\n", "kept +180 ms, 2 findings\n"):
        with pytest.raises(AssertionError, match="is not what is printed"):
            page.run(Block("x.md", 1, "text", other, output))
    with pytest.raises(NameError):
        page.run(Block("x.md", 1, "python", "no_such_name\n", ()))


def test_tests_that_run_a_block_in_our_place_name_the_page() -> None:
    for path in PAGES:
        for block in blocks_of(path):
            for said in block.all("tested"):
                test = ROOT / said.words.removeprefix("by ")
                assert test.is_file() and path.name in test.read_text("utf-8"), f"{block}: {test}"

"""The pages of the documentation, read: fenced blocks, what a comment before each says of it, and inline commands.

A comment that begins with ``test`` stands before a block and says how it is run where that is not as it stands::

    <!-- test
    holds takes, RUN=run, speech.wav   what lies in the page's folder; NAME=KIND names a thing of the stock otherwise
    given samples                      names that the Python of the page has
    skip                  : why        the block is not run; ``skip WORDS: why`` means the lines that hold these words
    with WORDS            : --more     these words are added to such lines (fewer steps, a free port)
    with koekao.NAME      : {k: v}     the same for the Python of a block: arguments where it gives none
    instead WORDS         : command    another line is run in their place
    until WORDS           : text       a server: started, and ended by Ctrl-C when it has said the text
    exit WORDS            : 2          the exit code that such a line has, where it is not 0
    file face.yaml                     the block is a file, written into the page's folder
    output                             the block is what the one before printed; measured ms may lie 5 ms apart
    tested by tests/x.py  : why        another test takes the block from the page and runs it
    -->

``python docs/doc_pages.py`` in tests/ lists what is not run, and why.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("koekao", "make", "pip", "python", "torchrun", "npm", "git", "arecord")
SHELLS = ("sh", "bash", "console", "shell")
DATA = ("yaml", "json", "toml", "jsonl", "csv")
NO_CODE = ("text", "mermaid", "pycon")
_FENCE = re.compile(
    r"(?:<!-- test\s(?P<said>(?:(?!-->).)*?)\s*-->\s*\n)?"
    r"^(?P<indent> *)```(?P<language>[\w+-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```\s*$",
    re.DOTALL | re.MULTILINE,
)
_INLINE = re.compile(r"(?<!`)`(koekao [a-z][^`]*)`(?!`)")
_LINE = re.compile(r"(?P<verb>\w+)(?P<words>.*?)(?::\s+(?P<rest>.*))?")
_VERBS = ("holds", "given", "skip", "with", "instead", "until", "exit", "file", "output", "tested")


@dataclass(frozen=True)
class Said:
    """A line of the comment before a block: what is to be done, to which lines, and the rest of it."""

    verb: str
    words: str
    rest: str


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    said: tuple[Said, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def all(self, verb: str) -> list[Said]:
        return [said for said in self.said if said.verb == verb]

    def of(self, verb: str, command: str) -> str | None:
        """What the comment says to do with such a line, or None."""
        found = [said.rest for said in self.all(verb) if said.words in command]
        return found[0] if found else None

    @property
    def skipped(self) -> str | None:
        """Why none of it is run here."""
        for said in self.all("skip"):
            if not said.words:
                return said.rest
        for said in self.all("tested"):
            return f"by {said.words.removeprefix('by ')}: {said.rest}"
        return None

    @property
    def is_shell(self) -> bool:
        if self.language:
            return self.language in SHELLS
        return any(re.match(rf"(?:\$ )?(?:[A-Z_]+=\S+ )*({'|'.join(COMMANDS)})\b", line) for line in self.lines)

    @property
    def is_code(self) -> bool:
        """Something that a reader would run, or write into a file; not a drawing or what a program printed."""
        return self.is_shell or bool(self.language and self.language not in NO_CODE)

    @property
    def lines(self) -> list[str]:
        """The command lines: without comments and prompts, those that go on after a backslash joined."""
        joined = self.text.replace("\\\n", " ")
        bare = [re.sub(r"^\$ ", "", line.strip()) for line in joined.split("\n")]
        found = [_without_comment(line) for line in bare]
        return [line for line in found if line]


def _without_comment(line: str) -> str:
    """The line up to a # that begins a word outside quotes."""
    quote = ""
    for i, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (i == 0 or line[i - 1].isspace()):
            return line[:i].strip()
    return line.strip()


def pages() -> list[Path]:
    """README.md and every page of docs/; README.ja.md is held to README.md by a test of its own."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order.

    Raises:
        ValueError: a comment that says what this module does not know.
    """
    text = path.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        page = path.relative_to(ROOT).as_posix()
        line = text.count("\n", 0, match.start("language")) + 1
        said = tuple(_said(each, f"{page}:{line}") for each in (match["said"] or "").split("\n") if each.strip())
        found.append(Block(page, line, match["language"], match["text"], said))
    return found


def _said(line: str, where: str) -> Said:
    found = _LINE.fullmatch(line.strip())
    verb, words, more = (found["verb"], found["words"].strip(), found["rest"] or "") if found else (line, "", "")
    if verb not in _VERBS:
        raise ValueError(f"{where}: a comment says {verb!r}; known are {', '.join(_VERBS)}")
    if verb in ("skip", "tested") and not more.strip():
        raise ValueError(f"{where}: {verb} without a reason")
    return Said(verb, words, more.strip())


def inline_commands(path: Path) -> list[str]:
    """Commands of koekao that stand in running text, once each."""
    text = re.sub(r"^ *```.*?^ *```\s*$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return sorted({" ".join(found.split()) for found in _INLINE.findall(text)})


def words_of(command: str) -> list[str]:
    return shlex.split(command)


def not_run(block: Block) -> list[tuple[str, str]]:
    """(line, why) of what is not run of a block."""
    if block.skipped is not None:
        return [(block.lines[0] if block.lines else block.language, block.skipped)]
    return [(line, why) for line in block.lines if block.is_shell and (why := block.of("skip", line))]


def account() -> list[str]:
    """What is run and what is not, a line each."""
    counts: Counter[str] = Counter()
    told = []
    for path in pages():
        for block in blocks_of(path):
            left = not_run(block)
            whole = len(block.lines) if block.is_shell else 1
            if block.is_code or block.all("output"):
                counts["run"] += whole - (whole if block.skipped is not None else len(left))
                counts["not"] += whole if block.skipped is not None else len(left)
            told += [f"  {block}: {line}: {why}" for line, why in left]
    return [f"docs: {counts['run']} commands and blocks are run, {counts['not']} are not:", *told]


if __name__ == "__main__":
    print("\n".join(account()))

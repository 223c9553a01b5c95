"""Laws of the house on size and on doubles: a function is a paragraph, a module one idea, a passage stands once.

A docstring is not counted: what a function promises may take as long as it takes. Whatever is longer and stays so is
named here with its reason, and leaves the list when it is mended.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import koekao

LONGEST_FUNCTION_LINES, LONGEST_MODULE_LINES = 60, 400
LONGEST_REPEATED_LINES = 7
"""Lines of code that may stand twice, to the letter: a signature that two classes share is as long as this."""

LONG_FUNCTIONS = {
    "src/koekao/cli/batches.py:batches": "its signature is the command line, an option a line",
    "src/koekao/cli/live.py:live": "its signature is the command line, an option a line",
    "src/koekao/cli/pack.py:pack": "its signature is the command line, an option a line",
}
LONG_MODULES = {
    "tests/cli/test_cli_errors.py": "what each verb answers to each fault, side by side",
}
REPEATED = {
    (
        "src/koekao/export/graph.py",
        "src/koekao/models/smoothing.py",
    ): "an override says again what it overrides",
}

HERE = Path(__file__).parent
FILES = {
    f"{name}/{path.relative_to(folder).as_posix()}": path
    for name, folder in (
        ("src/koekao", Path(koekao.__file__).parent),
        ("tests", HERE),
        ("benchmarks", HERE.parent / "benchmarks"),
    )
    for path in sorted(folder.rglob("*.py"))
}


@cache
def text_of(name: str) -> str:
    return FILES[name].read_text("utf-8")


@cache
def statements(text: str) -> list[ast.stmt]:
    """All of them, whatever they stand in; what statements are made of is not looked through, which takes longest."""
    return list(_within(ast.parse(text)))


def _within(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _within(child)


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def lines_of(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def functions(text: str) -> Iterator[tuple[str, int]]:
    """(name, lines from ``def`` to its end without the docstring) of every function, methods and inner ones too."""
    for node in statements(text):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, len(lines_of(node)) - (len(lines_of(node.body[0])) if is_docstring(node.body[0]) else 0)


def code_lines(text: str) -> list[tuple[int, str]]:
    """(line number, code) of the lines that say something: no comments, docstrings, imports and closing brackets."""
    silent: set[int] = set()
    for node in statements(text):
        if isinstance(node, ast.Import | ast.ImportFrom) or is_docstring(node):
            silent.update(lines_of(node))
    lines = [(at, line.partition("  # ")[0].strip()) for at, line in enumerate(text.splitlines(), start=1)]
    return [(at, code) for at, code in lines if at not in silent and code[:1] != "#" and any(map(str.isalnum, code))]


def repeated(texts: dict[str, str], longest: int) -> list[tuple[str, str]]:
    """Two places (``file:line``) each, where more than ``longest`` lines of code in a row stand twice to the letter."""
    places: dict[tuple[str, ...], str] = {}
    found: list[tuple[str, str]] = []
    for name, text in texts.items():
        lines, told = code_lines(text), 0
        for at in range(len(lines) - longest):
            here = f"{name}:{lines[at][0]}"
            first = places.setdefault(tuple(code for _, code in lines[at : at + longest + 1]), here)
            if first != here and at >= told:
                found.append((first, here))
                told = at + longest + 1
    return found


def test_a_function_is_a_paragraph() -> None:
    found = {f"{name}:{each}": n for name in FILES for each, n in functions(text_of(name))}
    long = {where: n for where, n in found.items() if n > LONGEST_FUNCTION_LINES}
    assert {where: n for where, n in long.items() if where not in LONG_FUNCTIONS} == {}
    assert LONG_FUNCTIONS.keys() - long.keys() == set(), "mended: off the list"


def test_a_module_is_one_idea() -> None:
    long = {name: n for name in FILES if (n := text_of(name).count("\n")) > LONGEST_MODULE_LINES}
    assert {name: n for name, n in long.items() if name not in LONG_MODULES} == {}
    assert LONG_MODULES.keys() - long.keys() == set(), "mended: off the list"


def test_a_passage_stands_once() -> None:
    found = repeated({name: text_of(name) for name in FILES}, LONGEST_REPEATED_LINES)
    pairs = {(one.partition(":")[0], other.partition(":")[0]): (one, other) for one, other in found}
    assert [places for files, places in pairs.items() if files not in REPEATED] == []
    assert REPEATED.keys() - pairs.keys() == set(), "mended: off the list"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    return 1", 2),
        ('def f():\n    """Two\n    lines."""\n    return 1', 2),
        ("class A:\n    async def f(\n        self,\n    ):\n        pass", 4),
    ],
)
def test_the_reader_of_functions_counts(source: str, lines: int) -> None:
    assert dict(functions(source)) == {"f": lines}


def test_the_reader_of_passages_sees_through_comments_and_depth() -> None:
    one = "\n".join(f"a{i} = {i}" for i in range(10))
    other = "import os\n\n\nif os:\n" + "\n".join(f"    a{i} = {i}  # said otherwise" for i in range(10))
    assert repeated({"one": one, "other": other}, 7) == [("one:1", "other:5")]
    assert repeated({"one": one, "other": other.replace("a5", "b5")}, 7) == []
    assert repeated({"one": one, "other": other}, 10) == []

"""Small faults put into a source, one at a time: what a test ought to notice.

Each is a change of one place, spliced into the text, so that everything else stays as it is, comments and line numbers
too: a comparison turned or moved by its edge, + for -, a number one more, ``and`` for ``or``, a condition denied, the
smaller for the larger, a statement left out, nothing returned. What could not matter, or would be noticed by whatever
runs, is left alone: annotations, docstrings, words of errors, assignments of names, imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_TURNED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum"}
_SAID_TO_PEOPLE = {"expected", "do", "where", "stacklevel"}
"""Arguments of errors and warnings whose words no test has to know."""


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes ``begin .. end-1`` of the source become ``becomes``."""

    line: int
    begin: int
    end: int
    was: str
    becomes: str

    def applied(self, source: bytes) -> bytes:
        return source[: self.begin] + self.becomes.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"`{_brief(self.was)}` → `{_brief(self.becomes)}`"


def mutants(source: str) -> list[Mutant]:
    """Every change there is, in the order of the text; each of them still a program."""
    starts, data = [0], source.encode()
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, becomes in _Places().of(ast.parse(source)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        made = Mutant(node.lineno, begin, end, data[begin:end].decode(), becomes)
        if made.was != becomes and _is_program(made.applied(data)):
            found.append(made)
    return sorted(found, key=lambda each: (each.begin, each.end, each.becomes))


class _Places:
    """Walks what runs: nodes, and what each might become."""

    def of(self, tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
        for statement in tree.body:
            yield from self._statement(statement, inside=False)

    def _statement(self, node: ast.stmt, *, inside: bool) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for value in [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]:
                yield from self._expression(value)
            for each in node.body:
                yield from self._statement(each, inside=True)
            return
        if isinstance(node, ast.ClassDef):
            for each in node.body:
                yield from self._statement(each, inside=False)
            return
        if inside:
            yield from _left_out(node)
        if isinstance(node, ast.Return) and node.value and not _is_nothing(node.value):
            yield node, "return None"
        if isinstance(node, ast.If | ast.While):
            yield from _denied(node.test)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "names"):
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.stmt):
                    yield from self._statement(each, inside=inside)
                elif isinstance(each, ast.ExceptHandler):
                    for part in each.body:
                        yield from self._statement(part, inside=inside)
                elif isinstance(each, ast.withitem):
                    yield from self._expression(each.context_expr)
                elif isinstance(each, ast.expr) and not _is_text(each):
                    yield from self._expression(each)

    def _expression(self, node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
        yield from _changed(node)
        for name, value in ast.iter_fields(node):
            if name == "ctx" or isinstance(node, ast.JoinedStr):
                continue
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, ast.keyword) and each.arg not in _SAID_TO_PEOPLE:
                    yield from self._expression(each.value)
                elif isinstance(each, ast.comprehension):
                    for part in (each.iter, *each.ifs):
                        yield from self._expression(part)
                elif isinstance(each, ast.expr):
                    yield from self._expression(each)


def _left_out(node: ast.stmt) -> Iterator[tuple[ast.stmt, str]]:
    if isinstance(node, ast.Continue):
        yield node, "break"
    elif isinstance(node, ast.Break):
        yield node, "continue"
    elif isinstance(node, ast.Assign):  # a name that is never made would be an error of its own
        if not any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets):
            yield node, "pass"
    elif isinstance(node, ast.AugAssign | ast.Raise | ast.Delete) or (
        isinstance(node, ast.Expr) and not _is_text(node.value)
    ):
        yield node, "pass"


def _denied(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    """A condition, unless the comparison or the ``not`` in it is turned anyway."""
    if not isinstance(node, ast.UnaryOp) and not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        yield node, f"(not ({ast.unparse(node)}))"


def _changed(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    text = ast.unparse
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            other = [*node.ops[:i], _TURNED[type(op)](), *node.ops[i + 1 :]]
            yield node, f"({text(ast.Compare(node.left, other, node.comparators))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.BinOp) and type(node.op) in _TURNED:
        yield node, f"({text(ast.BinOp(node.left, _TURNED[type(node.op)](), node.right))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.BoolOp):
        yield node, f"({text(ast.BoolOp(_TURNED[type(node.op)](), node.values))})"  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node, f"({text(node.operand)})"
    elif isinstance(node, ast.IfExp):
        yield from _denied(node.test)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, str(node.value + 1)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in _OTHER_NAME and isinstance(node.ctx, ast.Load):
            front = "" if isinstance(node, ast.Name) else text(node.value) + "."
            yield node, front + _OTHER_NAME[name]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_program(data: bytes) -> bool:
    try:
        compile(data, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:87] + "..."

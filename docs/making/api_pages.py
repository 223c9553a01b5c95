"""The API reference: Markdown pages from the docstrings of the public names, a page a room.

A name is documented once: on the front page where ``koekao.__all__`` has it, else in its room; the other place links
there. Docstrings are koekao's own style: Google sections, several arguments on a line, Sphinx roles for names. That
style is why this is a program of ours: griffe, by which mkdocstrings reads docstrings, leaves the roles as they are
written and takes the further arguments of a line for words about the first.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pprint
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any

ROOMS: Mapping[str, str] = {
    "koekao": "The front door",
    "koekao.arkit": "The 52 names and everybody's orders",
    "koekao.clock": "Frames and samples",
    "koekao.errors": "Errors",
    "koekao.takes": "Takes",
    "koekao.corpus": "Corpus",
    "koekao.windows": "Windows",
    "koekao.batches": "Batches",
    "koekao.features": "Features",
    "koekao.models": "Models",
    "koekao.training": "Training",
    "koekao.training.losses": "Losses",
    "koekao.training.metrics": "Metrics",
    "koekao.training.augmentation": "Augmentation",
    "koekao.animation": "Animation",
    "koekao.controls": "Controls",
    "koekao.outputs": "Outputs",
    "koekao.conversion": "Conversion",
    "koekao.wire": "Wire",
    "koekao.live.performance": "Live: performance",
    "koekao.live.sources": "Live: sources",
    "koekao.serve": "Serve",
    "koekao.runtime": "Runtime",
    "koekao.export": "Export",
    "koekao.head": "Head",
    "koekao.viewer": "Viewer",
    "koekao.testing.laws": "Laws for your own loaders",
}
"""Modules that are documented, in the order of the pages, with their titles."""
_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|obj|exc):`(~?)([\w.]+)`")
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):\s*$")
_LONGEST = 92


def api_pages() -> dict[str, str]:
    """File name -> Markdown of every page, ``index.md`` first."""
    modules = {room: importlib.import_module(room) for room in ROOMS}
    homes: dict[Any, str] = {}  # what an object's anchor is: where it is documented
    for room, module in modules.items():
        for name in public_names(module):
            homes.setdefault(_identity(getattr(module, name), room, name), f"{room}.{name}")
    pages = {"index.md": _index(modules)}
    for room, module in modules.items():
        pages[file_of(room)] = _page(room, module, homes)
    return pages


def public_names(module: ModuleType) -> list[str]:
    """``__all__``, or what the module itself defines without an underscore, in the order of its source."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in found if not name.startswith("_")]


def _index(modules: Mapping[str, ModuleType]) -> str:
    lines = ["# API reference", "", "Made from the docstrings of the public names.", ""]
    lines += ["| module | what it is |", "|---|---|"]
    for room, module in modules.items():
        first = _linked((inspect.getdoc(module) or "").split("\n\n")[0].replace("\n", " "), {})
        lines.append(f"| [`{room}`]({file_of(room)}) | {first.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _page(room: str, module: ModuleType, homes: Mapping[Any, str]) -> str:
    parts = [f"# {ROOMS[room]}", f"`{room}`", _doc(inspect.getdoc(module) or "", homes, room)]
    for name in public_names(module):
        value = getattr(module, name)
        home = homes[_identity(value, room, name)]
        if home != f"{room}.{name}":
            parts += [f"## {name}", f"See [`{home}`]({_address(home, homes, room)})."]
        elif inspect.ismodule(value):
            continue
        elif inspect.isclass(value):
            parts += _class(f"{room}.{name}", value, homes, room)
        elif callable(value):
            parts += [_heading("##", f"{room}.{name}"), _signature(name, value), _docstring(value, homes, room)]
        else:
            parts += [_heading("##", f"{room}.{name}"), _constant(name, value), _said_of(value, module, name)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _class(path: str, value: type, homes: Mapping[Any, str], room: str) -> list[str]:
    name = path.rsplit(".", 1)[1]
    bases = [base for base in value.__mro__[1:] if base.__module__.startswith("koekao")]
    parts = [_heading("##", path), _signature(name, value), _docstring(value, homes, room)]
    if bases:
        parts.append("Inherits from " + ", ".join(_name_link(f"{base.__module__}.{base.__qualname__}", homes, room)
                                                  for base in bases) + ".")  # fmt: skip
    for member, raw in vars(value).items():
        if member.startswith("_") and member != "__call__":
            continue
        function = raw.__func__ if isinstance(raw, classmethod | staticmethod) else raw
        if isinstance(raw, property):
            text = _docstring(raw, homes, room)
            parts += [_heading("###", f"{path}.{member}"), f"*property*{': ' + text if text else ''}"]
        elif inspect.isfunction(function) and function.__doc__:
            parts += [
                _heading("###", f"{path}.{member}"),
                _signature(member, getattr(value, member)),
                _docstring(function, homes, room),
            ]
    return parts


def _heading(level: str, path: str) -> str:
    short = ".".join(path.split(".")[-2:]) if level == "###" else path.rsplit(".", 1)[1]
    return f"{level} {short} {{ #{path} }}"


def _signature(name: str, value: Any) -> str:
    kind = "class " if inspect.isclass(value) else ""
    try:
        signature = _plain(inspect.signature(value))
    except (TypeError, ValueError):
        return ""
    text = f"{kind}{name}{signature}"
    if len(text) > _LONGEST:
        text = f"{kind}{name}(\n" + "".join(f"    {line},\n" for line in _parameters(signature)) + ")"
        if signature.return_annotation is not inspect.Signature.empty:
            text += f" -> {signature.return_annotation}"
    text = re.sub(r"<factory>|<object object at 0x[0-9a-f]+>|<function [^>]*>", "...", text)
    return f"```python\n{text}\n```"


class _Written:
    """An annotation as it stands in the source, without the quotes that a string is shown with."""

    def __init__(self, text: object) -> None:
        self.text = text if isinstance(text, str) else inspect.formatannotation(text)

    def __repr__(self) -> str:
        return self.text


def _plain(signature: inspect.Signature) -> inspect.Signature:
    empty = inspect.Signature.empty
    kept = [
        each if each.annotation is empty else each.replace(annotation=_Written(each.annotation))
        for each in signature.parameters.values()
        if each.name != "self"
    ]
    returned = signature.return_annotation
    return signature.replace(
        parameters=kept,
        return_annotation=empty if returned is empty or returned in (None, "None") else _Written(returned),
    )


def _parameters(signature: inspect.Signature) -> Iterator[str]:
    starred = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            yield "*"
            starred = True
        starred |= parameter.kind is parameter.VAR_POSITIONAL
        yield str(parameter)


def _constant(name: str, value: Any) -> str:
    shown = dict(value) if isinstance(value, Mapping) else value
    text = re.sub(r" at 0x[0-9a-f]+", "", pprint.pformat(shown, width=_LONGEST, compact=True, sort_dicts=False))
    if len(text) > 600:
        text = text[:600].rsplit("\n", 1)[0] + "\n ..."
    return f"```python\n{name} = {text}\n```"


def _said_of(value: Any, module: ModuleType, name: str) -> str:
    """The string under an assignment, which is no docstring to Python."""
    for home in {module.__name__, *_imported_from(module, name)}:
        body = ast.parse(inspect.getsource(importlib.import_module(home))).body
        for node, after in pairwise(body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return _linked(inspect.cleandoc(str(after.value.value)), {})
    return ""


def _imported_from(module: ModuleType, name: str) -> list[str]:
    return [
        str(node.module)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.ImportFrom) and any((each.asname or each.name) == name for each in node.names)
    ]


def _docstring(value: Any, homes: Mapping[Any, str], room: str) -> str:
    own = value.__doc__ or ""
    if dataclasses.is_dataclass(value) and own.startswith(f"{getattr(value, '__name__', '')}("):
        return ""  # what dataclass wrote itself says the signature once more
    return _doc(inspect.cleandoc(own), homes, room)


def _doc(text: str, homes: Mapping[Any, str], room: str) -> str:
    """A docstring as Markdown: sections become lists, examples become code, roles become links."""
    blocks: list[str] = []
    lines, i = text.split("\n"), 0
    while i < len(lines):
        section = _SECTION.match(lines[i])
        if section:
            end = i + 1
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" ")):
                end += 1
            inside = textwrap.dedent("\n".join(lines[i + 1 : end])).strip("\n")
            blocks += [f"**{section[1]}**", _entries(section[1], inside, homes, room)]
            i = end
        elif lines[i].startswith(">>>"):
            end = i
            while end < len(lines) and lines[end].strip():
                end += 1
            blocks.append("```pycon\n" + "\n".join(lines[i:end]) + "\n```")
            i = end
        elif not lines[i].strip():
            i += 1
        else:
            end = i
            while end < len(lines) and lines[end].strip() and not lines[end].startswith(">>>"):
                end += 1
            paragraph = "\n".join(lines[i:end])
            code = paragraph.startswith("    ")
            blocks.append(f"```text\n{textwrap.dedent(paragraph)}\n```" if code else _linked(paragraph, homes, room))
            i = end
    return "\n\n".join(blocks).replace("::\n\n```", ":\n\n```")


def _entries(section: str, text: str, homes: Mapping[Any, str], room: str) -> str:
    if section in ("Returns", "Yields"):
        return _linked(text, homes, room)
    entries: list[str] = []
    for line in text.split("\n"):
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        elif line.strip():
            entries.append(line.strip())
    named = r"([\w*.]+(?:, [\w*.]+)*): "
    bold = [re.sub(rf"(^|(?<=\. )){named}", lambda found: f"`{found[2]}`: ", entry) for entry in entries]
    return "\n".join("- " + _linked(entry, homes, room) for entry in bold)


def _linked(text: str, homes: Mapping[Any, str], room: str = "") -> str:
    """Sphinx roles as links, where what they name is documented, else as code."""

    def link(found: re.Match[str]) -> str:
        short = found[2].rsplit(".", 1)[1] if found[1] and "." in found[2] else found[2]
        return _name_link(found[2], homes, room, short)

    return _ROLE.sub(link, text).replace("``", "`")


def _name_link(path: str, homes: Mapping[Any, str], room: str, short: str = "") -> str:
    short = short or path
    home = _home_of(path, homes)
    if home is None:
        return f"`{short}`"
    return f"[`{short}`]({_address(home, homes, room)})"


def _home_of(path: str, homes: Mapping[Any, str]) -> str | None:
    """Where a dotted name is documented: a module's page, a name's anchor, or the anchor of a method."""
    if path in ROOMS:
        return path
    found = _resolved(path)
    if found is None:
        return None
    value, owner = found
    name = path.rsplit(".", 1)[1]
    if inspect.isclass(owner):
        return None if (home := homes.get(_identity(owner, "", ""))) is None else (
            f"{home}.{name}" if inspect.isfunction(value) and name in vars(owner) and value.__doc__ else home
        )  # fmt: skip
    return homes.get(_identity(value, getattr(owner, "__name__", ""), name))


@cache
def _resolved(path: str) -> tuple[Any, Any] | None:
    """(what a dotted name means, what it is part of)."""
    words = path.lstrip(".").split(".")
    for split in range(len(words) - 1, 0, -1):
        try:
            value: Any = importlib.import_module(".".join(words[:split]))
        except ImportError:
            continue
        owner: Any = None
        for word in words[split:]:
            if not hasattr(value, word):
                return None
            owner, value = value, getattr(value, word)
        return value, owner
    return None


def _address(home: str, homes: Mapping[Any, str], room: str) -> str:
    if home in ROOMS:
        return file_of(home)
    of = max((each for each in ROOMS if home.startswith(each + ".") and home in _anchors(homes, each)), key=len)
    return f"#{home}" if of == room else f"{file_of(of)}#{home}"


def _anchors(homes: Mapping[Any, str], room: str) -> set[str]:
    names = public_names(importlib.import_module(room))
    found = {f"{room}.{name}" for name in names}
    for name in names:
        value = getattr(importlib.import_module(room), name)
        if inspect.isclass(value):
            found |= {f"{room}.{name}.{member}" for member in vars(value)}
    return found


def _identity(value: Any, room: str, name: str) -> Any:
    """What an object is told by; constants have no name of their own and are told by where they stand."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return value.__module__, value.__qualname__
    return room, name


def file_of(room: str) -> str:
    """The page of a module, in the folder of the reference."""
    return room.removeprefix("koekao.").replace(".", "-") + ".md"

"""Laws of the house: who may import whom, what ``import koekao`` may cost, and what no line of it may do."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

import koekao

ROOT = Path(koekao.__file__).parent
MODULES = {
    ".".join(("koekao", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
FIRST_ROW = {"arkit", "clock", "compiled", "errors", "machine", "atomic", "interrupt", "lips", "place", "visitors"}
FIRST_ROW |= {"yaml_file", "installation", "plugins", "drawing"}
MAY_IMPORT = dict.fromkeys(FIRST_ROW, FIRST_ROW) | {
    "takes": FIRST_ROW,
    "corpus": FIRST_ROW | {"takes"},
    "windows": FIRST_ROW | {"corpus"},
    "batches": FIRST_ROW | {"windows", "corpus"},
    "features": FIRST_ROW,
    "models": FIRST_ROW | {"features"},
    "animation": FIRST_ROW | {"features", "models"},
    "training": FIRST_ROW | {"takes", "corpus", "windows", "batches", "features", "models", "animation"},
    "controls": FIRST_ROW,
    "outputs": FIRST_ROW | {"head"},
    "live": FIRST_ROW | {"takes", "animation", "controls", "outputs", "wire"},
    "serve": FIRST_ROW | {"animation", "controls", "live", "outputs", "wire"},
    "head": FIRST_ROW,
    "conversion": FIRST_ROW | {"takes", "outputs"},
    "wire": FIRST_ROW | {"outputs"},
    "runtime": FIRST_ROW | {"animation"},
    "export": FIRST_ROW | {"features", "models", "animation", "runtime"},
    "viewer": FIRST_ROW | {"takes", "corpus", "outputs", "head"},
}
"""The layer table of the README; a room may always import itself. What is not here may import anything but cli.

Training stands above animation: it validates by animating whole takes with the very code that users animate with.
"""
FREE = {"koekao", "api", "cli", "__main__", "testing"}
WITHOUT_TORCH = FIRST_ROW | {"takes", "corpus", "windows", "controls", "outputs", "conversion", "wire"}
WITHOUT_TORCH |= {"head", "live", "runtime", "serve", "viewer"}
HEAVY = {"torch", "pyarrow", "onnx", "onnxruntime", "av", "ray", "tensorboard", "matplotlib", "rich", "cyclopts"}
HEAVY |= {"soundfile", "soxr", "librosa", "scipy", "safetensors", "numba", "websockets"}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"), str(MODULES[module]))


def room_of(module: str) -> str:
    """``koekao.batches.gather`` -> ``batches``; ``koekao`` itself is its own room."""
    return module.split(".")[1] if "." in module else module


def imports_of(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, module) of every import, inside functions and type checks too; ``from koekao import x`` is koekao.x."""
    is_package = (ROOT.joinpath(*module.split(".")[1:]) / "__init__.py").is_file()
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "koekao" else [base]
            yield from ((node.lineno, name) for name in names)


def broken_layers(module: str, tree: ast.AST) -> list[str]:
    """Every import of the module that the table does not allow."""
    room, found = room_of(module), []
    for line, name in imports_of(module, tree):
        top, other = name.split(".")[0], room_of(name)
        if top == "torch" and room in WITHOUT_TORCH:
            found.append(f"{module}:{line} imports torch")
        if top != "koekao" or other in (room, "__version__") or room == "__main__":
            continue
        allowed = MAY_IMPORT.get(room, {*MAY_IMPORT, "api", "koekao"})
        if other not in allowed:
            found.append(f"{module}:{line} imports {name}")
    return found


def test_every_room_of_the_house_is_in_the_table() -> None:
    assert {room_of(module) for module in MODULES} <= set(MAY_IMPORT) | FREE


@pytest.mark.parametrize("module", MODULES)
def test_nobody_imports_above_his_layer(module: str) -> None:
    assert broken_layers(module, tree_of(module)) == []


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("koekao.takes.load", "def f():\n    from koekao.corpus import Corpus", True),
        ("koekao.windows.grid", "import torch.nn", True),
        ("koekao.windows.grid", "if TYPE_CHECKING:\n    from torch import Tensor", True),
        ("koekao.windows.grid", "from koekao.corpus import Corpus", False),
        ("koekao.batches.loader", "from koekao import training", True),
        ("koekao.batches.loader", "from ..training import x", True),
        ("koekao.batches.loader", "from . import gather", False),
        ("koekao.batches", "from .loader import Loader", False),
        ("koekao.batches", "from ..models import x", True),
        ("koekao.training.run", "import koekao.api", True),
        ("koekao.training.run", "from koekao import __version__", False),
        ("koekao.training.run", "from koekao.testing.laws import x", True),
        ("koekao.api", "from koekao.cli import main", True),
        ("koekao.api", "from koekao.testing import laws", True),
        ("koekao.cli.demo", "from koekao.api import open", False),
        ("koekao.outputs", "from koekao.takes import Take", True),
        ("koekao.wire.filed", "from koekao.outputs import write_curves", False),
        ("koekao.wire.receivers", "from koekao.animation import Animator", True),
        ("koekao.models.frame", "import torch", False),
        ("koekao.serve.ensemble", "from koekao.animation import Animators", False),
        ("koekao.serve.server", "from koekao.training import open_run", True),
        ("koekao.serve.server", "import torch", True),
        ("koekao.clock", "from koekao.takes import Take", True),
        ("koekao.__main__", "from koekao.cli import main", False),
    ],
)
def test_the_reader_of_imports_reads(module: str, line: str, broken: bool) -> None:
    assert bool(broken_layers(module, ast.parse(line))) == broken


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_koekao_loads_nothing_heavy() -> None:
    loaded = modules_after("import koekao\ndir(koekao)")
    assert "koekao" in loaded
    assert loaded & (HEAVY | {"numpy"}) == set()


def test_the_rooms_of_the_data_load_no_torch() -> None:
    rooms = ("takes", "corpus", "windows", "controls", "outputs", "wire", "live", "serve")
    loaded = modules_after("import " + ", ".join(f"koekao.{room}" for room in rooms))
    assert {"koekao", "numpy"} <= loaded
    assert loaded & {"torch", "rich", "cyclopts", "matplotlib", "websockets"} == set()


def test_every_name_at_the_front_door_opens() -> None:
    for name in koekao.__all__:
        assert getattr(koekao, name) is not None
    assert set(koekao.__all__) < set(dir(koekao))
    with pytest.raises(AttributeError, match="has no attribute 'cook'"):
        koekao.cook


FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
FORBIDDEN_CALLS |= {"subprocess.getoutput", "subprocess.getstatusoutput"}  # they are a shell
FORBIDDEN_CALLS |= {"yaml.unsafe_load", "yaml.full_load", "yaml.unsafe_load_all", "yaml.full_load_all"}
SECRETS = {"token", "secret", "password"}
"""Names of what is compared in constant time, or not at all."""


def forbidden(tree: ast.AST) -> list[str]:
    """What no line of koekao may do, as ``line: what``."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"{node.lineno}: {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
            if isinstance(node, ast.ImportFrom):  # os.system is as forbidden by its own name
                whole = {f"{node.module}.{alias.name}" for alias in node.names} | {f"{node.module}.*"}
                found += [f"{node.lineno}: {name}" for name in sorted(whole & FORBIDDEN_CALLS)]
        elif isinstance(node, ast.ExceptHandler):
            found += _forbidden_handler(node)
        elif isinstance(node, ast.Call):
            found += [f"{node.lineno}: {what}" for what in _forbidden_call(node)]
        elif isinstance(node, ast.Compare) and _tells_a_secret_by_time(node):
            found.append(f"{node.lineno}: compares a secret otherwise than by hmac.compare_digest")
    return found


def _tells_a_secret_by_time(node: ast.Compare) -> bool:
    """Whether a secret itself, not its length or whether there is one, is compared until the first difference."""
    sides = [node.left, *node.comparators]
    names = {ast.unparse(side).rpartition(".")[2].removeprefix("_") for side in sides}
    empty = any(isinstance(side, ast.Constant) and not side.value for side in sides)
    until_different = any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops)
    return bool(names & SECRETS) and until_different and not empty


def _forbidden_handler(node: ast.ExceptHandler) -> list[str]:
    if node.type is None:
        return [f"{node.lineno}: bare except"]
    caught = {ast.unparse(kind) for kind in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])}
    does_nothing = all(isinstance(step, (ast.Pass, ast.Continue)) or _is_constant(step) for step in node.body)
    return [f"{node.lineno}: swallows {caught}"] if does_nothing and caught & {"Exception", "BaseException"} else []


def _is_constant(step: ast.stmt) -> bool:
    return isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant)


def _forbidden_call(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if name in FORBIDDEN_CALLS:
        yield name
    if given.get("shell", "False") != "False":
        yield "shell=True"
    if given.get("allow_pickle", "False") != "False":
        yield "allow_pickle=True"
    if name == "torch.load" and given.get("weights_only") != "True":
        yield "torch.load without weights_only=True"
    if name == "yaml.load" and "Safe" not in ast.unparse(node):
        yield "yaml.load without a safe loader"
    if name.rpartition(".")[2] in ("extractall", "extract", "unpack_archive") and given.get("filter") not in (
        "'data'",
    ):
        yield "an archive without filter='data'"
    if name.endswith("suppress") and {ast.unparse(kind) for kind in node.args} & {"Exception", "BaseException"}:
        yield "suppresses everything"


@pytest.mark.parametrize("module", MODULES)
def test_no_line_does_what_is_forbidden(module: str) -> None:
    assert forbidden(tree_of(module)) == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("import pickle", True),
        ("def f():\n    from cloudpickle import dumps", True),
        ("eval('1')", True),
        ("exec('1')", True),
        ("model.eval()", False),
        ("re.compile('a')", False),
        ("subprocess.run('ls', shell=True)", True),
        ("subprocess.run(['ls'], shell=False)", False),
        ("os.system('ls')", True),
        ("try:\n    f()\nexcept:\n    raise", True),
        ("try:\n    f()\nexcept Exception:\n    pass", True),
        ("try:\n    f()\nexcept (ValueError, Exception):\n    ...", True),
        ("for x in y:\n    try:\n        f()\n    except BaseException:\n        continue", True),
        ("try:\n    f()\nexcept Exception as error:\n    raise TakeError('x') from error", False),
        ("try:\n    f()\nexcept ValueError:\n    pass", False),
        ("with contextlib.suppress(Exception):\n    f()", True),
        ("np.load('a.npy', allow_pickle=True)", True),
        ("np.load('a.npy', allow_pickle=anything)", True),
        ("np.load('a.npy', allow_pickle=False)", False),
        ("torch.load('a.pt')", True),
        ("torch.load('a.pt', weights_only=False)", True),
        ("torch.load('a.pt', weights_only=True)", False),
        ("tar.extractall('there')", True),
        ("tar.extractall('there', filter='fully_trusted')", True),
        ("tar.extractall('there', filter='data')", False),
        ("shutil.unpack_archive('a.tar', 'there')", True),
        ("shutil.unpack_archive('a.tar', 'there', filter='data')", False),
        ("zipfile.ZipFile('a').extract('b')", True),
        ("from os import system", True),
        ("from os import path", False),
        ("subprocess.getoutput('ls')", True),
        ("yaml.load(text, Loader=yaml.Loader)", True),
        ("yaml.load(text, Loader=yaml.SafeLoader)", False),
        ("config.token == shown", True),
        ("self._secret != given", True),
        ("token in tokens", True),
        ("given == ''", False),
        ("token == ''", False),
        ("len(token) == 16", False),
        ("token is None", False),
        ("hmac.compare_digest(token, given)", False),
    ],
)
def test_the_reader_of_lines_reads(code: str, wrong: bool) -> None:
    assert bool(forbidden(ast.parse(code))) == wrong


def test_a_token_is_compared_in_constant_time_and_in_one_place() -> None:
    """Who may come in is judged by :mod:`koekao.visitors` alone."""
    compared = {
        module
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.compare_digest"
    }
    assert compared == {"koekao.visitors"}

"""Inner loops as machine code: written in Python, compiled by numba once, kept as object files, linked by LLVM alone.

A module of such functions (their *source*) is imported, and numba with it, only where there is no object file yet for
this source, compiler and processor. Every later process hands the object file to llvmlite's linker: 25 ms and 5 MB,
where numba itself, even with its own cache, takes half a second and 30 MB before the first call.

Functions take whole numbers (int64: counts and addresses) and leave what they find in memory, so nothing of the
interpreter is involved while they run. Object files lie in ``__pycache__`` beside the source, or in the user's cache
where that cannot be written; where neither can, each process compiles for itself. A file that is damaged is compiled
anew.

What it gives up: addresses are believed, so only what has checked them may call.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from koekao.atomic import write_file
from koekao.errors import KoekaoError

Function = Callable[..., int]
_FORMAT = 1
_WRITTEN_WITH = "koekao.machine"
_linked: list[Any] = []  # engines own the code: they live as long as the process
_ignored_result, _ignored_error = ctypes.c_int64(), ctypes.c_void_p()
_at_ignored_result, _at_ignored_error = (
    ctypes.c_void_p(ctypes.addressof(ignored)) for ignored in (_ignored_result, _ignored_error)
)


class MachineCode:
    """The compiled functions of one source.

    Args:
        source: name of the module that holds them.
        functions: how many numbers each takes.
        numbers: name of a module whose constants the source uses, if it uses any of koekao's.
    """

    def __init__(self, source: str, functions: Mapping[str, int], *, numbers: str = "") -> None:
        self._functions = functions
        self._addresses = _linked_functions(source, functions, _key(source, numbers))

    def __getitem__(self, name: str) -> Function:
        """The function, which runs with the interpreter lock released and returns nothing of use.

        It takes ``ctypes.c_int64`` as well as int; one that is made once and passed often saves a third of the call.
        """
        return self._function(ctypes.CFUNCTYPE, name)

    def brief(self, name: str) -> Function:
        """The same with the lock held, for what is over in no time: who lets go of it may wait for it, or for a core
        that whoever took it computes on."""
        return self._function(ctypes.PYFUNCTYPE, name)

    def _function(self, kind: Any, name: str) -> Function:
        # numba's own calling convention: where to put the result, where to put an error, then the arguments
        numbers = [ctypes.c_int64] * self._functions[name]
        prototype = kind(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *numbers)
        return partial(prototype(self._addresses[name]), _at_ignored_result, _at_ignored_error)


def _linked_functions(source: str, functions: Mapping[str, int], key: str) -> dict[str, int]:
    """The address of each function: from an object file if there is a good one, else compiled and kept."""
    for path in _places(source, key):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RuntimeError):
            kept = _unpacked(path.read_bytes())
            return {name: _link(*kept[name]) for name in functions}
    objects = {name: _compile(source, name, n) for name, n in functions.items()}
    for path in _places(source, key):
        with contextlib.suppress(KoekaoError, OSError):
            write_file(path, _packed(objects))
            break
    return {name: _link(*objects[name]) for name in functions}


def _compile(source: str, name: str, n_numbers: int) -> tuple[str, bytes]:
    """The function's symbol and its object code."""
    from numba import types

    dispatcher = getattr(importlib.import_module(source), name)
    signature = types.int64(*[types.int64] * n_numbers)
    dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature.args]
    _, _, (code, _) = compiled.library.serialize_using_object_code()
    return compiled.fndesc.llvm_func_name, code


def _link(symbol: str, code: bytes) -> int:
    """Load object code into this process; the address of ``symbol``."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = int(engine.get_function_address(symbol))
    if not address:
        raise ValueError(f"no {symbol}")
    _linked.append(engine)
    return address


def _key(source: str, numbers: str) -> str:
    """What an object file is good for: this source and its constants, this compiler, this processor."""
    import llvmlite
    import llvmlite.binding as llvm

    digest = hashlib.sha256()
    for module in filter(None, (source, numbers, _WRITTEN_WITH)):
        digest.update(_source_file(module).read_bytes())
    for part in (_FORMAT, llvmlite.__version__, llvm.get_default_triple(), llvm.get_host_cpu_name()):
        digest.update(f"\0{part}".encode())
    digest.update(llvm.get_host_cpu_features().flatten().encode())
    return digest.hexdigest()[:20]


def _source_file(source: str) -> Path:
    spec = importlib.util.find_spec(source)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(source)
    return Path(spec.origin)


def _places(source: str, key: str) -> Iterator[Path]:
    """Where the object file may lie, the best place first."""
    for folder in cache_folders(source):
        yield folder / f"{source}-{key}.code"


def cache_folders(source: str) -> Iterator[Path]:
    """The folders that object files of a source are looked for and kept in, the best first."""
    yield _source_file(source).parent / "__pycache__"
    with contextlib.suppress(RuntimeError):  # there is no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "koekao"


def _packed(objects: Mapping[str, tuple[str, bytes]]) -> bytes:
    """A line of JSON that says what follows, then the object code of each function."""
    said = [
        {"name": name, "symbol": symbol, "bytes": len(code), "sha256": hashlib.sha256(code).hexdigest()}
        for name, (symbol, code) in objects.items()
    ]
    return json.dumps(said).encode() + b"\n" + b"".join(code for _, code in objects.values())


def _unpacked(data: bytes) -> dict[str, tuple[str, bytes]]:
    """What :func:`_packed` packed. Raises ValueError, KeyError or TypeError if it is anything else."""
    line, _, rest = data.partition(b"\n")
    objects: dict[str, tuple[str, bytes]] = {}
    for entry in json.loads(line):
        code, rest = rest[: entry["bytes"]], rest[entry["bytes"] :]
        if hashlib.sha256(code).hexdigest() != entry["sha256"]:
            raise ValueError(f"damaged: {entry['name']}")
        objects[entry["name"]] = entry["symbol"], code
    return objects

"""Laws: machine code is compiled once for a source, and what is kept of it is used only where it is whole and fits."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from koekao import compiled
from koekao.compiled import MachineCode

SOURCE = """
from koekao.machine import in_machine_code, numbers_at
from {numbers} import FACTOR

@in_machine_code
def scale(address: int, n: int) -> int:
    values = numbers_at(address, n)
    for i in range(n):
        values[i] *= FACTOR
    return n

@in_machine_code
def add(one: int, other: int, to: int) -> int:
    numbers_at(to, 1)[0] = one + other
    return 0
"""
FUNCTIONS = {"scale": 2, "add": 3}
SAID = f"[{2**40 - 3}, 3, 6, 9, 4]"
USE = """
import sys
import numpy as np
from koekao.compiled import MachineCode
code = MachineCode("{source}", {functions}, numbers="{numbers}")
values = np.arange(5)
code["scale"](values.ctypes.data, 4)
code.brief("add")(-3, 2**40, values.ctypes.data)
print(values.tolist(), "numba" in sys.modules)
"""


class Home:
    """A folder with a source of its own, used by processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache = folder, folder / "cache"
        self.source, self.numbers = f"source_{folder.name}", f"numbers_{folder.name}"
        self.write(factor=3)

    def write(self, factor: int) -> None:
        (self.folder / f"{self.source}.py").write_text(SOURCE.format(numbers=self.numbers))
        (self.folder / f"{self.numbers}.py").write_text(f"FACTOR = {factor}\n")

    def use(self) -> str:
        """What a new process prints that uses the source."""
        code = USE.format(source=self.source, functions=FUNCTIONS, numbers=self.numbers)
        paths = [str(self.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "XDG_CACHE_HOME": str(self.cache)}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    @property
    def kept(self) -> list[Path]:
        return sorted(self.folder.rglob("*.code"))


class Again:
    """Uses a source whose code is kept in this process, with the compiler replaced: it gives what was good, counted."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.compiled = home, list[str]()
        (self.path,) = home.kept
        self.good = self.path.read_bytes()
        objects = compiled._unpacked(self.good)

        def compile_(source: str, name: str, n_numbers: int) -> tuple[str, bytes]:
            assert (source, n_numbers) == (home.source, FUNCTIONS[name])
            self.compiled.append(name)
            return objects[name]

        def link(symbol: str, code: bytes) -> int:
            assert (symbol, code) in objects.values()  # before damaged code runs in here
            return real(symbol, code)

        real = compiled._link
        monkeypatch.setattr(compiled, "_compile", compile_)
        monkeypatch.setattr(compiled, "_link", link)

    @property
    def cache(self) -> Path:
        return self.home.cache

    def bar(self) -> None:
        """The folder beside the source can no longer be written, nor is it there."""
        shutil.rmtree(self.path.parent)
        self.path.parent.write_text("in the way")

    def use(self) -> list[str]:
        """Which functions had to be compiled."""
        self.compiled.clear()
        code, values = MachineCode(self.home.source, FUNCTIONS, numbers=self.home.numbers), np.arange(5)
        code["scale"](values.ctypes.data, 4)
        code["add"](-3, ctypes.c_int64(2**40), values.ctypes.data)  # a number may be one of C's already
        assert str(values.tolist()) == SAID
        return list(self.compiled)


def made_folder(place: Path) -> Path:
    folder = place / f"h{os.getpid()}"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One that a process has used: its code is kept."""
    home = Home(made_folder(tmp_path_factory.mktemp("used")))
    assert home.use() == f"{SAID} True"
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(made_folder(tmp_path))


@pytest.fixture
def again(used: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Again:
    """A copy of the one that was used, for this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / used.folder.name / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path / used.folder.name))
    return Again(Home(shutil.copytree(used.folder, tmp_path / used.folder.name)), monkeypatch)


def test_the_first_process_compiles_and_later_ones_do_without_the_compiler(used: Home) -> None:
    assert [path.parent.name for path in used.kept] == ["__pycache__"]
    assert used.use() == f"{SAID} False"


def test_another_constant_is_other_code(again: Again) -> None:
    home = again.home
    home.write(factor=5)
    assert home.use().startswith(SAID.replace("3, 6, 9", "5, 10, 15"))
    assert home.use().startswith(SAID.replace("3, 6, 9", "5, 10, 15"))
    assert len(home.kept) == 2


@pytest.mark.parametrize("place", [0, 10, 0.5, -1])
def test_a_damaged_file_is_compiled_anew(again: Again, place: float) -> None:
    assert again.use() == []
    at = int(place * len(again.good)) if isinstance(place, float) else place
    damaged = bytearray(again.good)
    damaged[at] ^= 0x40
    again.path.write_bytes(damaged)
    assert again.use() == ["scale", "add"]
    assert again.use() == [] and again.path.read_bytes() == again.good


@pytest.mark.parametrize("content", [b"", b"[]\n", b"{}\n", b"\xff\xfe", b'[{"name": "scale"}]\n'])
def test_a_file_of_something_else_is_compiled_anew(again: Again, content: bytes) -> None:
    again.path.write_bytes(content)
    assert again.use() == ["scale", "add"]
    assert again.path.read_bytes() == again.good


def test_where_the_source_cannot_be_written_beside_the_users_cache_serves(again: Again) -> None:
    again.bar()
    assert again.use() == ["scale", "add"]
    assert [path.parent for path in again.cache.rglob("*.code")] == [again.cache / "koekao"]
    assert again.use() == []


def test_where_nothing_can_be_written_each_process_compiles(again: Again) -> None:
    again.bar()
    again.cache.write_text("in the way")
    for _ in range(2):
        assert again.use() == ["scale", "add"]
    assert again.home.kept == []


def test_koekao_gathers_without_the_compiler_once_its_code_is_there(small: object) -> None:
    code = "import sys, koekao.batches, koekao.windows.deal; print('numba' in sys.modules, 'torch' in sys.modules)"
    for _ in range(2):  # the first may compile
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        if run.stdout.split() == ["False", "True"]:
            break
    assert run.stdout.split() == ["False", "True"]


def test_only_functions_that_were_named_are_there() -> None:
    code = MachineCode("koekao.windows.deal_source", {"deal": 7})
    with pytest.raises(KeyError, match="cook"):
        code["cook"]
    with pytest.raises(ModuleNotFoundError):
        MachineCode("koekao.no_source", {"deal": 6})


def test_the_key_knows_the_processor_and_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite
    import llvmlite.binding as llvm

    here = compiled._key("koekao.windows.deal_source", "")
    monkeypatch.setattr(llvmlite, "__version__", "0.0")
    other = compiled._key("koekao.windows.deal_source", "")
    monkeypatch.setattr(llvm, "get_host_cpu_name", lambda: "abacus")
    assert len({here, other, compiled._key("koekao.windows.deal_source", "")}) == 3


def test_numbers_arrive_whole() -> None:
    heap = np.array([0, 1, 0, 0])
    counts, order, stream_of = np.array([5, 2**62, 7]), np.array([1, 0, 2], np.int32), np.empty(3, np.int32)
    address = [array.ctypes.data for array in (counts, order, stream_of, heap)]
    deal = MachineCode("koekao.windows.deal_source", {"deal": 7})["deal"]
    deal(address[0], 3, address[1], address[2], 3, address[3], 2)
    assert stream_of.tolist() == [0, 1, 1]
    assert heap[2:].tolist() == [2**62, 12]


def test_code_is_kept_for_one_processor_and_one_compiler(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines that share a folder may have processors of one name, of which one lacks AVX-512."""
    import llvmlite
    import llvmlite.binding as llvm

    monkeypatch.syspath_prepend(str(home.folder))
    here = compiled._key(home.source, home.numbers)
    assert compiled._key(home.source, home.numbers) == here
    lesser = llvm.get_host_cpu_features()
    lesser["avx2"] = not lesser.get("avx2", False)
    for where, name, value in (
        (llvm, "get_host_cpu_features", lambda: lesser),
        (llvm, "get_host_cpu_name", lambda: "another"),
        (llvm, "get_default_triple", lambda: "riscv64-unknown-linux-gnu"),
        (llvmlite, "__version__", "0.0"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, value)
            assert compiled._key(home.source, home.numbers) != here

"""Fault 42: an archive with ``../``, links or bombs; a manifest that names a path outside of its folder. Refused.

koekao unpacks no archive at all, which the first test reads in its source: what lies where a take, weights or a corpus
should be is read as that, and refused. What names other files (a corpus header, its sources, glTF) is held to its
folder.
"""

from __future__ import annotations

import ast
import io
import json
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged import edit_header, forge_rows, noise, pack_ten
from killed import write_takes

import koekao
from koekao.conversion import convert
from koekao.corpus import Corpus, PackConfig, pack, verify
from koekao.errors import CorpusError, CurvesError, KoekaoError, OutputError
from koekao.models import load_model
from koekao.outputs import write_curves
from koekao.takes import find_takes, read_curves, read_sound

ROOT = Path(koekao.__file__).parent
UNPACKERS = {"tarfile", "zipfile", "bz2", "lzma", "zipimport", "py7zr", "rarfile", "zstandard"}
PACKERS = {"gzip", "zlib"}


def unpackers(tree: ast.AST) -> list[str]:
    """What could unpack something, as ``line: what``. gzip and zlib may be there to pack, and for nothing else."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: {alias.name}" for alias in node.names if alias.name.split(".")[0] in UNPACKERS]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPACKERS | PACKERS:
            found.append(f"{node.lineno}: {node.module}")
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if (
                name.split(".")[0] in PACKERS and node.attr not in ("compress", "crc32")
            ) or node.attr == "unpack_archive":
                found.append(f"{node.lineno}: {name}")
    return found


def test_fault_42_no_line_of_koekao_unpacks_an_archive() -> None:
    """Nor opens one, but for the weights of the doctor's hearing, which come with the package (npz is a zip)."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in ROOT.rglob("*.py")}
    trees = {module: ast.parse(text, module) for module, text in texts.items()}
    assert {module: unpackers(tree) for module, tree in trees.items() if unpackers(tree)} == {}
    loading = [
        module
        for module, tree in trees.items()
        if any(isinstance(n, ast.Attribute) and ast.unparse(n) == "np.load" for n in ast.walk(tree))
    ]
    assert loading == ["takes/doctor/hearing.py"]
    assert unpackers(ast.parse("def f():\n    import zipfile")) == ["2: zipfile"]
    assert unpackers(ast.parse("from tarfile import open")) and unpackers(ast.parse("shutil.unpack_archive('a')"))
    assert unpackers(ast.parse("import gzip\ngzip.compress(b'')\ngzip.open('a')")) == ["3: gzip.open"]
    assert unpackers(ast.parse("from zlib import decompress")) == ["1: zlib"]
    assert unpackers(ast.parse("import gzip, zlib\ngzip.compress(zlib.compress(b''))")) == []


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def link(kind: bytes, name: str, to: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member, b""


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "tar with ../": lambda: tarred((tarfile.TarInfo("../escaped"), b"x")),
    "tar with /": lambda: tarred((tarfile.TarInfo("/tmp/escaped"), b"x")),
    "tar with a link": lambda: tarred(link(tarfile.SYMTYPE, "a", "../.."), (tarfile.TarInfo("a/escaped"), b"x")),
    "tar with a hard link": lambda: tarred(link(tarfile.LNKTYPE, "a", "../../escaped")),
    "zip with ../": lambda: zipped(**{"../escaped": b"x"}),
    "zip bomb": lambda: zipped(bomb=b"\0" * 200_000_000),
    "npz bomb": lambda: zipped(**{"curves.npy": b"\x93NUMPY\x01\x00" + b"\0" * 100_000_000}),
}


@pytest.fixture(scope="module")
def archives() -> dict[str, bytes]:
    return {name: make() for name, make in ARCHIVES.items()}


def below(folder: Path) -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))


def opened(path: Path) -> Corpus:
    return Corpus.open(path.parent)


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a folder of takes": ("takes", find_takes),
    "takes to pack": ("takes", lambda path: pack(path, path.parent / "c")),
    "sound": ("a.wav", read_sound),
    "curves": ("a.csv", read_curves),
    "curves to convert": ("a.json", lambda path: convert(path, path.parent / "b.csv")),
    "glTF": ("a.glb", read_curves),
    "weights": ("a.safetensors", load_model),
    "a corpus": ("corpus", Corpus.open),
    "a corpus header": ("corpus.json", opened),
}


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("place", READERS)
def test_fault_42_an_archive_is_refused_and_nothing_comes_out(
    tmp_path: Path, archives: dict[str, bytes], archive: str, place: str
) -> None:
    name, read = READERS[place]
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(archives[archive])
    before, began_s = list(below(tmp_path)), time.process_time()
    with pytest.raises(KoekaoError) as error:
        read(folder / name)
    assert str(folder) in error.value.where and list(below(tmp_path)) == before
    assert time.process_time() - began_s < 1


def test_fault_42_an_archive_among_takes_is_left_alone(tmp_path: Path, archives: dict[str, bytes]) -> None:
    """It is no take, is told of as ignored, and stays shut."""
    takes = write_takes(tmp_path / "takes", [noise(0)])
    for number, (name, data) in enumerate(archives.items()):
        (takes / f"{number}.{name[:3]}").write_bytes(data)
    report = pack(takes, tmp_path / "c", PackConfig(val=0.0))
    assert report.packed == 1
    assert sorted(Corpus.open(tmp_path / "c").files.header.ignored) == sorted(
        path.name for path in takes.iterdir() if path.is_file()
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "takes"]


HOSTILE = ["../shard-00000.arrow", "/etc/passwd", "a/../../shard-00000.arrow", "shard-00000.arrow/..", "\0.arrow"]


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("key", ["shards", "index", "sources"])
def test_fault_42_a_corpus_that_names_a_file_outside_is_refused(tmp_path: Path, key: str, path: str) -> None:
    """Signed anew, as a careful forger would; and the file outside is one that would do."""
    folder = pack_ten(tmp_path / "c")
    data = json.loads((folder / "corpus.json").read_bytes())
    outside = data[key][0]["file"] if key == "shards" else data[key]["file"]
    (tmp_path / "shard-00000.arrow").write_bytes((folder / outside).read_bytes())
    entry = data[key][0] if key == "shards" else data[key]
    entry["file"] = path
    edit_header(folder, **{key: data[key]})
    with pytest.raises(CorpusError, match=r"a (shard|file) named") as error:
        Corpus.open(folder)
    assert str(folder) in error.value.where


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "..", "a/.."])
def test_fault_42_a_source_outside_is_told_and_not_read(tmp_path: Path, path: str) -> None:
    folder, takes = pack_ten(tmp_path / "c"), tmp_path / "takes"
    takes.mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    rows = [[{"path": path, "size": 1, "sha256": "0" * 64}]] * 10
    forge_rows(folder, "sources", "sources.arrow", sources=rows)
    found = verify(folder, takes)
    assert len(found) == 10
    assert all("names a source outside of the folder" in str(problem) for problem in found)


def gltf_at(folder: Path, uri: str) -> Path:
    """A glTF of curves whose numbers lie in a file of their own, of which ``uri`` is said to be the name."""
    write_curves(folder / "a.gltf", np.random.default_rng(0).random((9, 52), np.float32), 30)
    document = json.loads((folder / "a.gltf").read_text())
    for buffer in document["buffers"]:
        buffer["uri"] = uri
    (folder / "a.gltf").write_text(json.dumps(document))
    return folder / "a.gltf"


URIS = ["../secret.bin", "%2e%2e/secret.bin", "/etc/passwd", "file:///etc/passwd", "..\\secret.bin", "out/secret.bin"]


@pytest.mark.parametrize("uri", URIS)
def test_fault_42_a_gltf_that_names_a_file_outside_is_refused(tmp_path: Path, uri: str) -> None:
    """Where curves are read from it, and where it is the face to be animated. ``out`` is a link out of the folder."""
    folder = tmp_path / "f"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"\0" * 1_000_000)
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(CurvesError, match="expected a file in the same folder"):
        read_curves(gltf_at(folder, uri))
    with pytest.raises(OutputError, match="expected a file in the same folder"):
        write_curves(tmp_path / "b.glb", np.zeros((3, 52), np.float32), 30, face=folder / "a.gltf")
    assert not (tmp_path / "b.glb").exists()


def test_fault_42_links_that_leave_a_folder_of_takes_are_not_followed(tmp_path: Path) -> None:
    write_takes(tmp_path / "outside", [noise(1)])
    takes = write_takes(tmp_path / "takes", [noise(0)])
    (takes / "more").symlink_to(tmp_path / "outside")
    (takes / "round").symlink_to(takes)
    found = find_takes(takes)
    assert [pair.name for pair in found.pairs] == ["s0/t0"] and found.problems == ()
    assert sorted(path.name for path in found.ignored) == ["more", "round"]

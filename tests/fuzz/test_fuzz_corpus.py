"""A corpus held to damaged files: it opens or is refused by an error of ours; what opens can be read to its end.

The header is damaged as it is, and signed anew as a careful forger would, so that what stands behind the hashes is
reached, too; index and sources are damaged under a header that agrees; weights and the headers of columns and exported
models likewise. ``make fuzz`` runs 100,000 cases of each. A case that broke a reader lies in ``out/fuzz`` afterwards.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from holding import CASES, held

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from forged import CONTENT, RECORD, pack_ten, sign_file

from koekao.arkit import NAMES
from koekao.corpus import Corpus, pack_column, verify
from koekao.corpus.header import content_id, read_header
from koekao.models.weights import read_tensors, save_tensors
from koekao.runtime.header import read_header as read_model_header

pytestmark = pytest.mark.timeout(3600)
FEWER = max(1, CASES // 5)
"""Of those that write and open a whole corpus."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder in memory where there is such a place: its files are written anew for every case."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="koekao-fuzz-", dir=memory if memory.is_dir() else None) as place:
        yield Path(place)


@pytest.fixture(scope="module")
def folder(place: Path) -> Path:
    folder = pack_ten(place / "c")
    corpus = Corpus.open(folder)
    pack_column(corpus, "x", (2,), {"k": 1}, lambda i: np.zeros((int(corpus.n_frames[i]), 2), np.float32))
    return folder


def read_all(folder: Path) -> None:
    """Everything that can be asked of a corpus."""
    corpus = Corpus.open(folder)
    for i in range(len(corpus)):
        take = corpus.take(i)
        assert len(take.curves) == corpus.n_frames[i] and len(take.audio) == corpus.n_samples[i]
    for split in ("train", "val", "test"):
        corpus.select(split=split)
    for name in corpus.column_names:
        column = corpus.column(name)
        [column.frames(i).sum() for i in range(len(corpus))]


def restoring(path: Path, read: Callable[[], Any], change: Callable[[bytes], None]) -> Callable[[bytes], Any]:
    """A reader of one file's content, which is put back as it was."""
    header = path.parent / "corpus.json"
    before, header_before = path.read_bytes(), header.read_bytes() if header.is_file() else b""

    def of(data: bytes) -> Any:
        try:
            change(data)
            return read()
        finally:
            path.write_bytes(before)
            if header_before:
                header.write_bytes(header_before)

    return of


def test_corpus_header(folder: Path) -> None:
    path = folder / "corpus.json"
    read = restoring(path, lambda: read_header(folder), lambda data: path.write_bytes(data) and None)
    held("corpus header", [path.read_bytes()], read, CASES)


def test_corpus_header_signed_by_a_forger(folder: Path) -> None:
    """Its hashes are right, so that every field is reached; what opens is read whole."""
    path = folder / "corpus.json"

    def forged(data: bytes) -> None:
        try:
            fields = json.loads(data)
            fields["id"] = content_id({key: fields[key] for key in CONTENT})
            fields["record_sha256"] = content_id({key: fields[key] for key in RECORD})
            data = json.dumps(fields).encode()
        except (ValueError, TypeError, KeyError, RecursionError):
            pass
        path.write_bytes(data)

    was_read = held(
        "corpus header signed", [path.read_bytes()], restoring(path, lambda: read_all(folder), forged), FEWER
    )
    assert 0 < was_read < FEWER


@pytest.mark.parametrize(("key", "file"), [("index", "takes.arrow"), ("sources", "sources.arrow")])
def test_rows_signed_by_a_forger(folder: Path, key: str, file: str) -> None:
    path = folder / file

    def forged(data: bytes) -> None:
        path.write_bytes(data)
        sign_file(folder, key, file)

    def read() -> None:
        read_all(folder)
        assert Corpus.open(folder).take(0).sources is not None

    held(f"corpus {key}", [path.read_bytes()], restoring(path, read, forged), FEWER)


def test_column_header(folder: Path) -> None:
    (path,) = folder.glob("columns/*/column.json")
    read = restoring(path, lambda: read_all(folder), lambda data: path.write_bytes(data) and None)
    held("column header", [path.read_bytes()], read, FEWER)
    assert verify(folder) == []


def test_weights(place: Path) -> None:
    """The hash is wrong in nearly every case, so it is also made right, as far as the file is one at all."""
    path = place / "w.safetensors"
    save_tensors(path, {"a": torch.arange(6.0).view(2, 3), "b": torch.zeros(1, dtype=torch.int64)}, {"version": 1})
    whole = path.read_bytes()

    def signed(data: bytes) -> None:
        path.write_bytes(data)
        read_tensors(path)

    assert held("weights", [whole], signed, CASES) < CASES // 10
    length = struct.unpack("<Q", whole[:8])[0]

    def header_alone(data: bytes) -> None:
        path.write_bytes(struct.pack("<Q", len(data)) + data + whole[8 + length :])
        read_tensors(path)

    held("weights header", [whole[8 : 8 + length]], header_alone, CASES)


def test_header_of_an_exported_model() -> None:
    entry = {"name": "next_frame", "dtype": "int64", "shape": []}
    sound = {"name": "sound", "dtype": "float32", "shape": [600]}
    said = {"format": "koekao-onnx", "version": 1, "koekao": "0", "model": "stream", "config": {}, "curves": []}
    said |= {"sample_rate": 16000, "fps": "30", "look_ahead_frames": 1, "first_samples": 533, "weights_sha256": "0"}
    text = json.dumps(said | {"curves": list(NAMES), "state": [entry, sound]}).encode()

    def read(data: bytes) -> None:
        read_model_header(data.decode("utf-8", "replace"), "m.onnx")

    read(text)
    assert held("model header", [text], read, CASES) < CASES

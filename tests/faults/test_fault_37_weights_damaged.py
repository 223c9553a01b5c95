"""Fault 37, of weights and manifests: a flipped bit is found when the file is opened; what was read stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from forged import pack_ten
from killed import fill, parts, step_in
from small_faces import face

from koekao.corpus import Corpus, verify
from koekao.errors import CorpusError, KoekaoError, ModelError
from koekao.models import load_model, save_model
from koekao.training.checkpoint import save_checkpoint

FLIPS = 1000


def flips(n_bytes: int, first: int, n: int) -> list[tuple[int, int]]:
    """(byte, bit): the half of them in the first bytes, where names, shapes and settings stand."""
    rng = np.random.default_rng(n_bytes)
    places = [*rng.integers(0, first, n // 2), *rng.integers(0, n_bytes, n - n // 2)]
    return [(int(place), int(bit)) for place, bit in zip(places, rng.integers(0, 8, n))]


def flipped(whole: bytes, place: int, bit: int) -> bytes:
    data = bytearray(whole)
    data[place] ^= 1 << bit
    return bytes(data)


def test_fault_37_of_a_thousand_bits_flipped_in_a_checkpoint_each_is_found(tmp_path: Path) -> None:
    """In weights, moments, random state, settings and counters; the file is named, and nothing was loaded of it."""
    path = tmp_path / "last.safetensors"
    model, optimizer, task = parts()
    fill(model, optimizer, 3.0)
    save_checkpoint(path, model=model, optimizer=optimizer, task=task, progress={"step": 3})
    whole = path.read_bytes()
    assert step_in(path) == 3
    header = 8 + int.from_bytes(whole[:8], "little")
    for place, bit in flips(len(whole), header, FLIPS):
        path.write_bytes(flipped(whole, place, bit))
        try:
            step_in(path)
        except KoekaoError as error:
            assert type(error) is ModelError and str(path) in error.where
        else:
            pytest.fail(f"bit {bit} of byte {place} was flipped unseen")
    path.write_bytes(whole)
    assert step_in(path) == 3


def test_fault_37_of_bits_flipped_in_weights_each_is_found(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    save_model(face("stream"), path, chosen_by="r")
    whole = path.read_bytes()
    for place, bit in flips(len(whole), 8 + int.from_bytes(whole[:8], "little"), FLIPS // 4):
        path.write_bytes(flipped(whole, place, bit))
        with pytest.raises(ModelError) as error:
            load_model(path)
        assert error.value.where == str(path)


def test_fault_37_of_a_thousand_bits_flipped_in_a_manifest_each_is_found(tmp_path: Path) -> None:
    """The corpus does not open, or ``verify`` tells."""
    folder = pack_ten(tmp_path / "c")
    path = folder / "corpus.json"
    whole = path.read_bytes()
    for place, bit in flips(len(whole), len(whole), FLIPS):
        path.write_bytes(flipped(whole, place, bit))
        found = problems_of(folder)
        assert found and type(found[0]) is CorpusError and str(folder) in found[0].where, (place, bit)
    path.write_bytes(whole)
    assert verify(folder) == []


def problems_of(folder: Path) -> list[CorpusError]:
    try:
        return Corpus.open(folder).verify()
    except CorpusError as error:
        return [error]


READ = """
import sys, torch
from koekao.models.weights import read_tensors
tensors, _ = read_tensors(sys.argv[1])
print("read", flush=True)
sys.stdin.readline()
print(sum(float(value.double().sum()) for value in tensors.values()))
"""


@pytest.mark.parametrize("how", ["replaced", "cut", "written over"])
def test_fault_37_weights_that_are_open_stay_what_they_are(tmp_path: Path, how: str) -> None:
    """While the file is replaced by another, as saving does; or is cut or written over where it lies, as cp does."""
    path = tmp_path / "w.safetensors"
    save_model(face("frame"), path)
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", READ, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "read\n"
    expected = sum(float(value.double().sum()) for value in face("frame").state_dict().values())
    if how == "replaced":
        save_model(face("frame", seed=9), path)
    elif how == "cut":
        os.truncate(path, 100)
    else:
        path.write_bytes(b"\xff" * path.stat().st_size)
    said, _ = child.communicate("go on\n")
    assert child.returncode == 0 and float(said) == pytest.approx(expected)

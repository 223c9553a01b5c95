"""Every reader, held to damaged files: a value or an error of ours, within a second, whatever the bytes.

``make fuzz`` runs 100,000 cases a reader, the test run 2,500. What becomes of a case that breaks one: ``holding.py``.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fuzz_seeds import SOUND_SEEDS, curve_seeds
from holding import CASES, FOUND, held

from koekao.errors import KoekaoError
from koekao.takes import read_curves, read_sound
from koekao.takes.formats.registry import CURVE_FORMATS

CURVE_SEEDS = curve_seeds()

pytestmark = pytest.mark.timeout(3600)


def test_every_format_is_held() -> None:
    assert set(CURVE_SEEDS) == {known.name for known in CURVE_FORMATS}


@pytest.fixture
def place() -> Path:
    """A file that is rewritten for every case, in memory where there is such a place."""
    memory = Path("/dev/shm")
    return (memory if memory.is_dir() else Path.cwd()) / f"koekao-fuzz-{os.getpid()}"


def test_what_once_broke_a_reader_is_refused() -> None:
    """Not only held: these have no value that could be read."""
    of = {path: path.name.rpartition("-")[0] for path in sorted(FOUND.iterdir())}
    cases = {path: reader for path, reader in of.items() if reader in SOUND_SEEDS or reader in CURVE_SEEDS}
    assert cases
    for path, reader in cases.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(KoekaoError):
                read_sound(path) if reader in SOUND_SEEDS else read_curves(path, format=reader, order="apple", fps=30)


def held_to(name: str, seeds: list[bytes], read: Callable[[Path], Any], place: Path) -> tuple[int, int]:
    """Run the cases; how many were read and how many refused."""

    def of(data: bytes) -> Any:
        place.write_bytes(data)
        return read(place)

    try:
        for seed in seeds:
            of(seed)  # the files themselves are good
        read_whole = held(name, seeds, of)
    finally:
        place.unlink(missing_ok=True)
    return read_whole, CASES - read_whole


@pytest.mark.parametrize("name", CURVE_SEEDS)
def test_curves(name: str, place: Path) -> None:
    read_whole, refused = held_to(name, CURVE_SEEDS[name], lambda path: read_curves(path, order="apple", fps=30), place)
    assert read_whole and refused > CASES // 4  # damages that do no harm, and mostly such that do


@pytest.mark.parametrize("name", SOUND_SEEDS)
def test_sound(name: str, place: Path) -> None:
    read_whole, refused = held_to(name, SOUND_SEEDS[name](), read_sound, place)
    assert read_whole and refused


@pytest.mark.parametrize("name", ["wav"])
def test_sound_that_is_trimmed(name: str, place: Path) -> None:
    read_whole, refused = held_to(name, SOUND_SEEDS[name](), lambda path: read_sound(path, truncated="trim"), place)
    assert read_whole and refused

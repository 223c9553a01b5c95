"""For all tests: torch computes in one thread, small corpora are packed from takes made by hand, npm fetches once."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import web_packages
from koekao.clock import Clock
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.takes import Take

torch.set_num_threads(1)  # many test processes share a few cores; more threads than cores are 30 times slower


LONGEST = (
    "examples/test_examples_run",
    "training/test_distributed",
    "docs/test_docs_blocks",
    "viewer/test_viewer_browser",
    "export/test_export_parity",
)
"""What takes a minute and more by itself goes first, so that at the end no process is left alone with it."""


def pytest_configure(config: pytest.Config) -> None:
    """Each process rewrites the asserts of its share of the files, before any reads all: once, not three times."""
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    if not worker:
        return
    gc.disable()  # until all is collected: rewriting makes large trees, of which nothing becomes garbage
    if sys.dont_write_bytecode:
        return
    with contextlib.suppress(Exception):  # pytest's own affairs: one that goes about it otherwise rewrites as it reads
        from _pytest.assertion import rewrite

        state = config.stash[rewrite.assertstate_key]
        share = slice(int(worker["workerid"].removeprefix("gw")), None, worker["workercount"])
        for path in sorted(Path(__file__).parent.rglob("test_*.py"))[share]:
            kept = rewrite.get_cache_dir(path) / (path.stem + rewrite.PYC_TAIL)
            if rewrite.try_makedirs(kept.parent) and rewrite._read_pyc(path, kept) is None:
                source, code = rewrite._rewrite_test(path, config)
                rewrite._write_pyc(state, code, source, kept)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    files = {here / f"{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: files.get(item.path, len(LONGEST)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end; without it the garbage collector has little to look through."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # every test makes thousands of objects and holds on to none


@dataclass(frozen=True)
class Packed:
    """A corpus, and the takes it was packed from in its order: what a batch holds is compared with these."""

    corpus: Corpus
    takes: list[Take]

    @property
    def lengths(self) -> list[int]:
        return [take.n_frames for take in self.takes]


def take_by_hand(number: int, n_frames: int, clock: Clock, dtype: str, longer_samples: int) -> Take:
    """Noise over the whole range of int16, and curves of which some frames were not tracked."""
    rng = np.random.default_rng([20, number, n_frames])
    audio = rng.integers(-32768, 32768, clock.frame_start(n_frames) + longer_samples).astype(np.int16)
    audio[:2] = -32768, 32767
    return Take(
        name=f"take_{number:03d}",
        speaker="ken",
        audio=audio if dtype == "int16" else (audio / 40000).astype(np.float32),
        sample_rate=clock.sample_rate,
        curves=rng.random((n_frames, 52), np.float32),
        valid=rng.random(n_frames) > 0.2,
        fps=clock.fps,
    )


@pytest.fixture(scope="session")
def packed_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Packed]:
    """``packed_of((40, 8, ...))``: a corpus of takes of that many frames, packed once in a session."""

    @cache
    def make(
        lengths: Sequence[int],
        *,
        dtype: str = "int16",
        fps: str = "30",
        sample_rate: int = 16_000,
        longer_samples: int = 0,
    ) -> Packed:
        clock = Clock(sample_rate, Fraction(fps))
        takes = [take_by_hand(i, length, clock, dtype, longer_samples) for i, length in enumerate(lengths)]
        path = tmp_path_factory.mktemp("packed") / "corpus"
        pack_takes(takes, path, PackConfig(sample_rate=sample_rate, fps=clock.fps, val=0.0))
        return Packed(Corpus.open(path), takes)

    return make


@pytest.fixture(scope="module")
def small_baseline() -> Iterator[None]:
    """Ridge regression over few frames: every run fits one, and its 3 s are most of what a small run takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("koekao.training.ridge.PAST_FRAMES", 1)
        yield


@pytest.fixture(scope="session")
def web() -> Path:
    """``web/`` with its packages fetched; a test that wants it is skipped where they cannot be."""
    return web_packages.fetched()


@pytest.fixture(scope="session")
def small(packed_of: Callable[..., Packed]) -> Packed:
    """Twelve takes of 3 to 61 frames: with windows of 8 frames some are shorter, as long, one frame longer."""
    return packed_of((40, 8, 9, 7, 3, 61, 25, 33, 16, 12, 50, 21))


@pytest.fixture(scope="session")
def picture(packed_of: Callable[..., Packed]) -> Packed:
    """Takes long enough for the seeds' windows of 256 frames and clips of 300, and one that is too short."""
    return packed_of((420, 300, 350, 100))

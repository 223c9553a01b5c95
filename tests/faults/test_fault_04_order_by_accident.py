"""Fault 4: an order that depends on workers, listing or process. It is a function of (seed, epoch, index) alone."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import digests
import pytest

from koekao.corpus import Corpus, PackConfig, pack_takes

GOLDEN = "ffebc03cce4fe0da5f74b025fabf59a3d89fbc07e3f2a8fdb8a86ac97cff35a3"
"""Of the order alone, for numpy may come to draw other takes; a change of it is another order for every run."""


@pytest.mark.parametrize("num_workers", [1, 2, 3, 4])
def test_fault_04_not_on_the_number_of_threads(small: Any, num_workers: int) -> None:
    assert digests.digest(small.corpus, num_workers) == digests.digest(small.corpus)


def test_fault_04_not_on_the_order_in_which_takes_are_listed(small: Any, tmp_path: Path) -> None:
    """How a folder is listed does not matter either: test_corpus_folder packs it twice to the same bytes."""
    for seed in range(3):
        takes = list(small.takes)
        random.Random(seed).shuffle(takes)
        assert takes != small.takes
        pack_takes(takes, tmp_path / str(seed), PackConfig(val=0.0))
        assert digests.digest(Corpus.open(tmp_path / str(seed))) == digests.digest(small.corpus)


def test_fault_04_not_on_the_process(small: Any) -> None:
    command = [sys.executable, digests.__file__, str(small.corpus.path), "2"]
    children = [
        subprocess.Popen(command, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True)
        for seed in ("1", "2")
    ]
    assert {child.communicate()[0].strip() for child in children} == {digests.digest(small.corpus)}


def test_fault_04_nor_on_this_version(small: Any) -> None:
    assert digests.digest(small.corpus, only=digests.ORDER) == GOLDEN

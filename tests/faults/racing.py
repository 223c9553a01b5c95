"""Packers at once: ``python racing.py FOLDER N free|together|overwrite`` prints what each of N processes was told.

All are forked from one process that has imported everything, and begin at the same moment. Each packs the same takes
split otherwise, so that a corpus says whose it is. ``together``: whoever is about to publish waits for all the others.
``overwrite``: there is a corpus already, and this process reads it meanwhile.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from filling import refused
from forged import CONFIG, ten
from killed import bytes_of, left_over, write_takes

from koekao import atomic
from koekao.corpus import Corpus, PackConfig, pack
from koekao.errors import CorpusError


def settings(number: int, *, overwrite: bool) -> PackConfig:
    names = [take.name for take in ten()]
    return replace(CONFIG, val=(names[number],), test=0.0, overwrite=overwrite, shard_bytes=60_000)


def publish_together(n: int) -> None:
    """Nobody puts his folder to its place before all ``n`` processes are about to."""
    all_there, put = multiprocessing.get_context("fork").Barrier(n, timeout=120), atomic._put

    def together(folder: Path, path: Path, *, overwrite: bool) -> None:
        all_there.wait()
        put(folder, path, overwrite=overwrite)

    atomic._put = together


def race(takes: Path, target: Path, n: int, *, overwrite: bool) -> list[int]:
    """The processes, all about to begin."""
    begin, told = os.pipe()
    children = []
    for number in range(n):
        child = os.fork()
        if not child:
            os.close(told)
            os.read(begin, 1)  # until the other end is closed
            said = refused(lambda n=number: pack(takes, target, settings(n, overwrite=overwrite)))  # type: ignore[misc]
            target.with_name(f"said-{number}").write_text(said)
            os._exit(0)
        children.append(child)
    os.close(told)
    os.close(begin)
    return children


def read_until_over(children: Sequence[int], target: Path) -> dict[str, int]:
    """Open and read what lies at the target, again and again: always one corpus, or told that it was replaced."""
    corpus, waiting = Corpus.open(target), set(children)
    held, before, counts = [corpus.audio(i) for i in range(10)], [], {"opened": 0, "replaced": 0}
    before = [audio.copy() for audio in held]
    while waiting:
        opened = Corpus.open(target)
        counts["opened"] += 1
        try:
            for i in range(10):
                assert np.array_equal(opened.audio(i), before[i])  # the takes are the same in all of them
        except CorpusError as error:
            assert "was replaced while it was open" in str(error), error
            counts["replaced"] += 1
        for child in list(waiting):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                assert status == 0
                waiting.remove(child)
        time.sleep(0.001)
    assert all(np.array_equal(audio, was) for audio, was in zip(held, before)), "what a reader held has changed"
    return counts


def main(folder: Path, n: int, how: str) -> None:
    takes, target, overwrite = write_takes(folder / "takes", ten()), folder / "out" / "c", how == "overwrite"
    target.parent.mkdir()
    wholes = []
    for number in range(n):
        pack(takes, folder / f"whole-{number}", settings(number, overwrite=False))
        wholes.append(bytes_of(folder / f"whole-{number}"))
    if overwrite:
        pack(takes, target, settings(n, overwrite=False))
    if how == "together":
        publish_together(n)
    children = race(takes, target, n, overwrite=overwrite)
    counts = read_until_over(children, target) if overwrite else {}
    for child in children if not overwrite else []:
        assert os.waitpid(child, 0)[1] == 0
    said = [target.with_name(f"said-{number}").read_text() for number in range(n)]
    leftovers = [str(path) for path in left_over(target.parent)]
    winner = wholes.index(bytes_of(target))
    whole = Corpus.open(target).verify() == []
    print(json.dumps({"said": said, "winner": winner, "whole": whole, "left": leftovers} | counts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

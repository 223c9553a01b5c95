"""Law: what is told about a corpus is what NumPy says about its arrays."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from koekao.arkit import INDEX, NAMES
from koekao.corpus import Corpus, PackConfig, describe, pack_takes
from koekao.takes.take import Take


def test_the_summary_agrees_with_the_arrays(tmp_path: Path, ten: Sequence[Take]) -> None:
    report = pack_takes(ten, tmp_path / "c", PackConfig(val=0.3, shard_bytes=100_000))
    corpus = Corpus.open(tmp_path / "c")
    summary = describe(corpus)
    assert summary.takes == report.takes and summary.id == report.id
    curves = np.concatenate([take.curves for take in ten]).astype(np.float64)
    for name, values in (
        ("lowest", curves.min(axis=0)),
        ("highest", curves.max(axis=0)),
        ("mean", curves.mean(axis=0)),
        ("std", curves.std(axis=0)),
    ):
        assert [getattr(curve, name) for curve in summary.curves] == pytest.approx(values.tolist(), rel=1e-9)
    assert [curve.name for curve in summary.curves] == list(NAMES)
    assert (summary.n_takes, summary.n_frames, summary.seconds) == (10, len(curves), report.seconds)
    assert summary.hours_by_split["val"] == corpus.select(split="val").seconds / 3600
    assert sum(summary.hours_by_split.values()) * 3600 == pytest.approx(summary.seconds)
    assert summary.bytes_on_disk == sum(path.stat().st_size for path in (tmp_path / "c").iterdir())
    assert (summary.sample_rate, summary.fps, summary.audio_dtype) == (16000, "30", "int16")
    assert json.loads(json.dumps(summary.as_dict()))["takes"][0]["name"] == corpus.names[0]


def test_one_sees_which_curves_move(tmp_path: Path, take_of: Callable[..., Take]) -> None:
    still = np.full((40, 52), 0.25, np.float32)
    takes = [take_of(name, curves=still.copy(), valid=np.arange(40) >= 10) for name in "abcd"]
    takes[0].curves[7, INDEX["jawOpen"]] = 0.75
    takes[1].curves[7, INDEX["jawOpen"]] = 0.35
    takes[1].curves[9, INDEX["browInnerUp"]] = 0.255
    pack_takes(takes, tmp_path / "c")
    summary = describe(Corpus.open(tmp_path / "c"))
    assert [take.moving for take in summary.takes] == [("jawOpen",), ("jawOpen",), (), ()]
    assert {curve.name: curve.moves_in for curve in summary.curves if curve.moves_in} == {"jawOpen": 0.5}
    assert [(take.lowest, take.highest, take.untracked) for take in summary.takes][:1] == [(0.25, 0.75, 0.25)]
    assert summary.curves[INDEX["mouthLeft"]].std == 0


def test_a_selection_is_described_alone_and_an_empty_one_too(tmp_path: Path, ten: Sequence[Take]) -> None:
    pack_takes(ten, tmp_path / "c")
    corpus = Corpus.open(tmp_path / "c")
    one = describe(corpus.select(names=["s1/t3"]))
    assert (one.n_takes, one.takes[0].name, one.n_frames) == (1, "s1/t3", 35)
    none = describe(corpus.select(split="test"))
    assert (none.n_takes, none.seconds, none.curves) == (0, 0, ())


def test_repairs_are_counted_by_kind(tmp_path: Path, take_of: Callable[..., Take]) -> None:
    told = [("resample: 48 kHz", "clip: 3 values"), ("resample: 8 kHz", "resample: again"), ("note: in sync",)]
    takes = [take_of(name, repairs=repairs) for name, repairs in zip("abc", told)]
    report = pack_takes(takes, tmp_path / "c")
    assert report.repaired == {"resample": 2, "clip": 1}
    assert (report.packed, report.mended) == (3, 2)
    summary = describe(Corpus.open(tmp_path / "c"))
    assert summary.repaired == report.repaired
    assert [take.repairs for take in summary.takes] == told
    assert dataclasses.asdict(report)["repaired"] == report.repaired

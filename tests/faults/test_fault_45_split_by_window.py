"""Fault 45: training and validation windows of one take. Splits are of whole takes or speakers: no shared interval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from forged import ten

from koekao.batches import ClipDataset, ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.corpus.split import SPLITS
from koekao.errors import ConfigError
from koekao.windows import StridePolicy

Held = dict[str, Any]
WAYS: dict[str, Held] = {
    "a share of takes": {"val": 0.2, "test": 0.2},
    "named takes": {"val": ("s0/t0", "s1/t*"), "test": ("s0/t4",)},
    "a share of speakers": {"split_by": "speaker", "val": ("p1",), "test": 0.0},
    "named speakers": {"split_by": "speaker", "val": ("p0",), "test": ("p2",)},
}
SPECS: dict[str, Any] = {
    "dense": StreamSpec(window_frames=8, stride=StridePolicy(mode="dense"), batch_size=4, n_streams=1),
    "mixed": StreamSpec(
        window_frames=8, stride=StridePolicy(mode="mixed", initial_stride=6), batch_size=4, n_streams=1
    ),
    "clips": ClipSpec(window_frames=8, batch_size=4),
}


@pytest.fixture(scope="module")
def corpus_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Corpus]:
    def make(way: str) -> Corpus:
        path = tmp_path_factory.mktemp("split") / "c"
        pack_takes(ten(), path, PackConfig(**WAYS[way]))
        return Corpus.open(path)

    return make


def heard(corpus: Corpus, split: str, spec: Any) -> dict[str, np.ndarray]:
    """Take name -> which of its frames any window of the split shows, over two epochs."""
    takes = corpus.select(split=split)
    seen = {name: np.zeros(int(n), bool) for name, n in zip(takes.names, takes.n_frames)}
    for epoch in (0, 1):
        for batch in Loader(takes, spec, epoch=epoch):
            rows = zip(batch["file_names"], batch["start_frames"].tolist(), batch["valid_frames"].tolist())
            for name, start, valid in rows:
                if valid:
                    seen[name][start : start + valid] = True
    return seen


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("way", WAYS)
def test_fault_45_no_interval_of_sound_is_in_two_splits(corpus_of: Any, way: str, spec: str) -> None:
    """Each take is whole in one split, and heard there to its last frame at stride 1; nothing of it anywhere else."""
    corpus = corpus_of(way)
    shown = {split: heard(corpus, split, SPECS[spec]) for split in SPLITS if len(corpus.select(split=split))}
    assert len(shown) >= 2 and sum(map(len, shown.values())) == len(corpus) == 10
    assert set().union(*shown.values()) == set(corpus.names)
    for takes in shown.values():
        for name, frames in takes.items():
            assert frames.all() or spec != "dense", f"{name} is not whole in its split"
    sounds = {
        split: {corpus.select(split=split).audio(i).tobytes() for i in range(len(corpus.select(split=split)))}
        for split in shown
    }
    assert sum(map(len, sounds.values())) == 10 and len(set().union(*sounds.values())) == 10


@pytest.mark.parametrize("way", [way for way in WAYS if "speakers" in way])
def test_fault_45_no_speaker_is_in_two_splits(corpus_of: Any, way: str) -> None:
    corpus = corpus_of(way)
    speakers = [set(corpus.select(split=split).speakers) for split in SPLITS]
    assert sum(map(len, speakers)) == len(set(corpus.speakers)) == 3


def test_fault_45_there_is_no_way_to_split_by_window() -> None:
    """Neither when packing nor afterwards: what is selected is takes."""
    with pytest.raises(ConfigError, match="split_by='window'"):
        PackConfig(split_by="window")  # type: ignore[arg-type]
    assert not any("split" in name for name in ClipDataset.__init__.__annotations__)

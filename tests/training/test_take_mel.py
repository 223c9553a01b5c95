"""Mel of takes computed once: the numbers of the packed column, cut into the windows of a batch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from koekao.api.corpora import pack_features
from koekao.batches import ClipSpec, Loader
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.features import LogMel, LogMelConfig
from koekao.takes.synthetic.making import make_take
from koekao.training.take_mel import TakeMel, has_packed_mel

FEATURES = LogMel(LogMelConfig(n_mels=20))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    pack_takes(
        [make_take(i, seconds=s, name=str(i)) for i, s in enumerate((0.9, 0.5, 1.3))],
        tmp_path / "corpus",
        PackConfig(val=0.0),
    )
    return Corpus.open(tmp_path / "corpus")


def test_both_ways_give_the_same_windows(corpus: Corpus) -> None:
    """Windows inside takes, at their ends, takes shorter than a window, and padding rows."""
    pack_features(corpus, n_mels=20)
    some = corpus.select(names=list(corpus.names[1:]))
    spec = ClipSpec(batch_size=4, window_frames=24, stride_frames=3, columns=("mel", "arkit"))
    mel, loader = TakeMel(some, FEATURES), Loader(some, spec)
    assert has_packed_mel(some, FEATURES)
    valid = torch.cat([batch["valid_frames"].clone() for batch in loader])
    assert (valid == 0).any() and ((valid > 0) & (valid < 24)).any() and (valid == 24).any()
    for batch in loader:
        assert torch.equal(mel.windows(batch["file_indices"], batch["start_frames"], 24), batch["mel"])


def test_only_a_column_of_the_same_settings_will_do(corpus: Corpus) -> None:
    assert not has_packed_mel(corpus, FEATURES)
    pack_features(corpus, n_mels=24)
    assert not has_packed_mel(corpus, FEATURES)
    pack_features(corpus, n_mels=20)  # beside the other: by its name alone a batch would not know which
    assert not has_packed_mel(corpus, FEATURES)

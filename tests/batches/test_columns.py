"""Law: what is delivered is what was asked for, and a packed feature comes by the same windows as the sound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import koekao
from koekao.batches import AdaptiveSequentialDataset, ClipDataset, ClipSpec, Loader, StreamSpec
from koekao.corpus import Corpus, pack_column
from koekao.errors import ConfigError
from koekao.testing.laws import assert_same_batches
from koekao.windows import StridePolicy

STRIDE = StridePolicy(mode="mixed", initial_stride=3)


@pytest.fixture(scope="module")
def featured(packed_of: Callable[..., Any]) -> Corpus:
    """Takes with two packed columns: counts of frames, and something with two axes."""
    corpus = packed_of((21, 8, 9, 7, 3, 30), longer_samples=5).corpus
    pack_column(corpus, "count", (1,), {}, lambda i: np.arange(corpus.n_frames[i], dtype=np.float32)[:, None] + 100 * i)
    rng = np.random.default_rng(0)
    values = [rng.random((n, 2, 5), np.float32) for n in corpus.n_frames.tolist()]
    pack_column(corpus, "noise", (2, 5), {"seed": 0}, lambda i: values[i])
    return corpus


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("kind", [StreamSpec, ClipSpec])
def test_packed_columns_are_windowed_as_the_curves_are(featured: Corpus, kind: Any, num_workers: int) -> None:
    corpus = featured.select(names=featured.names[1:])
    more = {"stride": STRIDE} if kind is StreamSpec else {"batch_size": 5}
    spec = kind(window_frames=8, columns=("noise", "blendshapes", "count"), **more)
    loader, noise = Loader(corpus, spec, num_workers=num_workers), featured.column("noise")
    for batch in loader:
        assert batch["noise"].shape[1:] == (8, 2, 5) and batch["noise"].dtype == torch.float32
        columns = (batch[key].tolist() for key in ("file_indices", "start_frames", "valid_frames"))
        for row, (take, start, valid) in enumerate(zip(*columns, strict=True)):
            frames = noise.frames(take)[start : start + valid] if valid else np.zeros((0, 2, 5), np.float32)
            assert np.array_equal(batch["noise"][row, :valid].numpy(), frames)
            assert not batch["noise"][row, valid:].any()
            counts = [100 * take + frame for frame in range(start, start + valid)] + [0] * (8 - valid)
            assert batch["count"][row, :, 0].tolist() == counts
    assert not {"audio", "wav"} & set(batch)


def test_what_is_left_out_changes_nothing_else(small: Any) -> None:
    for kind, sound, curves in ((StreamSpec, "audio", "blendshapes"), (ClipSpec, "wav", "arkit")):
        whole = Loader(small.corpus, kind(window_frames=8))
        for columns in ((sound,), (curves,), (curves, sound)):
            some = Loader(small.corpus, kind(window_frames=8, columns=columns))
            for batch, every in zip(some, whole, strict=True):
                assert list(batch)[: len(columns)] == list(columns)
                assert_same_batches([batch], [{key: every[key] for key in batch}])
                assert set(every) - set(batch) == {sound, curves} - set(columns)


def test_either_name_of_sound_and_curves_will_do() -> None:
    assert ClipSpec(columns=("audio", "blendshapes")) == ClipSpec()
    assert StreamSpec(columns=("wav", "arkit", "mel")).columns == ("audio", "blendshapes", "mel")
    assert StreamSpec(columns="mel").columns == ("mel",)  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [(), ("mel", "mel"), ("audio", "wav")])
def test_columns_that_cannot_be(columns: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"expected some of audio, blendshapes and packed .*, each once"):
        StreamSpec(columns=columns)


def test_a_column_that_is_not_there_is_said_with_those_that_are(featured: Corpus) -> None:
    with pytest.raises(ConfigError, match="holds no column 'mel'") as caught:
        Loader(featured, StreamSpec(window_frames=8, columns=("mel",)))
    assert "count, noise" in str(caught.value)


def test_the_torch_views_deliver_them_too(featured: Corpus) -> None:
    streams = StreamSpec(window_frames=8, columns=("noise",))
    theirs = DataLoader(AdaptiveSequentialDataset(featured, streams), batch_size=4)
    assert_same_batches(theirs, Loader(featured, streams))
    clips = ClipSpec(window_frames=8, batch_size=4, columns=("count", "wav"), drop_last=True)
    assert_same_batches(DataLoader(ClipDataset(featured, clips), batch_size=4, drop_last=True), Loader(featured, clips))


def test_the_front_door_packs_mel_and_delivers_it(packed_of: Callable[..., Any]) -> None:
    corpus = koekao.open(packed_of((40, 31)).corpus.path)
    koekao.pack_features(corpus, "mel", n_mels=8, columns_per_frame=3)
    batch = corpus.streams(columns=("mel", "blendshapes"), window_frames=16, batch_size=2).batch(1)
    assert batch["mel"].shape == (2, 16, 3, 8)
    first = int(batch["start_frames"][0])
    mel = corpus.column("mel").frames(int(batch["file_indices"][0]))
    assert np.array_equal(batch["mel"][0].numpy(), mel[first : first + 16])
    clips = corpus.clips(columns=("mel",), clip_s=0.5, batch_size=2).batch(0)
    assert next(iter(clips)) == "mel" and "wav" not in clips

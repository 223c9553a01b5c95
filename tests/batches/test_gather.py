"""Law: a row of a batch is bit for bit what the take holds at that place, and zeros where it holds nothing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from koekao.batches import ClipSpec, Loader, StreamSpec, gather
from koekao.batches.spec import clip_frames, spec_dict
from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.windows import NO_TAKE, Rows, StridePolicy
from reference import assert_rows_by_hand


def rows_at(*places: tuple[int, int, int]) -> Rows:
    """Rows of (take, start frame, valid frames)."""
    take, start, valid = (np.array(column, np.int64) for column in zip(*places, strict=True))
    no, zero = np.zeros(len(take), bool), np.zeros(len(take), np.int64)
    return Rows(take=take, start_frame=start, valid_frames=valid, is_dense=no, reset=no.copy(), gap_frames=zero)


def test_streams_have_the_keys_shapes_and_types_of_the_seeds(picture: Any) -> None:
    batch = Loader(picture.corpus, StreamSpec()).batch(0)
    assert {key: (tuple(value.shape), value.dtype) for key, value in batch.items() if key != "file_names"} == {
        "audio": ((4, 136576), torch.float32),
        "blendshapes": ((4, 256, 52), torch.float32),
        "file_indices": ((4,), torch.int64),
        "start_frames": ((4,), torch.int64),
        "is_dense": ((4,), torch.bool),
        "reset": ((4,), torch.bool),
        "gap_frames": ((4,), torch.int64),
        "valid_frames": ((4,), torch.int64),
        "frame_mask": ((4, 256), torch.bool),
    }
    names = batch["file_names"]
    assert type(names) is list and all(type(name) is str for name in names)
    assert names[0] == names[1] != names[2] == names[3]  # file1, file1, file2, file2
    assert batch["start_frames"].tolist()[:2] == [0, 1]
    assert assert_rows_by_hand(batch, picture.takes, "audio", "blendshapes") == 4


def test_clips_have_the_keys_shapes_and_types_of_the_seeds(picture: Any) -> None:
    batch = Loader(picture.corpus, ClipSpec()).batch(0)
    assert {key: (tuple(value.shape), value.dtype) for key, value in batch.items() if key != "file_names"} == {
        "wav": ((16, 160000), torch.float32),
        "arkit": ((16, 300, 52), torch.float32),
        "file_indices": ((16,), torch.int64),
        "start_frames": ((16,), torch.int64),
        "valid_frames": ((16,), torch.int64),
        "frame_mask": ((16, 300), torch.bool),
    }
    assert len(batch["file_names"]) == 16
    assert assert_rows_by_hand(batch, picture.takes, "wav", "arkit") == 16


def test_the_seeds_numbers_at_60_frames_a_second(packed_of: Callable[..., Any]) -> None:
    packed = packed_of((600,), fps="60")
    batch = Loader(packed.corpus, StreamSpec(batch_size=2, n_streams=1, window_frames=512)).batch(3)
    assert batch["audio"].shape == (2, 136576)
    assert assert_rows_by_hand(batch, packed.takes, "audio", "blendshapes") == 2


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"dtype": "float32"},
        {"fps": "30000/1001", "sample_rate": 44_100},
        {"fps": "24", "sample_rate": 22_050, "dtype": "float32"},
        {"longer_samples": 300},
        {"longer_samples": -300},
    ],
)
@pytest.mark.parametrize("spec", [StreamSpec(window_frames=8, stride=StridePolicy(mode="mixed", initial_stride=3))])
def test_every_row_of_an_epoch_is_what_the_take_holds(
    packed_of: Callable[..., Any], spec: StreamSpec, facts: dict[str, Any]
) -> None:
    packed = packed_of((21, 8, 9, 7, 3, 1), **facts)
    clips = ClipSpec(batch_size=5, window_frames=8)
    rows = [assert_rows_by_hand(batch, packed.takes, "audio", "blendshapes") for batch in Loader(packed.corpus, spec)]
    assert sum(rows) == Loader(packed.corpus, spec).plan.n_windows
    rows = [assert_rows_by_hand(batch, packed.takes, "wav", "arkit") for batch in Loader(packed.corpus, clips)]
    assert sum(rows) == 14 + 1 + 2 + 3


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("longer", [0, 500, -500])
@pytest.mark.parametrize(
    "starts",
    [
        [0, 1, 2, 3, 4, 5],
        [0, 8, 16, 24, 32, 40],
        [0, 29, 58, 87],
        [0, 30, 60, 90],
        [5, 5, 5],
        [9, 8, 7, 8, 9],
        [85, 90, 95, 99],
        [70, 99, 71],
        [60, 0, 40, 20, 99, 70, 45],
        [0, 20, 40, 60, 80],
        [50, 60, 10, 12, 14, 70, 0, 1],
        [3, None, 4, 5, None],
        [0],
    ],
)
def test_rows_that_are_made_together_are_each_what_the_take_holds(
    packed_of: Callable[..., Any], starts: list[int | None], longer: int, dtype: str
) -> None:
    """They are made piece by piece, and no window of 16,000 samples ends with a piece."""
    packed = packed_of((100, 61), longer_samples=longer, dtype=dtype)
    of_first = [(0, start, min(30, 100 - start)) if start is not None else (NO_TAKE, 0, 0) for start in starts]
    of_other = [(1, start, min(30, 61 - start)) for start in (0, 2, 31, 60)]
    for places in (of_first, of_first + of_other, of_other + of_first, of_first * 2):
        batch = gather(packed.corpus, StreamSpec(window_frames=30), rows_at(*places), new=full_of_nan)
        n_real = sum(take != NO_TAKE for take, _, _ in places)
        assert assert_rows_by_hand(batch, packed.takes, "audio", "blendshapes") == n_real
        assert not batch["audio"][batch["file_indices"] == NO_TAKE].any()


def full_of_nan(shape: tuple[int, ...], dtype: type[np.generic]) -> torch.Tensor:
    memory = torch.from_numpy(np.empty(shape, dtype))
    return memory.fill_(torch.nan) if memory.is_floating_point() else memory.fill_(1)


def test_full_scale_is_one_and_never_more(small: Any) -> None:
    batch = gather(small.corpus, StreamSpec(window_frames=8), rows_at((0, 0, 8)))
    assert batch["audio"][0, :2].tolist() == [-1.0, 32767 / 32768]
    assert struct.pack("<f", batch["audio"][0, 1].item()) == struct.pack("<f", 32767 / 32768)


def test_float_sound_comes_bit_for_bit(packed_of: Callable[..., Any]) -> None:
    packed = packed_of((12,), dtype="float32")
    batch = gather(packed.corpus, StreamSpec(window_frames=8), rows_at((0, 0, 8)))
    heard = packed.takes[0].audio[: batch["audio"].shape[1]]
    assert batch["audio"][0].numpy().tobytes()[: heard.nbytes] == heard.tobytes()


def test_untracked_frames_and_padding_are_false_in_the_mask(small: Any) -> None:
    take = next(i for i, take in enumerate(small.takes) if len(take.valid) > 8 and not take.valid[:8].all())
    batch = gather(small.corpus, StreamSpec(window_frames=8), rows_at((take, 0, 8), (4, 0, 3), (NO_TAKE, 0, 0)))
    assert batch["frame_mask"][0].tolist() == small.takes[take].valid[:8].tolist()
    assert batch["frame_mask"][1].tolist() == [*small.takes[4].valid.tolist(), *[False] * 5]
    assert not batch["frame_mask"][2].any()
    assert not batch["audio"][2].any() and not batch["blendshapes"][2].any()
    assert not batch["blendshapes"][1, 3:].any()
    assert (batch["file_indices"].tolist(), batch["file_names"][2]) == ([take, 4, -1], "")


def test_a_selection_names_takes_by_their_number_in_the_whole_corpus(small: Any) -> None:
    names = [small.corpus.names[i] for i in (2, 5)]
    batch = gather(small.corpus.select(names=names), StreamSpec(window_frames=8), rows_at((0, 1, 8), (1, 4, 8)))
    assert batch["file_indices"].tolist() == [2, 5]
    assert batch["file_names"] == names
    assert assert_rows_by_hand(batch, small.takes, "audio", "blendshapes") == 2


def test_every_batch_owns_its_memory(small: Any) -> None:
    loader = Loader(small.corpus, StreamSpec(window_frames=8))
    one, other = loader.batch(0), loader.batch(0)
    for value in one.values():
        if isinstance(value, torch.Tensor):
            value.zero_()
    assert_rows_by_hand(other, small.takes, "audio", "blendshapes")
    assert_rows_by_hand(loader.batch(0), small.takes, "audio", "blendshapes")


def test_lengths_of_clips_in_seconds() -> None:
    clock = Clock(16000, "30")
    assert clip_frames(10.0, clock) == 300
    assert clip_frames(10.0, Clock(16000, "29.97")) == 300
    assert clip_frames(1 / 30, clock) == 1
    for length_s in (0.0, -1.0, 0.01, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="expected at least one frame of sound") as caught:
            clip_frames(length_s, clock)
        assert repr(length_s) in str(caught.value)


def test_a_spec_is_plain_json_values_and_holds_everything_that_decides_batches() -> None:
    assert spec_dict(ClipSpec(seed=3)) == {
        "kind": "clips",
        "batch_size": 16,
        "window_frames": 300,
        "stride_frames": 1,
        "short": "pad",
        "drop_last": False,
        "shuffle": True,
        "seed": 3,
        "columns": ["wav", "arkit"],
    }
    streams = spec_dict(StreamSpec())
    assert streams["stride"]["stages"] == [[0.0, 32], [0.2, 16], [0.5, 8], [0.8, 1]]
    assert set(streams) == {
        *("kind", "batch_size", "n_streams", "window_frames", "stride", "short", "drop_last", "shuffle", "seed"),
        "columns",
    }
    four_ranks = spec_dict(StreamSpec(batch_size=4, n_streams=2), world_size=4)
    assert four_ranks == spec_dict(StreamSpec(batch_size=16, n_streams=8))

"""The takes of the benchmarks: the same from the same seed, and judged by the files themselves."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from small_bench import Bench, small_workload

from recordings import make_recordings, names_of, read_recording


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_files_and_another_does_not(tmp_path: Path) -> None:
    for folder, seed in (("one", 5), ("same", 5), ("other", 6)):
        make_recordings(tmp_path / folder, n=2, seconds=(1.0, 2.0), seed=seed)
    assert contents(tmp_path / "one") == contents(tmp_path / "same")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_takes_that_are_there_are_left_alone(bench: Bench) -> None:
    before = contents(bench.takes)
    make_recordings(bench.takes, n=1, seconds=(1.0, 1.0), seed=9)
    assert contents(bench.takes) == before
    assert names_of(bench.takes) == ["take_000", "take_001"]


def test_past_the_end_of_the_sound_a_window_is_silent(bench: Bench) -> None:
    workload = small_workload()
    recording = read_recording(bench.takes, "take_000")
    audio, curves = bench.reference.window(workload, 0, len(recording.curves) - workload.n_frames)
    assert audio.shape == (workload.n_samples,) and curves.shape == (workload.n_frames, 52)
    assert not audio[-1] and audio.any()
    np.testing.assert_array_equal(curves, recording.curves[-workload.n_frames :])


def delivered(bench: Bench) -> dict[str, torch.Tensor]:
    workload = small_workload()
    windows = [bench.reference.window(workload, 1, start) for start in (0, 7, 14)]
    return {
        "audio": torch.from_numpy(np.stack([audio for audio, _ in windows])),
        "curves": torch.from_numpy(np.stack([curves for _, curves in windows])),
        "file_indices": torch.tensor([1, 1, 1]),
        "start_frames": torch.tensor([0, 7, 14]),
    }


def test_the_judge_passes_what_the_files_hold(bench: Bench) -> None:
    bench.reference.refuse_difference(small_workload(), delivered(bench))


@pytest.mark.parametrize("key", ["audio", "curves", "file_indices", "start_frames"])
def test_the_judge_sees_one_wrong_number(bench: Bench, key: str) -> None:
    batch = delivered(bench)
    wrong = batch[key].view(-1)
    wrong[-1] = 0.25 if wrong.is_floating_point() else wrong[-1] ^ 1
    with pytest.raises(ValueError, match=r"take_00[01]:\d+: (audio|curves) is not what the files hold"):
        bench.reference.refuse_difference(small_workload(), batch)


def test_the_judge_sees_a_wrong_shape(bench: Bench) -> None:
    batch = delivered(bench)
    batch["audio"] = batch["audio"][:, :-128]
    with pytest.raises(ValueError, match="batch of shapes"):
        bench.reference.refuse_difference(small_workload(), batch)


def test_other_rates_are_refused(tmp_path: Path) -> None:
    make_recordings(tmp_path / "takes", n=1, seconds=(1.0, 1.0))
    path = tmp_path / "takes" / "take_000.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(96_000))
    with pytest.raises(ValueError, match=r"take_000\.wav: .*48000"):
        read_recording(tmp_path / "takes", "take_000")

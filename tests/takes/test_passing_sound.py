"""Sound block by block is the sound of the whole file, with its faults at their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from koekao.errors import ConfigError, SoundError
from koekao.takes import passing_sound, read_sound

RNG = np.random.default_rng(0)


def written(path: Path, sound: Any, rate: int = 16000, **how: Any) -> Path:
    soundfile.write(path, sound, rate, **how)
    return path


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("block_s", [0.013, 1.0, 60.0])
def test_blocks_are_the_whole(tmp_path: Path, subtype: str, channels: int, block_s: float) -> None:
    path = written(tmp_path / "a.wav", RNG.uniform(-0.9, 0.9, (40_123, channels)), 22050, subtype=subtype)
    with passing_sound(path, block_s=block_s) as sound:
        assert sound.info.sample_rate == 22050 and sound.info.n_samples == 40_123
        blocks = list(sound.blocks)
    assert all(len(block) == int(block_s * 22050) for block in blocks[:-1]) and len(blocks[-1])
    whole = read_sound(path, sample_rate=22050, dtype="float32").samples
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert all(block.dtype == np.float32 for block in blocks)


@pytest.mark.parametrize("ending", ["flac", "ogg"])
def test_other_formats_pass_too(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"a.{ending}", RNG.uniform(-0.5, 0.5, 30_000))
    with passing_sound(path, block_s=0.5) as sound:
        blocks = list(sound.blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), read_sound(path, dtype="float32").samples)


def test_channels_are_mixed_as_asked(tmp_path: Path) -> None:
    both = RNG.uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)
    path = written(tmp_path / "a.wav", both, subtype="FLOAT")
    with passing_sound(path, mono="right") as sound:
        np.testing.assert_array_equal(np.concatenate(list(sound.blocks)), both[:, 1])
    with pytest.raises(ConfigError, match="mono policy 'middle'"), passing_sound(path, mono="middle"):
        pass
    with pytest.raises(SoundError, match="2 channels"), passing_sound(path, mono="refuse") as sound:
        list(sound.blocks)


def test_a_fault_deep_in_the_file_is_named_by_its_place(tmp_path: Path) -> None:
    samples = np.zeros(40_000, np.float32)
    samples[33_333] = np.nan
    path = written(tmp_path / "a.wav", samples, subtype="FLOAT")
    with passing_sound(path, block_s=0.5) as sound:
        for _ in range(4):
            assert len(next(sound.blocks)) == 8000
        with pytest.raises(SoundError, match="no numbers") as error:
            next(sound.blocks)
    assert error.value.where == f"{path}:sample 33333"


def test_what_is_no_sound_is_refused_as_ever(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    whole = written(tmp_path / "a.wav", np.zeros(4000)).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:-1000])
    (tmp_path / "text.wav").write_text("no sound" * 100)
    for name in ("empty.wav", "cut.wav", "text.wav", "none.wav"):
        with pytest.raises(SoundError) as error, passing_sound(tmp_path / name) as sound:
            list(sound.blocks)
        with pytest.raises(SoundError) as of_reading:
            read_sound(tmp_path / name)
        assert str(error.value) == str(of_reading.value)


def test_a_fault_of_who_listens_is_his_own(tmp_path: Path) -> None:
    path = written(tmp_path / "a.wav", np.zeros(4000))
    with pytest.raises(OSError, match="disk"), passing_sound(path) as sound:
        next(sound.blocks)
        raise OSError("the disk is full")

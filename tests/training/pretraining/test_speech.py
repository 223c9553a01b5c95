"""Speech to pretrain on: all files, what is held out of them, and statistics of what is learnt from alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from koekao.errors import SoundError
from koekao.models import StreamModel, build
from koekao.takes.synthetic.making import make_take
from koekao.takes.unlabelled import find_sounds
from koekao.training.pretraining.speech import read_speech


@pytest.fixture
def model() -> StreamModel:
    made = build("stream", {"dim": 8, "features": {"n_mels": 20}})
    assert isinstance(made, StreamModel)
    return made


def test_learnt_from_is_normalised_and_the_held_out_by_the_same(model: StreamModel, voices: Path) -> None:
    speech = read_speech(find_sounds([voices]), model, held_out=0.1, seed=1)
    assert (speech.n_files, speech.n_held_out, len(speech.learnt), len(speech.held_out)) == (4, 1, 3, 1)
    assert speech.seconds == pytest.approx(12.5) and speech.n_shorter_than(32) == 1
    learnt = torch.cat(speech.learnt).flatten(0, 1)
    assert {columns.shape[1:] for columns in speech.learnt + speech.held_out} == {(2, 20)}
    assert learnt.mean(0).abs().max() < 0.25 and (learnt.std(0) - 1).abs().max() < 0.25  # but for the floor
    other = read_speech(find_sounds([voices]), model, held_out=0.5, seed=1)
    assert (len(other.learnt), len(other.held_out)) == (2, 2)


def test_the_statistics_know_nothing_of_what_is_held_out(model: StreamModel, tmp_path: Path) -> None:
    """One of two sounds is a whisper, a thousand times fainter: whichever is learnt from is about 0."""
    speaker = make_take(3, seconds=2).audio
    for name, loudness in (("loud", 1.0), ("whisper", 1e-3)):
        soundfile.write(tmp_path / f"{name}.wav", speaker * (loudness / 32768), 16000, subtype="FLOAT")
    held_out = set()
    for seed in range(6):
        speech = read_speech(find_sounds([tmp_path]), model, held_out=0.5, seed=seed)
        assert abs(float(speech.learnt[0].mean())) < 0.25 and abs(float(speech.held_out[0].mean())) > 0.5
        held_out.add(float(speech.held_out[0].mean()) > 0)
    assert held_out == {True, False}


def test_the_seed_decides_what_is_held_out(model: StreamModel, voices: Path) -> None:
    paths = find_sounds([voices])
    of_seed = [read_speech(paths, model, held_out=0.1, seed=seed).held_out[0] for seed in (0, 0, *range(1, 8))]
    assert torch.equal(of_seed[0], of_seed[1])
    assert len({(len(columns), float(columns.sum())) for columns in of_seed}) > 2


def test_of_a_single_file_the_end_is_held_out(model: StreamModel, voices: Path) -> None:
    speech = read_speech([voices / "a.wav"], model, held_out=0.25, seed=0)
    assert [len(columns) for columns in speech.learnt + speech.held_out] == [90, 30]
    assert (speech.n_files, speech.n_held_out) == (1, 0)


def test_nothing_is_held_out_where_nothing_shall_be(model: StreamModel, voices: Path) -> None:
    speech = read_speech(find_sounds([voices]), model, held_out=0.0, seed=0)
    assert (len(speech.learnt), speech.held_out) == (4, ())


def test_other_rates_and_channels_are_brought_to_the_models(model: StreamModel, voices: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(voices / "a.wav")
    soundfile.write(
        tmp_path / "stereo.flac", samples[:, None].repeat(2, 1), rate // 2
    )  # twice as long at half the rate
    speech = read_speech([tmp_path / "stereo.flac"], model, held_out=0.0, seed=0)
    assert speech.seconds == pytest.approx(8.0) and len(speech.learnt[0]) == 240


def test_less_than_a_frame_is_refused(model: StreamModel, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "click.wav", [0.1, 0.2], 16000)
    with pytest.raises(SoundError, match=r"click\.wav: 2 samples; expected a frame or more"):
        read_speech([tmp_path / "click.wav"], model, held_out=0.0, seed=0)

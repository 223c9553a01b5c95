"""Law: a packed column is what LogMel computes of the whole take's sound, frame for frame, the last one included."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

import koekao
from koekao.corpus import Corpus, PackConfig, pack_takes
from koekao.errors import ConfigError, ModelError, OutputError
from koekao.features import LogMel, LogMelConfig, open_stream
from koekao.takes import Take
from koekao.takes.take import as_float

SETTINGS = {"n_fft": 512, "columns_per_frame": 2, "n_mels": 20, "f_min_hz": 50.0, "f_max_hz": 4000.0}


def sounding(name: str, n_samples: int, n_frames: int, fps: str, sample_rate: int, dtype: str) -> Take:
    rng = np.random.default_rng(list(name.encode()))
    audio = rng.integers(-32768, 32768, n_samples).astype(np.int16)
    return Take(
        name=name,
        speaker="ken",
        audio=audio if dtype == "int16" else as_float(audio),
        sample_rate=sample_rate,
        curves=rng.random((n_frames, 52), np.float32),
        valid=np.ones(n_frames, bool),
        fps=Fraction(fps),
    )


@pytest.fixture(params=[("30", 16_000, "int16"), ("30000/1001", 16_000, "float32"), ("60", 8000, "int16")])
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Corpus:
    """Takes whose sound ends with the last frame, in the midst of it, a frame before, a frame after; and one frame."""
    fps, rate, dtype = request.param
    clock = koekao.corpus.PackConfig(sample_rate=rate, fps=Fraction(fps)).clock
    lengths = {
        "ends_with": (clock.frame_start(70), 70),
        "in_part": (clock.frame_start(69) + 7, 70),
        "a_frame_less": (clock.frame_start(69), 70),
        "a_frame_more": (clock.frame_start(71), 70),
        "one": (3, 1),
    }
    takes = [sounding(name, *length, fps, rate, dtype) for name, length in lengths.items()]
    pack_takes(takes, tmp_path / "c", PackConfig(sample_rate=rate, fps=Fraction(fps), val=0.0))
    return Corpus.open(tmp_path / "c")


def extractor(corpus: Corpus, settings: dict) -> LogMel:
    return LogMel(LogMelConfig(sample_rate=corpus.sample_rate, fps=str(corpus.fps), **settings))


def test_a_column_is_what_log_mel_hears_in_the_whole_take(corpus: Corpus) -> None:
    column = koekao.pack_features(corpus, **SETTINGS)
    features = extractor(corpus, SETTINGS)
    assert column.config == features.config.raw_settings() and column.frame_shape == (2, 20)
    for i in range(len(corpus)):
        frames = column.frames(i)
        assert len(frames) == corpus.n_frames[i], "another number of frames than the take has"
        audio = torch.from_numpy(as_float(corpus.audio(i)).copy())[None]
        whole = features.raw(audio, first_frame=0, n_frames=len(frames))[0].numpy()
        assert frames.tobytes() == whole.tobytes()
        for frame in {0, len(frames) // 2, len(frames) - 1}:
            alone = features.raw(audio, first_frame=frame, n_frames=1)[0, 0].numpy()
            np.testing.assert_allclose(frames[frame], alone, rtol=0, atol=1e-4)


def test_a_window_hears_what_the_column_says(corpus: Corpus) -> None:
    """Sound that begins n_fft samples before a window gives the columns of that window."""
    column, features = koekao.pack_features(corpus, **SETTINGS), extractor(corpus, SETTINGS)
    i = corpus.names.index("in_part")
    audio, first, n_frames = as_float(corpus.audio(i)), 31, 39
    origin = corpus.clock.frame_start(first) - features.past_samples
    part = torch.from_numpy(audio[origin:].copy())[None]
    heard = features.raw(part, first_frame=first, n_frames=n_frames, origin_samples=origin)[0].numpy()
    np.testing.assert_allclose(column.frames(i)[first : first + n_frames], heard, rtol=0, atol=1e-4)


def test_it_takes_a_folder_and_tells_of_each_take(corpus: Corpus) -> None:
    seen: list[str] = []
    made = koekao.pack_features(corpus.path, "small", n_mels=4, n_fft=256, on_take=seen.append)
    assert seen == list(corpus.names)
    assert koekao.open(corpus.path).column("small").key == made.key
    assert made.config["f_max_hz"] == min(8000.0, corpus.sample_rate / 2)
    with pytest.raises(ConfigError, match="mel bands from"):
        koekao.pack_features(corpus, f_max_hz=1e6)


def test_whole_numbers_of_hz_are_the_same_settings(packed_of: Callable, tmp_path: Path) -> None:
    corpus = packed_of((40, 8)).corpus
    one = koekao.pack_features(corpus, "hz", n_mels=4, f_min_hz=20, f_max_hz=4000)
    assert one.key == koekao.pack_features(corpus, "hz", n_mels=4, f_max_hz=4000.0, overwrite=True).key


def test_prosody_that_is_packed_is_what_a_stream_hears(corpus: Corpus) -> None:
    """Live, in chunks, with silence until the last frame ends; and under the stream's own name."""
    column = koekao.pack_features(corpus, stream="prosody")
    stream = open_stream("prosody", sample_rate=corpus.sample_rate, fps=str(corpus.fps))
    assert (column.name, column.frame_shape, column.config) == ("prosody", (192,), _as_json(stream.raw_settings()))
    assert corpus.column("prosody").key == column.key
    for i in range(len(corpus)):
        n_frames = int(corpus.n_frames[i])
        audio = torch.from_numpy(as_float(corpus.audio(i)).copy())[None, : corpus.clock.frame_start(n_frames)]
        owed = corpus.clock.frame_start(n_frames) - audio.shape[1]
        state, parts = stream.init_state(1), []
        for chunk in torch.nn.functional.pad(audio, (0, owed)).split(999, 1):
            frames, _, state = stream.step(chunk, state)
            parts.append(frames[0].numpy())
        live = np.concatenate(parts)
        np.testing.assert_allclose(column.frames(i), live, rtol=1e-6, atol=1e-5)


def test_both_streams_are_delivered_like_the_curves(corpus: Corpus) -> None:
    packed = koekao.pack_features(corpus, **SETTINGS), koekao.pack_features(corpus, stream="prosody")
    opened = koekao.open(corpus.path)
    loader = opened.streams(batch_size=2, window_frames=16, columns=("mel", "prosody", "blendshapes"), copy=True)
    batch = next(iter(loader))
    for row in range(2):
        take, start = int(batch["file_indices"][row]), int(batch["start_frames"][row])
        for column in packed:
            there = column.frames(take)[start : start + int(batch["valid_frames"][row])]
            assert np.array_equal(batch[column.name][row, : len(there)].numpy(), there)
    assert batch["prosody"].shape == (2, 16, 192)


def test_mel_that_is_packed_is_what_a_stream_hears(corpus: Corpus) -> None:
    column = koekao.pack_features(corpus, **SETTINGS)
    stream = open_stream("mel", sample_rate=corpus.sample_rate, fps=str(corpus.fps), **SETTINGS)
    for i in range(len(corpus)):
        audio = torch.from_numpy(as_float(corpus.audio(i)).copy())[None]
        whole = stream.whole(audio, int(corpus.n_frames[i]))[0].numpy()
        n = min(len(whole), corpus.clock.frame_at(audio.shape[1]))  # a last frame in part hears what lies in it
        np.testing.assert_allclose(column.frames(i)[:n], whole[:n], rtol=0, atol=1e-5)


def test_mel_settings_are_not_for_others(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match="settings of mel for the stream 'prosody'"):
        koekao.pack_features(corpus, stream="prosody", n_mels=40)
    with pytest.raises(ConfigError, match="a stream of features 'voice'; expected one of mel, prosody"):
        koekao.pack_features(corpus, stream="voice")


def test_a_backend_that_fails_packs_nothing(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> np.ndarray:
        raise ModelError("no answer", where="failing")

    monkeypatch.setattr("koekao.features.Prosody.describe", fail)
    with pytest.raises(ModelError, match="failing: no answer"):
        koekao.pack_features(corpus, stream="prosody")
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="holds no column 'prosody'"):
        corpus.column("prosody")
    koekao.pack_features(corpus, stream="prosody")
    with pytest.raises(OutputError, match="exists already"):
        koekao.pack_features(corpus, stream="prosody")


def _as_json(settings: dict) -> dict:
    return json.loads(json.dumps(settings))

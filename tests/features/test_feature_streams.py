"""Law: a frame is a function of its own stream's sound up to the frame's end; live, whole and packed are the same.

Held by every stream: mel, prosody, and somebody else's encoder behind the same interface.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from koekao.clock import Clock
from koekao.errors import ConfigError, ModelError, SoundError
from koekao.features import FeatureStream, MelStream, open_stream
from koekao.features.encoded import EncodedPast, PastEncoder
from koekao.features.refresh import Refresh
from koekao.models.state import State, reset_rows
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float

SECONDS = 3
SPEECH = Path(__file__).parents[3] / "shared" / "data" / "takes" / "1114_3_15.wav"


class Moments(PastEncoder):
    """Mean power, length and last sample: any of the wrong samples shows."""

    name, names, past_s = "moments", ("power", "n", "last"), 0.7

    def settings(self) -> Mapping[str, Any]:
        return {}

    def encode(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        return np.array([np.square(sound).mean(), len(sound), sound[-1]], np.float32)


def encoded(fps: str = "30") -> FeatureStream:
    clock = Clock(16000, Fraction(fps))
    return EncodedPast(Moments(), clock, Refresh(clock=clock))


def prosody(fps: str = "30") -> FeatureStream:
    return open_stream("prosody", fps=fps, past_s=1.0)  # short, so that the past is full and moves on


def mel(fps: str = "30") -> FeatureStream:
    return open_stream("mel", fps=fps, n_mels=20)


STREAMS: dict[str, Callable[..., FeatureStream]] = {"mel": mel, "prosody": prosody, "encoded": encoded}


@pytest.fixture(params=STREAMS)
def make(request: pytest.FixtureRequest) -> Callable[..., FeatureStream]:
    return STREAMS[request.param]


def speech(*seeds: int, seconds: float = SECONDS) -> Tensor:
    """``[B, S]`` with noise under it, so that no frame is silent to the bit."""
    sounds = [as_float(make_take(seed, seconds=seconds).audio) for seed in seeds]
    rng = np.random.default_rng([*seeds])
    return torch.from_numpy(np.stack([s + 1e-4 * rng.standard_normal(len(s)) for s in sounds]).astype(np.float32))


def in_chunks(stream: FeatureStream, audio: Tensor, sizes: Sequence[int]) -> tuple[Tensor, State]:
    """The frames of every step, one after another, for rows that begin together; sizes again and again."""
    state, parts, at, i = stream.init_state(len(audio)), [], 0, 0
    while at < audio.shape[1]:
        n = sizes[i % len(sizes)]
        frames, n_ready, state = stream.step(audio[:, at : at + n], state)
        assert frames.dtype == torch.float32 and (n_ready == frames.shape[1]).all()
        parts.append(frames)
        at, i = at + n, i + 1
    return torch.cat(parts, 1), state


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-6)  # rtol: the last bit of float32


@pytest.mark.parametrize("sizes", [(1,), (160,), (533,), (1600,), (16000,), "random"], ids=str)
def test_chunks_of_any_size_give_the_whole_take(make: Callable[..., FeatureStream], sizes: Any) -> None:
    stream, audio = make(), speech(1, 2)[:, : 16000 if sizes == (1,) else None]
    sizes = np.random.default_rng(5).integers(0, 3000, 40).tolist() if sizes == "random" else sizes
    n_frames = stream.clock.frame_at(audio.shape[1])
    live, _ = in_chunks(stream, audio, sizes)
    assert live.shape == (2, n_frames, *stream.frame_shape)
    assert live.std(1).max() > 0.01, "nothing moves"
    same(live, stream.whole(audio, n_frames))


@pytest.mark.parametrize("fps", ["24", "30000/1001", "60"])
def test_at_any_frame_rate(make: Callable[..., FeatureStream], fps: str) -> None:
    stream, audio = make(fps), speech(3)
    live, _ = in_chunks(stream, audio, (700, 1, 90))
    assert live.shape[1] == stream.clock.frame_at(audio.shape[1])
    same(live, stream.whole(audio, live.shape[1]))


@pytest.mark.parametrize("frame", [0, 7, 8, 9, 40])
def test_nothing_after_a_frame_is_heard(make: Callable[..., FeatureStream], frame: int) -> None:
    """Frames 8 and 17 refresh; what comes a sample after them must not be in them, nor what is in them be missing."""
    stream, audio = make(), speech(4)
    end = stream.clock.frame_start(frame + 1)
    changed = audio.clone()
    changed[:, end:] = 0.9 * torch.sign(torch.randn(audio.shape[1] - end, generator=torch.Generator().manual_seed(1)))
    before, after = (stream.whole(sound, 80) for sound in (audio, changed))
    assert torch.equal(before[:, : frame + 1], after[:, : frame + 1])
    assert not torch.equal(before[:, frame + 1 :], after[:, frame + 1 :])


def test_a_frame_hears_up_to_its_end(make: Callable[..., FeatureStream]) -> None:
    stream, audio = make(), speech(4)
    changed = audio.clone()
    changed[:, stream.clock.frame_start(9) - 30 : stream.clock.frame_start(9)] += 0.5
    assert not torch.equal(stream.whole(audio, 9)[:, 8], stream.whole(changed, 9)[:, 8])


def test_a_row_depends_on_its_own_sound_alone(make: Callable[..., FeatureStream]) -> None:
    stream, audio = make(), speech(5, 6, 7)
    together = stream.whole(audio, 85)
    for row in range(3):
        same(together[row : row + 1], stream.whole(audio[row : row + 1], 85))
    other = audio.clone()
    other[1] = 0.3
    again = stream.whole(other, 85)
    assert torch.equal(again[[0, 2]], together[[0, 2]]) and not torch.equal(again[1], together[1])


@pytest.mark.parametrize("at", [533, 16000, 20001])
def test_a_row_that_is_reset_begins_anew_and_no_other_does(make: Callable[..., FeatureStream], at: int) -> None:
    """After the reset rows end their frames at different samples; each is what it would be alone."""
    stream, audio = make(), speech(8, 9)
    _, state = in_chunks(stream, audio[:, :at], (at,))
    state = reset_rows(state, stream.init_state(2), torch.tensor([False, True]))
    mine: list[list[Tensor]] = [[], []]
    for chunk in audio[:, at:].split(1111, 1):
        frames, n_ready, state = stream.step(chunk, state)
        assert frames.shape[1] == int(n_ready.max())
        for row in range(2):
            mine[row].append(frames[row, : n_ready[row]])
            assert not frames[row, n_ready[row] :].any(), "frames that are not the row's are 0"
    went_on, anew = (torch.cat(parts)[None] for parts in mine)
    first = stream.clock.frame_at(at)
    same(went_on, stream.whole(audio[:1], first + went_on.shape[1])[:, first:])
    same(anew, stream.whole(audio[1:, at:], anew.shape[1]))


def test_state_can_be_saved_between_two_chunks(make: Callable[..., FeatureStream]) -> None:
    stream, audio = make(), speech(10)
    _, state = in_chunks(stream, audio[:, :17_000], (17_000,))
    saved = io.BytesIO()
    torch.save(state, saved)
    saved.seek(0)
    for tensor in state.values():
        assert tensor.shape[0] == 1 and tensor.dim() >= 1
    frames, _, _ = stream.step(audio[:, 17_000:], state)
    again, _, _ = stream.step(audio[:, 17_000:], torch.load(saved, weights_only=True))
    assert torch.equal(frames, again)


def test_a_step_leaves_the_state_before_it_as_it_was(make: Callable[..., FeatureStream]) -> None:
    stream, audio = make(), speech(11, seconds=1)
    state = stream.init_state(1)
    kept = {name: value.clone() for name, value in state.items()}
    stream.step(audio, state)
    assert all(torch.equal(state[name], kept[name]) for name in kept)


def test_sound_that_ends_early_goes_on_as_silence(make: Callable[..., FeatureStream]) -> None:
    stream, audio = make(), speech(12, seconds=1)
    padded = torch.nn.functional.pad(audio[:, :15_000], (0, 9000))
    same(stream.whole(audio[:, :15_000], 40), stream.whole(padded, 40))
    assert stream.whole(audio, 0).shape == (1, 0, *stream.frame_shape)


def test_a_whole_take_is_longer_than_a_block(make: Callable[..., FeatureStream]) -> None:
    """21 s are two blocks."""
    stream, audio = make(), speech(13, seconds=21)
    whole = stream.whole(audio, 630)
    frames, _, _ = stream.step(audio, stream.init_state(1))
    same(whole, frames[:, :630])


def test_statistics_are_those_of_the_takes_and_stay() -> None:
    stream, takes = prosody(), [sound.numpy() for sound in speech(14, 15)]
    stream.fit(takes)
    seen = torch.cat([stream.whole(torch.from_numpy(take)[None], 90)[0] for take in takes])
    told = stream.normalise(seen)
    torch.testing.assert_close(told.mean(0), torch.zeros(stream.frame_shape), atol=1e-3, rtol=0)
    spread = told.std(0, correction=0)
    torch.testing.assert_close(spread[spread > 0.5], torch.ones(int((spread > 0.5).sum())), atol=1e-3, rtol=0)
    assert (spread > 0.5).float().mean() > 0.9
    assert torch.isfinite(stream.normalise(stream.whole(torch.zeros(1, 16000), 30))).all()
    assert "mean" in stream.state_dict() and "std" in stream.state_dict()
    with pytest.raises(ConfigError, match="no sound to take statistics from"):
        stream.fit([])


def test_mel_is_log_mels_with_its_statistics() -> None:
    stream, audio = mel(), speech(16)
    assert isinstance(stream, MelStream)
    stream.fit(sound.numpy() for sound in speech(17, 18))
    raw = stream.whole(audio, 90)
    same(raw, stream.features.raw(audio, first_frame=0, n_frames=90))
    columns = stream.features.columns(audio, first_frame=0, n_frames=90)
    same(stream.normalise(raw), columns)
    again = MelStream(stream.features)
    for buffer, theirs in (("mean", stream.features.mean), ("std", stream.features.std)):
        assert torch.equal(getattr(stream, buffer), theirs.expand(2, 20))
        assert torch.equal(getattr(again, buffer), theirs.expand(2, 20))


@pytest.mark.skipif(not SPEECH.is_file(), reason="the real takes are not beside this checkout")
@pytest.mark.parametrize("name", ["mel", "prosody"])
def test_real_speech_live_is_the_whole_take(name: str) -> None:
    """25 s at the default settings: the long past fills, and decisions on real pitch and pauses do not flip."""
    sound, _ = pytest.importorskip("soundfile").read(SPEECH, frames=400_000, dtype="float32")
    stream, audio = open_stream(name), torch.from_numpy(sound)[None]
    live, _ = in_chunks(stream, audio, (1234,))
    same(live, stream.whole(audio, 750))


def test_sound_that_is_no_sound_is_refused(make: Callable[..., FeatureStream]) -> None:
    stream = make()
    _, _, state = stream.step(torch.zeros(2, 100), stream.init_state(2))
    broken = torch.zeros(2, 50)
    broken[1, 7] = torch.nan
    with pytest.raises(SoundError, match=r"row 1, sample 107: a sample that is not finite"):
        stream.step(broken, state)
    for wrong in (
        torch.zeros(3, 50),
        torch.zeros(50),
        torch.zeros(2, 50, dtype=torch.int16),
        torch.zeros(2, 5).double(),
    ):
        with pytest.raises(ModelError, match=r"expected \[2, n_samples\] float32"):
            stream.step(wrong, state)

"""Law: prosody described frame by frame and carried through the past in any pieces is that of the whole, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from koekao.features import Prosody, ProsodyConfig
from koekao.features.prosody import N_ALONE, N_NOW
from koekao.models.state import reset_rows
from koekao.takes.synthetic import make_take
from koekao.takes.take import as_float


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    return as_float(make_take(5, seconds=3).audio)


ORIGIN_0 = {"origin_samples": 0, "first_frame": 0}


def voice(**settings: Any) -> Prosody:
    return Prosody(ProsodyConfig(**{"past_s": 1.0} | settings))


def carried(stream: Prosody, alone: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    memory, frame, parts = stream.init_memory(len(alone)), torch.zeros(len(alone), dtype=torch.int64), []
    for piece in alone.split(sizes, 1):
        ready = torch.full_like(frame, piece.shape[1])
        frames, memory = stream.carry(piece, first_frame=frame, n_ready=ready, memory=memory)
        frame = frame + ready
        parts.append(frames)
    return torch.cat(parts, 1)


@pytest.mark.parametrize("fps", ["30", "60000/1001", "24"])
def test_both_moves_are_the_stream(speech: Any, fps: str) -> None:
    """60 frames and more than the long past of a second, in one piece, in some, and through the stream's own step."""
    sound, settings = torch.from_numpy(speech)[None], {"fps": fps, "past_s": 1.0}
    stream, expected = voice(fps=fps), Prosody(ProsodyConfig(**settings)).whole(torch.from_numpy(speech)[None], 60)
    assert expected.any(1).any(0).float().mean() > 0.9  # there is something to compare
    alone = stream.alone(sound, **ORIGIN_0, n_frames=60)
    assert alone.shape == (1, 60, N_ALONE) and alone.dtype == torch.float64
    for sizes in ([60], [1] * 60, [7, 1, 50, 2]):
        assert torch.equal(carried(stream, alone, sizes), expected), sizes
    assert torch.equal(stream.whole(sound, 60), expected)


def test_a_frame_alone_is_the_same_from_any_piece_of_the_sound(speech: Any) -> None:
    stream = voice()
    whole = stream.alone(torch.from_numpy(speech)[None], **ORIGIN_0, n_frames=60)
    begins = torch.tensor([8000, 9000])
    rows = torch.from_numpy(speech)[begins[:, None] + torch.arange(20_000)]
    pieces = stream.alone(rows, origin_samples=begins, first_frame=torch.tensor([20, 25]), n_frames=5)
    torch.testing.assert_close(pieces[0], whole[0, 20:25], atol=1e-9, rtol=0)
    torch.testing.assert_close(pieces[1], whole[0, 25:30], atol=1e-9, rtol=0)
    assert stream.alone(rows, **ORIGIN_0, n_frames=0).shape == (2, 0, N_ALONE)


def test_rows_may_have_different_lengths(speech: Any) -> None:
    """A window of 20 frames beside one of 33: what lies after the end of the first goes into no memory of it."""
    stream = voice()
    alone = stream.alone(torch.from_numpy(speech)[None].expand(2, -1), **ORIGIN_0, n_frames=33)
    ready, fresh = torch.tensor([20, 33]), torch.zeros(2, dtype=torch.int64)
    frames, memory = stream.carry(alone, first_frame=fresh, n_ready=ready, memory=stream.init_memory(2))
    _, short = stream.carry(alone[:1, :20], first_frame=fresh[:1], n_ready=ready[:1], memory=stream.init_memory(1))
    assert all(torch.equal(memory[name][0], short[name][0]) for name in short)
    assert torch.equal(frames[0, :20], frames[1, :20])


def test_a_row_that_begins_anew_has_heard_nothing(speech: Any) -> None:
    """Its long past and its refreshes are counted from its own beginning, not from that of the rows beside it."""
    stream = voice()
    alone = stream.alone(torch.from_numpy(speech)[None].expand(2, -1), **ORIGIN_0, n_frames=60)
    ready, frame = torch.full((2,), 30), torch.zeros(2, dtype=torch.int64)
    _, memory = stream.carry(alone[:, :30], first_frame=frame, n_ready=ready, memory=stream.init_memory(2))
    memory = reset_rows(memory, stream.init_memory(2), torch.tensor([True, False]))
    frames, _ = stream.carry(alone[:, 30:], first_frame=torch.tensor([0, 30]), n_ready=ready, memory=memory)
    assert torch.equal(frames[:1], carried(stream, alone[:1, 30:], [30]))
    share = stream.names.index("heard_share@now")
    assert share >= N_NOW and frames[0, -1, share] < 1 == frames[1, -1, share]

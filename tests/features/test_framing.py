"""Frames on tensors are the clock's, and pieces are the samples they name."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from koekao.clock import Clock
from koekao.features.framing import frame_starts, frames_ended, pieces_ending_at

CLOCKS = [Clock(16000, Fraction(fps)) for fps in ("24", "25", "30", "30000/1001", "60")]
CLOCKS.append(Clock(22050, Fraction(60)))  # frames start in the middle between two samples


@pytest.mark.parametrize("clock", CLOCKS, ids=str)
def test_frames_are_the_clocks(clock: Clock) -> None:
    frames = torch.tensor([-3, -1, 0, 1, 2, 3, 1001, 3_600_000])
    assert frame_starts(clock, frames).tolist() == [clock.frame_start(k) for k in frames.tolist()]
    samples = torch.tensor([0, 1, 532, 533, 534, 1066, 1067, 1600, 16000, 576_000_000])
    assert frames_ended(clock, samples).tolist() == [clock.frame_at(n) for n in samples.tolist()]


@pytest.mark.parametrize("clock", CLOCKS, ids=str)
def test_a_frame_has_ended_with_its_last_sample(clock: Clock) -> None:
    for frame in (0, 1, 2, 3, 500):
        end = clock.frame_start(frame + 1)
        assert frames_ended(clock, torch.tensor([end - 1, end])).tolist() == [frame, frame + 1]


def test_pieces_are_the_samples_before_their_ends_and_zeros_outside() -> None:
    audio = torch.arange(1.0, 21.0).view(2, 10)
    ends = torch.tensor([[2, 5], [10, 13]])
    blocks = list(pieces_ending_at(audio, ends, 4, 3))
    assert [len(block) for block in blocks] == [3, 1]
    expected = [[0, 0, 1, 2], [2, 3, 4, 5], [17, 18, 19, 20], [20, 0, 0, 0]]
    assert torch.cat(blocks).tolist() == expected

"""Refreshes fall on the stream's own clock, and every delay moves with it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch

from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.features.refresh import Refresh


def refresh_at(fps: str, **how: object) -> Refresh:
    return Refresh(clock=Clock(16000, Fraction(fps)), **how)


@pytest.mark.parametrize("fps", ["24", "25", "30", "30000/1001", "60"])
def test_every_300_ms_of_the_stream_for_ten_hours(fps: str) -> None:
    """The count when frame k ends is floor((k + 1) / fps / 0.3), exactly; no drift at 29.97."""
    refresh = refresh_at(fps)
    for k in (-1, 0, 7, 8, 9, 17, 898, 899, 1_078_919, 1_080_000):
        expected = math.floor(Fraction(k + 1) / Fraction(fps) / Fraction(3, 10))
        assert refresh.count(torch.tensor(k)).item() == expected


def test_at_30_fps_every_ninth_frame_is_due_and_only_ready_ones() -> None:
    due = refresh_at("30").due(torch.tensor([0, 5]), torch.tensor([19, 10]))
    assert due.shape == (2, 19)
    assert due[0].nonzero().flatten().tolist() == [8, 17]
    assert due[1].nonzero().flatten().tolist() == [3]  # frame 8; frame 17 is not ready


def test_a_frame_gets_the_newest_values_and_those_of_the_delays() -> None:
    refresh = refresh_at("30")
    due = torch.tensor([[False, True, False, True, True], [False, False, True, False, False]])
    held = torch.tensor([[[1.0], [2.0], [3.0]], [[-1.0], [-2.0], [-3.0]]])  # oldest first
    values, after = refresh.hold(torch.tensor([[4.0], [5.0], [6.0], [-4.0]]), due, held)
    assert values[0, :, :, 0].tolist() == [[3, 2, 1], [4, 3, 2], [4, 3, 2], [5, 4, 3], [6, 5, 4]]
    assert values[1, :, :, 0].tolist() == [[-3, -2, -1], [-3, -2, -1], [-4, -3, -2], [-4, -3, -2], [-4, -3, -2]]
    assert after[:, :, 0].tolist() == [[4, 5, 6], [-2, -3, -4]]


def test_delays_may_be_any_multiples() -> None:
    refresh = refresh_at("30", refresh_ms=100, delays_ms=[0, 400])
    assert refresh.n_held == 5 and refresh.delays_ms == (0, 400)
    held = torch.arange(5.0).view(1, 5, 1)
    values, _ = refresh.hold(torch.tensor([[9.0]]), torch.tensor([[False, True]]), held)
    assert values[0, :, :, 0].tolist() == [[4, 0], [9, 1]]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"refresh_ms": 33}, "refreshed every 33 ms"),
        ({"refresh_ms": 0}, "refreshed every 0 ms"),
        ({"refresh_ms": 300.0}, "refreshed every 300.0 ms"),
        ({"delays_ms": ()}, r"delays of \[\] ms"),
        ({"delays_ms": (0, 250)}, r"delays of \[0, 250\] ms; expected ascending multiples of 300 ms"),
        ({"delays_ms": (300, 0)}, "ascending"),
        ({"delays_ms": (0, 0)}, "ascending"),
        ({"delays_ms": (-300, 0)}, "from 0 on"),
    ],
)
def test_what_cannot_be_is_refused(how: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        refresh_at("30", **how)

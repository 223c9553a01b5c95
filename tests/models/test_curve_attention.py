"""Each curve by itself: no bound, no average, no trade with the others; and the gate begins where it should."""

from __future__ import annotations

import pytest
import torch

from koekao.arkit import NAMES
from koekao.models.curve_attention import CurveAttention, CurveHead, CurveRouting
from koekao.models.recent import heard_by_each, last_of

ANSWERED_BY_MEL = ("jaw", "mouth", "tongue")


@pytest.fixture
def attention() -> CurveAttention:
    torch.manual_seed(0)
    return CurveAttention(dim=6, width=8, heads=2, ages=torch.arange(5.0).flip(0), dropout=0.0)


@torch.no_grad()
def test_it_is_softmax_over_the_moments_of_each_curve(attention: CurveAttention) -> None:
    """Written out for one row, one frame, one head and one curve at a time."""
    queries, tokens = torch.randn(52, 8), torch.randn(1, 1, 5, 6)
    answers = attention(queries, attention.told(tokens))
    assert answers.shape == (1, 1, 52, 8)
    keys, values = attention.tell(tokens[0, 0]).split(8, 1)
    asked = attention.ask(queries)
    for head in range(2):
        mine = slice(4 * head, 4 * head + 4)
        for curve in (0, 17, 51):
            scores = keys[:, mine] @ asked[curve, mine] / 4**0.5 + attention.places[head, curve]
            expected = scores.softmax(0) @ values[:, mine]
            torch.testing.assert_close(answers[0, 0, curve, mine], expected)


@torch.no_grad()
def test_curves_differ_and_do_not_depend_on_each_other(attention: CurveAttention) -> None:
    """Another query of one curve changes that curve's answer; a softmax or mean over curves would change all."""
    queries, told = torch.randn(52, 8), attention.told(torch.randn(2, 3, 5, 6))
    before = attention(queries, told)
    assert (before[:, :, :, None] != before[:, :, None]).any(-1).sum() == 2 * 3 * 52 * 51
    queries[7] += 1.0
    changed = (attention(queries, told) != before).any(3).any(1).any(0)
    assert changed.nonzero().flatten().tolist() == [7]


@torch.no_grad()
def test_training_begins_with_a_preference_for_the_newest(attention: CurveAttention) -> None:
    weights = attention.places.softmax(-1)
    assert (weights.diff(dim=-1) > 0).all()
    assert (weights[0, :, -1] > weights[1, :, -1]).all()  # the first head hears the shortest stretch


@torch.no_grad()
def test_the_gate_begins_with_mel_for_mouth_jaw_and_tongue_alone() -> None:
    routing = CurveRouting()
    of_mel = torch.tensor([name.startswith(ANSWERED_BY_MEL) for name in NAMES])
    assert of_mel.sum() == 28
    assert (routing.mel_share[of_mel] > 0.85).all() and (routing.mel_share[~of_mel] < 0.15).all()
    mixed = routing(torch.ones(1, 2, 52, 3), torch.zeros(1, 2, 52, 3))
    torch.testing.assert_close(mixed[0, 1, :, 2], routing.mel_share)


@torch.no_grad()
def test_no_curve_is_bounded_by_the_head() -> None:
    """All 52 at once may be far above 1 or below 0."""
    head = CurveHead(width=4, hidden=8, dropout=0.0)
    for value in (5.0, -5.0):
        head.offset.fill_(value)
        head.weight.fill_(0.0)
        assert torch.equal(head(torch.randn(52, 4), torch.randn(1, 2, 52, 4)), torch.full((1, 2, 52), value))


def test_a_frame_hears_itself_and_those_before_it() -> None:
    moments = torch.arange(10).view(1, 5, 2, 1)  # five frames of two moments
    assert heard_by_each(moments, 3)[0, :, :, 0].tolist() == [
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 6, 7],
        [4, 5, 6, 7, 8, 9],
    ]


def test_the_last_frames_of_a_window_are_the_last_real_ones() -> None:
    values = torch.arange(6).view(1, 6).expand(4, -1)
    last, before = last_of(values, torch.tensor([6, 4, 2, 0]), 3)
    assert last[0].tolist() == [3, 4, 5] and last[1].tolist() == [1, 2, 3] and last[2, 1:].tolist() == [0, 1]
    assert before.tolist() == [[False] * 3, [False] * 3, [True, False, False], [True] * 3]

"""Law: the account says of a stream exactly what was done to it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from koekao.errors import ConfigError
from koekao.wire import FaceFrame, Received, self_test_account, still
from koekao.wire.account import MATCHED_BY
from koekao.wire.ifacialmocap import decode, encode
from wire_faces import known, moving

FPS = Fraction(60)
KINDS = sorted(MATCHED_BY)
DELAY_S = 0.002


def carried(kind: str, frame: FaceFrame, at_s: float) -> Received:
    """A frame as its format brings it over."""
    if kind == "ws":
        return Received(at_s=at_s, curves=frame.curves, number=frame.number, time_s=float(frame.time_s))
    if kind == "ifacialmocap":
        return Received(at_s=at_s, curves=decode(encode(frame)).curves)
    time_s = float(np.float32(frame.time_s)) if kind == "vmc" else frame.time_s
    return Received(at_s=at_s, curves=frame.curves, time_s=time_s)


def stream(kind: str, n: int = 60, delay_s: float = DELAY_S) -> tuple[list[tuple[FaceFrame, float]], list[Received]]:
    sent = [(frame, 100.0 + float(frame.time_s)) for frame in moving(n, FPS)]
    return sent, [carried(kind, frame, at_s + delay_s) for frame, at_s in sent]


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_stream(kind: str) -> None:
    sent, received = stream(kind)
    account = self_test_account(kind, sent, received, fps=FPS)
    assert (account.sink, account.sent, account.frames) == (kind, 60, 60)
    assert (account.lost, account.duplicates, account.out_of_order, account.unknown) == (0, 0, 0, 0)
    assert account.latency_p50_ms == pytest.approx(2) and account.latency_p99_ms == pytest.approx(2)
    assert account.jitter_ms == pytest.approx(0, abs=1e-6)
    assert account.value_error <= (0.00501 if kind == "ifacialmocap" else 0)
    assert f"{kind}: 60 of 60 frames, 0 lost" in str(account)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_done_to_it_is_told(kind: str) -> None:
    sent, received = stream(kind)
    swapped = [*received[:10], received[11], received[10], *received[12:]]
    done = [*swapped[:20], *swapped[23:40], swapped[30], *swapped[40:]]  # three lost, one twice, one late
    account = self_test_account(kind, sent, done, fps=FPS)
    assert (account.sent, account.frames, account.lost) == (60, 57, 3)
    assert (account.duplicates, account.out_of_order, account.unknown) == (1, 1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_sent_is_unknown(kind: str) -> None:
    sent, received = stream(kind)
    foreign = FaceFrame(10_000, Fraction(500), moving(1, FPS, seed=9)[0].curves, known().pose)
    account = self_test_account(kind, sent, [*received, carried(kind, foreign, 200.0)], fps=FPS)
    assert (account.frames, account.unknown, account.duplicates) == (60, 1, 0)
    account = self_test_account(kind, [], received, fps=FPS)
    assert (account.sent, account.frames, account.unknown) == (0, 0, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_arrived(kind: str) -> None:
    sent, _ = stream(kind)
    account = self_test_account(kind, sent, [], fps=FPS)
    assert (account.lost, account.frames) == (60, 0)
    assert (account.jitter_ms, account.latency_p50_ms, account.value_error) == (0, 0, 0)


def test_latency_and_jitter_are_those_that_were() -> None:
    sent, received = stream("ws", n=101)
    late = [
        Received(at_s=each.at_s + (0.004 if k % 2 else 0), curves=each.curves, number=each.number)
        for k, each in enumerate(received)
    ]
    account = self_test_account("ws", sent, late, fps=FPS)
    assert account.jitter_ms == pytest.approx(4)
    assert account.latency_p50_ms == pytest.approx(2) and account.latency_p99_ms == pytest.approx(6)
    one_late = [*received[:50], Received(at_s=received[50].at_s + 1, curves=received[50].curves, number=50)]
    account = self_test_account("ws", sent, one_late, fps=FPS)
    assert account.latency_p50_ms == pytest.approx(2) and account.latency_p99_ms > 400


def test_a_gap_is_lost_and_no_jitter() -> None:
    sent, received = stream("ws")
    account = self_test_account("ws", sent, received[:20] + received[40:], fps=FPS)
    assert account.lost == 20 and account.jitter_ms == pytest.approx(0, abs=1e-6)


def test_a_wrong_value_is_seen_for_what_it_is() -> None:
    sent, received = stream("livelink")
    curves = received[7].curves.copy()
    curves[3] += 0.25
    received[7] = Received(at_s=received[7].at_s, curves=curves, time_s=received[7].time_s)
    assert self_test_account("livelink", sent, received, fps=FPS).value_error == pytest.approx(0.25, abs=1e-6)


def test_frames_are_matched_by_time_within_half_a_frame() -> None:
    sent, received = stream("livelink", n=3)
    for off, found in ((Fraction(49, 100), 1), (Fraction(51, 100), 0)):
        moved = Received(at_s=101.0, curves=received[2].curves, time_s=received[2].time_s + off / FPS)
        account = self_test_account("livelink", sent, [moved], fps=FPS)
        assert (account.frames, account.unknown) == (found, 1 - found)
        assert account.value_error == 0
    without = Received(at_s=101.0, curves=received[2].curves)
    assert self_test_account("vmc", sent, [without], fps=FPS).unknown == 1
    assert self_test_account("ws", sent, [without], fps=FPS).unknown == 1


def test_a_face_that_stands_still_is_counted_all_the_same() -> None:
    sent = [(still(k, k / FPS, known().curves), float(k)) for k in range(10)]
    received = [carried("ifacialmocap", frame, at_s) for frame, at_s in sent]
    account = self_test_account("ifacialmocap", sent, received[:8], fps=FPS)
    assert (account.frames, account.lost, account.duplicates, account.out_of_order) == (8, 2, 0, 0)
    account = self_test_account("ifacialmocap", sent, [*received, *received[:2]], fps=FPS)
    assert (account.frames, account.duplicates) == (10, 2)


def test_a_format_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="one of livelink, vmc, ifacialmocap, ws"):
        self_test_account("file", [], [], fps=FPS)

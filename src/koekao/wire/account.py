"""What arrived of what was sent: lost, late, twice, out of order, and how far off.

Frames that arrived are matched with those that were sent by what their format carries: their number (WebSocket), their
time within half a frame (Live Link, VMC), or, where there is neither (iFacialMocap), their values as that format rounds
them, each sent frame once and the earliest first. So a face that stands still cannot say which of its frames got lost,
only how many.

What it gives up: two machines. Sent and arrived are read from one clock (``time.perf_counter``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from koekao.errors import ConfigError
from koekao.wire import ifacialmocap
from koekao.wire.frame import FaceFrame
from koekao.wire.receivers import Received

MATCHED_BY = {"livelink": "time", "vmc": "time", "ifacialmocap": "values", "ws": "number"}
"""Format -> what tells its frames apart."""

Sent = tuple[FaceFrame, float]
"""A frame, and ``time.perf_counter()`` just before it was given to the sink."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account of one sink and one receiver.

    Attributes:
        sink: the format.
        matched_by: number, time or values.
        sent: frames that were given to the sink.
        frames: of these, how many arrived.
        lost: how many did not.
        duplicates: arrivals of a frame that had arrived before.
        out_of_order: frames that arrived after a later one.
        unknown: arrivals that are no frame that was sent.
        jitter_ms: root mean square of the time between two arrivals less the time between their frames.
        latency_p50_ms: half of the frames were decoded within this time after they were given to the sink.
        latency_p99_ms: 99 of 100 were.
        value_error: the largest difference of a curve from what was sent.
    """

    sink: str
    matched_by: str
    sent: int
    frames: int
    lost: int
    duplicates: int
    out_of_order: int
    unknown: int
    jitter_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    value_error: float

    def __str__(self) -> str:
        return (
            f"{self.sink}: {self.frames} of {self.sent} frames, {self.lost} lost, {self.duplicates} twice, "
            f"{self.out_of_order} out of order, {self.unknown} unknown; jitter {self.jitter_ms:.2f} ms, "
            f"latency {self.latency_p50_ms:.2f} ms (99 %: {self.latency_p99_ms:.2f} ms), "
            f"values within {self.value_error:.2g}"
        )


def self_test_account(sink_kind: str, sent: Iterable[Sent], received: Iterable[Received], *, fps: Fraction) -> Account:
    """The account of what was sent and what was received.

    Args:
        sink_kind: ``livelink``, ``vmc``, ``ifacialmocap`` or ``ws``.
        sent: every frame with the time it was given to the sink, in that order.
        received: what :attr:`koekao.wire.receivers.Receiver.frames` holds.
        fps: the rate of the frames.

    Raises:
        ConfigError: an unknown kind.
    """
    if sink_kind not in MATCHED_BY:
        raise ConfigError(f"format {sink_kind!r}", expected="one of " + ", ".join(MATCHED_BY))
    frames = list(sent)
    find = _FINDERS[MATCHED_BY[sink_kind]](frames, fps)
    arrived: dict[int, Received] = {}
    duplicates = out_of_order = unknown = 0
    latest = -1
    for each in received:
        index = find(each)
        if index is None:
            unknown += 1
        elif index in arrived:
            duplicates += 1
        else:
            arrived[index] = each
            out_of_order += index < latest
            latest = max(latest, index)
    latency_s = np.array([each.at_s - frames[index][1] for index, each in arrived.items()])
    return Account(
        sink=sink_kind,
        matched_by=MATCHED_BY[sink_kind],
        sent=len(frames),
        frames=len(arrived),
        lost=len(frames) - len(arrived),
        duplicates=duplicates,
        out_of_order=out_of_order,
        unknown=unknown,
        jitter_ms=_jitter_s(frames, arrived) * 1000,
        latency_p50_ms=float(np.percentile(latency_s, 50)) * 1000 if arrived else 0.0,
        latency_p99_ms=float(np.percentile(latency_s, 99)) * 1000 if arrived else 0.0,
        value_error=max(
            (float(np.abs(each.curves - frames[index][0].curves).max()) for index, each in arrived.items()), default=0.0
        ),
    )


def _jitter_s(frames: Sequence[Sent], arrived: dict[int, Received]) -> float:
    if len(arrived) < 2:
        return 0.0
    order = sorted(arrived, key=lambda index: arrived[index].at_s)
    between = np.diff([arrived[index].at_s for index in order])
    due = np.diff([float(frames[index][0].time_s) for index in order])
    return float(np.sqrt(np.mean((between - due) ** 2)))


Find = Callable[[Received], int | None]


def _by_number(frames: Sequence[Sent], fps: Fraction) -> Find:
    places = {frame.number: index for index, (frame, _) in enumerate(frames)}
    return lambda each: None if each.number is None else places.get(each.number)


def _by_time(frames: Sequence[Sent], fps: Fraction) -> Find:
    order = sorted(range(len(frames)), key=lambda index: frames[index][0].time_s)
    times = [frames[index][0].time_s for index in order]

    def find(each: Received) -> int | None:
        if each.time_s is None:
            return None
        time_s = Fraction(each.time_s)
        place = bisect_left(times, time_s)
        near = [i for i in (place - 1, place) if 0 <= i < len(times) and abs(times[i] - time_s) * fps < Fraction(1, 2)]
        return order[min(near, key=lambda i: abs(times[i] - time_s))] if near else None

    return find


def _by_values(frames: Sequence[Sent], fps: Fraction) -> Find:
    places: dict[bytes, list[int]] = {}
    for index, (frame, _) in enumerate(frames):
        rounded = ifacialmocap.decode(ifacialmocap.encode(frame)).curves
        places.setdefault(rounded.tobytes(), []).append(index)
    used: dict[bytes, int] = {}

    def find(each: Received) -> int | None:
        values = each.curves.tobytes()
        if values not in places:
            return None
        turn = used[values] = used.get(values, -1) + 1
        return places[values][min(turn, len(places[values]) - 1)]  # after the last one: the last one again

    return find


_FINDERS: dict[str, Callable[[Sequence[Sent], Fraction], Find]] = {
    "number": _by_number,
    "time": _by_time,
    "values": _by_values,
}

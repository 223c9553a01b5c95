"""What is shown when: simulated moments in, and every frame that was made is shown or counted."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from koekao.errors import ConfigError
from koekao.live.playout import Playout
from koekao.wire.frame import FaceFrame, still

FPS = Fraction(30)
FACE = np.zeros(52, np.float32)


def frames(first: int, n: int) -> list[FaceFrame]:
    return [still(k, k / FPS, FACE) for k in range(first, first + n)]


class Simulated:
    """Frames arrive at stated moments, and somebody looks every millisecond; ``seen`` is (frame, ms)."""

    def __init__(self, arrivals: dict[int, tuple[int, int]], *, until_ms: int, **how: Any) -> None:
        self.playout, self.seen = Playout(FPS, **how), []
        for ms in range(until_ms):
            if ms in arrivals:
                self.playout.put(frames(*arrivals[ms]), ms / 1000)
            self.seen += [(frame.number, ms) for frame in self.playout.take(ms / 1000)]
        self.seen += [(frame.number, until_ms) for frame in self.playout.rest()]

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.seen]


def at(frame: int) -> int:
    """The ms at which frame ``frame`` is made where all goes well, 100 ms after its moment."""
    return 100 + round(1000 * frame / 30)


def steady(n: int, *, missing: Callable[[int], int] = lambda k: at(k)) -> dict[int, tuple[int, int]]:
    return {missing(k): (k, 1) for k in range(n)}


def test_without_a_buffer_a_frame_is_shown_when_it_is_there() -> None:
    run = Simulated(steady(60), until_ms=3000)
    assert run.seen == [(k, at(k)) for k in range(60)]
    counts = run.playout.counts
    assert (counts.shown, counts.late, counts.held, counts.dropped) == (60, 0, 0, 0)


def test_after_a_stall_the_face_holds_and_then_catches_up_in_order() -> None:
    """Sound of frames 20 to 26 comes 200 ms late, all at once: nothing is lost, six intervals were held."""
    arrivals = {at(k): (k, 1) for k in range(60) if not 20 <= k <= 26}
    arrivals[at(26) + 1] = (20, 7)
    run = Simulated(arrivals, until_ms=3000)
    assert run.numbers == list(range(60))
    counts = run.playout.counts
    assert counts.dropped == 0 and counts.held == 6 and counts.late == 6  # all but the last are more than a frame late


def test_what_lies_too_far_behind_is_dropped_and_counted() -> None:
    """Two seconds come at once: the newest half second is shown."""
    arrivals = steady(10) | {2400: (10, 60)} | {at(k) + 300: (k, 1) for k in range(70, 80)}
    run = Simulated(arrivals, until_ms=3500)
    counts = run.playout.counts
    assert run.numbers == [*range(10), *range(54, 80)]
    assert counts.dropped == 44 and counts.shown + counts.dropped == 80
    assert counts.held == 59 + 9  # intervals without anything new: from 400 to 2400 ms, and to 2733 ms


def test_a_buffer_makes_heaps_even() -> None:
    """A browser sends 100 ms at once: with a buffer of 100 ms each frame is shown a frame after the one before."""
    heaps = {at(k + 2): (k, 3) for k in range(0, 90, 3)}
    uneven, even = Simulated(heaps, until_ms=3500), Simulated(heaps, until_ms=3500, buffer_s=0.1)
    assert uneven.numbers == even.numbers == list(range(90))
    gaps = {b - a for (_, a), (_, b) in zip(uneven.seen, uneven.seen[1:])}
    assert gaps == {0, 100}
    gaps = {b - a for (_, a), (_, b) in zip(even.seen, even.seen[1:])}
    assert gaps <= {33, 34}
    assert all(ms - at(k) <= 101 for k, ms in even.seen)
    counts = even.playout.counts
    assert (counts.late, counts.held, counts.dropped) == (0, 0, 0)


def test_a_frame_that_misses_its_buffer_is_late_and_shown_at_once() -> None:
    run = Simulated(steady(60, missing=lambda k: at(k) + 150 * (k == 30)), until_ms=3000, buffer_s=0.1)
    assert sorted(run.numbers) == list(range(60))
    assert run.playout.counts.late == 1


@pytest.mark.parametrize("ppm", [-500, 500])
def test_a_clock_of_the_sound_that_is_not_ours_is_followed(ppm: int) -> None:
    """Ten minutes at half a per mille: 300 ms in all, and no frame is ever late, dropped or held for it."""
    playout, lateness = Playout(FPS, buffer_s=0.05), []
    for k in range(18_000):
        made_s = k / 30 * (1 + ppm / 1e6) + 1.0
        playout.put(frames(k, 1), made_s)
        shown = [playout.take(made_s + wait / 1000) for wait in range(34)]
        lateness += [wait for wait, got in enumerate(shown) for _ in got]
    counts = playout.counts
    assert counts.late == counts.held == counts.dropped == 0
    assert counts.shown >= 17_998
    assert max(lateness) <= 33


def test_after_a_longer_stall_the_new_time_is_the_time() -> None:
    """Sound that was lost (a device unplugged for 3 s) never comes: two seconds later nothing counts as late."""
    playout = Playout(FPS)
    for k in range(300):
        now_s = k / 30 + (3.0 if k >= 100 else 0.0)
        playout.put(frames(k, 1), now_s)
        playout.take(now_s)
        if k == 170:
            before = playout.counts.late
    assert playout.counts.late == before <= 61 and playout.counts.held == 90


def test_how_long_to_wait_is_until_the_next_is_due() -> None:
    playout = Playout(FPS, buffer_s=0.1)
    assert playout.wait_s(5.0) is None
    playout.put(frames(0, 3), 7.0)
    assert playout.wait_s(7.0) == pytest.approx(0.1 - 2 / 30)
    assert [frame.number for frame in playout.take(7.0 + 0.1 - 2 / 30 + 1e-6)] == [0]
    assert playout.wait_s(7.05) == pytest.approx(7.0 + 0.1 - 1 / 30 - 7.05)
    assert playout.wait_s(9.0) == 0.0


def test_settings_that_cannot_be() -> None:
    for how in ({"buffer_s": -0.1}, {"buffer_s": 11}, {"buffer_s": float("nan")}, {"most_behind_s": 0.0}):
        with pytest.raises(ConfigError, match="buffer"):
            Playout(FPS, **how)

"""Sound between threads: in order, bounded, and what is forgotten leaves its length behind."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from koekao.errors import SoundError
from koekao.live.inbox import Inbox


def ramp(first: int, n: int) -> Any:
    return np.arange(first, first + n, dtype=np.float32)


def test_what_was_put_comes_out_in_order_and_at_once() -> None:
    inbox = Inbox(1000)
    for first in (0, 100, 300):
        assert inbox.put(ramp(first, 100 if first < 300 else 50), first / 10, wait=False)
    sound, arrived_s = inbox.get(0.0) or (None, None)
    np.testing.assert_array_equal(sound, np.concatenate([ramp(0, 100), ramp(100, 100), ramp(300, 50)]))
    assert arrived_s == 30.0 and inbox.forgotten_samples == 0
    empty, _ = inbox.get(0.01) or (None, None)
    assert len(empty) == 0


def test_a_device_is_never_made_to_wait_and_the_clock_stays_right() -> None:
    """Too much sound: the oldest becomes as much silence, the newest is there, not a sample is missing."""
    inbox = Inbox(1000, most_s=0.5)
    for first in range(0, 2000, 100):
        inbox.put(ramp(first + 1, 100), 0.0, wait=False)
    sound, _ = inbox.get(0.0) or (np.zeros(0), 0.0)
    assert len(sound) == 2000 and inbox.forgotten_samples == 1500
    assert not sound[:1500].any()
    np.testing.assert_array_equal(sound[1500:], ramp(1501, 500))
    inbox.put(ramp(0, 100), 0.0, wait=False)
    assert len((inbox.get(0.0) or (np.zeros(0), 0))[0]) == 100  # the silence came once


def test_a_file_waits_and_nothing_is_forgotten() -> None:
    inbox, put = Inbox(1000, most_s=0.2), []

    def read() -> None:
        for first in range(0, 3000, 100):
            inbox.put(ramp(first, 100), 0.0, wait=True)
            put.append(first)
        inbox.end()

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.1)
    assert len(put) == 2  # the third stands at the door
    heard = []
    while (got := inbox.get(1.0)) is not None:
        heard.append(got[0])
        assert len(got[0]) <= 200
    reader.join(1.0)
    np.testing.assert_array_equal(np.concatenate(heard), ramp(0, 3000))
    assert inbox.forgotten_samples == 0


def test_a_block_longer_than_the_inbox_goes_through() -> None:
    inbox = Inbox(1000, most_s=0.1)
    assert inbox.put(ramp(0, 500), 0.0, wait=True)
    assert len((inbox.get(0.0) or (np.zeros(0), 0))[0]) == 500


def test_the_end_comes_after_the_last_sound_and_so_does_a_fault() -> None:
    for fault in (None, SoundError("broken", where="mic")):
        inbox = Inbox(1000)
        inbox.put(ramp(0, 10), 0.0, wait=False)
        inbox.end() if fault is None else inbox.fail(fault)
        assert len((inbox.get(0.0) or (np.zeros(0), 0))[0]) == 10
        if fault is None:
            assert inbox.get(None) is None and inbox.get(None) is None
        else:
            with pytest.raises(SoundError, match="broken"):
                inbox.get(None)


def test_who_leaves_lets_the_source_go() -> None:
    inbox = Inbox(1000, most_s=0.1)
    inbox.put(ramp(0, 100), 0.0, wait=True)
    said: list[bool] = []
    reader = threading.Thread(target=lambda: said.append(inbox.put(ramp(0, 100), 0.0, wait=True)))
    reader.start()
    inbox.end()
    reader.join(2.0)
    assert said == [False]

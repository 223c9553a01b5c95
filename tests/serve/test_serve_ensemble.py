"""The thread that steps: who is in a turn, how much of whom, and what a broken turn leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from koekao.animation import animate
from koekao.live.resampling import StreamResampler
from koekao.models import FaceModel
from koekao.serve.ensemble import LEAST_S, TURN_S, Ensemble, Turn
from koekao.serve.protocol import Command, Hello
from koekao.serve.session import Heard, Session, no_controls
from serving import SPEECH, Gated, until


class Played:
    """An ensemble over an engine that can be held, and the turns that it gave."""

    def __init__(self, model: FaceModel, n_rows: int = 3) -> None:
        self.engine, self.turns = Gated(model), list[Turn]()
        self.ensemble = Ensemble(self.engine, n_rows, self.turns.append, gather_s=0.001)

    def session(self) -> Session:
        row = self.ensemble.free_row()
        assert row is not None
        hello = Hello(sample_rate=16000, format="f32")
        made = Session(f"row {row}", hello, row, StreamResampler(16000, 16000), no_controls)
        self.ensemble.join(made)
        return made

    def say(self, session: Session, sound: Any) -> None:
        self.ensemble.put(session, Heard(sound, time.monotonic()))

    def curves(self, session: Session) -> Any:
        made = [one.curves for turn in list(self.turns) for one in turn.made if one.taken.session is session]
        return np.concatenate([np.zeros((0, 52), np.float32), *made])

    def ended(self, session: Session) -> bool:
        return any(one.taken.session is session and one.taken.ends for turn in list(self.turns) for one in turn.made)


@pytest.fixture
def played(model: FaceModel) -> Iterator[Played]:
    made = Played(model)
    yield made
    made.engine.open.set()
    made.ensemble.stop()


def test_all_that_has_come_is_stepped_together_and_in_measure(played: Played) -> None:
    """Whoever has much gets his share of a turn, and all in the end."""
    first = played.session()
    played.engine.open.clear()
    played.say(first, SPEECH[:3200])
    time.sleep(0.1)  # it is in the step that is held
    others = [played.session(), played.session()]
    played.say(others[0], SPEECH[:60_000])
    played.say(others[1], SPEECH[7000:7800])
    played.engine.open.set()
    for session in (first, *others):
        played.ensemble.put(session, Command.END)
        until(lambda: played.ended(session))  # noqa: B023 - called at once
    second = next(turn for turn in played.turns if len(turn.taken) > 1)
    shares = {one.session.name: len(one.sound) / 16000 for one in second.taken}
    np.testing.assert_allclose(shares[others[0].name], max(LEAST_S, TURN_S / len(second.taken)), atol=1e-4)
    assert shares[others[1].name] == 0.05
    assert max(sum(len(one.sound) for one in turn.taken) for turn in played.turns) <= TURN_S * 16000
    for session, sound in zip((first, *others), (SPEECH[:3200], SPEECH[:60_000], SPEECH[7000:7800])):
        np.testing.assert_allclose(played.curves(session), animate(played.engine, sound), atol=1e-5)


def test_who_waits_for_his_reader_is_in_no_turn(played: Played) -> None:
    session, other = played.session(), played.session()
    played.ensemble.block(session, True)
    played.say(session, SPEECH[:16_000])
    played.say(other, SPEECH[:16_000])
    until(lambda: len(played.curves(other)))
    assert not len(played.curves(session))
    played.ensemble.block(session, False)
    until(lambda: len(played.curves(session)))


def test_what_broke_is_not_stepped_again(played: Played) -> None:
    broken, after = played.session(), played.session()
    for session in (broken, after):
        played.say(session, SPEECH[:1])
    until(lambda: sum(len(turn.taken) for turn in played.turns) == 2)  # both have begun
    n_before = len(played.turns)
    played.engine.broken = True
    played.say(broken, SPEECH[:16_000])
    until(lambda: len(played.turns) > n_before)
    assert isinstance(played.turns[n_before].fault, FloatingPointError)
    assert [one.session for one in played.turns[n_before].taken] == [broken]
    played.engine.broken = False
    played.say(broken, SPEECH[:16_000])
    played.say(after, SPEECH[:16_000])
    until(lambda: len(played.curves(after)))
    assert not len(played.curves(broken))
    assert all(turn.fault is None for turn in played.turns[n_before + 1 :])


def test_rows_are_given_and_given_back(played: Played) -> None:
    rows = [played.ensemble.free_row() for _ in range(4)]
    assert sorted(row for row in rows if row is not None) == [0, 1, 2]
    assert rows[3] is None
    played.ensemble.leave(1)
    assert played.ensemble.free_row() == 1


def test_a_stop_does_not_wait_for_a_model_that_hangs(played: Played) -> None:
    played.engine.open.clear()
    played.say(played.session(), SPEECH[:16_000])
    time.sleep(0.05)
    began_s = time.monotonic()
    played.ensemble.stop()
    assert time.monotonic() - began_s < 3

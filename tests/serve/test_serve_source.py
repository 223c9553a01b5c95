"""A client as a microphone: its very sound at the rate that is wanted, in order, to its end."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from koekao.clock import Clock
from koekao.live.resampling import StreamResampler
from koekao.serve import ServeConfig, WebSocketSource
from serving import HELLO, SPEECH, Answer, as_pcm, at_rate, chunks, connected, speak, until

END = json.dumps({"end": True})
CLOCK = Clock(16000, Fraction(30))


@pytest.fixture
def source_of() -> Iterator[Any]:
    made: list[WebSocketSource] = []

    def make(**more: Any) -> WebSocketSource:
        config = {name: more.pop(name) for name in list(more) if name in ServeConfig.__dataclass_fields__}
        made.append(WebSocketSource(CLOCK, ServeConfig(port=0, **config), **more))
        return made[-1]

    yield make
    for source in made:
        source.stop()


def spoken(source: WebSocketSource, messages: list[Any], **more: Any) -> list[Answer]:
    """Start a client in a thread; its answer is in the list when it is done."""
    answers: list[Answer] = []

    def run() -> None:
        answers.append(asyncio.run(speak(source.server, messages, **more)))

    thread = threading.Thread(target=run)
    thread.start()
    answers_thread.append(thread)
    return answers


answers_thread: list[threading.Thread] = []


@pytest.fixture(autouse=True)
def _joined() -> Iterator[None]:
    yield
    for thread in answers_thread:
        thread.join()
    answers_thread.clear()


def read_all(source: WebSocketSource) -> Any:
    parts, end_s = [np.zeros(0, np.float32)], time.monotonic() + 20
    while not source.ended:
        assert time.monotonic() < end_s
        sound = source.read(0.05)
        if sound is not None:
            assert sound.dtype == np.float32
            assert len(sound)
            parts.append(sound)
    assert source.read(0.0) is None
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_every_sample_arrives_at_the_rate_that_is_wanted(source_of: Any, rate: int) -> None:
    source, sound = source_of(), at_rate(SPEECH, rate)
    assert source.sample_rate == 16000
    messages = [*chunks(as_pcm(sound, "f32"), (rate // 50, 7), 4), END]
    answers = spoken(source, messages, hello=HELLO | {"sample_rate": rate})
    heard = read_all(source)
    whole = StreamResampler(rate, 16000)
    np.testing.assert_array_equal(heard, np.concatenate([whole.push(sound), whole.finish()]))
    until(lambda: answers)
    assert answers[0].said == [{"end": True, "frames": 0, "samples": len(sound)}]
    assert answers[0].code == 1000


def test_nothing_is_none_and_not_the_end(source_of: Any) -> None:
    source = source_of()
    began_s = time.monotonic()
    assert source.read(0.2) is None
    assert 0.15 < time.monotonic() - began_s < 5
    assert not source.ended


def test_there_is_one_voice_at_a_time(source_of: Any) -> None:
    source = source_of(most_sessions=9)

    async def two() -> int:
        async with connected(source.server) as first:
            await first.send(json.dumps(HELLO))
            await first.recv()
            with pytest.raises(InvalidStatus) as refused:
                await connected(source.server).__aenter__()
            return refused.value.response.status_code

    assert asyncio.run(two()) == 503


def said_and_gone(source: WebSocketSource, sound: Any) -> None:
    """Say it, and vanish without a word once it is heard."""

    async def vanish() -> None:
        client = await connected(source.server)
        await client.send(json.dumps(HELLO))
        await client.recv()
        await client.send(as_pcm(sound, "f32"))
        while source.server.metrics.samples < len(sound):
            await asyncio.sleep(0.01)
        client.transport.abort()

    asyncio.run(vanish())


def test_a_page_that_is_loaded_again_goes_on(source_of: Any) -> None:
    source = source_of(once=False)

    said_and_gone(source, SPEECH[:5000])
    until(lambda: source.server.health()["sessions"] == 0)
    assert not source.ended
    heard = [source.read(1.0)]
    spoken(source, [as_pcm(SPEECH[5000:9000], "f32"), END])
    heard += [source.read(5.0)]
    np.testing.assert_array_equal(np.concatenate(heard), SPEECH[:9000])
    until(lambda: source.read(0.01) is None and source.server.health()["sessions"] == 0)
    assert not source.ended
    source.stop()
    assert source.ended


def test_whoever_vanishes_has_ended_his_sound(source_of: Any) -> None:
    source = source_of()

    said_and_gone(source, SPEECH[:5000])
    np.testing.assert_array_equal(read_all(source), SPEECH[:5000])


def test_sound_that_nobody_reads_waits_with_its_client(source_of: Any) -> None:
    source = source_of(inbox_s=0.2)
    spoken(source, [*chunks(as_pcm(np.tile(SPEECH, 5), "f32"), (800,), 4), END])
    until(lambda: source.server.metrics.samples > 3200)
    time.sleep(0.3)
    assert source.server.gauges()["inbox_seconds"] <= 0.25 + 1e-9
    assert len(read_all(source)) == 5 * len(SPEECH)


class Kept:
    """An inbox of a live show."""

    def __init__(self, most: int = 10**9) -> None:
        self.parts: list[Any] = []
        self.over = threading.Event()
        self.most = most

    def put(self, sound: Any, arrived_s: float, *, wait: bool) -> bool:
        assert wait
        assert abs(arrived_s - time.perf_counter()) < 5
        self.parts.append(sound)
        return sum(map(len, self.parts)) < self.most

    def end(self) -> None:
        self.over.set()


def test_it_gives_itself_to_an_inbox(source_of: Any) -> None:
    source, inbox = source_of(), Kept()
    assert source.waits
    assert str(source.server.address) in source.title
    source.start(inbox)
    spoken(source, [*chunks(as_pcm(SPEECH, "f32"), (533,), 4), END])
    assert inbox.over.wait(20)
    np.testing.assert_array_equal(np.concatenate(inbox.parts), SPEECH)


def test_a_stop_waits_for_no_reader(source_of: Any) -> None:
    """Neither with sound that was not read nor with an end that was not."""
    for messages in ([as_pcm(SPEECH, "f32")], [as_pcm(SPEECH, "f32"), END]):
        source = source_of()
        answers = spoken(source, messages)
        until(lambda: source.server.metrics.samples == len(SPEECH))  # noqa: B023 - called at once
        began_s = time.monotonic()
        source.stop()
        assert time.monotonic() - began_s < 2
        until(lambda: answers)  # noqa: B023
        assert answers[0].said == [{"end": True, "frames": 0, "samples": len(SPEECH)}]
        assert answers[0].code in (1000, 1001)


def test_it_ends_where_nobody_listens_any_more(source_of: Any) -> None:
    source, inbox = source_of(), Kept(most=1000)
    source.start(inbox)
    spoken(source, chunks(as_pcm(SPEECH, "f32"), (533,), 4))
    assert inbox.over.wait(20)
    source.stop()

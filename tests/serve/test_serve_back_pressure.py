"""What cannot go on waits, bounded, and nothing is left out."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import numpy as np

from koekao.animation.torch_engine import TorchEngine
from koekao.models import FaceModel
from koekao.serve.ensemble import TURN_S
from serving import HELLO, SPEECH, Answer, Gated, as_pcm, chunks, connected, hear, offline, served, speak, until

END = json.dumps({"end": True})
MINUTE = np.tile(SPEECH, 10)


def narrow(server: Any) -> socket.socket:
    """A client's socket in which little can wait."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
    opened.connect((server.address.host, server.address.port))
    return opened


async def sent_in_a_row(client: Any, messages: list[Any]) -> int:
    """Send until the socket takes no more for a while; how many were taken."""
    for number, message in enumerate(messages):
        try:
            await asyncio.wait_for(client.send(message), 1.5)
        except TimeoutError:
            return number
    return len(messages)


def test_sound_that_the_model_cannot_take_is_not_read(model: FaceModel) -> None:
    engine, data = Gated(model), as_pcm(MINUTE, "f32")

    async def flood() -> None:
        engine.open.clear()
        async with connected(server, sock=narrow(server), write_limit=1024) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()
            pieces = chunks(data, (1600,), 4)
            n_taken = await sent_in_a_row(client, pieces)
            gauges = server.gauges()
            assert gauges["inbox_seconds_largest"] <= 0.5 + 0.1 + 1e-9  # the bound, and one message
            assert 0.5 < server.metrics.samples / 16_000 <= TURN_S + 0.5 + 0.1  # and what a held step has
            assert n_taken < 300  # the rest is in buffers of both sides
            engine.open.set()
            answer = Answer()
            hearing = asyncio.create_task(hear(client, answer))
            for piece in pieces[n_taken + 1 :]:  # the one that was waited for is in the buffer
                await client.send(piece)
            await client.send(END)
            await hearing
            heard.append(answer)

    heard: list[Answer] = []
    with served(engine, inbox_s=0.5) as server:
        asyncio.run(flood())
    (answer,) = heard
    expected = offline(model, data, HELLO)
    assert answer.numbers == list(range(len(expected)))
    np.testing.assert_allclose(answer.curves, expected, atol=1e-5)
    assert answer.said == [{"end": True, "frames": len(expected), "samples": len(MINUTE)}]


def test_a_slow_reader_gets_every_frame_and_delays_nobody(model: FaceModel) -> None:
    data = as_pcm(MINUTE[:480_000], "f32")

    async def slowly() -> tuple[Answer, Answer]:
        answer, most = Answer(), 0.0
        async with connected(server, sock=narrow(server), max_queue=1) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()

            async def speak_all() -> None:
                for piece in chunks(data, (1600,), 4):
                    await client.send(piece)
                await client.send(END)

            speaking = asyncio.create_task(speak_all())
            await asyncio.sleep(0.5)
            other = await asyncio.wait_for(speak(server, [as_pcm(SPEECH[:32_000], "f32"), END]), 10)
            async for message in client:
                answer.take(message)
                most = max(most, server.gauges()["outbox_frames_largest"])
                if len(answer.numbers) % 10 == 0:
                    await asyncio.sleep(0.01)
            await speaking
        assert 10 <= most <= 15 + 30 * (2.0 + 0.1 + TURN_S) + 1  # and what was in the inbox and in a step
        return answer, other

    with served(TorchEngine(model), outbox_s=0.5) as server:
        slow, other = asyncio.run(slowly())
    expected = offline(model, data, HELLO)
    assert slow.numbers == list(range(len(expected)))
    np.testing.assert_allclose(slow.curves, expected, atol=1e-5)
    assert slow.said == [{"end": True, "frames": len(expected), "samples": 480_000}]
    assert len(other.numbers) == 60


def test_whoever_reads_nothing_is_closed_and_others_are_not_harmed(model: FaceModel) -> None:
    data = as_pcm(SPEECH[:64_000], "f32")

    async def stalled() -> Answer:
        client = await connected(server, sock=narrow(server), max_queue=1)
        await client.send(json.dumps(HELLO))
        await sent_in_a_row(client, chunks(as_pcm(MINUTE, "f32"), (1600,), 4))
        assert server.health()["sessions"] == 1
        other = await speak(server, [*chunks(data, (1600,), 4), END], pause_s=0.01)
        end_s = asyncio.get_running_loop().time() + 10
        while server.health()["sessions"]:
            assert asyncio.get_running_loop().time() < end_s
            await asyncio.sleep(0.05)
        client.transport.abort()
        return other

    with served(TorchEngine(model), stall_s=4) as server:
        other = asyncio.run(stalled())
    np.testing.assert_allclose(other.curves, offline(model, data, HELLO), atol=1e-5)
    assert server.metrics.closed == {1013: 1}
    assert server.metrics.undelivered > 0


def test_an_hour_in_a_hurry_delays_others_by_little(model: FaceModel) -> None:
    """A client that sends all it has at once takes part of each turn, not all of them."""
    engine = Gated(model)
    data = as_pcm(np.tile(MINUTE, 3), "f32")

    async def both() -> tuple[Answer, Answer]:
        hurry = asyncio.create_task(
            speak(server, [*chunks(data, (16_000,), 4), END], hello=HELLO | {"frames": "binary"})
        )
        await asyncio.sleep(0.3)
        live = await speak(server, [*chunks(as_pcm(SPEECH[:32_000], "f32"), (320,), 4), END], pause_s=0.01)
        assert not hurry.done()
        return await hurry, live

    with served(engine) as server:
        hurry, live = asyncio.run(both())
    assert len(hurry.numbers) == 3 * 30 * len(MINUTE) // 16_000
    assert len(live.numbers) == 60


def test_a_client_that_vanishes_is_forgotten(model: FaceModel) -> None:
    async def vanish() -> None:
        for _ in range(20):
            client = await connected(server)
            await client.send(json.dumps(HELLO))
            await client.send(as_pcm(SPEECH[:16_000], "f32"))
            client.transport.abort()

    with served(TorchEngine(model)) as server:
        asyncio.run(vanish())
        until(lambda: server.health()["sessions"] == 0)
        assert len(asyncio.run(speak(server, [as_pcm(SPEECH[:16_000], "f32"), END])).numbers) == 30
    assert server.gauges()["inbox_seconds"] == 0

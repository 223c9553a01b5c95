"""A server, held to damaged messages: it answers or closes, nothing escapes, and whoever else is there has his face.

``make fuzz`` sends 150,000 of them over 33,333 connections, the test run 1,350 over 300. A case is named by its number,
as in ``test_fuzz_readers``.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np
import pytest
from holding import CASES
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from koekao.animation.torch_engine import TorchEngine
from koekao.serve.protocol import read_command, read_hello, read_sound
from koekao.testing.fuzz import case, hold
from serving import HELLO, SPEECH, as_pcm, chunks, connected, offline, served, small_model, speak

ON_THE_WIRE = CASES // 3 if CASES >= 100_000 else max(1, CASES * 3 // 25)
"""Connections; each sends four messages and a half."""
AT_ONCE = 48
END = b'{"end": true}'
SOUND = as_pcm(SPEECH[:700], "f32")
TEXTS = [
    json.dumps(HELLO).encode(),
    b'{"koekao": 1, "sample_rate": 48000, "format": "s16", "channels": 2, "frames": "binary", "subject": "a"}',
    END,
    b'{"reset": true}',
]
MESSAGES = [*TEXTS, SOUND, as_pcm(SPEECH[:700], "s16"), SOUND * 30]
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x82\x00\x00\x00\x00{}",
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://localhost\r\nAuthorization: Bearer x\r\n\r\n",
    b"GET /?token=%41&x=1 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
]

pytestmark = pytest.mark.timeout(3600)


def test_every_message_is_read_or_refused() -> None:
    hello = read_hello(TEXTS[1].decode(), 16000)

    def text_of(data: bytes) -> str:
        return data.decode("utf-8", "surrogateescape")

    read_whole = [
        sum(hold(number, TEXTS, lambda data: read_hello(text_of(data), 16000)) for number in range(CASES)),
        sum(hold(number, TEXTS, lambda data: read_command(text_of(data))) for number in range(CASES)),
        sum(hold(number, MESSAGES, lambda data: read_sound(data, hello, 0)) for number in range(CASES)),
    ]
    assert all(0 < n < CASES for n in read_whole), read_whole


def wire_case(number: int) -> tuple[bytes, list[bytes | str]]:
    """A hello, good or not, and up to four messages after it, as text where they can be."""
    rng = np.random.default_rng([0x5E12, number])
    hello = TEXTS[number % 2] if rng.random() < 0.8 else case(number, TEXTS[:2])
    after: list[bytes | str] = []
    for k in range(int(rng.integers(1, 5))):
        data = case(7 * number + k, MESSAGES) if rng.random() < 0.7 else MESSAGES[int(rng.integers(len(MESSAGES)))]
        as_text = data.decode("utf-8", "ignore") if rng.random() < 0.5 and len(data) < 5000 else data
        after.append(as_text)
    return hello, after


async def attack(server: Any, number: int) -> None:
    """One connection; whatever it does, it is over soon."""
    hello, after = wire_case(number)
    if number % 10 == 9:
        return await raw(server, case(number, REQUESTS))
    try:
        async with connected(server, close_timeout=0.5) as client:
            await client.send(hello.decode("utf-8", "ignore"))
            for message in after:
                await client.send(message)
            if number % 3 == 0:
                client.transport.abort()
                return None
            await client.send(END.decode())
            async with asyncio.timeout(20):
                async for _ in client:
                    pass
    except (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError):
        pass
    return None


async def raw(server: Any, data: bytes) -> None:
    """Bytes that need be no request and no WebSocket."""
    reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
    try:
        writer.write(data)
        await writer.drain()
        async with asyncio.timeout(0.1):
            await reader.read(1000)
    except (TimeoutError, OSError):
        pass
    finally:
        writer.transport.abort()


def test_a_server_outlives_whatever_is_sent() -> None:
    model = small_model()
    voice = as_pcm(SPEECH[:48_000], "f32")
    expected = offline(model, voice, HELLO)

    async def other(until_over: asyncio.Event) -> int:
        """Somebody who speaks meanwhile, again and again."""
        n_times = 0
        while not until_over.is_set():
            answer = await speak(server, [*chunks(voice, (4000,), 4), END.decode()], pause_s=0.02)
            np.testing.assert_allclose(answer.curves, expected, atol=1e-5)
            assert answer.code == 1000
            n_times += 1
        return n_times

    async def all_cases() -> int:
        over, gate = asyncio.Event(), asyncio.Semaphore(AT_ONCE)
        speaking = asyncio.create_task(other(over))

        async def one(number: int) -> None:
            async with gate:
                await attack(server, number)

        for first in range(0, ON_THE_WIRE, 1000):
            await asyncio.gather(*(one(number) for number in range(first, min(first + 1000, ON_THE_WIRE))))
            if speaking.done():
                await speaking
        over.set()
        return await speaking

    with served(TorchEngine(model), hello_s=1.0, idle_s=5.0) as server:
        assert asyncio.run(all_cases()) > 0
        end_s = time.monotonic() + 10
        while server.health()["sessions"]:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        assert server.metrics.faults == 0
        assert {1007, 1003} & set(server.metrics.closed)
        assert len(asyncio.run(speak(server, [voice, END.decode()])).numbers) == len(expected)
        assert server.gauges()["inbox_seconds"] == 0

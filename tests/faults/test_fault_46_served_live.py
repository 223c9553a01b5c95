"""Fault 46: live input that stalls, bursts and breaks off. The sound is the clock: the face is the same, only later."""

from __future__ import annotations

import asyncio
import json

import numpy as np

from koekao.animation.torch_engine import TorchEngine
from serving import HELLO, SPEECH, as_pcm, chunks, connected, expect_times, offline, served, small_model, speak

END = json.dumps({"end": True})


def test_stalls_and_bursts_change_no_frame_and_no_time() -> None:
    model, data, rng = small_model(), as_pcm(SPEECH[:32_000], "f32"), np.random.default_rng(46)
    pieces = chunks(data, rng.integers(1, 4000, 30).tolist(), 4)

    async def unevenly() -> None:
        from serving import Answer, hear

        answer = Answer()
        async with connected(server) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()
            hearing = asyncio.create_task(hear(client, answer))
            for piece in pieces:
                await client.send(piece)
                await asyncio.sleep(float(rng.choice([0, 0, 0, 0.15])))
            await client.send(END)
            await hearing
        expected = offline(model, data, HELLO)
        np.testing.assert_allclose(answer.curves, expected, atol=1e-5)
        expect_times(answer, model.clock)
        assert answer.said == [{"end": True, "frames": len(expected), "samples": 32_000}]

    with served(TorchEngine(model)) as server:
        asyncio.run(unevenly())


def test_a_receiver_that_is_gone_is_counted_and_costs_nobody_else() -> None:
    model, data = small_model(), as_pcm(SPEECH[:32_000], "f32")

    async def both() -> None:
        client = await connected(server)
        await client.send(json.dumps(HELLO))
        await client.recv()
        other = asyncio.create_task(speak(server, [*chunks(data, (533,), 4), END], pause_s=0.005))
        for piece in chunks(data[:40_000], (533,), 4):
            await client.send(piece)
        client.transport.abort()
        np.testing.assert_allclose((await other).curves, offline(model, data, HELLO), atol=1e-5)
        while server.health()["sessions"]:
            await asyncio.sleep(0.01)

    with served(TorchEngine(model)) as server:
        asyncio.run(both())
    assert server.metrics.sessions == 2

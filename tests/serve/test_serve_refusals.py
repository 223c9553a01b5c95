"""What is wrong is said, with a code, and concerns nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from koekao.animation.torch_engine import TorchEngine
from koekao.models import FaceModel
from serving import HELLO, SPEECH, Gated, as_pcm, connected, offline, served, speak, until

END = json.dumps({"end": True})


def pcm(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


@pytest.mark.parametrize(
    ("hello", "where"),
    [
        ("", "hello"),
        ("{", "hello"),
        ("[1]", "hello"),
        ("null", "hello"),
        ("[" * 3000, "hello"),
        ('{"koekao": 1, "sample_rate": 16000, "format": "f32", "pad": "' + "x" * 5000 + '"}', "hello"),
        ('{"koekao": 1, "sample_rate": NaN, "format": "f32"}', "hello"),
        ('{"koekao": 1, "koekao": 1, "sample_rate": 16000, "format": "f32"}', "hello"),
        (HELLO | {"language": "ja"}, "hello"),
        ({"sample_rate": 16000, "format": "f32"}, "hello:koekao"),
        (HELLO | {"koekao": 2}, "hello:koekao"),
        (HELLO | {"koekao": True}, "hello:koekao"),
        (HELLO | {"koekao": 1.0}, "hello:koekao"),
        ({"koekao": 1, "format": "f32"}, "hello:sample_rate"),
        (HELLO | {"sample_rate": 16001}, "hello:sample_rate"),
        (HELLO | {"sample_rate": 16000.0}, "hello:sample_rate"),
        (HELLO | {"sample_rate": "16000"}, "hello:sample_rate"),
        ({"koekao": 1, "sample_rate": 16000}, "hello:format"),
        (HELLO | {"format": "mp3"}, "hello:format"),
        (HELLO | {"channels": 0}, "hello:channels"),
        (HELLO | {"channels": 3}, "hello:channels"),
        (HELLO | {"channels": True}, "hello:channels"),
        (HELLO | {"frames": "msgpack"}, "hello:frames"),
        (HELLO | {"subject": ""}, "hello:subject"),
        (HELLO | {"subject": "a\n"}, "hello:subject"),
        (HELLO | {"subject": 3}, "hello:subject"),
    ],
)
def test_a_bad_hello(model: FaceModel, hello: Any, where: str) -> None:
    with served(TorchEngine(model)) as server:
        answer = asyncio.run(speak(server, [], hello=hello))
    assert answer.code == 1007
    assert answer.error["where"] == where
    assert answer.error["expected"]
    assert all(len(text) <= 500 for text in answer.error.values())
    assert server.metrics.closed == {1007: 1}
    assert server.metrics.sessions == 0


@pytest.mark.parametrize("first", [pcm(0.1), json.dumps(HELLO).encode()])
def test_bytes_before_the_hello(model: FaceModel, first: bytes) -> None:
    """Sound, or the hello itself as a binary message: a library that reads JSON of bytes does not let it in."""
    with served(TorchEngine(model)) as server:
        answer = asyncio.run(speak(server, [], hello=first))
    assert (answer.code, answer.error["where"]) == (1003, "hello")


@pytest.mark.parametrize(
    ("kind", "message", "where", "what"),
    [
        ("f32", "", "command", "''"),
        ("f32", "{}", "command", "{}"),
        ("f32", '{"end": false}', "command", "{'end': False}"),
        ("f32", '{"end": true, "reset": true}', "command", "{'end': True, 'reset': True}"),
        ("f32", json.dumps(HELLO), "command", "{'format': 'f32', 'koekao': 1, 'sample_rate': 16000}"),
        ("f32", b"123", "sample 700", "3 bytes"),
        ("s16", b"123", "sample 700", "3 bytes"),
        ("f32", pcm(0.0, np.nan), "sample 701", "nan"),
        ("f32", pcm(0.0, 0.0, -np.inf), "sample 702", "-inf"),
        ("f32", pcm(12_000.0), "sample 700", "12000.0"),  # int16 that nobody divided
    ],
)
def test_a_bad_message(model: FaceModel, kind: str, message: Any, where: str, what: str) -> None:
    """Nothing of it is heard; what came before it has its frames, and nobody else is touched."""
    before, data = as_pcm(SPEECH[:700], kind), as_pcm(SPEECH[:20_000], "f32")

    async def both() -> Any:
        other = asyncio.create_task(speak(server, [data[:40_000], data[40_000:], END], pause_s=0.2))
        return await speak(server, [before, message], hello=HELLO | {"format": kind}), await other

    with served(TorchEngine(model)) as server:
        answer, other = asyncio.run(both())
    assert answer.code == 1007
    assert (answer.error["where"], answer.error["what"]) == (where, what)
    assert answer.error["expected"]
    np.testing.assert_allclose(other.curves, offline(model, data, HELLO), atol=1e-5)
    assert other.code == 1000


def test_stereo_counts_samples_not_values(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server:
        half = asyncio.run(speak(server, [pcm(0.0, 0.1, 0.2)], hello=HELLO | {"channels": 2}))
        wrong = asyncio.run(speak(server, [pcm(0, 0, 0, 0), pcm(0, 0, 0, np.nan)], hello=HELLO | {"channels": 2}))
    assert (half.error["where"], half.error["expected"]) == ("sample 0", "whole samples of 8 bytes")
    assert wrong.error["where"] == "sample 3"


def test_a_message_beyond_the_cap(model: FaceModel) -> None:
    with served(TorchEngine(model), most_message_bytes=4096) as server:
        good = asyncio.run(speak(server, [bytes(4096), END]))
        large = asyncio.run(speak(server, [bytes(4100)]))
        hello = asyncio.run(speak(server, [], hello="x" * 4100))
    assert good.said == [{"end": True, "frames": 2, "samples": 1024}]
    assert (good.code, large.code, hello.code) == (1000, 1009, 1009)


def test_too_many_sessions(model: FaceModel) -> None:
    async def three() -> None:
        async with connected(server) as first, connected(server) as second:
            for client in (first, second):
                await client.send(json.dumps(HELLO))
                await client.recv()
            with pytest.raises(InvalidStatus) as refused:
                await connected(server).__aenter__()
            assert refused.value.response.status_code == 503
            assert b"2 sessions" in refused.value.response.body
        until(lambda: server.health()["sessions"] == 0)
        assert (await speak(server, [END])).code == 1000

    with served(TorchEngine(model), most_sessions=2) as server:
        asyncio.run(three())
    assert server.metrics.refused == {"full": 1}


def test_whoever_says_nothing_is_closed(model: FaceModel) -> None:
    async def silent() -> Any:
        async with connected(server) as client:
            said = json.loads(await client.recv())
            await client.wait_closed()
            return said, client.close_code

    with served(TorchEngine(model), hello_s=0.2, idle_s=0.3) as server:
        said, code = asyncio.run(silent())
        idle = asyncio.run(speak(server, [bytes(400)]))
        busy = asyncio.run(speak(server, [bytes(400)] * 8 + [END], pause_s=0.1))
    assert (said["error"]["where"], code) == ("hello", 1008)
    assert idle.code == 1008
    assert "nothing came for 0.3 s" in idle.error["what"]
    assert busy.code == 1000
    assert server.metrics.closed == {1008: 2}


@pytest.mark.parametrize("frames", ["json", "binary"])
def test_a_model_that_gives_no_numbers_or_fails(model: FaceModel, frames: str) -> None:
    """Its sessions are told and closed, and the next has the model again."""
    engine, data = Gated(model), as_pcm(SPEECH[:20_000], "f32")
    server_faults = 0
    with served(engine) as server:
        engine.senseless = True
        senseless = asyncio.run(speak(server, [data, END], hello=HELLO | {"frames": frames}))
        engine.senseless, engine.broken = False, True
        broken = asyncio.run(speak(server, [data, END]))
        engine.broken = False
        good = asyncio.run(speak(server, [data, END]))
        server_faults, server.metrics.faults = server.metrics.faults, 0
    for answer in (senseless, broken):
        assert (answer.code, len(answer.numbers)) == (1011, 0)
        assert "the model failed" in answer.error["what"]
    assert server_faults == 2
    np.testing.assert_allclose(good.curves, offline(model, data, HELLO), atol=1e-5)

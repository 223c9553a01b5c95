"""A stop loses nothing: every client gets what its sound so far is owed, and is told."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ConfigError
from koekao.models import FaceModel
from koekao.models.weights import save_model
from koekao.serve import Background, ServeConfig, face_server
from serving import HELLO, SPEECH, Answer, Gated, as_pcm, connected, hear, offline, served, small_model, speak

END = json.dumps({"end": True})


async def speak_until_stopped(address: str, stop: Any) -> tuple[Answer, int]:
    """A client that goes on speaking; its answer, and how many samples it had sent when ``stop`` was called."""
    from websockets.asyncio.client import connect

    answer = Answer()
    async with connect(address, compression=None, proxy=None) as client:
        await client.send(json.dumps(HELLO))
        answer.hello = json.loads(await client.recv())
        hearing = asyncio.create_task(hear(client, answer))
        n_sent = 0
        try:
            for first in range(0, len(SPEECH), 400):
                await client.send(as_pcm(SPEECH[first : first + 400], "f32"))
                n_sent += 400
                if first == 12_000:
                    stop()
                await asyncio.sleep(0.005)
        except ConnectionClosed:
            pass
        await hearing
    return answer, n_sent


def expect_all_that_is_owed(answer: Answer, n_sent: int, model: FaceModel) -> None:
    assert answer.code == 1001
    (said,) = answer.said
    assert 12_000 <= said["samples"] <= n_sent < len(SPEECH)
    heard = as_pcm(SPEECH[: said["samples"]], "f32")
    np.testing.assert_allclose(answer.curves, offline(model, heard, HELLO), atol=1e-5)
    assert said["frames"] == len(answer.numbers)


def test_what_is_owed_comes_before_the_close(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server:
        answer, n_sent = asyncio.run(speak_until_stopped(f"ws://{server.address}", server.stop))
    expect_all_that_is_owed(answer, n_sent, model)
    assert server.metrics.undelivered == 0


def test_sound_that_still_waits_is_animated(model: FaceModel) -> None:
    engine = Gated(model)
    with served(engine) as server:

        async def waiting() -> Answer:
            answer = Answer()
            async with connected(server) as client:
                await client.send(json.dumps(HELLO))
                await client.recv()
                engine.open.clear()
                await client.send(as_pcm(SPEECH[:24_000], "f32"))
                await asyncio.sleep(0.1)
                server.stop()
                await asyncio.sleep(0.1)
                engine.open.set()
                await hear(client, answer)
            return answer

        answer = asyncio.run(waiting())
    assert answer.said == [{"end": True, "frames": 45, "samples": 24_000}]
    assert (len(answer.numbers), answer.code) == (45, 1001)


def test_a_stop_does_not_wait_for_ever(model: FaceModel) -> None:
    """Neither for a model that hangs nor for those who say no hello; and nobody comes in meanwhile."""
    engine = Gated(model)
    with served(engine, stop_s=0.3, hello_s=60) as server:

        async def stuck() -> float:
            async with connected(server) as silent, connected(server) as client:
                await client.send(json.dumps(HELLO))
                await client.recv()
                engine.open.clear()
                await client.send(as_pcm(SPEECH[:24_000], "f32"))
                await asyncio.sleep(0.1)
                began_s = time.monotonic()
                server.stop()
                await asyncio.sleep(0.1)
                with pytest.raises(OSError):
                    await connected(server).__aenter__()
                await asyncio.gather(client.wait_closed(), silent.wait_closed())
                assert (client.close_code, silent.close_code) == (1001, 1001)
                return time.monotonic() - began_s

        took_s = asyncio.run(stuck())
        engine.open.set()
    assert took_s < 5


def test_a_server_that_is_stopped_at_once_stops(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server:
        server.stop()
        server.stop()
    server.stop()


def test_a_server_that_was_stopped_before_it_ran_does_not_run(model: FaceModel) -> None:
    server = face_server(TorchEngine(model), ServeConfig(port=0))
    server.stop()

    async def run() -> None:
        async with asyncio.timeout(20):
            await server.run()

    asyncio.run(run())


def test_an_error_inside_stops_the_server_too(model: FaceModel) -> None:
    server = face_server(TorchEngine(model), ServeConfig(port=0))
    with pytest.raises(ValueError, match="mine"), Background(server):
        raise ValueError("mine")
    assert server.health()["status"] == "stopping"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("run")
    save_model(small_model(), folder / "best.safetensors")
    (folder / "run.json").write_text(json.dumps({"version": 1}))
    yield folder


def command(run: Path, *words: str) -> subprocess.Popen[str]:
    port = () if "--port" in words else ("--port", "0")
    line = [sys.executable, "-m", "koekao", "serve", str(run), *port, *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_gracefully_by_a_signal(run: Path, model: FaceModel, wish: signal.Signals) -> None:
    process = command(run, "--json")
    assert process.stdout is not None
    try:
        address = json.loads(process.stdout.readline())["address"]
        answer, n_sent = asyncio.run(speak_until_stopped(address, lambda: process.send_signal(wish)))
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    expect_all_that_is_owed(answer, n_sent, model)
    assert (process.returncode, err) == (0, "")
    counts = json.loads(out)["stopped"]
    assert (counts["sessions"], counts["frames"], counts["faults"]) == (1, len(answer.numbers), 0)
    assert counts["undelivered"] == 0


def test_the_command_says_where_it_is_and_what_it_did(run: Path) -> None:
    process = command(run, "--sessions", "3", "--token", "0123456789abcdef", "--origin", "https://a.net")
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        address = line.partition("ws://")[2].partition(";")[0]
        assert address.startswith("127.0.0.1:")
        assert "curl http://" + address + "/health" in line
        server: Any = type("Server", (), {"address": address})
        assert asyncio.run(speak(server, [END], rest="?token=0123456789abcdef")).code == 1000
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert out.startswith("stopped after ")
    assert "1 session, 0 frames sent, 0 late, 0 undelivered, 0 refused, 0 faults" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "0.0.0.0"), "host 0.0.0.0 without a token"),
        (("--token", "abc"), "a token of 3 characters"),
        (("--port", "70000"), "port 70000"),
        (("--sessions", "0"), "0 sessions"),
        (("--origin", "a.net"), "origin 'a.net'"),
    ],
)
def test_the_command_refuses_before_it_opens_anything(run: Path, words: tuple[str, ...], said: str) -> None:
    process = command(run.parent / "nothing", *words)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_said(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server, pytest.raises(ConfigError, match="cannot be listened at"):
        face_server(TorchEngine(model), ServeConfig(port=server.address.port))


def test_a_client_that_leaves_after_its_end_is_not_waited_for(model: FaceModel) -> None:
    """Though the model hangs and its frames never come."""
    engine = Gated(model)

    async def leave() -> None:
        async with connected(server) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()
            engine.open.clear()
            await client.send(as_pcm(SPEECH[:24_000], "f32"))
            await client.send(END)
            await asyncio.sleep(0.1)

    with served(engine) as server:
        asyncio.run(leave())
        end_s = time.monotonic() + 5
        while server.health()["sessions"]:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        engine.open.set()

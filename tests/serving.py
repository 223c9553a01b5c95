"""Real servers on this machine and real clients of them, for tests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from koekao.animation import animate
from koekao.animation.torch_engine import TorchEngine
from koekao.clock import Clock
from koekao.live.resampling import StreamResampler
from koekao.models import FaceModel, build
from koekao.serve import Background, ServeConfig, Server, face_server
from koekao.serve.protocol import frames_of, read_sound
from koekao.takes.synthetic.making import make_take
from koekao.takes.take import as_float
from koekao.wire.messages import FrameMessage, decode

SPEECH = as_float(make_take(5, seconds=6).audio)
HELLO = {"koekao": 1, "sample_rate": 16000, "format": "f32"}


def small_model(fps: str = "30", look_ahead_frames: int = 1) -> FaceModel:
    """A model of the kind that is trained by default, with weights of chance."""
    torch.manual_seed(3)
    features = {"fps": fps, "n_mels": 24}
    settings = {"dim": 16, "channels": 4, "front_frames": 2, "dilations": (1, 3)}
    model = build("stream", settings | {"look_ahead_frames": look_ahead_frames, "features": features})
    model.fit_features(lambda: [SPEECH])
    model.set_curve_statistics(np.full(52, 0.5, np.float32), np.full(52, 0.3, np.float32))
    return model.eval()


class Gated:
    """An engine whose steps can be made to wait, to fail, or to give what is no number."""

    def __init__(self, model: FaceModel) -> None:
        self._engine = TorchEngine(model)
        self.clock, self.look_ahead_frames = self._engine.clock, self._engine.look_ahead_frames
        self.open = threading.Event()
        self.open.set()
        self.broken = self.senseless = False
        self.rows: list[int] = []

    def init_state(self, n_rows: int) -> Any:
        return self._engine.init_state(n_rows)

    def step(self, sound: NDArray[np.float32], state: Any) -> Any:
        self.open.wait(20)
        if self.broken:
            raise FloatingPointError("the model is broken")
        self.rows.append(len(sound))
        curves, after = self._engine.step(sound, state)
        return (curves * np.float32(np.nan) if self.senseless else curves), after


@contextmanager
def served(engine: Any, *, controls: Any = None, **config: Any) -> Iterator[Server]:
    """A server on a free port of this machine."""
    more = {} if controls is None else {"controls": controls}
    server = face_server(engine, ServeConfig(**({"port": 0} | config)), **more)
    with Background(server):
        yield server
    assert not server.metrics.faults


def until(so: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    end_s = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end_s, "it never came to be so"
        time.sleep(0.005)


def url(server: Server, rest: str = "") -> str:
    return f"ws://{server.address}/{rest}"


def connected(server: Server, rest: str = "", **more: Any) -> connect:
    return connect(url(server, rest), **({"compression": None, "proxy": None, "close_timeout": 2} | more))


@dataclass
class Answer:
    """What a server sent."""

    hello: dict[str, Any] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    parts: list[NDArray[np.float32]] = field(default_factory=list)
    poses: list[NDArray[np.float32]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None

    @property
    def curves(self) -> NDArray[np.float32]:
        return np.concatenate([np.zeros((0, 52), np.float32), *self.parts])

    @property
    def pose(self) -> NDArray[np.float32]:
        return np.concatenate([np.zeros((0, 9), np.float32), *self.poses])

    @property
    def error(self) -> dict[str, str]:
        (found,) = (one["error"] for one in self.said if "error" in one)
        return dict(found)

    def take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            first, curves, pose = frames_of(message)
            self.numbers += range(first, first + len(curves))
            self.parts.append(curves)
            self.poses.append(pose)
        elif message.startswith('{"frame"'):
            frame = decode(message)
            assert isinstance(frame, FrameMessage)
            self.numbers.append(frame.number)
            self.times.append(frame.time_s)
            self.parts.append(frame.curves[None])
            self.poses.append(frame.pose[None])
        else:
            self.said.append(json.loads(message))


async def hear(client: ClientConnection, answer: Answer) -> None:
    """Everything until the close."""
    try:
        async for message in client:
            answer.take(message)
    except ConnectionClosed:
        pass
    answer.code = client.close_code


async def speak(
    server: Server,
    messages: Sequence[bytes | str],
    *,
    hello: Any = HELLO,
    pause_s: float = 0.0,
    rest: str = "",
    **more: Any,
) -> Answer:
    """Say hello, send the messages, hear everything until the close."""
    answer = Answer()
    async with connected(server, rest, **more) as client:
        await client.send(json.dumps(hello) if isinstance(hello, dict) else hello)
        try:
            answer.hello = json.loads(await client.recv())
        except ConnectionClosed:
            answer.code = client.close_code
            return answer
        if "error" in answer.hello:
            answer.said.append(answer.hello)
        hearing = asyncio.create_task(hear(client, answer))
        try:
            for message in messages:
                await client.send(message)
                if pause_s:
                    await asyncio.sleep(pause_s)
        except ConnectionClosed:
            pass
        await hearing
    return answer


def chunks(data: bytes, sizes: Sequence[int], sample_bytes: int) -> list[bytes]:
    """``data`` in pieces of so many samples, over and over."""
    pieces, at, turn = list[bytes](), 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)] * sample_bytes
        pieces.append(data[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def as_pcm(sound: NDArray[np.float32], kind: str) -> bytes:
    if kind == "f32":
        return sound.astype("<f4").tobytes()
    return np.clip(np.round(sound * 32768), -32768, 32767).astype("<i2").tobytes()


def at_rate(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Something of the same length in seconds at another rate."""
    n = len(sound) * rate // 16000
    return np.interp(np.arange(n) * 16000 / rate, np.arange(len(sound)), sound).astype(np.float32)


def offline(model: FaceModel, data: bytes, hello: dict[str, Any]) -> NDArray[np.float32]:
    """What ``animate`` makes of the very bytes that a client sends."""
    from koekao.serve.protocol import read_hello

    sound = read_sound(data, read_hello(json.dumps(hello), 16000), 0)
    resampler = StreamResampler(hello["sample_rate"], model.clock.sample_rate)
    return animate(model, np.concatenate([resampler.push(sound), resampler.finish()]))


def expect_times(answer: Answer, clock: Clock) -> None:
    assert answer.times == [float(number / clock.fps) for number in answer.numbers]

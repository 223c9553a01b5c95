"""A face that is served is the face that ``animate`` makes of the same sound, whoever else is there."""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from koekao.animation.torch_engine import TorchEngine
from koekao.arkit import HEAD_AND_EYES, NAMES
from koekao.live.resampling import StreamResampler
from koekao.models import FaceModel
from serving import (
    HELLO,
    SPEECH,
    Answer,
    Gated,
    as_pcm,
    at_rate,
    chunks,
    connected,
    expect_times,
    offline,
    served,
    small_model,
    speak,
    until,
)

END = json.dumps({"end": True})
RESET = json.dumps({"reset": True})


@pytest.mark.parametrize("frames", ["json", "binary"])
@pytest.mark.parametrize(
    ("sizes", "n_samples"), [((1,), 2000), ((160,), 20_001), ((533,), 20_001), ((1600,), 20_001), ((96_000,), 96_000)]
)
def test_any_chunks_give_what_animate_gives(model: FaceModel, sizes: Any, n_samples: int, frames: str) -> None:
    data = as_pcm(SPEECH[:n_samples], "f32")
    with served(TorchEngine(model)) as server:
        hello = HELLO | {"frames": frames}
        answer = asyncio.run(speak(server, [*chunks(data, sizes, 4), END], hello=hello))
    expected = offline(model, data, HELLO)
    assert answer.numbers == list(range(len(expected)))
    np.testing.assert_allclose(answer.curves, expected, atol=1e-5)
    assert not answer.pose.any()
    assert answer.said == [{"end": True, "frames": len(expected), "samples": n_samples}]
    assert answer.code == 1000
    if frames == "json":
        expect_times(answer, model.clock)


def test_the_hello_tells_what_will_come() -> None:
    model = small_model("60000/1001", 3)
    with served(TorchEngine(model)) as server:
        hello = {"koekao": 1, "sample_rate": 48000, "format": "s16", "subject": "声"}
        answer = asyncio.run(speak(server, [END], hello=hello))
    said = answer.hello
    assert (said["hello"], said["version"], said["subject"]) == ("koekao", 1, "声")
    assert (said["fps"], said["look_ahead_frames"], said["sample_rate"]) == ("60000/1001", 3, 48000)
    assert (said["names"], said["pose"]) == (list(NAMES), list(HEAD_AND_EYES))
    assert said["latency_s"] == round(float(4 / Fraction(60000, 1001) + Fraction(144, 48000)), 6)
    assert answer.said == [{"end": True, "frames": 0, "samples": 0}]


def test_frames_come_as_soon_as_they_can_be_known(model: FaceModel) -> None:
    """No frame waits for a sample beyond its own interval and the look-ahead, and none comes before."""

    async def by_the_sample() -> None:
        async with connected(server) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()
            start = model.clock.frame_start
            for frame in range(4):
                needed = start(frame + 1 + model.look_ahead_frames)
                before = start(frame + model.look_ahead_frames) if frame else 0
                await client.send(as_pcm(SPEECH[before : needed - 1], "f32"))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.recv(), 0.1)
                await client.send(as_pcm(SPEECH[needed - 1 : needed], "f32"))
                assert json.loads(await asyncio.wait_for(client.recv(), 5))["frame"] == frame

    with served(TorchEngine(model)) as server:
        asyncio.run(by_the_sample())


def test_eight_at_once_are_eight_alone(model: FaceModel) -> None:
    """Other sounds, rates, types and channels, that begin and end at other moments and pause."""
    kinds = [
        *((16000, "f32", 1), (44100, "f32", 1), (48000, "s16", 1), (16000, "s16", 2)),
        *((8000, "f32", 1), (48000, "f32", 2), (22050, "s16", 1), (96000, "s16", 1)),
    ]
    rng = np.random.default_rng(4)

    async def all_of_them(server: Any) -> list[tuple[dict[str, Any], bytes, Answer]]:
        async def one(number: int) -> tuple[dict[str, Any], bytes, Answer]:
            rate, kind, channels = kinds[number]
            sound = at_rate(np.roll(SPEECH, 7000 * number)[: 16_000 + 5000 * number], rate)
            both = np.stack([sound, 0.3 * sound[::-1]], axis=1) if channels == 2 else sound
            data = as_pcm(both, kind)
            hello = {"koekao": 1, "sample_rate": rate, "format": kind, "channels": channels}
            hello["frames"] = ("json", "binary")[number % 2]
            sizes = rng.integers(1, rate // 10, 7).tolist()
            await asyncio.sleep(0.05 * number)
            pieces = chunks(data, sizes, channels * (4 if kind == "f32" else 2))
            return hello, data, await speak(server, [*pieces, END], hello=hello, pause_s=0.002)

        return await asyncio.gather(*(one(number) for number in range(len(kinds))))

    engine = Gated(model)
    with served(engine, gather_s=0.05) as server:
        heard = asyncio.run(all_of_them(server))
    for hello, data, answer in heard:
        expected = offline(model, data, hello)
        assert answer.numbers == list(range(len(expected))), hello
        np.testing.assert_allclose(answer.curves, expected, atol=1e-5, err_msg=str(hello))
    assert max(engine.rows) > 1, "nobody was stepped together"
    assert server.metrics.sessions == 8
    assert server.metrics.frames == sum(len(answer.numbers) for _, _, answer in heard)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_reset_begins_anew_and_says_where(model: FaceModel, rate: int) -> None:
    first, second = as_pcm(SPEECH[:9000], "f32"), as_pcm(SPEECH[30_000:50_000], "f32")
    hello = HELLO | {"sample_rate": rate}
    with served(TorchEngine(model)) as server:
        answer = asyncio.run(speak(server, [first, RESET, RESET, second, END], hello=hello))
    assert answer.said == [
        {"reset": True},
        {"reset": True},
        {"end": True, "frames": len(answer.numbers) - answer.numbers.index(0, 1), "samples": 20_000},
    ]
    before = answer.numbers.index(0, 1)
    n_heard = len(StreamResampler(rate, 16000).push(SPEECH[:9000]))
    n_ready = model.clock.frame_at(n_heard) - model.look_ahead_frames
    assert answer.numbers[:before] == list(range(n_ready))
    np.testing.assert_allclose(answer.curves[:before], offline(model, first, hello)[:n_ready], atol=1e-5)
    np.testing.assert_allclose(answer.curves[before:], offline(model, second, hello), atol=1e-5)
    assert answer.numbers[before:] == list(range(len(answer.numbers) - before))


def test_whoever_comes_after_another_hears_nothing_of_him(model: FaceModel) -> None:
    """Also after one that vanished in the middle of his sound."""
    data = as_pcm(SPEECH[:20_000], "f32")

    async def vanish() -> None:
        client = await connected(server)
        await client.send(json.dumps(HELLO))
        await client.recv()
        await client.send(as_pcm(SPEECH[40_000:56_789], "f32"))
        await client.recv()
        client.transport.abort()

    with served(TorchEngine(model), most_sessions=1) as server:
        for _ in range(3):
            asyncio.run(vanish())
            until(lambda: server.health()["sessions"] == 0)
            answer = asyncio.run(speak(server, [data, END]))
            np.testing.assert_allclose(answer.curves, offline(model, data, HELLO), atol=1e-5)
            until(lambda: server.health()["sessions"] == 0)
    assert server.metrics.sessions == 6


class Slowly:
    """Controls that let each frame wait for the next, at half the rate, and count in the pose."""

    fps_out, latency_s = Fraction(15), Fraction(1, 30)

    def __init__(self) -> None:
        self.kept, self.n = np.zeros((0, 52), np.float32), 0

    def push(self, curves: Any) -> Any:
        both = np.concatenate([self.kept, curves])
        n = max(0, len(both) - 1) // 2 * 2
        self.kept = both[n:]
        return self._out(both[:n:2])

    def finish(self) -> Any:
        return self._out(self.kept[::2])

    def _out(self, curves: Any) -> Any:
        pose = np.repeat(np.arange(self.n, self.n + len(curves), dtype=np.float32)[:, None], 9, axis=1)
        self.n += len(curves)
        return type("Controlled", (), {"curves": 0.5 * curves, "pose": pose})


@pytest.mark.parametrize("frames", ["json", "binary"])
def test_controls_stand_between_the_model_and_what_is_sent(model: FaceModel, frames: str) -> None:
    data = as_pcm(SPEECH[:20_000], "f32")
    hello = HELLO | {"frames": frames, "subject": "slow"}
    with served(TorchEngine(model), controls=lambda who: Slowly() if who.subject == "slow" else None) as server:
        slow = asyncio.run(speak(server, [data, RESET, *chunks(data, (700,), 4), END], hello=hello))
        plain = asyncio.run(speak(server, [data, END]))
    expected = offline(model, data, HELLO)
    assert (slow.hello["fps"], plain.hello["fps"]) == ("15", "30")
    assert slow.hello["latency_s"] == round(plain.hello["latency_s"] + 1 / 30, 5) or (
        abs(slow.hello["latency_s"] - plain.hello["latency_s"] - 1 / 30) < 2e-6
    )
    after = slow.numbers.index(0, 1)
    np.testing.assert_allclose(slow.curves[after:], 0.5 * expected[::2], atol=1e-5)
    assert slow.pose[after:, 3].tolist() == slow.numbers[after:] == list(range(len(expected[::2])))
    np.testing.assert_allclose(plain.curves, expected, atol=1e-5)
    if frames == "json":
        assert slow.times[after:] == [number / 15 for number in slow.numbers[after:]]

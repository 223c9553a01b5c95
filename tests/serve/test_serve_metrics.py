"""What a server says of itself is what was done."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import numpy as np

from koekao.animation.torch_engine import TorchEngine
from koekao.models import FaceModel
from koekao.serve.metrics import WINDOW, Metrics, Spread
from serving import HELLO, SPEECH, Gated, as_pcm, chunks, connected, served, speak, until

END = json.dumps({"end": True})


def page(server: Any, name: str) -> tuple[str, str]:
    with urllib.request.urlopen(f"http://{server.address}/{name}") as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def numbers(text: str) -> dict[str, float]:
    """Prometheus text, read; every line is a comment or a name and a number."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("# TYPE ")]
    return {name: float(value) for name, _, value in lines}


def test_the_counts_are_those_of_the_clients(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server:
        for frames in ("json", "binary"):
            asyncio.run(speak(server, [as_pcm(SPEECH[:16_000], "f32"), END], hello=HELLO | {"frames": frames}))
        asyncio.run(speak(server, ["{}"]))
        asyncio.run(speak(server, [], hello="{}"))
        until(lambda: server.health()["sessions"] == 0)
        kind, text = page(server, "metrics")
        seen = numbers(text)
        kind_of_health, health = page(server, "health")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    assert kind_of_health == "application/json"
    assert seen["koekao_sessions_total"] == 3
    assert seen["koekao_frames_total"] == seen["koekao_wait_seconds_count"] == 60
    assert seen["koekao_samples_total"] == 32_000
    assert seen['koekao_closed_total{code="1007"}'] == 2
    assert (seen["koekao_sessions"], seen["koekao_sessions_most"]) == (0, 64)
    assert (seen["koekao_undelivered_total"], seen["koekao_faults_total"]) == (0, 0)
    assert 0 < seen['koekao_step_seconds{quantile="0.5"}'] <= seen['koekao_step_seconds{quantile="0.99"}'] < 5
    assert seen["koekao_step_seconds_sum"] >= seen['koekao_step_seconds{quantile="0.99"}']
    said = json.loads(health)
    assert (said["status"], said["sessions"], said["fps"], said["sample_rate"]) == ("ok", 0, "30", 16000)


def test_what_waits_is_shown_while_it_waits(model: FaceModel) -> None:
    engine = Gated(model)

    async def held() -> dict[str, float]:
        async with connected(server) as client:
            await client.send(json.dumps(HELLO))
            await client.recv()
            await client.send(as_pcm(SPEECH[:3200], "f32"))
            await asyncio.sleep(0.2)
            engine.open.clear()  # frames that are due now come late
            await client.send(as_pcm(SPEECH[3200:6400], "f32"))
            await asyncio.sleep(0.1)
            await client.send(as_pcm(SPEECH[6400:14_400], "f32"))
            await asyncio.sleep(0.3)
            seen = server.gauges()
            engine.open.set()
            await client.send(END)
            async for _ in client:
                pass
        return seen

    with served(engine) as server:
        seen = asyncio.run(held())
    assert seen["sessions"] == 1
    assert seen["inbox_seconds"] == seen["inbox_seconds_largest"] == 0.5
    assert 6 <= server.metrics.late <= 20
    assert server.metrics.wait.quantiles()[2] > 0.1


def test_sound_ahead_of_its_time_is_not_late(model: FaceModel) -> None:
    """Seconds sent at once wait for their turn, and no frame of them is due before its sound would have been."""
    with served(TorchEngine(model)) as server:
        asyncio.run(speak(server, [*chunks(as_pcm(np.tile(SPEECH, 2), "f32"), (16_000,), 4), END]))
    assert server.metrics.late <= 60  # those of the first two messages, where others have the processor


def test_a_spread_is_of_the_last() -> None:
    spread = Spread()
    assert spread.quantiles() == [0.0, 0.0, 0.0]
    spread.add(100.0, 3)
    for value in range(WINDOW):
        spread.add(value / WINDOW)
    assert (spread.n, round(spread.sum_s)) == (WINDOW + 3, 300 + WINDOW // 2)
    np.testing.assert_allclose(spread.quantiles(), [0.5, 0.9, 0.99], atol=1e-3)
    spread.add(5.0, 10 * WINDOW)
    assert spread.quantiles() == [5.0, 5.0, 5.0]


def test_reasons_are_labels() -> None:
    metrics = Metrics()
    metrics.refused["origin"] += 2
    metrics.refused["full"] += 1
    seen = numbers(metrics.text({"sessions": 3}))
    assert seen['koekao_refused_total{reason="origin"}'] == 2
    assert (seen["koekao_sessions"], metrics.counts()["refused"]) == (3, 3)

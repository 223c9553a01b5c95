"""``koekao serve RUN``."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from koekao.cli.console import count, json_line, length, say, working
from koekao.cli.place import expect

if TYPE_CHECKING:
    from koekao.animation.engine import Engine
    from koekao.serve import Server


def serve(
    run: Path,
    /,
    *,
    host: str = "127.0.0.1",
    port: int = 8766,
    sessions: int = 64,
    token: str = "",
    origin: list[str] | None = None,
    idle_s: float = 60.0,
    json: bool = False,
) -> None:
    """Animate the sound of many clients live, over WebSocket.

    A client says {"koekao": 1, "sample_rate": 48000, "format": "f32"}, sends its samples as they come, and gets a
    message for each frame. GET /health and /metrics tell how it goes. Ctrl-C or SIGTERM: every client gets the frames
    that it is owed.

    Args:
        run: a run made by koekao train, or a model.onnx made by koekao export.
        host: where to listen; another than this machine needs a token.
        port: where to listen; 0 takes a free one.
        sessions: how many clients there can be at once.
        token: what clients have to show, as Authorization: Bearer TOKEN or ?token=TOKEN. The environment variable
            KOEKAO_TOKEN says it without others on this machine seeing it.
        origin: web pages that may connect beside those of this machine, as https://example.org; can be said again.
        idle_s: seconds after which a client that sends nothing is closed.
        json: print the address and the counts as JSON, a line each.

    Examples:
        koekao serve run
        KOEKAO_TOKEN=secret koekao serve model.onnx --host 0.0.0.0
    """
    from koekao.serve import ServeConfig, face_server

    expect("run", run, "train one on it: koekao train CORPUS RUN")
    config = ServeConfig(
        host=host,
        port=port,
        most_sessions=sessions,
        token=token or os.environ.get("KOEKAO_TOKEN", ""),
        origins=tuple(origin or ()),
        idle_s=idle_s,
    )
    with working(f"opening {run}"):
        server = face_server(_engine_of(run), config)
    asyncio.run(_serve(server, json=json))
    counts = server.metrics.counts()
    if json:
        return json_line({"stopped": counts})
    said = (f"{count(counts['sessions'], 'session')}", f"{count(counts['frames'], 'frame')} sent")
    rest = (f"{counts[name]:,} {name}" for name in ("late", "undelivered", "refused", "faults"))
    say(f"stopped after {length(server.metrics.uptime_s)}: {', '.join((*said, *rest))}")
    return None


def _engine_of(path: Path) -> Engine:
    import torch

    from koekao.api.faces import engine

    torch.set_num_threads(1)  # steps are small; the other cores read and write
    return engine(path)


async def _serve(server: Server, *, json: bool) -> None:
    """Serve until Ctrl-C or SIGTERM."""
    loop = asyncio.get_running_loop()
    for wish in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wish, server.stop)

    gc.collect()
    gc.freeze()  # what was loaded stays; to look through it again would stop all faces for a tenth of a second

    def ready() -> None:
        if json:
            json_line({"address": f"ws://{server.address}", "sessions": server.config.most_sessions})
        else:
            say(f"serving faces at ws://{server.address}; try: curl http://{server.address}/health")

    await server.run(ready)

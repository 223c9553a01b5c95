"""Faces for many clients at once, over WebSocket: sound comes in, frames go out as soon as they can be known.

What is said is in :mod:`~koekao.serve.protocol`; how sessions share the model, in :mod:`~koekao.serve.ensemble`; what
waits for what, in :mod:`~koekao.serve.connection`; who may come, in :mod:`~koekao.serve.admission`.
"""

from __future__ import annotations

from koekao.serve.background import Background
from koekao.serve.config import ServeConfig
from koekao.serve.metrics import Metrics
from koekao.serve.server import Server, face_server
from koekao.serve.source import WebSocketSource

__all__ = ["Background", "Metrics", "ServeConfig", "Server", "WebSocketSource", "face_server"]

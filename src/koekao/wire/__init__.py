"""Face frames on the network, live: one frame in, the packets of four formats out, and back.

Each format is a module that turns a :class:`~koekao.wire.frame.FaceFrame` into bytes and bytes into what they say:
:mod:`~koekao.wire.livelink` (Unreal), :mod:`~koekao.wire.vmc` (VRM avatars), :mod:`~koekao.wire.ifacialmocap`,
:mod:`~koekao.wire.messages` (WebSocket). Sinks send them (:func:`open_sink`) and never block or raise because of who
listens; receivers hear them (:func:`listen`), whatever comes; an account says what arrived of what was sent.

What it gives up: encryption and answers. It is meant for one machine or a network one trusts.
"""

from __future__ import annotations

from koekao.wire.account import Account, self_test_account
from koekao.wire.frame import FaceFrame, still
from koekao.wire.opening import SPECS, loopback, open_sink
from koekao.wire.receivers import Received, Receiver, listen
from koekao.wire.sink import Counts, Sink

__all__ = [
    "SPECS",
    "Account",
    "Counts",
    "FaceFrame",
    "Received",
    "Receiver",
    "Sink",
    "listen",
    "loopback",
    "open_sink",
    "self_test_account",
    "still",
]

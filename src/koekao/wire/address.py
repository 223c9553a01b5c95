"""Hosts and ports as people write them: ``HOST``, ``HOST:PORT``, ``[::1]:11111``."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Any

from koekao.errors import ConfigError
from koekao.visitors import is_loopback

LOOPBACK = "127.0.0.1"
_WRITTEN = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%a-z]+)\]|(?P<host>[^\[\]:/\s]*))(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True)
class Address:
    """A host, by name or number, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it leads to this machine and no other."""
        return is_loopback(self.host)

    def resolved(self, kind: socket.SocketKind) -> tuple[socket.AddressFamily, Any]:
        """Its family and what a socket of that family connects or binds to.

        Raises:
            ConfigError: nobody knows the host.
        """
        try:
            found = socket.getaddrinfo(self.host, self.port, type=kind)
        except OSError as error:
            raise ConfigError(
                f"host {self.host!r} cannot be found ({error.strerror})", do="check its name, or give its number"
            ) from error
        return found[0][0], found[0][4]


def parse_address(text: str, port: int, where: str) -> Address:
    """Read ``[HOST][:PORT]``; this machine where there is no host, ``port`` where there is none.

    Raises:
        ConfigError: it is written otherwise.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None or int(written["port"] or 0) > 65535:
        expected = "HOST, HOST:PORT or [IPV6]:PORT, ports up to 65535"
        raise ConfigError(f"address {text!r}", where=where, expected=expected)
    host = written["v6"] or written["host"] or LOOPBACK
    return Address(host, port if written["port"] is None else int(written["port"]))


def listening(address: Address, *, send_bytes: int, receive_bytes: int | None = None) -> socket.socket:
    """A TCP socket that listens there, with the system's buffers of these sizes: what is in them waits where nobody
    can count it. Whoever connects from now on is answered as soon as somebody serves it.

    Raises:
        ConfigError: it cannot be listened at, or nobody knows the host.
    """
    family, target = address.resolved(socket.SOCK_STREAM)
    # Named TCP, because asyncio sends small messages at once (TCP_NODELAY) only where the socket says that it is.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)  # connections inherit it
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        opened.bind(target)
        opened.listen()
    except OSError as error:
        opened.close()
        what = f"{address} cannot be listened at ({error.strerror})"
        raise ConfigError(what, do="choose another port, or 0 for a free one") from error
    return opened

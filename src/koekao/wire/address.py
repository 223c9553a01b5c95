"""Hosts and ports as people write them: ``HOST``, ``HOST:PORT``, ``[::1]:11111``."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any

from koekao.errors import ConfigError

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


def is_loopback(host: str) -> bool:
    """``localhost``, 127.x.y.z and ::1."""
    return host == "localhost" or (is_number(host) and ipaddress.ip_address(host).is_loopback)


def is_number(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""Who may come, how many, and how long is waited for them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from koekao.errors import ConfigError
from koekao.wire.address import LOOPBACK, Address

LEAST_TOKEN = 16
"""Characters; a shorter one can be guessed by trying."""


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """How a server listens.

    Attributes:
        host: where; another than this machine needs a token. port: 0 takes a free one.
        most_sessions: at once; who comes after is refused.
        token: what a client has to show, as ``Authorization: Bearer TOKEN`` or ``?token=TOKEN``; empty: nothing.
        origins: of web pages that may connect beside those of this machine (``https://example.org``).
        most_message_bytes: a longer message closes its connection.
        inbox_s: sound that waits for the model before a client is no longer read. outbox_s: frames that wait for a
            client before its sound is no longer animated. stall_s: how long a client may not read before it is closed.
        idle_s: how long a client may send no sound. hello_s: how long it may take to say hello.
        gather_s: from one step of the model to the next at most, where more may come to be stepped together.
        stop_s: how long a stop waits for the frames owed.
    """

    host: str = LOOPBACK
    port: int = 8766
    most_sessions: int = 64
    token: str = ""
    origins: tuple[str, ...] = ()
    most_message_bytes: int = 1 << 20
    inbox_s: float = 2.0
    outbox_s: float = 2.0
    stall_s: float = 10.0
    idle_s: float = 60.0
    hello_s: float = 5.0
    gather_s: float = 0.010
    stop_s: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port}", expected="0 to 65535")
        if not 1 <= self.most_sessions <= 4096:
            raise ConfigError(f"{self.most_sessions} sessions", expected="1 to 4096")
        if not 1024 <= self.most_message_bytes <= 1 << 26:
            raise ConfigError(f"messages of {self.most_message_bytes} bytes", expected="1 KiB to 64 MiB")
        for name in ("inbox_s", "outbox_s", "stall_s", "idle_s", "hello_s", "gather_s", "stop_s"):
            if not 0 < getattr(self, name) <= 86_400:
                raise ConfigError(f"{name} {getattr(self, name)}", expected="above 0, up to a day")
        self._check_who()

    @property
    def address(self) -> Address:
        return Address(self.host, self.port)

    def _check_who(self) -> None:
        if self.token and not (len(self.token) >= LEAST_TOKEN and self.token.isascii() and self.token.isalnum()):
            raise ConfigError(  # what it is stays out of the message
                f"a token of {len(self.token)} characters",
                expected=f"at least {LEAST_TOKEN} letters and digits",
                do='make one: python -c "import secrets; print(secrets.token_hex(16))"',
            )
        if not self.token and not self.address.is_loopback:
            raise ConfigError(
                f"host {self.host} without a token",
                expected="a token where other machines can connect",
                do="set KOEKAO_TOKEN or --token, or listen at 127.0.0.1",
            )
        for origin in self.origins:
            parts = urlsplit(origin)
            if origin != "null" and (
                not parts.scheme or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ConfigError(f"origin {origin!r}", expected="as browsers write it: https://example.org")

"""Which request gets a session or a page, and what is said to the others: before a WebSocket is open.

What the words of a request are worth is judged by :mod:`koekao.visitors`; here it is put against the settings of the
server. The token, where there is one, may stand in the address, which nothing here writes down. Without a token a
stranger's name that was made to lead to this machine (``Host``) is refused.

What it gives up: encryption. A token on a network that one does not trust needs a TLS proxy before this server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from koekao.serve.config import ServeConfig
from koekao.visitors import is_own_name, origin_allowed, token_shown

SESSIONS, HEALTH, METRICS = "/", "/health", "/metrics"


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not come in: the HTTP status, a word for the account, and what is said."""

    status: HTTPStatus
    reason: str
    text: str


def refusal(path: str, headers: Mapping[str, Sequence[str]], config: ServeConfig) -> Refusal | None:
    """None where a request may come in.

    Args:
        path: of the request, with its query. headers: all values of ``Host``, ``Origin`` and ``Authorization``.
    """
    where = urlsplit("/" + path.lstrip("/"))
    host = "".join(headers["Host"])
    if where.path not in (SESSIONS, HEALTH, METRICS):
        known = ", ".join((SESSIONS, HEALTH, METRICS))
        return Refusal(HTTPStatus.NOT_FOUND, "path", f"no such path; expected {known}\n")
    if not all(origin_allowed(origin, host, frozenset(config.origins)) for origin in headers["Origin"]):
        text = "a page of this origin may not connect\n  -> koekao serve --origin ORIGIN\n"
        return Refusal(HTTPStatus.FORBIDDEN, "origin", text)
    if not config.token and not is_own_name(host):
        return Refusal(HTTPStatus.FORBIDDEN, "host", "this server is called by the name of another\n")
    asked_for = config.token and (where.path == SESSIONS or not config.address.is_loopback)
    if asked_for and not token_shown(where.query, headers["Authorization"], config.token):
        text = "expected a token\n  -> Authorization: Bearer TOKEN, or ?token=TOKEN\n"
        return Refusal(HTTPStatus.UNAUTHORIZED, "token", text)
    return None

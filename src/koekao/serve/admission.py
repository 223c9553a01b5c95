"""Who may come in: judged by the request alone, before a WebSocket is open.

Three things can be wrong. A page of a stranger's site that runs in a browser here may open a WebSocket to this machine,
so the ``Origin`` that browsers send has to be this machine's or a listed one; programs send none. The token, where
there is one, is compared in constant time; browsers cannot set headers on a WebSocket, so it may stand in the address,
which nothing here writes down. And a stranger's name that was made to lead to this machine (``Host``) is no name of
ours, where no token is asked for.

What it gives up: encryption. A token on a network that one does not trust needs a TLS proxy before this server.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from koekao.serve.config import ServeConfig
from koekao.wire.address import is_loopback
from koekao.wire.server import origin_allowed

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
    if not config.token and not is_loopback(_name(host)):
        return Refusal(HTTPStatus.FORBIDDEN, "host", "this server is called by the name of another\n")
    asked_for = config.token and (where.path == SESSIONS or not config.address.is_loopback)
    if asked_for and not _shown(where.query, headers["Authorization"], config.token):
        text = "expected a token\n  -> Authorization: Bearer TOKEN, or ?token=TOKEN\n"
        return Refusal(HTTPStatus.UNAUTHORIZED, "token", text)
    return None


def _shown(query: str, authorization: Sequence[str], token: str) -> bool:
    """Whether the token was shown."""
    try:
        shown = parse_qs(query, max_num_fields=16).get("token", [])
    except ValueError:
        return False
    shown += [value[7:].strip() for value in authorization if value[:7].lower() == "bearer "]
    # a list, not any(): all are compared, whichever is right
    return True in [hmac.compare_digest(one.encode("utf-8", "replace"), token.encode()) for one in shown]


def _name(host: str) -> str:
    """``localhost:8766`` -> ``localhost``."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""

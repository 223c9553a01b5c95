"""Who may come in over a socket of ours: judged by what a request says of itself, before anything is answered.

Three things can be wrong, and every server here asks about them in the same words. A page of a stranger's site that
runs in a browser on this machine may ask this machine, so the ``Origin`` that browsers send has to be a known one;
programs send none. A name that a stranger owns can be made to lead here, so where nothing else protects a server its
``Host`` has to be this machine's. And a token is compared in constant time.

What it gives up: encryption. Whoever listens on a network reads a token that is shown there.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

_MOST_FIELDS = 16
"""Of a query; a longer one shows no token."""


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


def is_own_name(host: str, port: int | None = None) -> bool:
    """Whether ``localhost:8766``, as it stands in a ``Host`` or an origin, is this machine; with ``port`` that too."""
    try:
        named = urlsplit(f"//{host}")
        return is_loopback(named.hostname or "") and port in (None, named.port)
    except ValueError:
        return False


def is_own_page(origin: str, port: int) -> bool:
    """Whether a page of ``origin`` came from this machine at ``port``: from the very server that it asks now."""
    try:
        return is_own_name(urlsplit(origin).netloc, port)
    except ValueError:
        return False


def origin_allowed(origin: str, host: str, further: frozenset[str] = frozenset()) -> bool:
    """Whether a page of ``origin`` may connect to a server that it calls ``host``.

    A page of this machine may, and one that names its own host and ours by the same number: a name may be made to lead
    here by whoever owns it. A page without origin (``null``) may not, unless it is among ``further``.
    """
    if origin in further:
        return True
    try:
        page, ours = urlsplit(origin).hostname, urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return page is not None and (is_loopback(page) or (is_number(page) and page == ours))


def token_shown(query: str, authorization: Sequence[str], token: str) -> bool:
    """Whether the token was shown: ``token=`` in the query, for browsers cannot set headers on a WebSocket, or
    ``Bearer`` in an ``Authorization``."""
    try:
        shown = parse_qs(query, max_num_fields=_MOST_FIELDS).get("token", [])
    except ValueError:
        return False
    shown += [value[7:].strip() for value in authorization if value[:7].lower() == "bearer "]
    # a list, not any(): all are compared, whichever is right
    return True in [hmac.compare_digest(one.encode("utf-8", "replace"), token.encode()) for one in shown]

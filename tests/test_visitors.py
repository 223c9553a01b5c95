"""Law: this machine's own pages and names, and the holders of the token, are known; no look-alike is."""

from __future__ import annotations

import hmac

import pytest

from koekao.visitors import is_loopback, is_own_name, is_own_page, origin_allowed, token_shown

TOKEN = "0123456789abcdefXYZ"
STRANGERS = [
    "evil.net",
    "localhost.evil.net",
    "127.0.0.1.evil.net",
    "evil.net@",
    "127.0.0.1@evil.net",
    "0.0.0.0",
    "",
    "[",
]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LocalHost"])
def test_names_of_this_machine(name: str) -> None:
    assert is_own_name(name) and is_own_name(f"{name}:8766") and is_own_name(f"{name}:8766", 8766)
    assert not is_own_name(name, 8766) and not is_own_name(f"{name}:8767", 8766)
    assert is_own_page(f"http://{name}:8766", 8766) and not is_own_page(f"http://{name}:8767", 8766)
    assert origin_allowed(f"http://{name}:3000", "192.168.1.5:8765")


@pytest.mark.parametrize("name", STRANGERS)
def test_names_of_others(name: str) -> None:
    for port in ("", ":8766"):
        assert not is_own_name(name + port) and not is_own_name(name + port, 8766)
        assert not is_own_page(f"http://{name}{port}", 8766)
        assert not origin_allowed(f"http://{name}{port}", "127.0.0.1:8766")


@pytest.mark.parametrize("host", ["localhost:x", "localhost:99999", "127.0.0.1:-1"])
def test_a_port_that_is_none_is_not_ours(host: str) -> None:
    assert not is_own_name(host, 8766) and not is_own_page(f"http://{host}", 8766)


@pytest.mark.parametrize("origin", ["null", "file://", "http://[", "", "localhost:8766"])
def test_a_page_of_nowhere_is_not_ours(origin: str) -> None:
    assert not is_own_page(origin, 8766) and not origin_allowed(origin, "localhost:8766")
    assert origin_allowed(origin, "localhost:8766", frozenset({origin})), "unless it was listed"


def test_a_page_by_its_number_may_connect_to_that_number_alone() -> None:
    assert origin_allowed("http://192.168.1.5:8000", "192.168.1.5:8765")
    assert not origin_allowed("http://192.168.1.6:8000", "192.168.1.5:8765")
    assert not origin_allowed("http://studio.local:8000", "studio.local:8765"), "a name can be made to lead here"
    assert not origin_allowed("http://192.168.1.5:8000", "")


def test_loopback_is_no_other_machine() -> None:
    assert is_loopback("::1") and not is_loopback("::") and not is_loopback("192.168.1.5")


@pytest.mark.parametrize(
    ("query", "authorization", "shown"),
    [
        ("", (), False),
        (f"token={TOKEN}", (), True),
        (f"a=b&token={TOKEN}", (), True),
        (f"Token={TOKEN}", (), False),
        (f"token={TOKEN[:-1]}", (), False),
        (f"token={TOKEN}x", (), False),
        ("token=", (), False),
        ("token=\udcff", (), False),
        ("token=wrong", (f"Bearer {TOKEN}",), True),
        ("", (f"bearer  {TOKEN} ",), True),
        ("", (f"Basic {TOKEN}",), False),
        ("", (TOKEN,), False),
        ("", ("Bearer wrong", f"Bearer {TOKEN}"), True),
        ("&".join(["a=b"] * 20 + [f"token={TOKEN}"]), (), False),
    ],
)
def test_a_token_is_shown_in_the_query_or_as_bearer(query: str, authorization: tuple[str, ...], shown: bool) -> None:
    assert token_shown(query, authorization, TOKEN) == shown


def test_every_token_that_is_shown_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long an answer takes does not tell which of them was right."""
    seen, compare = [], hmac.compare_digest

    def counted(a: bytes, b: bytes) -> bool:
        seen.append(a)
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    assert token_shown(f"token={TOKEN}&token=wrong", ("Bearer other",), TOKEN)
    assert len(seen) == 3

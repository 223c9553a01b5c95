"""Who may come in: this machine's own, unless asked otherwise, and then whoever has the token."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from koekao.animation.torch_engine import TorchEngine
from koekao.errors import ConfigError
from koekao.models import FaceModel
from koekao.serve import ServeConfig
from koekao.serve.admission import refusal
from serving import connected, served, speak

TOKEN = "0123456789abcdefXYZ"
END = json.dumps({"end": True})


def judged(path: str = "/", *, host: str = "127.0.0.1:8765", origin: Any = (), bearer: Any = (), **config: Any) -> Any:
    """The reason of a refusal, None where there is none."""
    origins, given = [origin] if isinstance(origin, str) else origin, [bearer] if isinstance(bearer, str) else bearer
    headers = {"Host": [host], "Origin": list(origins), "Authorization": list(given)}
    found = refusal(path, headers, ServeConfig(**config))
    return None if found is None else (int(found.status), found.reason)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ((), None),
        ("http://localhost:3000", None),
        ("http://127.0.0.1:8000", None),
        ("http://[::1]:8000", None),
        ("https://example.org", None),
        ("https://example.org:8443", (403, "origin")),
        ("http://example.org", (403, "origin")),
        ("https://evil.example.org", (403, "origin")),
        ("https://example.org.evil.net", (403, "origin")),
        ("http://localhost.evil.net", (403, "origin")),
        ("http://127.0.0.1.evil.net", (403, "origin")),
        ("null", (403, "origin")),
        ("", (403, "origin")),
        ("http://[", (403, "origin")),
        (("http://localhost", "https://evil.net"), (403, "origin")),
    ],
)
def test_pages(origin: Any, expected: Any) -> None:
    assert judged(origin=origin, origins=("https://example.org",)) == expected


@pytest.mark.parametrize(
    ("path", "bearer", "expected"),
    [
        ("/", (), (401, "token")),
        ("/", f"Bearer {TOKEN}", None),
        ("/", f"bearer  {TOKEN} ", None),
        ("/", f"Basic {TOKEN}", (401, "token")),
        ("/", TOKEN, (401, "token")),
        ("/", f"Bearer {TOKEN[:-1]}", (401, "token")),
        ("/", f"Bearer {TOKEN}x", (401, "token")),
        ("/", "Bearer ", (401, "token")),
        ("/", "Bearer ééé\udcff", (401, "token")),
        (f"/?token={TOKEN}", (), None),
        ("/?token=", (), (401, "token")),
        (f"/?token={TOKEN[::-1]}", (), (401, "token")),
        (f"/?other=1&token={TOKEN}", (), None),
        ("/?" + "a=1&" * 50 + f"token={TOKEN}", (), (401, "token")),
        ("/?token=%ff%fe", (), (401, "token")),
    ],
)
def test_the_token(path: str, bearer: Any, expected: Any) -> None:
    assert judged(path, bearer=bearer, token=TOKEN) == expected
    assert judged(path, bearer=bearer, token=TOKEN, host="0.0.0.0") == expected


def test_counts_are_shown_without_a_token_on_this_machine_alone() -> None:
    for page in ("/health", "/metrics"):
        assert judged(page) is None
        assert judged(page, token=TOKEN) is None
        assert judged(page, token=TOKEN, host="face.example.org") is None  # by whatever name a proxy has
    for page in ("/health", "/metrics"):
        headers: Any = {"Host": ["192.168.1.5:8765"], "Origin": [], "Authorization": []}
        config = ServeConfig(host="0.0.0.0", token=TOKEN)
        assert refusal(page, headers, config) is not None
        headers["Authorization"] = [f"Bearer {TOKEN}"]
        assert refusal(page, headers, config) is None
        headers["Origin"] = ["https://evil.net"]
        assert refusal(page, headers, config) is not None


def test_a_strangers_name_that_leads_here_is_refused() -> None:
    for page in ("/", "/health", "/metrics"):
        assert judged(page, host="evil.net:8765") == (403, "host")
        assert judged(page, host="") == (403, "host")
        assert judged(page, host="[") == (403, "host")
        assert judged(page, host="localhost:8765") is None
        assert judged(page, host="[::1]:8765") is None


def test_other_paths_are_not_there() -> None:
    for path in ("/x", "/health/x", "//evil.net/", "/../health", "/metrics%2f", "/HEALTH"):
        assert judged(path) == (404, "path")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"host": "0.0.0.0"}, "a token where other machines can connect"),
        ({"host": "192.168.1.5"}, "a token where other machines can connect"),
        ({"host": "::"}, "a token where other machines can connect"),
        ({"host": "localhost.evil.net"}, "a token where other machines can connect"),
        ({"token": "short"}, "letters and digits"),
        ({"token": "x" * 15}, "letters and digits"),
        ({"token": "0123456789abcdef!?"}, "letters and digits"),
        ({"origins": ("example.org",)}, "as browsers write it"),
        ({"origins": ("https://example.org/",)}, "as browsers write it"),
        ({"origins": ("*",)}, "as browsers write it"),
        ({"port": 65536}, "0 to 65535"),
        ({"port": -1}, "0 to 65535"),
        ({"most_sessions": 0}, "1 to 4096"),
        ({"most_message_bytes": 1}, "1 KiB"),
        ({"idle_s": 0.0}, "above 0"),
        ({"stall_s": float("nan")}, "above 0"),
        ({"inbox_s": float("inf")}, "above 0"),
    ],
)
def test_settings_that_cannot_be(config: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        ServeConfig(**config)
    assert expected in error.value.expected
    assert config.get("token", "\0") not in str(error.value)
    for host in ("127.0.0.1", "localhost", "::1"):
        ServeConfig(host=host)
    ServeConfig(host="0.0.0.0", token=TOKEN, origins=("null", "https://a.b:8443"))


def test_a_server_listens_at_this_machine_alone_unless_asked(model: FaceModel) -> None:
    with served(TorchEngine(model)) as server:
        assert server.address.host == "127.0.0.1"
        assert {bound.getsockname()[0] for bound in (server._socket,)} == {"127.0.0.1"}


def test_it_is_so_on_the_wire(model: FaceModel) -> None:
    async def status(rest: str = "", **more: Any) -> int:
        try:
            async with connected(server, rest, **more):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    async def all_of_them() -> list[int]:
        bearer = {"additional_headers": {"Authorization": f"Bearer {TOKEN}"}}
        return [
            await status(),
            await status("?token=wrong"),
            await status(f"?token={TOKEN}"),
            await status(**bearer),
            await status(**bearer, origin="https://evil.net"),
            await status(**bearer, origin="https://good.net"),
            await status("x", **bearer),
        ]

    with served(TorchEngine(model), token=TOKEN, origins=("https://good.net",)) as server:
        assert asyncio.run(all_of_them()) == [401, 401, 101, 101, 403, 101, 404]
        assert asyncio.run(speak(server, [END], rest=f"?token={TOKEN}")).code == 1000
        base = f"http://{server.address}"
        with urllib.request.urlopen(f"{base}/health") as page:
            assert (page.status, json.load(page)["status"]) == (200, "ok")
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(f"{base}/nothing"):
            pass
        assert refused.value.code == 404
        refused.value.close()
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(f"{base}/?token={TOKEN}"):
            pass
        assert refused.value.code == 426  # no WebSocket
        refused.value.close()
    assert server.metrics.refused == {"token": 2, "origin": 1, "path": 2}

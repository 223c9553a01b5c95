"""The server answers this machine, for what it was asked to show, and nobody else for anything."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from koekao.errors import CurvesError, OutputError
from koekao.takes.synthetic.making import make_take
from koekao.viewer import Clip, Listing, clip_of_take
from koekao.viewer.serving import HOST, Shown, served

CLIP = clip_of_take(make_take(1, seconds=1))


def clip(place: int) -> Clip:
    if place == 2:
        raise CurvesError("broken", where="c.csv")
    return CLIP


ROWS = [{"name": name, "speaker": "", "split": "", "seconds": 1.0} for name in "abc"]
LISTING = Listing(title="three", rows=ROWS, clip=clip, look=lambda place: (str(place), ()))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "model.onnx").write_bytes(b"model")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "koekao.js").write_text("export {}")
    (tmp_path / "web" / "secret.txt").write_text("secret")
    (tmp_path / "secret.js").write_text("secret")
    with served(Shown(listing=LISTING, model=tmp_path / "model.onnx", web=tmp_path / "web")) as address:
        parts = urlsplit(address)
        assert parts.hostname == HOST == "127.0.0.1"
        assert parts.port is not None
        yield parts.port


def ask(port: int, path: str, *, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_what_is_shown_is_answered(port: int) -> None:
    status, body, headers = ask(port, "/")
    assert status == 200 and b"koekao" in body and headers["Content-Type"].startswith("text/html")
    assert json.loads(ask(port, "/take/0")[1])["name"] == CLIP.name
    assert json.loads(ask(port, "/details/1/100")[1]) == [{"spark": "1", "flags": []}, {"spark": "2", "flags": []}]
    assert ask(port, "/model.onnx")[1] == b"model"
    status, body, headers = ask(port, "/web/koekao.js")
    assert (status, body, headers["Content-Type"]) == (200, b"export {}", "text/javascript")


def test_long_answers_come_packed_to_those_who_unpack(port: int) -> None:
    _, body, headers = ask(port, "/take/0", Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == ask(port, "/take/0")[1]


def test_a_take_that_cannot_be_read_says_why(port: int) -> None:
    status, body, _ = ask(port, "/take/2")
    assert status == 422
    assert json.loads(body)["error"].startswith("c.csv: broken")


@pytest.mark.parametrize(
    "path",
    [
        "/take/3", "/take/-1", "/take/", "/take/0/0", "/take/x", "/take/%EF%BC%99", "/details/0",
        "/take/99999999999999",
        "/web/secret.txt", "/web/../secret.js", "/web/%2e%2e/secret.js", "/etc/passwd", "//etc/passwd", "/index.html",
        "/web/", "/web",
    ],
)  # fmt: skip
def test_there_is_nothing_else(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


def test_a_digit_that_is_no_number_is_no_place(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=10) as line:
        line.sendall(b"GET /take/\xb2 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        assert line.recv(100).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_taken(port: int, method: str) -> None:
    assert ask(port, "/", method=method)[0] == 501


def test_another_name_or_page_is_refused(port: int) -> None:
    assert ask(port, "/", Host=f"evil.example:{port}")[0] == 403
    assert ask(port, "/take/0", Host=HOST)[0] == 403
    assert ask(port, "/take/0", Origin="https://evil.example")[0] == 403
    assert ask(port, "/take/0", Origin="null")[0] == 403
    assert ask(port, "/take/0", Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0] == 200


def test_no_other_page_may_hold_what_is_answered(port: int) -> None:
    headers = ask(port, "/take/0")[2]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "Access-Control-Allow-Origin" not in headers


def test_without_a_listing_or_model_there_is_the_page_alone() -> None:
    with served(Shown(clip=CLIP)) as address:
        port = urlsplit(address).port
        assert port is not None
        assert ask(port, "/")[0] == 200
        assert [ask(port, path)[0] for path in ("/take/0", "/details/0/1", "/model.onnx", "/web/koekao.js")] == [
            404
        ] * 4


def test_a_port_that_is_taken_is_an_error() -> None:
    with (
        socket.create_server((HOST, 0)) as other,
        pytest.raises(OutputError, match="--port"),
        served(Shown(clip=CLIP), port=other.getsockname()[1]),
    ):
        pass


def test_after_it_nobody_answers() -> None:
    with served(Shown(clip=CLIP)) as address:
        port = urlsplit(address).port
    with pytest.raises(OSError):
        socket.create_connection((HOST, port or 0), timeout=1)

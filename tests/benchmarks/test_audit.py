"""Law: an audit that learnt nothing does not say that all is well."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import audit

LOCK = """# how it was made
alpha==1.0 \\
    --hash=sha256:00
beta-two==2.1.post1 ; python_full_version < '3.12' \\
    --hash=sha256:01 \\
    --hash=sha256:02
beta-two==2.2 ; python_full_version >= '3.12' \\
    --hash=sha256:03
"""
BAD = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fixed_in": ["1.1"], "link": "https://there", "withdrawn": None}
WELL = {"vulnerabilities": []}


@pytest.fixture
def index() -> Iterator[tuple[str, dict[str, object]]]:
    """A registry of these releases: their path, and what it answers."""
    answers: dict[str, object] = {
        f"/pypi/{name}/json": WELL for name in ("alpha/1.0", "beta-two/2.1.post1", "beta-two/2.2")
    }

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = answers.get(self.path)
            self.send_response(404 if said is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *said: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", answers
        server.shutdown()


@pytest.fixture
def audited(
    index: tuple[str, dict[str, object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[object]:
    (tmp_path / "a.lock").write_text(LOCK, "utf-8")
    monkeypatch.setattr(sys, "argv", ["audit", str(tmp_path / "a.lock"), "--index", index[0]])

    def run() -> tuple[int, str]:
        code, said = audit.main(), capsys.readouterr()
        return code, said.out + said.err

    return run


def test_every_release_of_the_lock_is_looked_up(audited, index) -> None:
    assert audited() == (0, "3 releases of a.lock, 0 known vulnerabilities\n")
    index[1]["/pypi/beta-two/2.2/json"] = {"vulnerabilities": [BAD, BAD | {"withdrawn": "2024"}]}
    code, said = audited()
    assert code == 1
    assert "beta-two 2.2: PYSEC-1, CVE-1, mended in 1.1; https://there\n" in said and "1 known" in said


@pytest.mark.parametrize("answer", [None, {}, {"vulnerabilities": None}, []])
def test_what_says_nothing_is_no_all_clear(audited, index, answer) -> None:
    index[1]["/pypi/beta-two/2.1.post1/json"] = answer
    code, said = audited()
    assert code == 2
    assert said.startswith("NOT AUDITED: 1 of 3 releases were looked up; http://127.0.0.1") and "known vuln" not in said


def test_nobody_there_is_no_all_clear(audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [*sys.argv[:-1], "http://127.0.0.1:9"])
    code, said = audited()
    assert code == 2 and "does not answer" in said


def test_the_lock_pins_by_hash_all_that_the_project_asks_for() -> None:
    import re
    import tomllib

    lock = audit.LOCK.read_text("utf-8")
    pinned = {name.lower().replace("_", "-") for name, _ in audit.releases_of(lock)}
    for entry in re.split(r"\n(?=[a-z0-9])", lock):
        assert entry.startswith("#") or re.search(r"\\\n    --hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    project = tomllib.loads((audit.LOCK.parent / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~! ;]", line)[0].lower() for line in asked} - {"koekao"}
    assert names <= pinned
    assert not re.search(r"==[^ ]*\+", lock), "a build that only some machine has"

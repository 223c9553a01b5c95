"""A face in the browser that says what you say: one command, a page, a microphone.

    python avatar.py [RUN] [--port 8000]

RUN is the folder of a run or an exported model.onnx; without it a small model is trained on synthetic takes first. The
page (index.html, avatar.js, face.js) is plain JavaScript without a package: it sends sound over one WebSocket to
koekao's server, which animates it and sends the frames back, and draws koekao's own head with WebGL. Everything stays
on this machine. Put another face there by serving another head.glb with the same names of morph targets.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import soundfile

import koekao
from koekao.api.faces import engine
from koekao.head import head_glb
from koekao.serve import Background, ServeConfig, face_server

HERE = Path(__file__).parent
Files = dict[str, tuple[str, bytes]]


class Page(BaseHTTPRequestHandler):
    """Answers with the files that it was given, and with nothing else: no path of a request becomes one of the disk."""

    def __init__(self, files: Files, *request: object) -> None:
        self.files = files
        super().__init__(*request)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        kind, data = self.files.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def a_run(out: Path) -> Path:
    """A small model, trained on synthetic takes for half a minute."""
    print("no run was named: training a small one on synthetic takes, half a minute", flush=True)
    koekao.pack_takes(koekao.make_takes(16, seconds=12.0), out / "corpus", koekao.PackConfig(val=0.1))
    settings = {"dropout": 0.1, "noise": 0.1, "tempo": 0.0}
    koekao.train(out / "corpus", out / "run", minutes=0.5, model=settings, plots=False)
    return out / "run"


@contextmanager
def serving(run: Path, port: int) -> Iterator[str]:
    """The page and the server of faces beside it, on this machine alone; the address to open."""
    speech = io.BytesIO()  # for those without a microphone
    soundfile.write(speech, koekao.make_take(99, seconds=6.0).audio, 16000, format="WAV")
    with Background(face_server(engine(run), ServeConfig(port=0))) as faces:  # port 0: any that is free
        files: Files = {
            "/": ("text/html; charset=utf-8", (HERE / "index.html").read_bytes()),
            "/head.glb": ("model/gltf-binary", head_glb()),
            "/speech.wav": ("audio/wav", speech.getvalue()),
            "/server": ("text/plain", f"ws://{faces.address}".encode()),
        }
        files |= {f"/{name}": ("text/javascript", (HERE / name).read_bytes()) for name in ("avatar.js", "face.js")}
        with ThreadingHTTPServer(("127.0.0.1", port), partial(Page, files)) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("run", nargs="?", type=Path)
    said.add_argument("--port", type=int, default=8000)
    given = said.parse_args()
    run = given.run or a_run(Path(tempfile.mkdtemp(prefix="koekao-")))
    with serving(run, given.port) as address:
        print(f"made a page: open {address} and speak; Ctrl-C ends it", flush=True)
        print(f"next: koekao live {run} --source mic --sink vmc, for an avatar in another program", flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()


if __name__ == "__main__":
    main()

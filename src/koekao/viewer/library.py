"""Where the browser library lies: ``koekao.js``, and the WebAssembly of onnxruntime that runs a model in a page.

It is built with node from ``web/``: ``make wheel`` lays it into the package, so that who installs the wheel needs no
node; in a checkout ``npm run build`` makes ``web/dist``. It is 14 MB (4 in the wheel), the smallest that onnxruntime
offers, and so is not committed. A wheel built without node lacks it; then all of the page works but the microphone.
"""

from __future__ import annotations

from pathlib import Path

from koekao.errors import ConfigError

PACKED = Path(__file__).parent / "browser"
"""Of a wheel."""
BUILT = Path(__file__).parents[3] / "web" / "dist"
"""Of a checkout; first where it is there, for who builds it wants to see it."""
NEEDED = ("koekao.js", "ort-wasm-simd-threaded.wasm")


def library(folder: Path | None = None) -> Path:
    """The folder of the browser library: the one named, else the one that is there.

    Raises:
        ConfigError: a file of it is missing.
    """
    if folder is None:
        folder = next((one for one in (BUILT, PACKED) if not _missing(one)), None)
        if folder is None:
            raise ConfigError(
                "this koekao was built without the browser library, so its page cannot run a model",
                where=PACKED,
                expected=" and ".join(NEEDED),
                do="install a wheel made by `make wheel` where node is, or name a built folder with --web",
            )
    elif missing := _missing(folder):
        raise ConfigError(
            f"holds no built {missing[0]}",
            where=folder,
            do="build it once (npm ci && npm run build in web/ of the repository) and name its dist with --web",
        )
    return folder


def _missing(folder: Path) -> list[str]:
    return [name for name in NEEDED if not (folder / name).is_file()]

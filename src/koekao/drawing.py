"""What pictures of curves and sound have in common, whoever draws them: letters of any language, a wave, bytes.

matplotlib draws, where it is installed: it is an extra (``koekao[plot]``), imported when the first picture is drawn.
Never pyplot, which holds figures of the whole process and may open windows. One input gives one picture: SVG has no
date and no random names in it.

What it gives up: the doctor's plots, which are lines of SVG on a grid of their own, without any library.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError

ENDINGS = (".png", ".svg")
_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic", "Meiryo", "IPAexGothic", "TakaoGothic")
"""Take after DejaVu Sans what it lacks, such as the names of Japanese takes, as far as they are installed."""


@contextmanager
def style(**settings: Any) -> Iterator[None]:
    """What is drawn within (or in a function decorated with it) has names as they are written; ``settings`` more.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.font_manager import fontManager
    except ImportError as error:
        raise ConfigError("pictures need matplotlib", do='pip install "koekao[plot]"') from error
    there = set(fontManager.get_font_names())
    letters = ["DejaVu Sans", *(name for name in _FONTS if name in there)]
    common: dict[Any, Any] = {"font.family": letters, "text.parse_math": False}
    common |= {"svg.hashsalt": "koekao", "svg.fonttype": "none"}
    with rc_context(common | settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that no font here has
        yield


def figure(width_inches: float, height_inches: float, *, dpi: int = 120, layout: Any = None) -> Any:
    """An empty white one."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), dpi=dpi, layout=layout, facecolor="white")


def picture(drawn: Any, format: str = "png") -> bytes:
    """A figure as PNG or SVG; to be called within :func:`style`."""
    file = io.BytesIO()
    drawn.savefig(file, format=format, metadata={"Date": None} if format == "svg" else None)
    return file.getvalue()


def wave(
    samples: NDArray[np.floating[Any]], most: int
) -> tuple[NDArray[np.int64], NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Where each of at most ``most`` slices of ``[n]`` samples begins, its least and its largest; of none none."""
    n_slices = min(len(samples), most)
    edges = (np.arange(n_slices) * len(samples)) // max(1, n_slices)
    if not n_slices:
        return edges, samples[:0], samples[:0]
    return edges, np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)

"""Files of curves, by format: each a module, all of them in :mod:`koekao.takes.formats.registry`.

What a format of your own needs is here, too: see :func:`koekao.register_format`.
"""

from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.registry import (
    CURVE_FORMATS,
    CurveFormat,
    ReadOptions,
    curve_formats,
    read_curves,
    register_format,
)
from koekao.takes.formats.rows import Rows, layout_of

__all__ = [
    "CURVE_FORMATS",
    "CurveFile",
    "CurveFormat",
    "ReadOptions",
    "Rows",
    "curve_formats",
    "layout_of",
    "read_curves",
    "register_format",
]

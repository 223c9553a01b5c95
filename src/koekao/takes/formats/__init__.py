"""Files of curves, by format: each a module, all of them in :mod:`koekao.takes.formats.registry`."""

from koekao.takes.formats.registry import CURVE_FORMATS, CurveFormat, ReadOptions, read_curves

__all__ = ["CURVE_FORMATS", "CurveFormat", "ReadOptions", "read_curves"]

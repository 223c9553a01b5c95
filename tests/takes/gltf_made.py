"""Six frames of curves in a glTF document, as the reader takes it or refuses it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from koekao import arkit
from koekao.errors import CurvesError
from koekao.takes.curves import CurveTrack
from koekao.takes.formats.curve_file import CurveFile
from koekao.takes.formats.gltf import read_gltf
from koekao.takes.take import Source
from take_files import GltfBytes, curves, survives_pickling

VALUES = curves(6)
TIMES = [k / 32 for k in range(6)]


def parse(data: bytes, path: str = "a.gltf", **options: Any) -> CurveTrack:
    return read_gltf(CurveFile(data=data, source=Source(path=path, size=len(data), sha256="")), **options)


def refused(made: GltfBytes | bytes, **options: Any) -> CurvesError:
    """The error, which has to be the same whether the document lies in a ``.gltf`` or a ``.glb``."""
    ways = [made] if isinstance(made, bytes) else [made.gltf(), made.glb()]
    faults = []
    for data in ways:
        with pytest.raises(CurvesError) as caught:
            parse(data, **options)
        assert survives_pickling(caught.value)
        faults.append(caught.value)
    assert len(set(map(str, faults))) == 1
    return faults[0]


def made(values: np.ndarray = VALUES, names: Any = arkit.NAMES) -> GltfBytes:
    return GltfBytes(values, TIMES[: len(values)], names)

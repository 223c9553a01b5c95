"""Where the examples lie, and the environment that they are run in: one core, and this koekao."""

from __future__ import annotations

import os
from pathlib import Path

import koekao

ROOT = Path(koekao.__file__).parents[2]
EXAMPLES = ROOT / "examples"


def environment(**more: str) -> dict[str, str]:
    """This one with ``more``."""
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"} | more

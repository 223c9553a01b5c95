"""Fixtures for whoever runs the command line in a test: lines are 80 wide, and TensorBoard is not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from koekao.cli.console import ERRORS, OUT


@pytest.fixture(autouse=True, scope="session")
def eighty_columns() -> Iterator[None]:
    before = OUT.width, ERRORS.width
    OUT.width = ERRORS.width = 80
    yield
    OUT.width, ERRORS.width = before


@pytest.fixture(autouse=True, scope="session")
def no_tensorboard() -> Iterator[None]:
    """It takes seconds to import and is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorboard", None)
        yield

"""One noisy take for all tests of the controls."""

from __future__ import annotations

import pytest
from faces_under_control import Curves, noisy, speech


@pytest.fixture(scope="session")
def take() -> Curves:
    """Six noisy seconds; fifty-two curves that all move."""
    return noisy(speech(6.0))

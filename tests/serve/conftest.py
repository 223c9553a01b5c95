"""One small model for all tests of the server."""

from __future__ import annotations

import pytest

from koekao.models import FaceModel
from serving import small_model


@pytest.fixture(scope="session")
def model() -> FaceModel:
    return small_model()

"""One small model for all tests of the server."""

from __future__ import annotations

import pytest
from serving import small_model

from koekao.models import FaceModel


@pytest.fixture(scope="session")
def model() -> FaceModel:
    return small_model()

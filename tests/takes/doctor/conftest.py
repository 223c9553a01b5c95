"""A take, examined: its files written to a folder of the test and read again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from spoiled import Recording

from koekao.takes.doctor.health import Health, examine
from koekao.takes.doctor.subjects import find_subjects

Examine = Callable[..., Health]


@pytest.fixture
def health_of(tmp_path: Path) -> Examine:
    """``health_of(recording)``, or of a file; further arguments go to the writer."""

    def of(thing: Recording | Path, **more: str) -> Health:
        place = thing if isinstance(thing, Path) else thing.write(tmp_path / "takes", "take", **more)
        (subject,) = find_subjects(place)
        return examine(subject, sync=False)

    return of

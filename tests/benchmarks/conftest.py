"""Two short takes as files and in three stores."""

from __future__ import annotations

import pytest
from small_bench import Bench

from recordings import Reference, make_recordings
from stores import make_store


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    takes, stores = folder / "takes", folder / "stores"
    make_recordings(takes, n=2, seconds=(10.0, 12.0))
    for name in ("flat", "files", "koekao"):
        make_store(takes, stores, name)
    return Bench(takes, stores, Reference(takes))

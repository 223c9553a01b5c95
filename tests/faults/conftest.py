"""Speech for the faults of training, and the page that tells what became of all of them (``--reliability``)."""

from __future__ import annotations

import pytest
from small_runs import corpus_at, quick

from koekao.corpus import Corpus
from koekao.training import ridge, trainer


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Five takes of 2 to 3 s in three voices; ken_10003 is for validation, the others for training."""
    return corpus_at(tmp_path_factory.mktemp("spoken") / "corpus")


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small baseline, every step told, no TensorBoard, for the test alone."""
    for module, name in ((ridge, "PAST_FRAMES"), (trainer, "_TELL_EVERY_STEPS"), (trainer, "listeners_of")):
        monkeypatch.setattr(module, name, getattr(module, name))  # to be put back
    quick()

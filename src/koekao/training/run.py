"""A run: the folder that a training leaves behind, and what others read from it.

``config.yaml`` are all settings, to be said again by ``--config``; ``run.json`` says how it was made, on which takes,
and how far it came; ``last.safetensors`` is all that is needed to go on; ``best.safetensors`` are the weights to use;
``ridge.safetensors`` the baseline; ``log.jsonl`` what happened; ``scores.json`` how good the best weights are on the
validation takes; ``model_card.md`` all this for people; ``curves.png`` and ``curves/`` pictures of an unseen take.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from koekao.atomic import write_file
from koekao.corpus import Corpus
from koekao.errors import RunError
from koekao.models import FaceModel
from koekao.training.checkpoint import published_model
from koekao.training.ridge import Ridge

VERSION = 2
"""2: ``run.json`` holds the SHA-256 of itself, with zeros in its place. Older ones are read."""
_SEALED_SINCE = 2
_UNSEALED = "0" * 64
_SEAL = b'"sha256": "%s"'
_PUT_BACK = "put it back from a copy, or train again; the weights beside it have a hash of their own"


@dataclass(frozen=True)
class Run:
    """The paths in a run folder, and the ways to read them."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "run.json"

    @property
    def settings(self) -> Path:
        return self.path / "config.yaml"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def last(self) -> Path:
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        return self.path / "best.safetensors"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def card(self) -> Path:
        return self.path / "model_card.md"

    @property
    def curves(self) -> Path:
        return self.path / "curves"

    @property
    def newest_curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def ridge(self) -> Path:
        return self.path / "ridge.safetensors"

    def read(self) -> dict[str, Any]:
        """``run.json``.

        Raises:
            RunError: there is no run, or its record is damaged or newer than this koekao.
        """
        if not self.record.is_file():
            raise RunError("is no run", where=self.path, expected="a folder with run.json", do="make one: koekao train")
        try:
            data = self.record.read_bytes()
            record = json.loads(data)
            version, seal = int(record["version"]), str(record.pop("sha256", ""))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RunError(f"is damaged ({error})", where=self.record, do=_PUT_BACK) from error
        if version > VERSION:
            raise RunError(
                f"version {version}", where=self.record, expected=f"up to {VERSION}", do="install a newer koekao"
            )
        if version < 1 or (version >= _SEALED_SINCE and seal != _hash(data, seal)):
            what = "is damaged or was edited: its content is not what its SHA-256 says"
            raise RunError(what, where=self.record, expected=f"{seal[:12]}...", do=_PUT_BACK)
        return dict(record)

    def read_to_resume(self, corpus: Corpus) -> dict[str, Any]:
        """``run.json`` of a run that is to go on with ``corpus``.

        Raises:
            RunError: there is no run, or it was trained on another corpus.
        """
        record = self.read()
        if record["corpus"]["id"] != corpus.id:
            raise RunError(
                f"was trained on corpus {record['corpus']['id'][:12]}, this one is {corpus.id[:12]}",
                where=self.path,
                do="resume with the corpus that the run began with",
            )
        return record

    def refuse_existing(self) -> None:
        """Raise RunError if there is a run already, or a corpus, which stays as it was packed."""
        if self.record.exists():
            raise RunError(
                "holds a run already", where=self.path, do="say --resume to go on with it, or choose another folder"
            )
        if (self.path / "corpus.json").exists():
            raise RunError("holds a corpus", where=self.path, expected="a new folder", do="name another for the run")

    def write(self, record: dict[str, Any]) -> None:
        """Replace ``run.json``, whole or not at all, with the hash that finds a changed bit in it."""
        head = {"version": VERSION, "sha256": _UNSEALED}
        data = json.dumps(head | record | head, indent=1).encode()
        write_file(self.record, data.replace(_SEAL % _UNSEALED.encode(), _SEAL % _hash(data, _UNSEALED).encode(), 1))

    def read_scores(self) -> dict[str, Any]:
        """``scores.json``.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return dict(json.loads(self.scores.read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(
                f"cannot be read ({error})", where=self.scores, do="remove it; the next best weights bring another"
            ) from error

    def weights(self) -> Path:
        """The file with the run's best weights, or its last where none were chosen yet.

        Raises:
            RunError: no run, or no weights in it yet.
        """
        self.read()
        for path in (self.best, self.last):
            if path.is_file():
                return path
        raise RunError("holds no weights yet", where=self.path, do="train it: koekao train CORPUS RUN --resume")

    def model(self) -> FaceModel:
        """The model of :meth:`weights`.

        Raises:
            RunError: no run, or no weights in it yet. ModelError: weights that cannot be used.
        """
        return published_model(self.weights())

    def baseline(self) -> Ridge:
        """The ridge regression that was fitted on the run's training takes."""
        return Ridge.load(self.ridge)


def open_run(path: str | Path) -> Run:
    """The run at ``path``.

    Raises:
        RunError: there is none.
    """
    run = Run(Path(path))
    run.read()
    return run


def _hash(data: bytes, seal: str) -> str:
    """The SHA-256 of a record as it was before it was sealed."""
    return hashlib.sha256(data.replace(_SEAL % seal.encode("utf-8", "replace"), _SEAL % _UNSEALED.encode())).hexdigest()


def fingerprints(corpus: Corpus) -> dict[str, str]:
    """Take name -> SHA-256 of its sound, so that a take is known again in another corpus and under another name."""
    return {
        name: hashlib.sha256(np.ascontiguousarray(corpus.audio(i)).tobytes()).hexdigest()
        for i, name in enumerate(corpus.names)
    }

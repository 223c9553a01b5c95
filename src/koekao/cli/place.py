"""A corpus on the command line: a folder, or a URL, which is kept as it is written: Path makes ``s3:/a`` of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from koekao.errors import ConfigError
from koekao.place import is_url


def _place(_: Any, tokens: Sequence[Any]) -> Path | str:
    word = str(tokens[0].value)
    return word if is_url(word) or word.startswith("file://") else Path(word)


Place = Annotated[Path | str, Parameter(converter=_place, accepts_keys=False)]

_MARKS = {"corpus": "corpus.json", "run": "run.json"}


def expect(wanted: str, path: Path | str, do: str) -> None:
    """Refuse a corpus where a run or takes are meant, and a run where a corpus is: words in another order, mostly.

    Raises:
        ConfigError: it is the other.
    """
    for kind, mark in _MARKS.items():
        if kind != wanted and (Path(path) / mark).is_file() and not is_url(path):
            expected = wanted if wanted == "takes" else f"a {wanted}"
            raise ConfigError(f"is a {kind}", where=path, expected=expected, do=do)

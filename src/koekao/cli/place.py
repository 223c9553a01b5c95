"""A corpus on the command line: a folder, or a URL, which is kept as it is written: Path makes ``s3:/a`` of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from koekao.place import is_url


def _place(_: Any, tokens: Sequence[Any]) -> Path | str:
    word = str(tokens[0].value)
    return word if is_url(word) or word.startswith("file://") else Path(word)


Place = Annotated[Path | str, Parameter(converter=_place, accepts_keys=False)]

"""One curve file as the formats look at it: its bytes, the same as text, and as one JSON document.

Nine formats ask what a file is, and some can only tell by decoding all of it. Each form is made when it is first asked
for and kept, so a file of 40 MB is parsed once, whoever asks.

What it gives up: all three forms are held while the file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from koekao.errors import CurvesError
from koekao.takes.formats.ifacialmocap import sniff_ifacialmocap
from koekao.takes.formats.jsonl import sniff_jsonl
from koekao.takes.formats.strict_json import decode_document
from koekao.takes.source import TextFile, as_text, read_source
from koekao.takes.take import Source

SNIFFED_CHARACTERS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class CurveFile:
    """A file that was read whole."""

    data: bytes
    source: Source

    @classmethod
    def read(cls, path: Path) -> CurveFile:
        """Read the file; raises CurvesError as :func:`koekao.takes.source.read_source` does."""
        data, source = read_source(path, CurvesError)
        return cls(data=data, source=source)

    @property
    def path(self) -> str:
        return self.source.path

    @cached_property
    def text(self) -> TextFile:
        """As UTF-8 text; raises CurvesError as :func:`koekao.takes.source.as_text` does."""
        return as_text(self.data, self.source)

    @property
    def head(self) -> str:
        """The first 65,536 characters."""
        return self.text.text[:SNIFFED_CHARACTERS]

    @cached_property
    def is_json(self) -> bool:
        """Whether the file looks like one JSON document (lines of JSON are none)."""
        lines = sniff_jsonl(self.head) or sniff_ifacialmocap(self.head)
        return self.head.lstrip()[:1] in ("{", "[") and not lines

    @cached_property
    def document(self) -> Any:
        """The file as one JSON document.

        Raises:
            CurvesError: at ``file:line:column``: no JSON, a key twice in one object, too deep to read.
        """
        return decode_document(self.text.text, self.path, "one JSON document")

"""The bytes of one input file, read once, with the fingerprint that goes into the corpus.

A reader works on bytes that were read in one go and hashed as read, so what was checked, what was decoded and what the
fingerprint says are the same thing even while somebody writes to the file. What it gives up: the whole file is in
memory while it is read, which for a recording is no more than what it decodes to.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from koekao.errors import CurvesError, TakeError
from koekao.takes.take import Source

MAX_LINE_CHARACTERS = 1_000_000
_BOM_UTF8 = b"\xef\xbb\xbf"
_BOMS_WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}
_AS_UTF8 = "save the file as UTF-8 text"


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """A text file as the curve readers see it: decoded, without byte order mark, line ends as they stand."""

    path: str
    text: str
    source: Source

    @property
    def lines(self) -> list[str]:
        """The lines without their ends (LF or CRLF); empty lines at the end of the file are no lines.

        Only LF ends a line: ``str.splitlines`` also splits at U+2028 and form feeds, which may stand inside JSON.

        Raises:
            CurvesError: a line of more than a million characters, which no row of curves is.
        """
        lines = [line.removesuffix("\r") for line in self.text.split("\n")]
        while lines and not lines[-1].strip():
            lines.pop()
        longest = max(range(len(lines)), key=lambda i: len(lines[i]), default=0)
        if lines and len(lines[longest]) > MAX_LINE_CHARACTERS:
            raise CurvesError(
                f"a line of {len(lines[longest])} characters",
                where=f"{self.path}:{longest + 1}",
                expected=f"at most {MAX_LINE_CHARACTERS}, one row of curves a line",
            )
        return lines


def require_file(path: Path, error: type[TakeError]) -> None:
    """Raise ``error`` if ``path`` is not a plain file (a pipe would block, a folder cannot be read)."""
    if not path.exists():
        raise error("there is no such file", where=path, do="check the path")
    if not path.is_file():
        raise error("is not a plain file", where=path, expected="a file", do="name a file, not a folder or device")


def read_source(path: Path, error: type[TakeError]) -> tuple[bytes, Source]:
    """Read a file whole.

    Raises:
        TakeError: of the class ``error``: missing, unreadable, empty, or changing while it is read.
    """
    try:
        require_file(path, error)
        with path.open("rb") as file:
            before = os.fstat(file.fileno()).st_size
            data = file.read()
            after = os.fstat(file.fileno()).st_size
    except OSError as fault:
        raise error(
            f"cannot be read ({fault.strerror or fault})", where=path, do="check the rights of the file"
        ) from fault
    if not before == len(data) == after:
        raise error(
            f"changed from {before} to {max(len(data), after)} bytes while it was read",
            where=path,
            do="wait until the recorder or the copy has finished",
        )
    if not data:
        raise error("the file is empty (0 bytes)", where=path, do="record or copy it again, or remove it")
    return data, Source(path=str(path), size=len(data), sha256=hashlib.sha256(data).hexdigest())


def as_text(data: bytes, source: Source) -> TextFile:
    """The bytes of a curve file as UTF-8 text, with or without byte order mark.

    Raises:
        CurvesError: the file is UTF-16, holds NUL bytes, is no UTF-8 (with the byte), or holds nothing but blanks.
    """
    path = source.path
    for bom, encoding in _BOMS_WIDE.items():
        if data.startswith(bom):
            raise CurvesError(f"is {encoding} text", where=f"{path}:byte 0", expected="UTF-8", do=_AS_UTF8)
    body = data.removeprefix(_BOM_UTF8)
    skipped = len(data) - len(body)
    nul = body.find(b"\0")
    if nul >= 0:
        raise CurvesError(
            "NUL byte, so this is binary, UTF-16 or a damaged file",
            where=f"{path}:byte {skipped + nul}",
            expected="UTF-8 text",
            do=_AS_UTF8 + ", or copy it again from its source",
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise CurvesError(
            f"byte 0x{body[fault.start]:02x} is no UTF-8",
            where=f"{path}:byte {skipped + fault.start}",
            expected="UTF-8 text",
            do=_AS_UTF8,
        ) from fault
    if not text or text.isspace():
        raise CurvesError("holds nothing but blanks", where=path, do="record or copy it again, or remove it")
    return TextFile(path=path, text=text, source=source)

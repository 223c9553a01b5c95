"""The door of a corpus: each take is read, checked, and let in or refused with its reason.

Who may come is decided before any sound is read: a roster gives every name its speaker and its split. A take that
cannot be used is an answer here, not an exception, so that one run tells about every fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from koekao.clock import Clock
from koekao.corpus.checks import fitted
from koekao.errors import TakeError
from koekao.takes.take import Take


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A take that may be packed: its name, how to read it, and the files that decide what is read, if it has such."""

    name: str
    load: Callable[[], Take]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What a take is held to.

    Attributes:
        members: name -> (speaker, split) of every take that may come.
        clock, audio_dtype: of the corpus.
    """

    members: Mapping[str, tuple[str, str]]
    clock: Clock
    audio_dtype: str

    def read(self, candidate: Candidate) -> Take | TakeError:
        """The take as it may stand in the corpus, or why it may not."""
        name = candidate.name
        try:
            if name not in self.members:
                raise TakeError("is not in the roster", where=name, do="name every take in the roster")
            speaker, _ = self.members[name]
            take = fitted(candidate.load(), self.clock, self.audio_dtype)
            if (take.name, take.speaker) != (name, speaker):
                seen = f"take {take.name!r} of {take.speaker!r}"
                raise TakeError(seen, where=name, expected=f"{name!r} of {speaker!r}, as announced")
        except TakeError as error:
            return error
        except OSError as error:
            return TakeError(f"cannot be read ({error.strerror or error})", where=error.filename or name)
        return take


def refuse_twice(names: Sequence[str]) -> None:
    """Raise TakeError if two takes have one name."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise TakeError(f"two takes are named {twice[0]!r}", expected="one take a name", do="rename one of them")

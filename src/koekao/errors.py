"""One root for every error that koekao raises on purpose.

An error names where (``take.jsonl:12:jawOpen``), what was seen, what was expected and what to do about it, so that a
person can mend the input without reading our code. The command line prints exactly this text and exits with 2.

Each error is made from one message plus keywords and survives pickling and the re-raising that data loading workers do
(``type(error)(str(error))``), because a fault that loses its name on the way to the user is a lost fault.
"""

from __future__ import annotations


class KoekaoError(Exception):
    """The root. ``where: what; expected ... -> do`` is the shape of its text.

    >>> import koekao
    >>> try:
    ...     koekao.open("nowhere")
    ... except koekao.KoekaoError as error:
    ...     print(error)
    nowhere: no such folder; expected a corpus
      -> check the path, or make a corpus: koekao pack TAKES CORPUS

    Args:
        what: what is wrong, with the value that was seen.
        where: file, and inside it the line, column, frame or key (``"a.csv:3:JawOpen"``).
        expected: what would have been right.
        do: what the user can do now.
    """

    def __init__(self, what: str, *, where: object = "", expected: str = "", do: str = "") -> None:
        self.what, self.where, self.expected, self.do = what, str(where), expected, do
        text = f"{self.where}: {what}" if self.where else what
        text += f"; expected {expected}" if expected else ""
        super().__init__(f"{text}\n  -> {do}" if do else text)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.expected, self.do)


def _rebuild(kind: type[KoekaoError], what: str, where: str, expected: str, do: str) -> KoekaoError:
    return kind(what, where=where, expected=expected, do=do)


class ConfigError(KoekaoError):
    """A setting that cannot be (a stride of 0, 4 rows in 3 streams)."""


class TakeError(KoekaoError):
    """A recording that cannot be used as it is."""


class SoundError(TakeError):
    """The sound of a take: missing, empty, truncated, with a header that lies, silent of samples."""


class CurvesError(TakeError):
    """The curves of a take: missing, unreadable cell, missing columns, time that runs backward."""


class CorpusError(KoekaoError):
    """A corpus that is missing, newer than this koekao, damaged, or not what a saved position was made on."""


class PlanError(KoekaoError):
    """Windows that cannot be planned (no take is long enough, every batch would be incomplete)."""


class BatchError(KoekaoError):
    """A batch that could not be made: what went wrong in a gathering thread or in a transform, or nothing came."""


class RunError(KoekaoError):
    """A training run: missing, already there, not resumable, or with a loss that is no longer a number."""


class ModelError(KoekaoError):
    """Weights that do not fit the model, the corpus or the sound they are asked to work on."""


class OutputError(KoekaoError):
    """A file that cannot be written as asked (unknown ending, target in the way)."""


class WireError(KoekaoError):
    """A packet or message that is not what it says it is (wrong length, wrong count, a value that is no number)."""

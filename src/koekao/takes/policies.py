"""What may be done to a recording to make it a take: every repair has a name, and the corpus says which a take had.

What is done stands in :attr:`koekao.takes.take.Take.repairs`, a sentence each, ``"name: what was done, with numbers"``;
the names are those of :data:`REPAIRS`. What is worth saying and changes nothing (a guessed clock, a column that is
passed over, less than a frame at the end that no frame holds) begins with ``note:`` and is no repair. With ``strict``
a recording that needs any repair is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, get_args

from koekao.clock import parse_fps
from koekao.errors import ConfigError, TakeError

REPAIRS: Mapping[str, str] = MappingProxyType(
    {
        "mono": "several channels of sound became one",
        "resample": "sound was brought to the corpus's sample rate",
        "round": "sound was rounded to 16 bits",
        "trim": "what one of sound and curves had more, or a header promised in vain, was cut",
        "pad": "the shorter of sound and curves was filled up with silence or with invalid frames",
        "start": "sound and curves were laid on one timeline",
        "sync": "a measured offset or drift between sound and curves was taken out",
        "rate": "curves were brought to the corpus's frame rate",
        "gaps": "frames without a tracked face were filled by interpolation",
        "clip": "values outside [0, 1] were clipped",
        "rescale": "values of 0 to 100 were divided by 100",
        "missing": "a curve that the format does not have was set to 0",
    }
)
"""Name of a repair -> what it means."""

NOTE = "note"

# Spelt out, so that help lists them and type checkers know them; a test compares them with what the readers take.
Mono = Literal["mix", "left", "right", "refuse"]
Truncated = Literal["refuse", "trim"]
Ends = Literal["trim", "pad", "refuse"]
Values = Literal["keep", "clip", "rescale", "refuse"]
Method = Literal["linear", "cubic"]
SyncPolicy = Literal["off", "report", "fix", "refuse"]
Order = Literal[
    "apple",
    "lam",
    "unity",
    "vrm",
    "mediapipe",
    "beat",
    "livelink_csv",
    "livelink_udp",
    "unreal",
    "audio2face",
    "ifacialmocap",
]
_CHOICES: Mapping[str, Any] = MappingProxyType(
    {
        "mono": Mono,
        "truncated": Truncated,
        "ends": Ends,
        "values": Values,
        "method": Method,
        "sync": SyncPolicy,
        "order": Order,
    }
)


@dataclass(frozen=True, kw_only=True)
class TakePolicies:
    """What may be done to a recording to make it a take.

    Attributes:
        mono: what to do with several channels of sound: ``mix`` them (their mean), take the ``left`` or ``right``, or
            ``refuse``.
        truncated: what to do with a WAV whose header promises other than there is: ``refuse``, or ``trim`` to what is
            there.
        ends: what to do where sound and curves end at different times: ``trim`` the longer, ``pad`` the shorter (with
            silence, with invalid frames), or ``refuse`` a difference of a frame or more.
        length_tolerance_s: by how much they may differ at all; beyond it they are no pair.
        values: ``keep`` values outside [0, 1], ``clip`` them, ``rescale`` a take whose values are on a scale of 0 to
            100, or ``refuse`` it.
        max_gap_s: the longest stretch without tracked rows that is bridged as valid.
        method: how curves are brought to the frame rate: ``linear``, or monotone ``cubic``, which takes out first what
            the frame rate cannot hold (60 rows a second to 30).
        sync: whether the time between sound and mouth is measured, and what becomes of a take that is out of sync:
            ``report`` it, ``fix`` it by moving the curves, or ``refuse`` it. What is not sure is reported, no more.
        sync_tolerance_ms: how late or early the sound may come before a take is out of sync.
        shortest_s: a take of less is refused.
        strict: refuse every recording that needs a repair.
        read: the format of the files of curves, where their content is not to decide.
        order: the order of curves in files that do not name them.
        timecode_rate: frames a second of a timecode's clock, where the rows cannot tell it.
        rows_fps: rows a second of curve files whose rows have no times.
    """

    mono: Mono = "mix"
    truncated: Truncated = "refuse"
    ends: Ends = "trim"
    length_tolerance_s: float = 1.0
    values: Values = "keep"
    max_gap_s: float = 0.1
    method: Method = "linear"
    sync: SyncPolicy = "off"
    sync_tolerance_ms: float = 40.0
    shortest_s: float = 0.0
    strict: bool = False
    read: str | None = None
    order: Order | None = None
    timecode_rate: Fraction | int | None = None
    rows_fps: Fraction | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            chosen = getattr(self, name)
            if chosen not in get_args(choices) and not (name == "order" and chosen is None):
                raise ConfigError(f"{name}={chosen!r}", expected="one of " + ", ".join(get_args(choices)))
        for name in ("max_gap_s", "length_tolerance_s", "sync_tolerance_ms", "shortest_s"):
            if not 0 <= getattr(self, name) < float("inf"):
                expected = ("milliseconds" if name.endswith("_ms") else "seconds") + ", 0 or more"
                raise ConfigError(f"{name}={getattr(self, name)!r}", expected=expected)
        if self.rows_fps is not None:
            object.__setattr__(self, "rows_fps", parse_fps(self.rows_fps))


def name_of(sentence: str) -> str:
    """The name of a repair, or ``note``.

    >>> name_of("trim: 3 rows of curves at the end"), name_of("note: 7 values outside [0, 1], kept")
    ('trim', 'note')
    """
    return sentence.partition(":")[0].strip()


def repairs_among(sentences: Iterable[str]) -> list[str]:
    """The sentences that are repairs, notes left out."""
    return [sentence for sentence in sentences if name_of(sentence) != NOTE]


def refuse_repairs(sentences: Iterable[str], where: str) -> None:
    """Raise TakeError, with every one of them, if a recording needed repairs."""
    needed = repairs_among(sentences)
    if needed:
        raise TakeError(
            f"needs {len(needed)} {'repair' if len(needed) == 1 else 'repairs'}: {'; '.join(needed)}",
            where=where,
            expected="a recording that needs none, for strict was asked for",
            do="mend the recording, or allow what koekao would do by leaving strict off",
        )

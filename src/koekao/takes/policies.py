"""What may be done to a recording to make it a take: every repair has a name, and the corpus says which a take had.

A repair is a sentence ``"name: what was done, with numbers"`` in :attr:`koekao.takes.take.Take.repairs`; the names are
those of :data:`REPAIRS`. Whatever else is worth saying (ignored columns, a guessed clock) is a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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

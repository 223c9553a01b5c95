"""Many takes packed once into memory-mapped Arrow files, checked at opening and at will.

``pack`` a folder of takes, open it as a :class:`Corpus`, ``describe`` what is in it; ``pack_column`` keeps numbers for
every frame beside it.
"""

from koekao.corpus.columns import FrameColumn
from koekao.corpus.corpus import Corpus
from koekao.corpus.inspect import CorpusSummary, CurveReport, describe
from koekao.corpus.pack import pack, pack_takes
from koekao.corpus.pack_column import pack_column
from koekao.corpus.packing import PackConfig
from koekao.corpus.report import PackProgress, PackReport, TakeReport
from koekao.corpus.verify import verify

__all__ = [
    "Corpus",
    "CorpusSummary",
    "CurveReport",
    "FrameColumn",
    "PackConfig",
    "PackProgress",
    "PackReport",
    "TakeReport",
    "describe",
    "pack",
    "pack_column",
    "pack_takes",
    "verify",
]

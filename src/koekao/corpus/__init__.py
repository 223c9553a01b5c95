"""Many takes packed once into memory-mapped Arrow files, checked at opening and at will.

``pack`` a folder of takes, open it as a :class:`Corpus`, ``describe`` what is in it.
"""

from koekao.corpus.corpus import Corpus
from koekao.corpus.inspect import CorpusSummary, CurveReport, describe
from koekao.corpus.pack import pack, pack_takes
from koekao.corpus.packing import PackConfig
from koekao.corpus.report import PackProgress, PackReport, TakeReport

__all__ = [
    "Corpus",
    "CorpusSummary",
    "CurveReport",
    "PackConfig",
    "PackProgress",
    "PackReport",
    "TakeReport",
    "describe",
    "pack",
    "pack_takes",
]

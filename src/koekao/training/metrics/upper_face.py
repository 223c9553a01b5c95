"""Upper-face dynamics deviation: how much more, or less, brows and eyes move in a take than they should.

Sound says little about when a brow rises or a lid falls, so that errors and correlations of the upper face punish a
model that moves it well at other times. What can be asked is whether it moves as *much*: |standard deviation of the
predicted curve over a take - that of the true one|, in curve units, averaged over takes (weighted by their frames) and
over those brow and eye curves that move. 0 is best; a still face has the truth's own standard deviation.

It follows the upper-face dynamics deviation of Xing et al. ("CodeTalker", 2023), with curves in place of vertices, and
absolute before averaging: there, one brow that moves too much makes up for one that moves too little. It is not defined
where no curve of the brows and eyes moves.
"""

from __future__ import annotations

import numpy as np

from koekao.arkit import REGIONS
from koekao.training.metrics.tracked import Array, Tracked

UPPER_FACE = (*REGIONS["brow"], *REGIONS["eye"])


def dynamics_deviation(take: Tracked) -> Array:
    """|standard deviation predicted - true| of each curve over the take, ``[52]``."""
    deviation: Array = np.abs(take.predicted.std(0) - take.truth.std(0))
    return deviation

"""How good predicted curves are, over whole takes. METRICS_VERSION changes whenever a definition does.

All are computed on the frames whose face was tracked, and averaged over the curves that *move* in the takes, that is,
whose true values span more than 0.05 (:data:`koekao.arkit.MOVING_RANGE`) over all of them; still curves are reported by
themselves but averaged into nothing. A metric is None, never 0, where it is not defined.

- ``mae``, ``rmse``: mean absolute and root mean squared error of a curve over all frames of all takes, in curve units.
- ``r``: Pearson correlation of a curve over a take, averaged over the takes in which it moves, weighted by their
  frames. A prediction that does not change has r = 0. Correlating within takes keeps offsets between takes out.
- ``velocity_ratio``: sum of the absolute changes from frame to frame, predicted / true; 1 is as lively as the truth, 0
  is a still face. Of several curves it is the ratio of their sums, so that a curve which hardly moves in the truth does
  not decide it.
- ``jitter_ratio``: energy above 8 Hz, predicted / true; 1 is as rough as the truth
  (:mod:`koekao.training.metrics.jitter`).
- ``lip_closure_f1``: how many of the moments at which lips meet are predicted, within 100 ms, and how many of the
  predicted are true; of the whole face alone (:mod:`koekao.training.metrics.closure`).
- ``onset_lag_ms``: how late the prediction begins its movements; positive = late (:mod:`koekao.training.metrics.lag`).
- ``upper_face_deviation``: |standard deviation predicted - true| over a take, of brows and eyes, in curve units; 0 is
  best (:mod:`koekao.training.metrics.upper_face`).
- ``diversity``: how far apart the predictions for different takes are, against the true takes; 1 is as diverse as the
  truth, 0 the same face for every take (:mod:`koekao.training.metrics.diversity`).

Version 1 had the first four, as they are here. Version 2 added the others.
"""

from koekao.training.metrics.scores import AVERAGED as AVERAGED
from koekao.training.metrics.scores import Scores as Scores
from koekao.training.metrics.scores import pearson as pearson
from koekao.training.metrics.scores import score as score

METRICS_VERSION = 2

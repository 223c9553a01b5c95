"""What the models are taught by, in units of each curve's spread.

Curves are sparse and of very different size: plain L1 or squared error is won by a still mouth. Every error here is
divided by the curve's spread (standard deviation over the training takes), so a lip corner counts as much as the jaw;
curves that never move have spread 0 and no weight.

- ``position``, ``velocity``, ``acceleration``: squared errors of the curves and of their changes
  (:mod:`koekao.training.losses.motion`).
- ``closure``: lips that must meet (:mod:`koekao.training.losses.closure`).
- ``correlation``: 1 - Pearson over the window (:mod:`koekao.training.losses.correlation`).
- ``consistency``: the same answer whatever the state came from (:mod:`koekao.training.losses.consistency`).

:class:`Judge` weighs them by name, region, curve, epoch and stride as a
:class:`koekao.training.loss_weights.LossConfig` says. In all of them what ``frame_mask`` leaves out has no value and no
gradient, whatever stands there: it is taken out before anything is squared, because after that what is not a number
would still be none in the gradient.
"""

from koekao.training.losses.closure import closure_loss as closure_loss
from koekao.training.losses.consistency import consistency_by_curve as consistency_by_curve
from koekao.training.losses.correlation import correlation_by_curve as correlation_by_curve
from koekao.training.losses.loss_sums import LossSums as LossSums
from koekao.training.losses.motion import LARGEST_VELOCITY_GAP_FRAMES as LARGEST_VELOCITY_GAP_FRAMES
from koekao.training.losses.motion import acceleration_by_curve as acceleration_by_curve
from koekao.training.losses.motion import position_by_curve as position_by_curve
from koekao.training.losses.motion import velocity_by_curve as velocity_by_curve
from koekao.training.losses.passage import Passage as Passage
from koekao.training.losses.total import Judge as Judge
from koekao.training.losses.total import LossParts as LossParts

"""Onset lag: how late the prediction begins its movements, in ms; positive = the prediction moves late.

An onset is where a curve rises, so what is compared is each curve's rise from frame to frame (falls count as 0). The
lag is the shift, within 500 ms either way, at which the predicted rises agree best with the true ones: the highest sum
of their products over all takes, between frames by the parabola through the highest three. Of several curves the
products are summed, so that curves which hardly move do not decide it.

Agreement is the correlation of the rises at that shift. Movements that have nothing in common have no lag, so it is not
defined where the agreement is below 0.15 (takes of recorded speech laid on one another, a minute or two each, reach
0.02 to 0.06 by chance), nor where the highest sum lies at the end of the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from koekao.training.metrics.tracked import Array, Tracked

REACH_S = Fraction(1, 2)
LEAST_AGREEMENT = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Rises:
    """Sums over takes from which the lag of any choice of curves follows.

    Attributes:
        products: ``[2 * reach + 1, 52]``, of true rises and the predicted ones ``-reach .. reach`` frames later.
        by_chance: ``[52]``, what the products would be of rises that have nothing to do with each other.
        predicted: ``[52]``, the predicted rises' sum of squares about their mean.
        true: ``[52]``, the same of the true ones.
    """

    products: Array
    by_chance: Array
    predicted: Array
    true: Array

    def __add__(self, other: Rises) -> Rises:
        return Rises(
            products=self.products + other.products,
            by_chance=self.by_chance + other.by_chance,
            predicted=self.predicted + other.predicted,
            true=self.true + other.true,
        )

    def lag_ms(self, curves: Sequence[int], fps: Fraction) -> float | None:
        """The lag of these curves together, or None where it is not defined."""
        chosen = list(curves)
        products = self.products[:, chosen].sum(1)
        scale = float(np.sqrt(self.predicted[chosen].sum() * self.true[chosen].sum()))
        peak = int(products.argmax())
        agreement = float(products[peak] - self.by_chance[chosen].sum())
        if not 0 < peak < len(products) - 1 or scale == 0 or agreement < LEAST_AGREEMENT * scale:
            return None
        before, highest, after = products[peak - 1 : peak + 2].tolist()
        bend = before - 2 * highest + after
        between = 0.5 * (before - after) / bend if bend else 0.0
        return float((peak - len(products) // 2 + between) * 1000 / fps)


def rises_of(take: Tracked, fps: Fraction) -> Rises:
    """The sums of one take, over its runs of tracked frames."""
    reach, n_curves = int(REACH_S * fps), take.truth.shape[1]
    products = np.zeros((2 * reach + 1, n_curves))
    by_chance, squares, true_squares = (np.zeros(n_curves) for _ in range(3))
    for run in take.runs(2):
        rise = np.maximum(np.diff(take.predicted[run], axis=0), 0)
        true_rise = np.maximum(np.diff(take.truth[run], axis=0), 0)
        for i, shift in enumerate(range(-reach, reach + 1)):
            first, end = max(0, -shift), min(len(rise), len(rise) - shift)
            if first < end:
                products[i] += np.einsum("fc,fc->c", true_rise[first:end], rise[first + shift : end + shift])
        by_chance += len(rise) * true_rise.mean(0) * rise.mean(0)
        squares += len(rise) * rise.var(0)
        true_squares += len(rise) * true_rise.var(0)
    return Rises(products=products, by_chance=by_chance, predicted=squares, true=true_squares)

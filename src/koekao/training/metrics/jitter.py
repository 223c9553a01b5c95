"""Jitter ratio: energy above 8 Hz, predicted / true.

The mouth of a speaker opens and closes with the syllables, 2 to 7 times a second (Chandrasekaran et al., "The natural
statistics of audiovisual speech", 2009); what a face does faster than 8 Hz is mostly seen as trembling. It is measured
against the truth because a real recording trembles too: 1 is as rough as the truth, 0 perfectly smooth, and a model
that copies the truth's noise is not punished for it.

Energy is read off Hann-windowed spectra of 2 s that overlap by half (Welch's method, one-sided, scaled so that a sine
of amplitude A has A²/2). Windows lie within unbroken runs of tracked frames; what is left over at the end of a run,
less than a second, and runs shorter than 2 s are not seen. Of several curves the energies are summed before dividing.
It is not defined where the frame rate is 16 fps or less, where no run is long enough, and where the truth has nothing
above 8 Hz.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from koekao.training.metrics.tracked import Array, Tracked

ABOVE_HZ = 8
SEGMENT_S = 2
LEAST_ENERGY = 1e-12
"""Mean square of curve units: less than this is what rounding to float32 makes of a smooth curve."""


def fast_energy(take: Tracked, fps: Fraction) -> tuple[Array, Array]:
    """Energy above 8 Hz of the prediction and of the truth, ``[52]`` each, summed over the windows of a take.

    A truth below :data:`LEAST_ENERGY` a window counts as 0.
    """
    length = max(2, 2 * round(SEGMENT_S * fps / 2))
    predicted, truth = np.zeros(take.truth.shape[1]), np.zeros(take.truth.shape[1])
    for run in take.runs(length):
        for first in range(run.start, run.stop - length + 1, length // 2):
            window = slice(first, first + length)
            predicted += energy_above(take.predicted[window], fps)
            true_energy = energy_above(take.truth[window], fps)
            truth += np.where(true_energy < LEAST_ENERGY, 0, true_energy)
    return predicted, truth


def energy_above(curves: Array, fps: Fraction) -> Array:
    """Mean square of what is faster than 8 Hz in each column of ``[F, n]``, under a Hann window; F is even."""
    n_frames = len(curves)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_frames) / n_frames)
    spectrum = np.fft.rfft(hann[:, None] * (curves - curves.mean(0)), axis=0)
    sides = np.full(len(spectrum), 2.0)
    sides[[0, -1]] = 1  # these two have no mirror image among the negative frequencies
    fast = np.array([k * fps > ABOVE_HZ * n_frames for k in range(len(spectrum))])
    energy: Array = (sides * fast) @ np.square(np.abs(spectrum)) / (n_frames * np.square(hann).sum())
    return energy

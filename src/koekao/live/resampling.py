"""Sound of any rate at the rate of the model, as it comes: no drift, three milliseconds of delay, any chunks.

A polyphase filter: output n is a sum over the input around n / rate, weighed by a windowed sinc (Kaiser). Where n lies
is integer arithmetic on the two rates, so ten hours are not off by a sample; and each output is the same few products
whatever the chunks, so pieces give to the bit what the whole gives.

soxr, which packs recordings, works in blocks: live it holds 37 ms back from 48 kHz to 16 kHz, beside all look-ahead.
This holds 3 ms. What it gives up: the last eighth of the spectrum below the lower half rate is weakened (7 to
8 kHz at 16 kHz); what lies above it is folded back below -90 dB.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, SoundError

Sound = NDArray[np.float32]
_CROSSINGS = 48
"""Zero crossings of the sinc on each side, at the lower of the two rates: 3 ms at 16 kHz."""
_CUTOFF, _KAISER_BETA = 0.94, 9.0
_BLOCK = 256
"""Outputs at a time: what is gathered for more leaves the heap, and its pages come back one fault after the other."""


class StreamResampler:
    """Sound at ``rate_in`` Hz to ``rate_out`` Hz; sample n of the output is the moment n / rate_out.

    At equal rates the sound passes as it is.

    >>> resampler = StreamResampler(48000, 16000)
    >>> len(resampler.push(np.zeros(4800, np.float32))) + len(resampler.finish())
    1600
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        for rate in (rate_in, rate_out):
            if not isinstance(rate, int) or not 4000 <= rate <= 768_000:
                raise ConfigError(f"sample rate {rate!r}", expected="whole Hz in 4000..768000")
        self.rate_in, self.rate_out = rate_in, rate_out
        ratio = Fraction(rate_in, rate_out)
        self._step, self._phases = ratio.numerator, ratio.denominator  # input moves by step / phases a sample
        self._reach = 0 if rate_in == rate_out else math.ceil(_CROSSINGS * max(1.0, float(ratio)))
        self._weights = _weights(self._phases, self._reach, min(1.0, float(1 / ratio)))
        self.reset()

    @property
    def delay_s(self) -> Fraction:
        """How long after its own moment an output is ready, at most one input sample more."""
        return Fraction(self._reach, self.rate_in)

    def reset(self) -> None:
        """Begin anew: silence before the first sample."""
        self._heard, self._made, self._over = 0, 0, False
        self._tail: Sound = np.zeros(self._reach, np.float32)  # of the input, from sample _origin on
        self._origin = -self._reach

    def push(self, sound: Sound) -> Sound:
        """Hear ``[S]`` float32; gives the outputs that are ready, ``[n]`` float32.

        Raises:
            SoundError: after :meth:`finish`.
        """
        if self._over:
            raise SoundError("sound after finish()", do="reset the resampler for a new sound")
        self._heard += len(sound)
        if not self._reach:
            return np.asarray(sound, np.float32)
        self._tail = np.concatenate([self._tail, sound])
        # output n needs input up to floor(n step / phases) + reach
        return self._until(((self._heard - self._reach) * self._phases - 1) // self._step + 1)

    def finish(self) -> Sound:
        """The outputs still owed: all that lie before the end of the sound. Silence counts as what follows."""
        self._over = True
        if not self._reach:
            return np.zeros(0, np.float32)
        self._tail = np.concatenate([self._tail, np.zeros(self._reach + 1, np.float32)])
        return self._until(-(-self._heard * self._phases // self._step))

    def state_dict(self) -> dict[str, Any]:
        """All that is remembered, as arrays."""
        counts = np.array([self._heard, self._made, self._origin, self._over], np.int64)
        return {"tail": self._tail.copy(), "counts": counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken, of a resampler between the same rates."""
        self._tail = state["tail"].copy()
        self._heard, self._made, self._origin, over = (int(n) for n in state["counts"])
        self._over = bool(over)

    def _until(self, n_outputs: int) -> Sound:
        """Outputs up to ``n_outputs`` (not included)."""
        parts = [np.zeros(0, np.float32)]
        while self._made < n_outputs:
            numbers = np.arange(self._made, min(n_outputs, self._made + _BLOCK), dtype=np.int64) * self._step
            places, phases = numbers // self._phases - self._reach + 1 - self._origin, numbers % self._phases
            if self._phases == 1:  # the same weights at even distances: nothing has to be gathered
                pieces = _windows(self._tail[int(places[0]) :], len(places), self._step, 2 * self._reach)
                parts.append(np.einsum("ij,j->i", pieces, self._weights[0]))
            else:
                pieces = _windows(self._tail, len(self._tail) - 2 * self._reach + 1, 1, 2 * self._reach)[places]
                parts.append(np.einsum("ij,ij->i", pieces, self._weights[phases]))
            self._made += len(numbers)
        first_needed = self._made * self._step // self._phases - self._reach + 1
        self._tail = self._tail[max(0, first_needed - self._origin) :].copy()
        self._origin = max(self._origin, first_needed)
        return np.concatenate(parts)


def _windows(sound: Sound, n: int, step: int, width: int) -> Sound:
    """``[n, width]``: a view of what begins every ``step`` samples."""
    each = sound.strides[0]
    return np.lib.stride_tricks.as_strided(sound, (n, width), (each * step, each), writeable=False)


def _weights(phases: int, reach: int, lower: float) -> Sound:
    """``[phases, 2 reach]``: what the inputs from ``reach - 1`` before to ``reach`` after weigh, by phase.

    ``lower`` is the lower rate in the input's; each phase sums to 1, so a constant stays what it is.
    """
    if not reach:
        return np.ones((1, 1), np.float32)
    at = np.arange(phases)[:, None] / phases - np.arange(1 - reach, reach + 1)
    inside = np.sqrt(np.clip(1 - (at / reach) ** 2, 0, None))
    taper = np.i0(_KAISER_BETA * inside) / np.i0(_KAISER_BETA)
    weights = np.sinc(at * lower * _CUTOFF) * taper
    return np.ascontiguousarray(weights / weights.sum(1, keepdims=True), np.float32)

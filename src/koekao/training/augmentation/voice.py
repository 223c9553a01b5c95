"""Another voice saying the same at the same time: pitch and formants moved together, as by a smaller or larger head.

The sound is cut into overlapping pieces, and each is read faster or slower around its own middle, which stays at its
time. For the pieces to go on into each other, each is cut up to 7.5 ms beside its place, where the one before would
have gone on, or one or more periods of the voice from there; so does WSOLA (Verhelst and Roelands, "An overlap-add
technique based on waveform similarity", ICASSP 1993). Periods are seen in the autocorrelation around each joint. Pieces
close to their place are preferred to better fitting ones, so that the moves average out and the whole is not delayed.

What it gives up: a burst may be moved by those milliseconds, a quarter of a frame, or be heard twice when the voice is
raised and skipped when lowered. Vowels keep their length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from koekao.training.augmentation.effect import Range, Sound, Window, WindowEffect, draw

HOP_S = 0.030
REACH_S = 0.0075
"""How far a piece may be moved; both ways together one period of a voice of 67 Hz."""
_PREFERENCE = 1.0
"""How much more similar (of 1) a piece at full reach must be than one where it should be."""
_CORRECTION = 0.3
"""How much of each move is made up for by those after it: what goes on smoothly drifts in one direction only."""
_AT_ONCE = 48
"""Pieces; few enough to stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class VoiceShift(WindowEffect):
    """Pitch and formants, moved by one factor.

    Attributes:
        shift_semitones: 12 is twice as high. Met to 1.5 % of the frequency: lengths that transform fast are few.
    """

    LIMITS: ClassVar[Mapping[str, Range]] = {"shift_semitones": (-9, 9)}
    shift_semitones: Range = (-3.0, 3.0)

    def apply(self, window: Window, generator: np.random.Generator) -> None:
        factor = 2 ** (draw(self.shift_semitones, generator) / 12)
        if window.sound is not None:
            window.sound[:] = shifted(window.sound, factor, window.clock.sample_rate)


def shifted(sound: Sound, factor: float, sample_rate: int) -> Sound:
    """``[n]`` samples with all frequencies times ``factor``, all at its time; what would exceed half the rate goes."""
    from scipy.fft import irfft, rfft

    hop = 2 * round(HOP_S * sample_rate / 2)
    n_cut, n_laid = _lengths(factor, hop)
    n_pieces = -(-len(sound) // hop) + 1  # the middle of piece k is sample k * hop
    margin = n_cut + hop
    source = np.zeros(n_pieces * hop + 2 * margin, np.float32)
    source[margin : margin + len(sound)] = sound
    middles = margin + hop * np.arange(n_pieces)
    excess = round((n_cut / n_laid - 1) * hop)
    cut = sliding_window_view(source, n_cut)
    begins = middles - n_cut // 2 + _moves(source, middles, excess, hop, round(REACH_S * sample_rate / 2))
    inner = slice(n_laid // 2 - hop, n_laid // 2 + hop)
    taper, out = _taper(hop) * np.float32(n_laid / n_cut), np.zeros((n_pieces + 1, hop), np.float32)
    for first in range(0, n_pieces, _AT_ONCE):
        spectra = rfft(cut[begins[first : first + _AT_ONCE]], overwrite_x=True)[:, : n_laid // 2 + 1]
        pieces = irfft(spectra, n_laid, overwrite_x=True)[:, inner] * taper
        out[first : first + len(pieces)] += pieces[:, :hop]
        out[first + 1 : first + 1 + len(pieces)] += pieces[:, hop:]
    return out.reshape(-1)[hop : hop + len(sound)]


def _lengths(factor: float, hop: int) -> tuple[int, int]:
    """Samples of a piece as it is cut and as it is laid down, at least two hops; both transform fast.

    Their ratio is the nearest to ``factor`` that there is.
    """
    fast = _fast_lengths(2 * hop)
    laid = fast[(fast >= 2 * hop) & (fast <= 2.6 * hop)]
    cut = fast[np.abs(fast - factor * laid[:, None]).argmin(1)]
    best = int(np.abs(np.log(cut / (factor * laid))).argmin())
    return int(cut[best]), int(laid[best])


@lru_cache(maxsize=4)
def _fast_lengths(about: int) -> NDArray[np.int64]:
    """Even products of 2, 3 and 5, from half of ``about`` to more than twice as much."""
    powers = [2**i * 3**j * 5**k for i in range(1, 16) for j in range(10) for k in range(7)]
    return np.array(sorted(n for n in powers if about / 2 <= n <= 2.3 * about), np.int64)


def _moves(source: Sound, middles: NDArray[np.int64], excess: int, hop: int, reach: int) -> NDArray[np.int64]:
    """How far beside its place each piece is cut, in samples, at most ``2 * reach``; looked for at half the rate.

    Piece k, cut ``moves[k]`` beside its place and read at its own speed, is ``lag = moves[k] - moves[k - 1] - excess``
    beside where the piece before goes on. At a lag of 0 it does go on; at a period, it nearly does.
    """
    halved = source[0::2] + source[1::2]
    longest = 2 * reach + abs(excess) // 2 + 1
    joints = (middles - hop // 2) // 2
    few = np.split(joints, range(_AT_ONCE, len(joints), _AT_ONCE))
    similar = np.concatenate([_similarity(halved, some, hop, longest) for some in few])
    held_back = (_PREFERENCE * np.square(np.arange(-2 * reach, 2 * reach + 1) / reach)).astype(np.float32)
    moves, move, owed = [0], 0, 0.0
    for near_lags in similar[1:]:
        first = longest - reach - move - excess // 2  # the lag of a piece moved by -reach
        fitting = near_lags[first : first + 2 * reach + 1]
        held = held_back[reach + round(owed) :][: 2 * reach + 1]
        move = int((fitting - held).argmax()) - reach
        moves.append(move)
        owed = min(max(owed + _CORRECTION * move, -reach), reach)
    return 2 * np.array(moves, np.int64)


def _similarity(halved: Sound, joints: NDArray[np.int64], hop: int, longest: int) -> NDArray[np.float32]:
    """``[K, 2 * longest + 1]``: the sound around each joint against itself at lags of ``-longest .. longest``.

    All in samples of half the rate; 1 at lag 0 and for a perfectly periodic sound at its period, 0 for silence.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    around = sliding_window_view(halved, hop)[joints - hop // 2]
    n_fft = next_fast_len(hop + longest + 1, real=True)
    spectra = rfft(around, n_fft)
    energies = np.square(spectra.real) + np.square(spectra.imag)
    lags = irfft(energies, n_fft)[:, : longest + 1]
    lags /= lags[:, :1] + np.float32(1e-9)
    lags /= np.maximum(1 - np.arange(longest + 1) / hop, 0.25).astype(np.float32)  # fewer samples meet at longer lags
    return np.concatenate([lags[:, :0:-1], lags], axis=1)


@lru_cache(maxsize=4)
def _taper(hop: int) -> NDArray[np.float32]:
    """Hann's window over two hops: neighbours add up to 1."""
    taper = ((1 - np.cos(np.pi * np.arange(2 * hop) / hop)) / 2).astype(np.float32)
    taper.setflags(write=False)
    return taper

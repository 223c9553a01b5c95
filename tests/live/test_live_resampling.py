"""Sound of any rate as it comes: exact places, any chunks, a few milliseconds of delay, and the sound itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koekao.errors import ConfigError, SoundError
from koekao.live.resampling import StreamResampler

RATES = pytest.mark.parametrize(
    ("rate_in", "rate_out"),
    [(48000, 16000), (44100, 16000), (8000, 16000), (22050, 16000), (96000, 16000), (16000, 48000), (16000, 16000)],
)


def whole(rate_in: int, rate_out: int, sound: Any) -> Any:
    resampler = StreamResampler(rate_in, rate_out)
    return np.concatenate([resampler.push(sound), resampler.finish()])


@RATES
def test_a_tone_is_the_same_tone_at_the_same_moments(rate_in: int, rate_out: int) -> None:
    """Below the last tenth of the lower half rate to -80 dB, phase and all; above the half rate nothing is left."""
    half = min(rate_in, rate_out) / 2
    for hz in (50, 300, 1000, 0.5 * half, 0.85 * half, 1.13 * half, 1.4 * half):
        if hz >= rate_in / 2:
            continue
        sound = np.sin(2 * np.pi * hz * np.arange(rate_in) / rate_in + 0.3).astype(np.float32)
        made = whole(rate_in, rate_out, sound)
        there = np.sin(2 * np.pi * hz * np.arange(len(made)) / rate_out + 0.3) if hz < half else 0 * made
        middle = slice(rate_out // 20, -rate_out // 20)
        assert np.abs(made - there)[middle].max() < (2e-4 if rate_in != rate_out else 1e-6), hz


@RATES
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=20), n_samples=st.integers(0, 20_000))
def test_pieces_give_to_the_bit_what_the_whole_gives(
    rate_in: int, rate_out: int, sizes: list[int], n_samples: int
) -> None:
    sound = np.random.default_rng(n_samples).standard_normal(n_samples).astype(np.float32)
    resampler, parts, begin = StreamResampler(rate_in, rate_out), [], 0
    for size in [*sizes, n_samples]:
        parts.append(resampler.push(sound[begin : begin + size]))
        begin += size
    made = np.concatenate([*parts, resampler.finish()])
    np.testing.assert_array_equal(made, whole(rate_in, rate_out, sound))
    assert made.dtype == np.float32
    assert len(made) == -(-n_samples * rate_out // rate_in)  # every output that lies before the end


@RATES
def test_what_is_held_back_is_the_stated_delay(rate_in: int, rate_out: int) -> None:
    resampler, n_made = StreamResampler(rate_in, rate_out), 0
    assert resampler.delay_s <= Fraction(3, 1000) * max(1, 16000 // min(rate_in, rate_out)) + Fraction(1, rate_in)
    for n in range(1, 4000):
        n_made += len(resampler.push(np.zeros(1, np.float32)))
        # output k is ready with the input sample that lies the delay after its moment, not one sample later
        ready = (Fraction(n, rate_in) - resampler.delay_s) * rate_out
        assert n_made == max(0, -(-ready.numerator // ready.denominator))


def test_ten_hours_are_not_off_by_a_sample() -> None:
    """From a place ten hours on, as if all before had been heard: the same tone, at its exact moments."""
    resampler, begin = StreamResampler(44100, 16000), 36_000 * 44_100
    state = resampler.state_dict()
    state["counts"][:3] = begin, 36_000 * 16_000, begin + state["counts"][2]
    resampler.load_state_dict(state)
    sound = np.sin(2 * np.pi * 440 * np.arange(begin, begin + 44_100) / 44_100).astype(np.float32)
    made = np.concatenate([resampler.push(sound), resampler.finish()])
    first = 36_000 * 16_000
    there = np.sin(2 * np.pi * 440 * np.arange(first, first + len(made)) / 16_000)
    assert len(made) == 16_000
    assert np.abs(made - there)[400:-400].max() < 2e-4


def test_memory_does_not_grow_and_a_saved_one_goes_on() -> None:
    rng = np.random.default_rng(0)
    one, two = StreamResampler(48000, 16000), StreamResampler(48000, 16000)
    for _ in range(50):
        one.push(rng.standard_normal(4801).astype(np.float32))
        assert one.state_dict()["tail"].size < 300
    two.load_state_dict(one.state_dict())
    more = rng.standard_normal(1000).astype(np.float32)
    np.testing.assert_array_equal(one.push(more), two.push(more))
    np.testing.assert_array_equal(one.finish(), two.finish())
    one.reset()
    np.testing.assert_array_equal(one.push(more), StreamResampler(48000, 16000).push(more))


def test_what_cannot_be_is_refused() -> None:
    for rate in (0, -16000, 16000.5, 3999, 800_000):
        with pytest.raises(ConfigError, match="sample rate"):
            StreamResampler(rate, 16000)  # type: ignore[arg-type]
    resampler = StreamResampler(48000, 16000)
    resampler.finish()
    with pytest.raises(SoundError, match=r"sound after finish\(\)"):
        resampler.push(np.zeros(10, np.float32))

"""Fault 22: NaN and infinity in sound are an error with a place, in whichever channel, type and block they stand.

Silent and clipped sound is sound: reading hands it on as it is, and telling of it is the doctor's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from koekao.errors import SoundError
from koekao.takes import read_sound


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1, 511, 999])
@pytest.mark.parametrize("mono", ["mix", "left", "right"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_one_bad_sample_refuses_the_sound(
    tmp_path: Path, subtype: str, bad: float, place: int, mono: str, dtype: str
) -> None:
    """Also in a channel that the policy would not take: the file is damaged, whoever looks at it."""
    values = np.zeros((1000, 2))
    values[place, 1] = bad
    soundfile.write(tmp_path / "a.wav", values, 16000, subtype=subtype)
    with pytest.raises(
        SoundError, match=rf"a\.wav:sample {place}: 1 samples are no numbers, .* in channel 1; expected"
    ):
        read_sound(tmp_path / "a.wav", mono=mono, dtype=dtype)


def test_silent_and_clipped_sound_is_handed_on(tmp_path: Path) -> None:
    for value in (0, 32767, -32768):
        soundfile.write(tmp_path / "a.wav", np.full(1000, value, np.int16), 16000)
        sound = read_sound(tmp_path / "a.wav")
        assert set(sound.samples.tolist()) == {value} and sound.repairs == ()

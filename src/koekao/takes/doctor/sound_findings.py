"""What the numbers of a sound mean: silence, clipping, noise, level. Thresholds are constants with their reasons."""

from __future__ import annotations

from collections.abc import Iterator

from koekao.takes.doctor.finding import Finding, percent, times
from koekao.takes.doctor.sound_health import SoundHealth

SILENT_LOOK = 0.8
"""Share: speech with its pauses is silent for half of the time or less (0.19 to 0.53 in real takes)."""
CLIPPED_PROBLEM = 0.001
"""Share of clipped samples: from a thousandth on clipping is heard in every loud word."""
SNR_LOOK_DB = 20.0
"""Speech less than 20 dB above its pauses: noise is in every feature then."""
DC_LOOK = 0.01
"""Of full scale: -40 dB, a fault of the recorder."""
FAINT_PEAK = 0.03
"""Peak of full scale (-30 dB): less than 11 of 16 bits are used."""
LOW_RATE_HZ = 16000
"""Below the corpus's usual rate what is missing cannot be brought back."""


def of_sound(sound: SoundHealth) -> Iterator[Finding]:
    """What is to be said of a sound; of one that is silent throughout nothing but that."""
    if sound.silent_share == 1:
        yield Finding(
            name="silent",
            level="problem",
            what=f"the sound is silent throughout (peak {sound.peak:.4f} of full scale)",
            do="look for the right sound; nothing can be learnt from this one",
        )
        return
    if sound.silent_share > SILENT_LOOK:
        what = f"{100 * sound.silent_share:.0f} % of the sound is silent"
        yield Finding(name="mostly_silent", level="look", what=what, do="check that the microphone was the right one")
    if sound.clipped_runs:
        yield Finding(
            name="clipped",
            level="problem" if sound.clipped_share > CLIPPED_PROBLEM else "look",
            what=f"clipped {times(sound.clipped_runs)}: {sound.clipped_samples} samples at full scale "
            f"({percent(sound.clipped_share)})",
            do="record with less gain, or take the sound from before it was made louder",
            at_s=sound.clipped_s,
        )
    if sound.silent_channels:
        which = ", ".join(map(str, sound.silent_channels))
        what = f"channel {which} of {sound.channels} is silent, so a mix of them is 6 dB too soft"
        kept = "right" if 1 in sound.silent_channels else "left"
        yield Finding(name="silent_channel", level="look", what=what, do=f"pack with --mono {kept}")
    elif sound.channels > 1:
        what = f"{sound.channels} channels"
        yield Finding(name="channels", level="note", what=what, do="pack mixes them; --mono left takes one")
    yield from _of_level(sound)


def _of_level(sound: SoundHealth) -> Iterator[Finding]:
    if sound.snr_db < SNR_LOOK_DB:
        what = (
            f"speech ({sound.speech_dbfs:.0f} dBFS) is {sound.snr_db:.0f} dB above the floor ({sound.noise_dbfs:.0f})"
        )
        yield Finding(name="noisy", level="look", what=what, do="listen for noise or music; or there are no pauses")
    if abs(sound.dc_offset) > DC_LOOK:
        what = f"the sound's mean is {sound.dc_offset:+.3f} of full scale instead of 0"
        yield Finding(name="dc_offset", level="look", what=what, do="take it out with a high-pass of 20 Hz")
    if sound.peak < FAINT_PEAK:
        what = f"faint: its peak is {sound.peak:.4f} of full scale"
        yield Finding(name="faint", level="look", what=what, do="record with more gain")
    if sound.sample_rate_hz < LOW_RATE_HZ:
        what = f"{sound.sample_rate_hz} Hz: nothing above {sound.sample_rate_hz // 2} Hz is in the sound"
        yield Finding(name="low_rate", level="look", what=what, do="take the sound at its first rate, if there is one")

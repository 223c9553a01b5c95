"""Sound files: their containers checked, their samples brought to one channel, rate and type."""

from koekao.takes.sound.reading import Sound, SoundInfo, probe_sound, read_sound

__all__ = ["Sound", "SoundInfo", "probe_sound", "read_sound"]

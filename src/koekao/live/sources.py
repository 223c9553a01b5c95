"""Where live sound comes from: a file as if it were spoken now, a pipe, a microphone.

A source opens what it reads when it is made, so that what is wrong is said before anything runs; ``start`` gives its
sound to an :class:`~koekao.live.inbox.Inbox` from a thread of its own, ``stop`` ends it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from koekao.errors import ConfigError, KoekaoError, SoundError
from koekao.live.inbox import Inbox
from koekao.takes import passing_sound

BLOCK_S = 0.01
_READ_BYTES = 1 << 16
PCM: Mapping[str, np.dtype[Any]] = {"s16": np.dtype("<i2"), "f32": np.dtype("<f4")}
"""Sample types of raw sound, little-endian."""


class Source(Protocol):
    """Attributes: sample_rate: Hz. waits: whether it can be made to wait (a device cannot). title: what it is."""

    sample_rate: int
    waits: bool
    title: str

    def start(self, inbox: Inbox) -> None:
        """Begin to give sound to ``inbox``, from another thread."""

    def stop(self) -> None:
        """Give no more, and let go of the device or file."""


class _Thread(ABC):
    """A source that reads blocks in a thread and puts them into the inbox; ``pace`` is when each is due."""

    sample_rate: int
    title: str
    waits = True

    def __init__(self) -> None:
        self._open = ExitStack()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Everything that is heard, ``[n]`` float32 a block. Raises what goes wrong with the file or pipe."""

    @abstractmethod
    def pace(self, n_samples: int, began_s: float) -> None:
        """Wait until sample ``n_samples`` may have been heard."""

    def start(self, inbox: Inbox) -> None:
        self._thread = threading.Thread(target=self._run, args=(inbox,), name=f"koekao {self.title}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)  # a pipe may block for ever; its thread ends with the program
        if self._thread is None or not self._thread.is_alive():
            self._open.close()

    def _run(self, inbox: Inbox) -> None:
        n_samples, began_s = 0, time.perf_counter()
        try:
            for block in self.blocks():
                n_samples += len(block)
                self.pace(n_samples, began_s)
                if self._stopped.is_set() or not inbox.put(block, time.perf_counter(), wait=self.waits):
                    return
        except (KoekaoError, OSError) as fault:
            inbox.fail(fault)
        else:
            inbox.end()


class SpokenSource(_Thread):
    """Sound in memory, ``[n]`` float32, heard as fast as it is spoken, in blocks of 10 ms."""

    def __init__(self, sound: NDArray[np.float32], sample_rate: int, title: str) -> None:
        super().__init__()
        self.title, self.sample_rate = title, sample_rate
        self._sound = sound

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        size = int(BLOCK_S * self.sample_rate)
        return (self._sound[i : i + size] for i in range(0, len(self._sound), size))

    def pace(self, n_samples: int, began_s: float) -> None:
        self._stopped.wait(max(0.0, began_s + n_samples / self.sample_rate - time.perf_counter()))


class FileSource(SpokenSource):
    """A sound file, heard as fast as it was spoken, in blocks of 10 ms.

    Raises:
        SoundError: as :func:`koekao.takes.passing_sound`.
    """

    def __init__(self, path: str | Path) -> None:
        _Thread.__init__(self)
        self.title = str(path)
        self._file = self._open.enter_context(passing_sound(path, block_s=BLOCK_S))
        self.sample_rate = self._file.info.sample_rate

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        return self._file.blocks


class PipeSource(_Thread):
    """Raw samples from a pipe, as they come; the pipe sets the pace.

    Args:
        pipe: binary, standard input where not given.
        sample_rate: Hz. sample_type: a name in :data:`PCM`. channels: interleaved; they are mixed.
    """

    def __init__(
        self, pipe: BinaryIO | None = None, *, sample_rate: int = 16000, sample_type: str = "s16", channels: int = 1
    ) -> None:
        super().__init__()
        if sample_type not in PCM or not 1 <= channels <= 64:
            seen = f"sample type {sample_type!r}, {channels} channels"
            raise ConfigError(seen, expected="one of " + ", ".join(PCM) + ", and 1 to 64 channels")
        self.title, self.sample_rate = "standard input", sample_rate
        self._pipe: Any = sys.stdin.buffer if pipe is None else pipe
        self._type, self._channels = PCM[sample_type], channels

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        frame_bytes, rest = self._type.itemsize * self._channels, b""
        while data := self._read():
            data = rest + data
            whole = len(data) - len(data) % frame_bytes
            rest = data[whole:]
            if whole:
                yield as_sound(data[:whole], self._type, self._channels)
        if rest:
            what = f"the sound ends within a sample ({len(rest)} of {frame_bytes} bytes)"
            raise SoundError(what, where=self.title, do="state the sample type and the channels that it has")

    def pace(self, n_samples: int, began_s: float) -> None:
        """The pipe has waited already."""

    def _read(self) -> bytes:
        """What has come, not what would fill a buffer. A pipe is read by its number: the lock of a buffer that a thread
        waits in would keep the program from ending."""
        try:
            number = self._pipe.fileno()
        except OSError:  # it lies in memory
            return bytes(self._pipe.read(_READ_BYTES))
        return os.read(number, _READ_BYTES)


class MicrophoneSource:
    """A microphone, by PortAudio.

    Args:
        device: part of its name or its number; the system's own where not given.
        sample_rate: Hz to ask for; what the device can is taken where it cannot do that.

    Raises:
        ConfigError: sounddevice is not installed, PortAudio is not there, or no such device.
    """

    waits = False

    def __init__(self, device: str | int | None = None, *, sample_rate: int = 16000) -> None:
        try:
            import sounddevice
        except ImportError as fault:
            do = 'pip install "koekao[live]"'
            raise ConfigError("a microphone, and sounddevice is not installed", do=do) from fault
        except OSError as fault:
            do = "install PortAudio (Debian: apt install libportaudio2)"
            raise ConfigError(f"a microphone, and PortAudio is not there ({fault})", do=do) from fault
        self.overflows = 0
        self._library, self._device, self._stream = sounddevice, device, None
        try:
            found = sounddevice.query_devices(device, "input")
        except (ValueError, sounddevice.PortAudioError) as fault:
            known = [each["name"] for each in sounddevice.query_devices() if each["max_input_channels"]]
            raise ConfigError(
                f"no microphone {device!r}" if device is not None else "no microphone",
                expected="one of " + ", ".join(known) if known else "a device with an input",
                do="plug one in, or choose another source",
            ) from fault
        self.title, self.sample_rate = str(found["name"]), sample_rate
        try:
            sounddevice.check_input_settings(device, 1, "float32", None, sample_rate)
        except sounddevice.PortAudioError:
            self.sample_rate = int(found["default_samplerate"])

    _stream: Any

    def start(self, inbox: Inbox) -> None:
        def heard(block: NDArray[np.float32], _n: int, _times: Any, status: Any) -> None:
            self.overflows += bool(status.input_overflow)
            inbox.put(block[:, 0].copy(), time.perf_counter(), wait=False)

        self._stream = self._library.InputStream(
            device=self._device,
            samplerate=self.sample_rate,
            channels=1,
            dtype="float32",
            blocksize=int(BLOCK_S * self.sample_rate),
            callback=heard,
            finished_callback=inbox.end,
        )
        self._stream.start()

    def stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def as_sound(data: bytes, sample_type: np.dtype[Any], channels: int) -> NDArray[np.float32]:
    """Raw interleaved samples to ``[n]`` float32 in [-1, 1], mixed to one channel."""
    samples = np.frombuffer(data, sample_type).reshape(-1, channels)
    as_floats = samples.astype(np.float32) / (32768 if sample_type.kind == "i" else 1)
    return np.ascontiguousarray(as_floats.mean(1, dtype=np.float32) if channels > 1 else as_floats[:, 0])

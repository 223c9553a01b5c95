"""Who is told what during training: one JSON line an event, TensorBoard where it is installed, and whoever listens."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any, Protocol

from koekao.errors import OutputError


class Listener(Protocol):
    """Is told events by name with JSON values; see :class:`koekao.training.trainer.Trainer` for the events."""

    def tell(self, event: str, **values: Any) -> None: ...

    def close(self) -> None: ...


class JsonLines:
    """``log.jsonl``: appended to, a line at once, so that a killed run has told all it knew.

    Raises:
        OutputError: the disk is full or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)  # nothing is left in a buffer that a full disk would not take
        except OSError as error:
            raise self._cannot_write(error) from error

    def tell(self, event: str, **values: Any) -> None:
        line = {"event": event, "unix_s": round(time.time(), 3)} | values
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise self._cannot_write(error) from error

    def close(self) -> None:
        self._file.close()

    def _cannot_write(self, error: OSError) -> OutputError:
        what = f"cannot be written ({error.strerror or error})"
        return OutputError(what, where=self._path, do="make room; --resume goes on from the last checkpoint")


class TensorBoard:
    """Scalars of ``step`` and ``validation`` events, and the picture of a validation that drew one."""

    def __init__(self, folder: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter  # an extra: imported only where it is installed

        self._writer: Any = SummaryWriter(str(folder))
        self._run = folder.parent

    def tell(self, event: str, **values: Any) -> None:
        if event not in ("step", "validation"):
            return
        step = values.pop("step")
        for name, value in values.items():
            if isinstance(value, int | float):
                self._writer.add_scalar(f"{event}/{name}", value, step)
        if "picture" in values:
            from matplotlib.image import imread  # it has drawn the picture

            self._writer.add_image("curves", imread(self._run / values["picture"]), step, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()


def listeners_of(run_path: Path, log_path: Path) -> list[Listener]:
    """The listeners that every run has."""
    found: list[Listener] = [JsonLines(log_path)]
    if importlib.util.find_spec("tensorboard"):
        found.append(TensorBoard(run_path / "tensorboard"))
    return found

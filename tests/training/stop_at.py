"""An interrupted run, for tests."""

from __future__ import annotations

from typing import Any


class StopAt:
    """A listener that ends a run as Ctrl-C does, after the step that it is told of."""

    def __init__(self, step: int) -> None:
        self.step, self.trainer = step, None

    def tell(self, event: str, **values: Any) -> None:
        if event == "step" and values["step"] == self.step:
            self.trainer.stop()

    def close(self) -> None:
        pass

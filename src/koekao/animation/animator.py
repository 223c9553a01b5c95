"""A trained model over one sound: offline is live with the whole sound at hand.

Shapes: S samples, T frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from koekao.animation.animators import BLOCK_S, Animators
from koekao.animation.engine import Engine, State
from koekao.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from koekao.models import FaceModel


class Animator:
    """Curves for one stream of sound; :class:`Animators` is the same for many.

    Args:
        model: any :class:`~koekao.models.FaceModel`, used in evaluation mode, or an :class:`~.engine.Engine`.

    The curves are limited to 0..1, the range that face rigs take.

    >>> import numpy as np
    >>> from koekao.models import build
    >>> animator = Animator(build("stream", {}))
    >>> animator.push(np.zeros(1600, np.float32)).shape  # three frames, of which the first waits for the third to end
    (0, 52)
    >>> animator.push(np.zeros(16000, np.float32)).shape, animator.finish().shape
    ((30, 52), (3, 52))
    """

    def __init__(self, model: FaceModel | Engine) -> None:
        self._one = Animators(engine_of(model))
        self.clock, self.look_ahead_frames = self._one.engine.clock, self._one.engine.look_ahead_frames

    @property
    def latency_frames(self) -> int:
        """A frame comes out this many frames after its start: its own interval and the look-ahead."""
        return 1 + self.look_ahead_frames

    @property
    def next_frame(self) -> int:
        """The number of the frame that comes next; frame k belongs to the moment k / fps of the sound."""
        return int(self._one.next_frame[0])

    @property
    def heard_samples(self) -> int:
        """Samples heard since the stream began: its clock."""
        return int(self._one.heard_samples[0])

    def push(self, samples: NDArray[Any] | Tensor) -> NDArray[np.float32]:
        """Hear ``samples`` (``[S]`` floats in [-1, 1], at the model's sample rate).

        Returns:
            ``[T, 52]`` float32: the frames that are ready now, T may be 0.

        Raises:
            ModelError: the sound is over, or is not float ``[S]``.
            SoundError: a sample is not finite; nothing of ``samples`` is heard then.
        """
        sound = np.asarray(samples)
        if sound.ndim != 1 or sound.dtype.kind != "f":
            raise ModelError(
                f"sound of shape {tuple(sound.shape)}, {sound.dtype}",
                expected="[n_samples] float32, one stream",
                do="mix it to one channel, and divide int16 by 32768",
            )
        return self._one.push(np.ascontiguousarray(sound, np.float32)[None]).of(0)

    def finish(self) -> NDArray[np.float32]:
        """The frames still owed: every frame that begins before the end of the sound. ``[T, 52]``."""
        return self._one.finish().of(0)

    def reset(self) -> None:
        """Begin anew, as if nothing had been heard."""
        self._one.reset()

    def state_dict(self) -> State:
        """All that the stream remembers, as arrays."""
        return self._one.state_dict()

    def load_state_dict(self, state: State) -> None:
        """Go on where :meth:`state_dict` was taken. Raises ModelError where it is another model's."""
        self._one.load_state_dict(state)


def engine_of(model: FaceModel | Engine) -> Engine:
    """A torch model as an engine; an engine as it is."""
    if hasattr(model, "observe"):  # as models of torch do; an engine may do without torch, so no class of it is asked
        from koekao.animation.torch_engine import TorchEngine

        return TorchEngine(cast("FaceModel", model))
    return model


def animate(model: FaceModel | Engine, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every frame of a whole sound: ``[n_samples]`` float32 at the model's sample rate to ``[n_frames, 52]`` in 0..1.

    Frame k belongs to the moment k / fps; a sound of n samples has every frame that begins before sample n.
    """
    animator = Animator(model)
    block = BLOCK_S * animator.clock.sample_rate
    parts = [animator.push(audio[i : i + block]) for i in range(0, len(audio), block)]
    return np.concatenate([*parts, animator.finish()])

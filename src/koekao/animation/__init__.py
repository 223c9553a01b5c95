"""A trained model over new sound: offline and live are the same code."""

from koekao.animation.animator import Animator, animate

__all__ = ["Animator", "animate"]

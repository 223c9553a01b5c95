"""A trained model over new sound: offline and live are the same code."""

from koekao.animation.animator import Animator, animate
from koekao.animation.animators import Animators, Ready

__all__ = ["Animator", "Animators", "Ready", "animate"]

"""Synthetic takes: a score of phones (``score``), and the sound (``voice``) and face (``face``) that it makes."""

from koekao.takes.synthetic.making import VOICES, Voice, make_take, make_takes

__all__ = ["VOICES", "Voice", "make_take", "make_takes"]

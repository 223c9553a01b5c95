"""A face to look at: a head made by code with all 52 ARKit targets, as numbers and as GLB.

Pictures of it are made by :mod:`koekao.head.render`.
"""

from koekao.head.glb import head_glb
from koekao.head.head import Head
from koekao.head.making import make_head

__all__ = ["Head", "head_glb", "make_head"]

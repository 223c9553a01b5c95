"""A face to look at: a head made by code with all 52 ARKit targets, as numbers, as GLB, and as pictures."""

from koekao.head.glb import head_glb
from koekao.head.head import Head
from koekao.head.making import make_head
from koekao.head.render import Camera, render

__all__ = ["Camera", "Head", "head_glb", "make_head", "render"]

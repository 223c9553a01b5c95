"""The endings of the files that takes are made of, lower case; what a file is, is told by its content."""

from __future__ import annotations

SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")
MOVIE_ENDINGS = (".mov", ".mp4", ".m4v", ".m4a")
"""Sound too, by the extra ``video``."""
CURVE_ENDINGS = (".jsonl", ".csv")
PERHAPS_CURVE_ENDINGS = (".json", ".txt", ".gltf", ".glb")
"""Endings of curve files and of much else: these files are curves if their content is."""

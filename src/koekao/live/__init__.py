"""Live sound to live faces: sources, the sound's own clock, what is done late and what is counted."""

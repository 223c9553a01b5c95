"""The front door: what ``import koekao`` gives, each name a thin call into the room where the work is done."""

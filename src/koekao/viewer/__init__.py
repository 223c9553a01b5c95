"""Takes, animations and corpora to look at: the page (served or one file), pictures and movies.

The page itself is written in TypeScript under ``web/src/viewer`` and lies here as one built file, ``page.html``, so
that nobody needs node to use it. Everything about it is local: its content security policy lets it ask nobody else.
"""

from koekao.viewer.clip import Clip, Curves
from koekao.viewer.listing import Listing, list_corpus, list_folder
from koekao.viewer.page import clip_page, listing_page
from koekao.viewer.reading import clip_of, clip_of_take, curves_of

__all__ = [
    "Clip", "Curves", "Listing", "clip_of", "clip_of_take", "clip_page", "curves_of", "list_corpus", "list_folder",
    "listing_page",
]  # fmt: skip

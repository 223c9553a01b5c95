"""A corpus that lies elsewhere (S3, a web server, Hugging Face ...), through a cache on this machine's disk.

Shards are fetched whole, compared with the SHA-256 that ``corpus.json`` says, put into the cache by one rename, and
mapped there by the very code that maps a local corpus; there is no second reader. The cache has a size that it keeps to
by dropping what was mapped least recently, never what somebody has mapped. As the order of windows is arithmetic, the
shards of the next batches are known, and set out before they are asked for.

What it gives up: a shard is the least that can be fetched, so a corpus that is much larger than the cache wants small
shards (``koekao pack --shard-mb``).
"""

from koekao.corpus.remote.cache import Cache, CacheConfig
from koekao.corpus.remote.fetched import FetchedFiles
from koekao.corpus.remote.opening import corpus_at
from koekao.corpus.remote.store import RemoteFolder

__all__ = ["Cache", "CacheConfig", "FetchedFiles", "RemoteFolder", "corpus_at"]

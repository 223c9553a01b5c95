"""Corpora: opened to hand out batches, and features packed beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.batches.loader import HowLoaded
from koekao.batches.spec import clip_frames
from koekao.corpus import Corpus, FrameColumn, pack_column
from koekao.corpus.remote import CacheConfig
from koekao.errors import ConfigError
from koekao.place import is_url
from koekao.windows import StridePolicy
from koekao.windows.grid import Short
from koekao.windows.stride import Schedule


class OpenCorpus(Corpus):
    """A corpus that hands out batches; everything of :class:`koekao.corpus.Corpus` beside.

    >>> import koekao
    >>> corpus = koekao.open("corpus")
    >>> len(corpus), corpus.names[0], corpus.curves(0).shape, corpus.audio(0).shape
    (4, 'aoi_0001', (150, 52), (80000,))
    """

    def streams(
        self,
        *,
        batch_size: int = 4,
        n_streams: int | None = None,
        window_frames: int = 256,
        stride: str | int | StridePolicy = "dense",
        initial_stride: int = 32,
        final_stride: int = 1,
        schedule: Schedule = "linear",
        dense_ratio: float = 0.1,
        max_epochs: int = 100,
        short: Short = "pad",
        drop_last: bool = False,
        shuffle: bool = True,
        seed: int = 0,
        columns: Sequence[str] = ("audio", "blendshapes"),
        **how: Unpack[HowLoaded],
    ) -> Loader:
        """Batches of consecutive windows: ``n_streams`` streams of ``batch_size / n_streams`` windows each.

        >>> import koekao
        >>> batch = next(iter(koekao.open("corpus").streams(batch_size=4, window_frames=64, stride="sparse")))
        >>> tuple(batch["audio"].shape), tuple(batch["blendshapes"].shape)
        ((4, 34176), (4, 64, 52))

        Args:
            batch_size: rows a batch. n_streams: 2 where not given (1 where the batch size is odd).
            window_frames: frames a window.
            stride: a number of frames, ``"dense"`` (1), ``"sparse"`` (``initial_stride``), ``"progressive"`` (from
                ``initial_stride`` to ``final_stride`` over ``max_epochs``, ``schedule`` linear or staged), ``"mixed"``
                (``dense_ratio`` of the windows off the sparse grid), or a :class:`~koekao.windows.StridePolicy`.
            short: ``"pad"`` or ``"skip"`` takes that are shorter than a window.
            drop_last: end before the first batch that would need padding rows; ``loader.plan.n_dropped`` counts.
            shuffle, seed: the order of takes, a function of (seed, epoch).
            columns: what is delivered of each window: ``audio``, ``blendshapes``, and features packed beside the
                corpus by :func:`koekao.pack_features` (``mel``).
            how: how they are loaded. ``epoch``: the one to begin with, later ``loader.set_epoch(n)``; ``num_workers``,
                ``persistent_workers``, ``prefetch_factor``: as in torch's DataLoader, with threads; ``device``: deliver
                there; ``copy``: batches to keep; ``rank``, ``world_size``: this process's share, by default what
                torch.distributed says; the rest in :class:`koekao.batches.Loader`.

        Returns:
            A loader of dictionaries: ``audio [B, N]``, ``blendshapes [B, T, 52]``, ``file_indices``, ``start_frames``,
            ``file_names``, ``is_dense``, ``reset``, ``gap_frames``, ``valid_frames`` (each B), ``frame_mask [B, T]``.
            Their memory is used again when the next is asked for (with threads, the next but one); ``copy`` owns it.

        Raises:
            ConfigError, PlanError: settings that cannot be, or that leave no batch.
        """
        policy = StridePolicy.of(
            stride,
            initial_stride=initial_stride,
            final_stride=final_stride,
            max_epochs=max_epochs,
            schedule=schedule,
            dense_ratio=dense_ratio,
        )
        spec = StreamSpec(
            batch_size=batch_size,
            n_streams=(2 if batch_size % 2 == 0 else 1) if n_streams is None else n_streams,
            window_frames=window_frames,
            stride=policy,
            short=short,
            drop_last=drop_last,
            shuffle=shuffle,
            seed=seed,
            columns=tuple(columns),
        )
        return Loader(self, spec, **how)

    def clips(
        self,
        *,
        batch_size: int = 16,
        clip_s: float = 10.0,
        stride_frames: int = 1,
        short: Short = "pad",
        drop_last: bool = False,
        shuffle: bool = True,
        seed: int = 0,
        columns: Sequence[str] = ("wav", "arkit"),
        **how: Unpack[HowLoaded],
    ) -> Loader:
        """Batches of shuffled clips of ``clip_s`` seconds, one beginning every ``stride_frames`` frames of each take.

        >>> import koekao
        >>> batch = next(iter(koekao.open("corpus").clips(batch_size=2, clip_s=2.0)))
        >>> tuple(batch["wav"].shape), tuple(batch["arkit"].shape)
        ((2, 32000), (2, 60, 52))

        Other arguments, ``how`` among them, as in :meth:`streams`.

        Returns:
            A loader of dictionaries: ``wav [B, N]``, ``arkit [B, T, 52]``, ``file_indices``, ``start_frames``,
            ``file_names``, ``valid_frames`` (each B), ``frame_mask [B, T]``.
        """
        spec = ClipSpec(
            batch_size=batch_size,
            window_frames=clip_frames(clip_s, self.clock),
            stride_frames=stride_frames,
            short=short,
            drop_last=drop_last,
            shuffle=shuffle,
            seed=seed,
            columns=tuple(columns),
        )
        return Loader(self, spec, **how)


def open(
    path: str | Path,
    *,
    split: str | None = None,
    names: Sequence[str] | None = None,
    cache: str | Path | None = None,
    cache_gb: float | None = None,
) -> OpenCorpus:
    """Open a corpus that ``koekao pack`` made; ``split`` and ``names`` choose among its takes.

    >>> import koekao
    >>> koekao.open("corpus", split="test").names[:]
    ('ken_0002',)

    Args:
        path: its folder, or a URL: ``s3://bucket/corpus``, ``gs://``, ``hf://datasets/...``, ``https://`` and what else
            fsspec knows (``pip install "koekao[remote]"``). Shards come when they are needed or shortly before, are
            checked, and stay in a cache on this machine.
        cache: the folder of that cache; by default $KOEKAO_CACHE, else ~/.cache/koekao.
        cache_gb: how large it may become; by default $KOEKAO_CACHE_GB, else 50.

    Raises:
        CorpusError: no corpus there, or one that is damaged or newer than this koekao.
        ConfigError: a split or name that it does not have, or one that leaves no take.
    """
    stated: dict[str, Any] = {"folder": None if cache is None else Path(cache), "gb": cache_gb}
    config = CacheConfig(**{key: value for key, value in stated.items() if value is not None}) if is_url(path) else None
    corpus = OpenCorpus.open(path, cache=config)
    chosen = corpus.select(split=split, names=names) if split is not None or names is not None else corpus
    if not len(chosen):
        what = f"holds no {split} take" if split else "holds no take"
        raise ConfigError(what, where=path, expected="at least one", do="see what it holds: koekao inspect CORPUS")
    if not isinstance(chosen, OpenCorpus):
        raise TypeError(type(chosen))
    return chosen


def pack_features(
    corpus: str | Path | Corpus,
    name: str | None = None,
    *,
    stream: str = "mel",
    n_fft: int = 1024,
    columns_per_frame: int = 2,
    n_mels: int = 80,
    f_min_hz: float = 20.0,
    f_max_hz: float | None = None,
    on_take: Callable[[str], None] | None = None,
    overwrite: bool = False,
) -> FrameColumn:
    """Compute features of every take once and keep them beside the corpus, for training that shall not do it again.

    >>> import koekao
    >>> column = koekao.pack_features("corpus", n_mels=40)
    >>> column.frame_shape, len(column)
    ((2, 40), 4)

    The values are raw (not normalised), of whole takes on exact frame times, float32. ``mel``: those of
    :meth:`koekao.features.LogMel.raw`, ln of power, ``[n_frames, columns_per_frame, n_mels]``. Other streams: those of
    :meth:`koekao.features.FeatureStream.whole`. A window that starts inside a take hears there what came before.

    Args:
        corpus: a corpus (all takes of it) or its folder.
        name: what the column is called, by default as the stream (``mel``, ``prosody``, ``opensmile``, ``hf``);
            columns of one name and other settings lie side by side.
        stream: ``mel``, ``prosody`` (how something is said), or an extra: ``opensmile`` (its licence is for
            non-commercial use only), ``hf:FOLDER`` (a speech network of your own, read by transformers).
        n_fft, columns_per_frame, n_mels, f_min_hz, f_max_hz: of ``mel``, as in
            :class:`koekao.features.LogMelConfig`; f_max_hz is 8000 or half the sample rate, whichever is less, where it
            is not given.
        on_take: called with the name of each take that was written.
        overwrite: replace the column of this name and these settings.

    Returns:
        The column; later it is ``corpus.column(name)``.

    Raises:
        ConfigError: settings that cannot be, a selection of takes, an extra that is not installed.
        ModelError: a backend that cannot be opened or fails on a take. OutputError: it exists, or cannot be written.
    """
    import torch

    from koekao.features import MelStream, open_stream
    from koekao.takes.take import as_float

    whole = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
    of_mel = {"n_fft": n_fft, "columns_per_frame": columns_per_frame, "n_mels": n_mels, "f_min_hz": float(f_min_hz)}
    if stream == "mel":
        of_mel["f_max_hz"] = min(8000.0, whole.sample_rate / 2) if f_max_hz is None else float(f_max_hz)
    elif f_max_hz is not None or list(of_mel.values()) != [1024, 2, 80, 20.0]:
        raise ConfigError(f"settings of mel for the stream {stream!r}", do="leave them out, or pack mel")
    settings: dict[str, Any] = of_mel if stream == "mel" else {}
    features = open_stream(stream, sample_rate=whole.sample_rate, fps=str(whole.fps), **settings)

    @torch.no_grad()
    def raw(i: int) -> NDArray[np.float32]:
        sound = np.require(as_float(whole.audio(i)), np.float32, ("C", "W"))  # torch takes no read-only views
        audio, n_frames = torch.from_numpy(sound)[None], int(whole.n_frames[i])
        if isinstance(features, MelStream):  # it remembers nothing, so that a whole take is one piece
            frames = features.features.raw(audio, first_frame=0, n_frames=n_frames)
        else:
            frames = features.whole(audio, n_frames)
        values: NDArray[np.float32] = frames[0].numpy()
        return values

    return pack_column(
        whole,
        features.name if name is None else name,
        features.frame_shape,
        features.raw_settings(),
        raw,
        on_take=on_take,
        overwrite=overwrite,
    )

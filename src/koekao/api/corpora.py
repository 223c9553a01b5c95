"""Corpora: taken up to hand out batches, features packed beside them; and recordings examined before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from koekao.batches import ClipSpec, Loader, StreamSpec
from koekao.batches.loader import HowLoaded
from koekao.batches.spec import clip_frames
from koekao.clock import parse_fps
from koekao.corpus import Corpus, FrameColumn, pack_column
from koekao.corpus.remote import CacheConfig
from koekao.errors import ConfigError
from koekao.place import is_url
from koekao.windows import StridePolicy
from koekao.windows.grid import Short
from koekao.windows.stride import Schedule

if TYPE_CHECKING:
    from koekao.takes.doctor.report import Examined


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
        stride: str | StridePolicy = "dense",
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
            stride: ``"dense"``, ``"sparse"`` (every ``initial_stride`` frames), ``"progressive"`` (from
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
        if isinstance(stride, str):
            stride = StridePolicy.of(
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
            stride=stride,
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


def check(
    takes: str | Path,
    output: str | Path | None = None,
    *,
    read: str | None = None,
    order: str | None = None,
    rows_fps: Fraction | int | float | str | None = None,
    sync: bool = True,
    plots: int = 200,
    on_take: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> list[Examined]:
    """Examine recordings before anybody trains on them: rates, gaps, ranges, noise, and sound against mouth.

    >>> import koekao
    >>> [(one.health.name, one.health.usable, len(one.findings)) for one in koekao.check("takes", sync=False)][:1]
    [('aoi_0001', True, 1)]

    Args:
        takes: a folder of takes; or a sound, a file of curves, or what a take's two files have in common.
        output: also write report.html and report.json into this folder.
        read, order, rows_fps: what the files do not say themselves, as in :func:`koekao.read_curves`.
        sync: measure how sound and curves lie to each other, which takes longest.
        plots: how many takes the page plots, the worst first.
        on_take: told how many takes are done, of how many, and the name of the next.

    Returns:
        One examination a take: ``health`` (what was measured) and ``findings`` (what is to be done about it).

    Raises:
        TakeError: there is no take. OutputError: a file that is no report is in the way, or no place to write.
    """
    from koekao.atomic import write_file
    from koekao.takes.doctor.health import examine
    from koekao.takes.doctor.page import page
    from koekao.takes.doctor.report import HTML_NAME, JSON_NAME, Examined, refuse_other_files, report_text
    from koekao.takes.doctor.subjects import find_subjects

    if plots < 0:
        raise ConfigError(f"{plots} plots", expected="0 or more")
    folder = None if output is None else Path(output)
    if folder is not None:
        refuse_other_files(folder)
    subjects, examined = find_subjects(Path(takes)), []
    fps = None if rows_fps is None else str(rows_fps)
    for i, subject in enumerate(subjects):
        on_take(i, len(subjects), subject.name)
        examined.append(Examined.of(examine(subject, read=read, order=order, fps=fps, sync=sync)))
    if folder is not None:
        write_file(folder / JSON_NAME, report_text(examined).encode())
        write_file(folder / HTML_NAME, page(examined, place=Path(takes), most_plots=plots).encode())
    return examined


def synthesize(
    folder: str | Path,
    *,
    takes: int = 12,
    seconds: float = 20.0,
    voices: int = 3,
    fps: Fraction | int | float | str = 30,
    sample_rate: int = 16000,
    seed: int = 0,
    format: str = "jsonl",
    on_take: Callable[[int, int], None] = lambda done, of: None,
) -> float:
    """Write synthetic takes into a folder, to try things out; returns their length together in seconds.

    >>> import koekao
    >>> koekao.synthesize("some takes", takes=2, seconds=1.5)
    3.0

    Args:
        takes, seconds, voices, seed: how many, how long each, in how many voices; one seed makes one set.
        fps, sample_rate: of curves and sound. format: ``jsonl`` or ``livelink_csv``.
        on_take: told how many are written, and of how many.

    Raises:
        ConfigError: numbers that cannot be. OutputError: a place that cannot be written.
    """
    from koekao.outputs.folder import write_take
    from koekao.takes.synthetic.making import make_takes

    if takes < 1:
        raise ConfigError(f"{takes} takes", expected="at least 1")
    rates: dict[str, Any] = {"sample_rate": sample_rate, "fps": parse_fps(fps)}
    total_s = 0.0
    for n, take in enumerate(make_takes(takes, seconds=seconds, seed=seed, voices=voices, **rates), start=1):
        write_take(Path(folder), take.name, take.audio, take.sample_rate, take.curves, take.fps, format=format)
        total_s += take.duration_s
        on_take(n, takes)
    return total_s

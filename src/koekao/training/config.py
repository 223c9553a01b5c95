"""Everything a training run is decided by, in one frozen dataclass that goes into the run as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from koekao.clock import Clock
from koekao.errors import ConfigError
from koekao.training.loss_weights import DEFAULT_TERMS, LOSSES_OF_TRAINER, LossConfig
from koekao.windows.stride import Mode, Schedule, StridePolicy

if TYPE_CHECKING:
    from koekao.batches import ClipSpec, StreamSpec

TrainerName = Literal["stream", "sequential", "clips"]
Precision = Literal["fp32", "bf16", "fp16"]
DEBUG_BATCHES = 3
MODELS_OF_TRAINER: Final[Mapping[str, tuple[str, ...]]] = {
    "stream": ("stream",),
    "sequential": ("sequential", "window"),
    "clips": ("frame",),
}
"""The models of koekao's own that each trainer can train; the first one if the settings name none."""
DEFAULTS_OF_TRAINER: Final[Mapping[str, Mapping[str, Any]]] = {
    "stream": {"batch_size": 16, "window_frames": 96, "learning_rate": 2e-3, "ema_decay": 0.99},
    "sequential": {"batch_size": 64, "window_frames": 256, "learning_rate": 1e-3, "ema_decay": 0.0},
    "clips": {"batch_size": 256, "window_frames": 256, "learning_rate": 1e-3, "ema_decay": 0.0},
}
"""What settings that were not said are, where it depends on the trainer."""
DEFAULT_EPOCHS: Final[Mapping[str, int]] = {"stream": 8, "sequential": 30, "clips": 30}
"""Epochs where neither they nor minutes are given. Windows of the stream trainer overlap: it sees a frame six times in
each."""


def models_of(trainer: str) -> tuple[str, ...]:
    """The models that a trainer can train: koekao's own, then those that somebody registered for it."""
    from koekao.models.registry import registered_for  # takes torch with it

    return MODELS_OF_TRAINER[trainer] + registered_for(trainer)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of a run.

    >>> import koekao
    >>> koekao.TrainConfig(minutes=5, model={"dim": 256}).batch_size
    16

    Attributes:
        trainer: stream (shuffled windows, every frame of them), sequential (streams of windows, last frame, state per
            row) or clips (shuffled clips, one frame).
        epochs: passes over the training takes, 8 for stream and 30 for the others if neither they nor minutes are said;
            over them the stride goes from coarse to fine. Of few recordings more is worse.
        minutes: instead of epochs: as many as fit into this wall time, found by a short measurement.
        max_steps: stop after this many steps whatever the epoch; 0 = no limit.
        batch_size: rows a step, of all ranks together; 0 = 16 for stream, 64 for sequential, 256 for clips.
        n_streams: streams the rows are shared out to; 0 = as many as the takes and the batch allow.
        window_frames: frames a window of the stream trainer and of the sequential trainer; 0 = 96 and 256.
        stride: how far apart its windows start.
        initial_stride: frames between windows at first (always, for sparse and mixed).
        final_stride: frames between windows in the last epoch of progressive.
        schedule: how progressive goes from one to the other.
        dense_ratio: share of dense windows in mixed.
        hop_frames: frames between the starts of windows of the stream trainer.
        clip_s: seconds a clip of the clip trainer.
        target_frame: which frame of a clip is the target; 0 is the first.
        learning_rate: AdamW's, at its highest; 0 = 0.002 for stream, 0.001 for the others.
        weight_decay: AdamW's, on matrices alone.
        warmup: share of the steps in which the learning rate rises; a cosine to 0 follows.
        clip_norm: largest norm of the gradient.
        accumulate: batches a step; the gradient is the mean of theirs, and an epoch's last step may have fewer.
        ema_decay: share of the average of the weights that stays at each step; 0 = no average. Where there is one, it
            is validated, chosen and published. If not said 0.99 for stream, 0 for the others.
        ema_from_step: steps before that average begins.
        precision: of the forward pass; bf16 and fp16 for the stream trainer, fp16 on CUDA alone.
        compile: compile the task's forward pass by torch.compile; a minute at first, which --minutes includes.
        velocity_weight: weight of the velocity term beside the position term; the stream trainer trembles less with 2.
        correlation_weight: weight of the correlation term of the stream trainer.
        losses: what else decides how much an error counts, by the names of LossConfig: terms (weights of acceleration,
            closure and position), regions, curves, by_epoch, by_stride; on the command line as --losses.terms
            '{"closure": 0.1}'.
        validations: about how often in a run the validation takes are animated and scored.
        patience: end the run after this many validations in a row without a new best; 0 = never.
        keep_last: how many of the newest checkpoints are kept; those before the last lie in the folder checkpoints.
        plots: draw an unseen take's curves, truth and prediction, at each validation, where matplotlib is installed.
        augment: change batches at random: usual, or effects by name with their settings, on the command line as JSON:
            {"noise": {"probability": 0.5}}; nothing by default.
        model: settings of the model that differ from its defaults, as --model.dim 128.
        init: a model file that koekao pretrain made, or the file or folder of another run, whose weights the run begins
            with; the statistics are those of the corpus.
        num_workers: threads that gather batches; 0 gathers inline.
        pin_memory: pinned memory and asynchronous copies where training runs on CUDA.
        prefetch_factor: batches that the threads may be ahead.
        device: auto, cpu, cuda, cuda:1 ...
        seed: decides weights, order and dropout.
        debug: stop after exactly 3 batches.
    """

    trainer: TrainerName = "stream"
    epochs: int | None = None
    minutes: float | None = None
    max_steps: int = 0
    batch_size: int = 0
    n_streams: int = 0
    window_frames: int = 0
    stride: Mode = "progressive"
    initial_stride: int = 32
    final_stride: int = 1
    schedule: Schedule = "linear"
    dense_ratio: float = 0.1
    hop_frames: int = 16
    clip_s: float = 10.0
    target_frame: int = 0
    learning_rate: float = 0.0
    weight_decay: float = 0.05
    warmup: float = 0.05
    clip_norm: float = 1.0
    accumulate: int = 1
    ema_decay: float | None = None
    ema_from_step: int = 0
    precision: Precision = "fp32"
    compile: bool = False
    velocity_weight: float = 0.1
    correlation_weight: float = 0.5
    losses: dict[str, Any] = field(default_factory=dict)
    validations: int = 10
    patience: int = 0
    keep_last: int = 1
    plots: bool = True
    augment: dict[str, Any] | str = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    init: str = ""
    num_workers: int = 1
    pin_memory: bool = True
    prefetch_factor: int = 2
    device: str = "auto"
    seed: int = 0
    debug: bool = False

    def __post_init__(self) -> None:
        if self.trainer not in get_args(TrainerName):
            raise ConfigError(f"trainer {self.trainer!r}", expected="one of " + ", ".join(get_args(TrainerName)))
        if self.epochs is not None and self.minutes is not None:
            raise ConfigError("epochs and minutes are both given", do="give one of --epochs and --minutes")
        for name in ("epochs", "minutes", "clip_norm", "validations"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} {value!r}", expected="a number above 0")
        counts = ("max_steps", "batch_size", "window_frames", "n_streams", "ema_from_step", "patience")
        for name in (*counts, "learning_rate", "weight_decay", "velocity_weight", "correlation_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} {getattr(self, name)!r}", expected="0 or more")
        for name in ("hop_frames", "accumulate", "keep_last"):
            if not getattr(self, name) >= 1:
                raise ConfigError(f"{name} {getattr(self, name)!r}", expected="at least 1")
        if not 0 <= (self.ema_decay or 0) < 1:
            raise ConfigError(f"ema_decay {self.ema_decay!r}", expected="a share in [0, 1)")
        if self.precision not in get_args(Precision):
            raise ConfigError(f"precision {self.precision!r}", expected="one of " + ", ".join(get_args(Precision)))
        if not 0 <= self.warmup <= 1:
            raise ConfigError(f"warmup {self.warmup!r}", expected="a share in [0, 1]")
        for name, value in DEFAULTS_OF_TRAINER[self.trainer].items():
            if getattr(self, name) is None or (getattr(self, name) == 0 and name != "ema_decay"):
                object.__setattr__(self, name, value)
        self.loss_config()  # or refused

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    def loss_config(self) -> LossConfig:
        """How much each loss, region and curve counts in this run.

        Raises:
            ConfigError: a key or a name that there is not, or a loss that the trainer cannot compute.
        """
        known = [each.name for each in fields(LossConfig)]
        unknown = [name for name in self.losses if name not in known]
        if unknown:
            raise ConfigError(f"losses names {', '.join(map(repr, unknown))}", expected="some of " + ", ".join(known))
        for name, value in self.losses.items():
            if not isinstance(value, dict):
                raise ConfigError(f"losses.{name} {value!r}", expected="names and their weights or points")
        terms, judged = self.losses.get("terms", {}), LOSSES_OF_TRAINER[self.trainer]
        own = {"velocity": self.velocity_weight, "correlation": self.correlation_weight}
        for name in terms:
            if name in own:
                raise ConfigError(f"losses.terms names {name!r}", do=f"say {name}_weight, its own setting")
            if terms[name] and name in DEFAULT_TERMS and name not in judged:
                raise ConfigError(
                    f"the loss {name} for trainer {self.trainer}", expected="some of " + ", ".join(judged)
                )
        weights = {name: weight if name in judged else 0.0 for name, weight in own.items()}
        return LossConfig(**{**self.losses, "terms": {**terms, **weights}})

    def spec(self, n_takes: int, clock: Clock, epochs: int) -> StreamSpec | ClipSpec:
        """What the batches of this run are, over ``n_takes`` training takes and ``epochs`` epochs."""
        from koekao.batches import ClipSpec, StreamSpec  # takes torch with it, which reading settings need not
        from koekao.batches.spec import clip_frames

        if self.trainer == "clips":
            return ClipSpec(batch_size=self.batch_size, window_frames=clip_frames(self.clip_s, clock), seed=self.seed)
        if self.trainer == "stream":
            return ClipSpec(
                batch_size=self.batch_size,
                window_frames=self.window_frames,
                stride_frames=self.hop_frames,
                seed=self.seed,
            )
        policy = StridePolicy(
            mode=self.stride,
            initial_stride=self.initial_stride,
            final_stride=self.final_stride,
            max_epochs=epochs,
            schedule=self.schedule,
            dense_ratio=self.dense_ratio,
        )
        return StreamSpec(
            batch_size=self.batch_size,
            n_streams=self.n_streams or _streams_for(self.batch_size, n_takes),
            window_frames=self.window_frames,
            stride=policy,
            seed=self.seed,
        )


def _streams_for(batch_size: int, n_takes: int) -> int:
    """The most streams, up to a quarter of the batch (but 2), that divide it and leave each stream a take.

    Smoothing and velocity are learnt from windows that follow each other within a batch.
    """
    most = max(1, min(n_takes, max(2, batch_size // 4)))
    return max(n for n in range(1, most + 1) if batch_size % n == 0)

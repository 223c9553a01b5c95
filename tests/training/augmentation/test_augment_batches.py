"""A window is augmented by its own numbers alone: whatever its batch, its row, its workers, and what came before."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from koekao.batches import AdaptiveSequentialDataset, Loader, StreamSpec, gather
from koekao.batches.items import row_of
from koekao.clock import Clock, parse_fps
from koekao.corpus import Corpus
from koekao.errors import BatchError, CurvesError, SoundError
from koekao.training.augmentation import Augmentation, AugmentConfig, Mirror, Window
from koekao.windows import Rows, window_generator
from small_loaders import torch_loader, with_worker_processes

CLOCK = Clock(16000, Fraction(30))
SPEC = StreamSpec(batch_size=4, n_streams=2, window_frames=48)
USUAL = AugmentConfig.usual()
ALL = AugmentConfig.from_dict(
    {name: {"probability": 1.0} for name in USUAL.effects()} | {"silence": {"probability": 1, "length_s": [0.3, 0.5]}}
)


def batch_of(corpus: Corpus, takes, starts, frames: int = 48, **spec):
    takes, starts = np.array(takes, np.int64), np.array(starts, np.int64)
    lengths = np.where(takes < 0, 0, corpus.n_frames[takes] - starts)
    rows = Rows(
        take=takes,
        start_frame=starts,
        valid_frames=np.minimum(lengths, frames),
        is_dense=np.zeros(len(takes), bool),
        reset=np.zeros(len(takes), bool),
        gap_frames=np.zeros(len(takes), np.int64),
    )
    return gather(corpus, replace(SPEC, batch_size=len(takes), n_streams=1, window_frames=frames, **spec), rows)


def augmented(corpus: Corpus, takes, starts, config: AugmentConfig = ALL, *, seed: int = 0, epoch: int = 0, **more):
    batch = batch_of(corpus, takes, starts, **more)
    Augmentation(config, corpus.clock, seed)(batch, epoch=epoch)
    return batch


@pytest.mark.parametrize("config", [ALL, USUAL], ids=["all", "usual"])
def test_a_window_does_not_depend_on_its_batch(spoken: Corpus, config: AugmentConfig) -> None:
    takes, starts = [0, 1, 2, 0, 3], [0, 5, 9, 11, 0]
    together = augmented(spoken, takes, starts, config)
    backward = augmented(spoken, takes[::-1], starts[::-1], config)
    for row, (take, start) in enumerate(zip(takes, starts, strict=True)):
        alone = augmented(spoken, [take], [start], config)
        for key in ("audio", "blendshapes"):
            assert torch.equal(alone[key][0], together[key][row])
            assert torch.equal(alone[key][0], backward[key][len(takes) - 1 - row])


def test_seed_epoch_take_and_start_each_decide(spoken: Corpus) -> None:
    def numbers(seed: int, epoch: int, take: int, start: int):
        batch = batch_of(spoken, [0], [0])
        batch["file_indices"][0], batch["start_frames"][0] = take, start
        Augmentation(ALL, spoken.clock, seed)(batch, epoch=epoch)
        return batch["audio"][0]

    assert torch.equal(numbers(1, 2, 3, 4), numbers(1, 2, 3, 4))
    others = [numbers(*which) for which in ((1, 2, 3, 4), (0, 2, 3, 4), (1, 0, 3, 4), (1, 2, 0, 4), (1, 2, 3, 0))]
    assert all(not torch.equal(one, other) for i, one in enumerate(others) for other in others[:i])


def test_batches_and_items_of_datasets_are_augmented_alike(spoken: Corpus) -> None:
    batch = augmented(spoken, [2], [7], seed=5, epoch=3)
    item = row_of(batch_of(spoken, [2], [7]), 0)
    returned = Augmentation(ALL, spoken.clock, 0).transform(item, window_generator(5, 3, 2, 7))
    assert returned is item
    assert torch.equal(item["audio"], batch["audio"][0])
    assert torch.equal(item["blendshapes"], batch["blendshapes"][0])


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_loader_gives_the_same_whatever_its_threads(spoken: Corpus, num_workers: int) -> None:
    augmentation = Augmentation(USUAL, spoken.clock, 0)
    sums = []
    for batch in Loader(spoken, SPEC, num_workers=num_workers):
        augmentation(batch, epoch=0)
        alone = [
            augmented(spoken, [int(take)], [int(start)], USUAL)["audio"][0] if take >= 0 else torch.zeros(1)
            for take, start in zip(batch["file_indices"], batch["start_frames"], strict=True)
        ]
        assert all(
            torch.equal(row, one) for row, one, real in zip(batch["audio"], alone, batch["valid_frames"]) if real
        )
        sums.append(len(alone))
        if len(sums) == 3:
            break
    assert sums == [4, 4, 4]


@with_worker_processes[0]
@with_worker_processes[1]
def test_worker_processes_of_a_dataloader_augment_as_batches_are_augmented(spoken: Corpus) -> None:
    augmentation = Augmentation(USUAL, spoken.clock, SPEC.seed)
    dataset = AdaptiveSequentialDataset(spoken, SPEC, transform=augmentation.transform)
    n_batches = 0
    for batch in torch_loader(dataset, 2):
        for take, start, sound in zip(batch["file_indices"], batch["start_frames"], batch["audio"], strict=True):
            if take >= 0:
                alone = augmented(spoken, [int(take)], [int(start)], USUAL, seed=SPEC.seed)
                assert torch.equal(sound, alone["audio"][0])
        n_batches += 1
    assert n_batches > 2


def test_it_does_not_matter_where_a_window_lies_in_memory(spoken_window: Window) -> None:
    results = []
    for offset in (0, 1, 3, 8):
        memory = np.zeros(len(spoken_window.sound) + 8, np.float32)
        window = Window(CLOCK, memory[offset : offset + len(spoken_window.sound)])
        window.sound[:] = spoken_window.sound
        Augmentation(ALL, CLOCK, 0).augment(window, window_generator(0, 0, 0, 0))
        results.append(window.sound.copy())
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize(("rate", "fps"), [(8000, "24"), (22050, "29.97"), (44100, "30"), (48000, "60")])
@pytest.mark.parametrize("n_frames", [1, 2, 100])
def test_every_rate_and_length_is_augmented(rate: int, fps: str, n_frames: int) -> None:
    clock, generator = Clock(rate, parse_fps(fps)), np.random.default_rng(0)
    sound = generator.standard_normal(clock.window_samples(n_frames), np.float32)
    window = Window(clock, sound.copy(), generator.random((n_frames, 52), np.float32))
    Augmentation(ALL, clock, 0).augment(window, generator)
    assert np.isfinite(window.sound).all() and np.isfinite(window.curves).all()
    assert not np.array_equal(window.sound, sound)


def test_shapes_types_masks_and_everything_else_are_kept(spoken: Corpus) -> None:
    before, after = batch_of(spoken, [0, 1], [0, 3]), augmented(spoken, [0, 1], [0, 3])
    assert before.keys() == after.keys()
    for key in ("audio", "blendshapes"):
        assert (after[key].shape, after[key].dtype) == (before[key].shape, before[key].dtype)
        assert not torch.equal(after[key], before[key])
        assert torch.isfinite(after[key]).all()
    for key in before.keys() - {"audio", "blendshapes", "file_names"}:
        assert torch.equal(after[key], before[key]), key


def test_nothing_is_touched_at_probability_0(spoken: Corpus) -> None:
    before, after = batch_of(spoken, [0, 1], [0, 3]), augmented(spoken, [0, 1], [0, 3], AugmentConfig())
    assert torch.equal(after["audio"], before["audio"])
    assert torch.equal(after["blendshapes"], before["blendshapes"])


@pytest.mark.parametrize("name", USUAL.effects())
def test_an_effect_at_probability_0_is_not_applied_and_at_1_always(name: str) -> None:
    generators = [np.random.default_rng(seed) for seed in range(40)]
    for config, expected in (({name: {"probability": 1.0}}, 40), ({name: {"probability": 0.0}}, 0)):
        augmentation = Augmentation(AugmentConfig.from_dict(config), CLOCK, 0)
        drawn = [effect for generator in generators for effect, _ in augmentation.drawn(generator)]
        assert len(drawn) == expected
        assert all(effect is getattr(augmentation.config, name) for effect in drawn)


def test_an_effect_is_applied_as_often_as_its_probability_says() -> None:
    augmentation = Augmentation(AugmentConfig.from_dict({"mirror": {"probability": 0.3}}), CLOCK, 0)
    applied = [len(augmentation.drawn(np.random.default_rng(seed))) for seed in range(2000)]
    assert np.mean(applied) == pytest.approx(0.3, abs=0.04)


def test_one_effect_changes_no_other_ones_numbers() -> None:
    def gains(config: AugmentConfig) -> list[float]:
        augmentation = Augmentation(config, CLOCK, 0)
        drawn = [dict(augmentation.drawn(np.random.default_rng(seed))) for seed in range(20)]
        return [own.random() if (own := each.get(config.gain)) else -1.0 for each in drawn]

    alone = AugmentConfig.from_dict({"gain": {"probability": 0.5}})
    assert gains(alone) == gains(replace(USUAL, gain=alone.gain))
    assert len(set(gains(alone))) > 5


def test_padding_rows_are_not_touched(spoken: Corpus) -> None:
    batch = batch_of(spoken, [0, -1], [0, 0])
    assert batch["valid_frames"].tolist() == [48, 0]
    Augmentation(ALL, spoken.clock, 0)(batch, epoch=0)
    assert not batch["audio"][1].any() and not batch["blendshapes"][1].any()
    assert batch["audio"][0].any()


def test_nothing_is_written_past_the_end_of_a_take(spoken: Corpus) -> None:
    n_frames = int(spoken.n_frames[0])
    batch = augmented(spoken, [0], [0], frames=n_frames + 20)
    end = spoken.clock.frame_start(n_frames)
    assert batch["valid_frames"].tolist() == [n_frames]
    assert batch["audio"][0, :end].std() > 0 and batch["audio"][0, end - 300 : end].any()
    assert not batch["audio"][0, end:].any()
    assert not batch["blendshapes"][0, n_frames:].any()


def test_the_order_of_numbers_is_frozen() -> None:
    """A run that is resumed with another koekao goes on with the same windows."""
    half = AugmentConfig.from_dict({name: {"probability": 0.5} for name in USUAL.effects()})
    drawn = Augmentation(half, CLOCK, 0).drawn(window_generator(1, 2, 3, 4))
    numbers = {type(effect).__name__: int(own.integers(1000)) for effect, own in drawn}
    assert numbers == {"Silence": 69, "Tilt": 526, "Reverb": 154, "Noise": 759, "Gain": 500}


def test_features_computed_before_are_refused(spoken: Corpus) -> None:
    batch = batch_of(spoken, [0], [0]) | {"mel": torch.zeros(1, 48, 2, 80)}
    with pytest.raises(
        BatchError, match="on a batch with mel; expected sound, and no features that were computed before"
    ):
        Augmentation(USUAL, spoken.clock, 0)(batch, epoch=0)
    before = batch["blendshapes"].clone()
    Augmentation(AugmentConfig(mirror=Mirror(probability=1)), spoken.clock, 0)(batch, epoch=0)
    assert not torch.equal(batch["blendshapes"], before)


def test_a_batch_without_sound_is_refused_if_sound_is_to_change(spoken: Corpus) -> None:
    batch = batch_of(spoken, [0], [0], columns=("blendshapes",))
    with pytest.raises(BatchError, match="on a batch with no sound"):
        Augmentation(USUAL, spoken.clock, 0)(batch, epoch=0)


def test_a_batch_without_curves_is_augmented_in_its_sound(spoken: Corpus) -> None:
    with_curves = augmented(spoken, [0], [0], AugmentConfig.from_dict({"noise": {"probability": 1}}))
    without = augmented(spoken, [0], [0], AugmentConfig.from_dict({"noise": {"probability": 1}}), columns=("audio",))
    assert torch.equal(with_curves["audio"], without["audio"])


def test_what_is_no_batch_is_refused_with_what_it_lacks(spoken: Corpus) -> None:
    with pytest.raises(BatchError, match="no file_indices, start_frames, valid_frames in the batch"):
        Augmentation(USUAL, spoken.clock, 0)({"audio": torch.zeros(1, 10)}, epoch=0)
    batch = batch_of(spoken, [0], [0])
    batch["audio"] = batch["audio"].to("meta")
    with pytest.raises(BatchError, match="audio is on meta; expected the CPU"):
        Augmentation(USUAL, spoken.clock, 0)(batch, epoch=0)


def test_samples_that_are_no_numbers_are_told_with_take_and_frame(spoken: Corpus) -> None:
    batch = batch_of(spoken, [0], [4])
    batch["audio"][0, 100] = float("nan")
    with pytest.raises(SoundError, match=f"{batch['file_names'][0]}:frame 4: a sample that is not finite"):
        Augmentation(USUAL, spoken.clock, 0)(batch, epoch=0)


def test_a_window_refuses_other_shapes_and_types() -> None:
    with pytest.raises(SoundError, match=r"sound \[8\] int16; expected \[n_samples\] float32"):
        Window(CLOCK, np.zeros(8, np.int16))
    with pytest.raises(CurvesError, match=r"curves \[8, 51\] float32; expected \[n_frames, 52\] float32"):
        Window(CLOCK, curves=np.zeros((8, 51), np.float32))
    with pytest.raises(CurvesError, match=r"a mask \[7\] for 8 frames"):
        Window(CLOCK, curves=np.zeros((8, 52), np.float32), tracked=np.ones(7, bool))

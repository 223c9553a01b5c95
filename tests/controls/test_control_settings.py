"""Settings of the controls: neutral by default, checked, and to YAML and back with every mistake by its line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from faces_under_control import SETTINGS, Curves

from koekao.controls import (
    PRESETS,
    Adjustment,
    Blinks,
    Controls,
    ControlSettings,
    EyeMotion,
    HeadMotion,
    LipPress,
    Smoothing,
    as_yaml,
    dump_controls,
    load_controls,
    preset,
)
from koekao.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "face.yaml"


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_written_reads_back(file: Path, name: str) -> None:
    dump_controls(SETTINGS[name], file)
    assert load_controls(file) == SETTINGS[name]
    assert file.read_text() == as_yaml(SETTINGS[name])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_settings_that_do_something(file: Path, name: str, take: Curves) -> None:
    settings = preset(name)
    assert settings != ControlSettings()
    file.write_text(f"preset: {name}\n")
    assert load_controls(file) == settings
    Controls(settings, Fraction(30)).push(take)


def test_presets_differ_and_natural_has_no_latency() -> None:
    assert len({as_yaml(preset(name)) for name in PRESETS}) == len(PRESETS)
    assert Controls(preset("natural"), Fraction(60)).latency_s == 0
    assert Controls(preset("crisp_lips"), Fraction(60)).latency_s < 0.3


def test_a_file_says_what_differs(file: Path) -> None:
    file.write_text(
        "preset: subtle\nmouth: 1\nblinks: {amount: 5e-1}\nsmoothing:\n  regions: {brow: 10}\n"
        "regions:\n  jaw: {gain: 1.2}\ncurves:\n  jawOpen: {response: [[0, 0], [1, 0.8]]}\n"
    )
    base, settings = preset("subtle"), load_controls(file)
    assert settings.mouth == 1
    assert settings.expression == base.expression
    assert settings.blinks == Blinks(amount=0.5, every_s=base.blinks.every_s, double=base.blinks.double)
    assert settings.smoothing == Smoothing(ms=base.smoothing.ms, regions={**base.smoothing.regions, "brow": 10})
    assert settings.regions == {"jaw": Adjustment(gain=1.2)}
    assert settings.curves == {"jawOpen": Adjustment(response=((0, 0), (1, 0.8)))}


def test_adjustments_go_key_by_key_over_those_of_a_preset(file: Path) -> None:
    file.write_text("preset: crisp_lips\nregions:\n  jaw: {gain: 1.5}\n  brow: {offset: 0.1}\n")
    settings = load_controls(file)
    assert settings.regions["jaw"] == Adjustment(gain=1.5, response=preset("crisp_lips").regions["jaw"].response)
    assert settings.regions["brow"] == Adjustment(offset=0.1)


def test_an_empty_file_is_neutral(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert load_controls(file) == ControlSettings()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("mouth: 1\nmuth: 2\n", 2, "no setting 'muth'; expected one of preset, mouth, expression"),
        ("mouth: 1\n\nmouth: 2\n", 3, "mouth stands twice"),
        ("mouth: much\n", 1, "mouth 'much'; expected a number in 0..2"),
        ("symmetry: 0\nmouth: 2.5\n", 2, "mouth 2.5; expected a number in 0..2"),
        ("mouth: true\n", 1, "mouth True"),
        ("mouth: .nan\n", 1, "mouth nan"),
        ("mouth:\n", 1, "mouth None"),
        ("preset: wild\n", 1, "preset 'wild'; expected one of natural"),
        ("mouth: 1\npreset: [natural]\n", 2, "preset"),
        ("blinks: 3\n", 1, "blinks 3; expected its keys and values"),
        ("blinks:\n", 1, "blinks None; expected its keys and values"),
        ("blinks:\n  amount: 1\n  often: 2\n", 3, "no setting 'blinks.often'; expected amount, when, every_s, double"),
        ("blinks:\n  amount: 1\n  every_s: [6, 2]\n", 3, "blinks.every_s [6, 2]; expected [shortest, longest]"),
        ("blinks:\n  when: now\n", 2, "blinks.when 'now'; expected one of still, always, never"),
        ("head:\n  amount_deg: 90\n", 2, "head.amount_deg 90"),
        ("smoothing:\n  ms: 3\n  regions:\n    jaw: 10\n    chin: 5\n", 5, "smoothing.regions.chin: there is none"),
        ("smoothing:\n  regions:\n    jaw: 10\n    brow: -5\n", 4, "smoothing.regions.brow -5"),
        (
            "regions:\n  jaw: {gain: 1}\n  chin: {gain: 1}\n",
            3,
            "regions.chin: there is none; expected one of jaw",
        ),
        ("curves:\n  jawOpen: {gain: 1}\n  jawopen: {gain: 1}\n", 3, "curves.jawopen: there is none"),
        ("curves:\n  jawOpen:\n    gain: 1\n    offset: 2\n", 4, "curves.jawOpen.offset 2; expected a number in -1..1"),
        ("curves:\n  jawOpen:\n    lift: 1\n", 3, "no setting 'curves.jawOpen.lift'; expected gain, offset, response"),
        ("curves:\n  jawOpen: 2\n", 2, "curves.jawOpen 2; expected its keys and values"),
        ("regions:\n  jaw:\n    response: [[0, 0], [0.5, 0.6]]\n", 3, "regions.jaw.response [[0, 0], [0.5, 0.6]]"),
        ("- mouth\n", 1, "list; expected settings, as `mouth: 1.2`"),
        ("mouth: [1\n", 2, "is no YAML"),
        ("mouth: !!python/object/apply:os.getcwd []\n", 1, "is no YAML"),
    ],
)
@pytest.mark.parametrize("is_over_a_preset", [False, True])
def test_mistakes_are_told_with_file_line_and_key(
    file: Path, text: str, line: int, said: str, is_over_a_preset: bool
) -> None:
    over = is_over_a_preset and "preset" not in text and text[0] != "-" and "YAML" not in said
    file.write_text("preset: natural\n" * over + text)
    with pytest.raises(ConfigError) as error:
        load_controls(file)
    assert said in str(error.value)
    where = f"{file}:{line + over}"
    assert error.value.where == where or error.value.where.startswith(f"{where}:")


def test_no_file_is_an_error(file: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_controls(file)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Adjustment, {"gain": -1}),
        (Adjustment, {"offset": "0"}),
        (Adjustment, {"response": ((0, 0),)}),
        (Adjustment, {"response": ((0, 0), (0.5, 0.6), (0.5, 0.7), (1, 1))}),
        (Adjustment, {"response": ((0, 0), (0.5, 0.6), (1, 0.5))}),
        (Adjustment, {"response": ((0, 0), (1, 1.1))}),
        (Adjustment, {"response": ((0.1, 0), (1, 1))}),
        (Adjustment, {"response": ((0, True), (1, 1))}),
        (Adjustment, {"response": "up"}),
        (Smoothing, {"ms": -1}),
        (Smoothing, {"regions": {"jaws": 1}}),
        (Smoothing, {"regions": [1]}),
        (Smoothing, {"phase": "linear"}),
        (LipPress, {"strength": 1.1}),
        (LipPress, {"near": None}),
        (Blinks, {"every_s": (0.5, 2)}),
        (Blinks, {"every_s": 3}),
        (Blinks, {"double": 2}),
        (Blinks, {"when": 1}),
        (HeadMotion, {"amount_deg": float("inf")}),
        (HeadMotion, {"when": "Still"}),
        (EyeMotion, {"every_s": (0.1, 2)}),
        (EyeMotion, {"amount_deg": -1}),
        (ControlSettings, {"hold_ms": 501}),
        (ControlSettings, {"symmetry": 2}),
        (ControlSettings, {"expression": -0.1}),
        (ControlSettings, {"curves": {"jawOpen": {"gain": 1}}}),
        (ControlSettings, {"curves": {"jaw": Adjustment()}}),
        (ControlSettings, {"regions": {"jawOpen": Adjustment()}}),
        (ControlSettings, {"blinks": {"amount": 1}}),
    ],
)
def test_settings_that_cannot_be_are_refused(kind: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        kind(**values)

"""Whatever is wrong: exit code 2, the file, the place in it, what to do, no traceback, nothing half-made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from koekao.models.weights import read_tensors, save_tensors

Damage = Callable[[Path], None]


def edit_jsonl(line: int, change: Callable[[dict[str, Any]], None]) -> Damage:
    """Change one frame (counted from 1) of ``take.jsonl``."""

    def damage(folder: Path) -> None:
        path = folder / "take.jsonl"
        lines = path.read_text().splitlines()
        frame = json.loads(lines[line - 1])
        change(frame)
        lines[line - 1] = json.dumps(frame)
        path.write_text("\n".join(lines) + "\n")

    return damage


def curve(value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda frame: frame["blendshapes"].update(jawOpen=value)


def as_csv(change: Callable[[list[str]], list[str]]) -> Damage:
    """Put a damaged Live Link Face CSV in the place of ``take.jsonl``."""

    def damage(folder: Path) -> None:
        import koekao

        track = koekao.read_curves(folder / "take.jsonl")
        (folder / "take.jsonl").unlink()
        koekao.write_curves(folder / "take.csv", track.values, 30)
        path = folder / "take.csv"
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")

    return damage


def cell(row: int, column: str, text: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        fields = lines[row - 1].split(",")
        fields[lines[0].split(",").index(column)] = text
        return [*lines[: row - 1], ",".join(fields), *lines[row:]]

    return change


def without_column(column: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        gone = lines[0].split(",").index(column)
        return [",".join(field for i, field in enumerate(line.split(",")) if i != gone) for line in lines]

    return change


def write(name: str, content: bytes) -> Damage:
    return lambda folder: _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    if path.suffix == ".csv":
        path.with_suffix(".jsonl").unlink()
    path.write_bytes(content)


def cut(name: str, n_bytes: int) -> Damage:
    return lambda folder: _write(folder / name, (folder / name).read_bytes()[:n_bytes])


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


# what was done to the take, where stderr must say it is, what it must say was seen, what it must say to do
TAKE_FAULTS: dict[str, tuple[Damage, str, str, str]] = {
    "missing wav": (remove("take.wav"), "take.jsonl", "curves without sound", "take.wav or "),
    "missing curves": (remove("take.jsonl"), "take.wav", "sound without curves", "take.jsonl or take.csv or take.json"),
    "empty wav": (write("take.wav", b""), "take.wav", "the file is empty (0 bytes)", "record or copy it again"),
    "empty curves": (write("take.jsonl", b""), "take.jsonl", "the file is empty (0 bytes)", "record or copy it again"),
    "truncated wav": (
        cut("take.wav", 30_000),
        "take.wav:byte 40",
        "truncated: the header says 64000 bytes of sound, 29956 are there",
        "copy the recording again",
    ),
    "no wav at all": (write("take.wav", b"x" * 100), "take.wav:byte 0", "no sound that can be read", "convert it"),
    "NaN": (edit_jsonl(3, curve(float("nan"))), "take.jsonl:3:jawOpen", "nan", "mend the cell"),
    "infinite": (edit_jsonl(7, curve(float("inf"))), "take.jsonl:7:jawOpen", "inf", "mend the cell"),
    "text": (edit_jsonl(3, curve("open")), "take.jsonl:3:jawOpen", '"open"', "mend the cell"),
    "null": (edit_jsonl(3, curve(None)), "take.jsonl:3:jawOpen", "null", "mend the cell"),
    "missing curve": (
        edit_jsonl(5, lambda frame: frame["blendshapes"].pop("jawOpen")),
        "take.jsonl:5",
        "1 of the 52 curves are missing: jawOpen",
        "export all 52",
    ),
    "time goes back": (
        edit_jsonl(5, lambda frame: frame.update(timestamp=0.05)),
        "take.jsonl:5",
        "timestamp 0.05 after 0.1",
        "sort the lines",
    ),
    "time repeats": (
        edit_jsonl(5, lambda frame: frame.update(timestamp=0.1)),
        "take.jsonl:5",
        "timestamp 0.1 after 0.1",
        "sort the lines",
    ),
    "broken line": (write("take.jsonl", b'{"timestamp": x'), "take.jsonl:1:15", "no JSON", '{"timestamp": seconds'),
    "unknown format": (
        write("take.csv", b"a,b,c\n1,2,3\n"),
        "take.csv:1",
        "no known curve format",
        "export the curves",
    ),
    "csv text": (as_csv(cell(4, "JawOpen", "open")), "take.csv:4:JawOpen", "'open'", "mend the cell"),
    "csv NaN": (as_csv(cell(4, "JawOpen", "nan")), "take.csv:4:JawOpen", "'nan'", "mend the cell"),
    "csv empty cell": (as_csv(cell(9, "JawOpen", "")), "take.csv:9:JawOpen", "an empty cell", "mend the cell"),
    "csv missing column": (
        as_csv(without_column("JawOpen")),
        "take.csv:1",
        "1 columns are missing: JawOpen",
        "export the file again with all curves",
    ),
    "csv time goes back": (
        as_csv(lambda lines: [*lines[:4], lines[9], *lines[4:]]),
        "take.csv:6",
        "after 00:00:00:08",
        "",
    ),
    "lengths that do not fit": (
        lambda folder: _write(
            folder / "take.jsonl", b"".join((folder / "take.jsonl").read_bytes().splitlines(True)[:20])
        ),
        "take.wav and ",
        "the sound lasts 2.000 s, the curves 0.667 s",
        "check that the two are of one recording",
    ),
}


def assert_told(said: Any, *parts: str) -> None:
    """Exit code 2, all of ``parts`` on stderr in this order, no traceback, nothing on stdout."""
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("koekao: ") and "Traceback" not in said.err
    at = 0
    for part in parts:
        assert part in said.err[at:], (part, said.err)
        at = said.err.index(part, at) + len(part)


@pytest.mark.parametrize("fault", TAKE_FAULTS)
def test_pack_names_the_file_and_the_place(cli: Callable, two_takes: Path, tmp_path: Path, fault: str) -> None:
    damage, where, what, do = TAKE_FAULTS[fault]
    damage(two_takes)
    said = cli("pack", two_takes, tmp_path / "corpus")
    assert_told(said, f"{two_takes}/{where}", what, do)
    assert "found 2 takes: 1 can be packed, 1 refused; nothing was written" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["takes"]
    debug = cli("--debug-errors", "pack", two_takes, tmp_path / "corpus")
    assert debug.code == 2 and debug.err.endswith(said.err)
    assert debug.err.startswith("Traceback (most recent call last):")


CURVE_FAULTS = [fault for fault in TAKE_FAULTS if re.search(r"jsonl:|csv:", TAKE_FAULTS[fault][1])]


@pytest.mark.parametrize("fault", CURVE_FAULTS)
def test_inspect_says_the_same_of_the_file_alone(cli: Callable, two_takes: Path, fault: str) -> None:
    damage, where, what, do = TAKE_FAULTS[fault]
    damage(two_takes)
    (two_takes / "take.wav").unlink()
    name = where.split(":")[0]
    assert_told(cli("inspect", two_takes / name), f"{two_takes}/{where}", what, do)
    assert_told(cli("inspect", two_takes / name, "--json"), f"{two_takes}/{where}", what, do)


SOUND_FAULTS = [fault for fault in TAKE_FAULTS if TAKE_FAULTS[fault][1].startswith("take.wav") and "wav" in fault]


@pytest.mark.parametrize("fault", SOUND_FAULTS)
def test_animate_says_the_same_of_a_sound(
    cli: Callable, chain: Any, two_takes: Path, tmp_path: Path, fault: str
) -> None:
    damage, where, what, do = TAKE_FAULTS[fault]
    damage(two_takes)
    said = cli("animate", chain.run, two_takes / "take.wav", "-o", tmp_path / "face.csv")
    assert_told(said, f"{two_takes}/{where}", what, do)
    assert not (tmp_path / "face.csv").exists()


def test_a_folder_without_takes(cli: Callable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for verb in (("pack", tmp_path / "empty", tmp_path / "corpus"), ("inspect", tmp_path / "empty")):
        assert_told(cli(*verb), f"{tmp_path}/empty: no take (0 problems", "\n  -> put each pair into one folder")
    for verb in (("pack", tmp_path / "none", tmp_path / "corpus"), ("inspect", tmp_path / "none")):
        assert_told(cli(*verb), f"{tmp_path}/none: there is no such f", "\n  -> check the path")


def reading_verbs(corpus: Path, run: Path, elsewhere: Path) -> list[tuple[object, ...]]:
    return [
        ("inspect", corpus),
        ("batches", corpus),
        ("train", corpus, elsewhere, "--debug"),
        ("evaluate", run, corpus),
    ]


def test_a_corpus_of_a_newer_version(cli: Callable, copied: Any, tmp_path: Path) -> None:
    header = copied.corpus / "corpus.json"
    header.write_text(header.read_text().replace('"version": 2', '"version": 7', 1))
    for words in reading_verbs(copied.corpus, copied.run, tmp_path / "new"):
        parts = (f"{header}: version 7 of the format; expected version 2\n", "-> install a newer koekao, or pack")
        assert_told(cli(*words), *parts)
    assert not (tmp_path / "new").exists()


def test_a_damaged_corpus(cli: Callable, copied: Any, tmp_path: Path) -> None:
    shard = copied.corpus / "shard-00000.arrow"
    shard.write_bytes(shard.read_bytes()[:-100])
    for words in reading_verbs(copied.corpus, copied.run, tmp_path / "new"):
        assert_told(cli(*words), f"{shard}: holds ", "bytes; expected ", "-> pack the takes again")


@pytest.mark.parametrize("verb", ["batches", "train", "evaluate"])
def test_takes_are_no_corpus(cli: Callable, chain: Any, tmp_path: Path, verb: str) -> None:
    words = {words[0]: words for words in reading_verbs(chain.takes, chain.run, tmp_path / "new")}[verb]
    assert_told(cli(*words), f"{chain.takes}: holds no corpus.json", "-> this is a folder of takes: make a corpus of")


def test_a_corpus_at_other_rates_than_the_model(cli: Callable, chain: Any, two_takes: Path, tmp_path: Path) -> None:
    cli("pack", two_takes, tmp_path / "corpus60", "--fps", 60)
    said = cli("evaluate", chain.run, tmp_path / "corpus60")
    assert_told(said, f"{tmp_path}/corpus60: ", "16000 Hz, 60 fps; expected 16000 Hz, 30 fps", "pack it at these rates")


def test_weights_that_do_not_fit_the_model(cli: Callable, copied: Any, tmp_path: Path) -> None:
    best = copied.run / "best.safetensors"
    tensors, header = read_tensors(best)
    name = next(name for name, tensor in tensors.items() if tensor.dim() == 2)
    save_tensors(best, tensors | {name: torch.zeros(3, 5)}, header)
    animate = ("animate", copied.run, copied.takes / "ken_0000.wav", "-o", tmp_path / "face.csv")
    for words in (animate, ("evaluate", copied.run, copied.corpus)):
        assert_told(
            cli(*words), f"{best}: the model does not fit: {name} is (3, 5)", "expected (", "-> use the weights"
        )
    save_tensors(best, tensors, header | {"version": 99})
    assert_told(cli(*animate), f"{best}: version 99; expected up to ", "-> install a newer koekao")
    best.write_bytes(b"no tensors")
    assert_told(cli(*animate), f"{best}: cannot be read", "-> copy it again, or train again")
    assert not (tmp_path / "face.csv").exists()


def test_runs_that_are_none(cli: Callable, copied: Any, tmp_path: Path) -> None:
    animate = ("animate", copied.run, copied.takes / "ken_0000.wav", "-o", tmp_path / "face.csv")
    record = copied.run / "run.json"
    record.write_text(record.read_text().replace('"version": 2', '"version": 9', 1))
    assert_told(cli(*animate), f"{record}: version 9; expected up to 2", "-> install a newer koekao")
    record.write_text("{")
    assert_told(cli(*animate), f"{record}: is damaged", "-> put it back from a copy, or train again")
    record.unlink()
    for words in (animate, ("evaluate", copied.run, copied.corpus)):
        assert_told(
            cli(*words), f"{copied.run}: is no run; expected a folder with run.json", "-> make one: koekao train"
        )


def test_a_run_folder_that_is_taken(cli: Callable, copied: Any) -> None:
    before = {file.name: file.read_bytes() for file in copied.run.iterdir()}
    said = cli("train", copied.corpus, copied.run, "--debug")
    assert_told(said, f"{copied.run}: holds a run already", "-> say --resume to go on with it, or choose another")
    assert {file.name: file.read_bytes() for file in copied.run.iterdir()} == before


def test_resuming_what_cannot_be_resumed(cli: Callable, copied: Any, two_takes: Path, tmp_path: Path) -> None:
    assert_told(cli("train", copied.corpus, tmp_path / "none", "--resume"), f"{tmp_path}/none: is no run")
    assert not (tmp_path / "none").exists()
    cli("pack", two_takes, tmp_path / "other")
    said = cli("train", tmp_path / "other", copied.run, "--resume")
    assert_told(said, f"{copied.run}: was trained on corpus ", "-> resume with the corpus that the run began with")


def test_takes_that_are_not_there(cli: Callable, chain: Any, tmp_path: Path, two_takes: Path) -> None:
    cli("pack", two_takes, tmp_path / "corpus")
    said = cli("evaluate", chain.run, tmp_path / "corpus", "--split", "test")
    assert_told(said, f"{tmp_path}/corpus: no test take to score", "hold takes out with `koekao pack --test`")
    assert_told(cli("batches", tmp_path / "corpus", "--split", "val"), f"{tmp_path}/corpus: holds no val take")
    said = cli("pack", two_takes, tmp_path / "c", "--test", "tak")
    assert_told(said, "test: no take matches 'tak'", "-> did you mean take?")


@pytest.mark.parametrize(
    ("name", "said"), [("face.txt", "unknown ending '.txt'"), ("face", "unknown ending ''"), ("a.fbx", "'.fbx'")]
)
def test_an_unknown_ending_is_refused_before_any_work(
    cli: Callable, chain: Any, tmp_path: Path, name: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koekao.training.open_run", lambda path: pytest.fail("work was begun"))
    outcome = cli("animate", chain.run, chain.takes / "ken_0000.wav", "-o", tmp_path / name)
    assert_told(
        outcome, f"{tmp_path}/{name}: ", said, ".csv (livelink_csv), .jsonl (jsonl), .json", "-> end the file's"
    )


def test_places_that_cannot_be_written(cli: Callable, copied: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    sound = copied.takes / "ken_0000.wav"
    for words in (
        ("animate", copied.run, sound, "-o", tmp_path / "file" / "face.csv"),
        ("train", copied.corpus, tmp_path / "file", "--debug"),
        ("train", copied.corpus, tmp_path / "file" / "run", "--debug"),
        ("pack", copied.takes, tmp_path / "file" / "corpus"),
        ("demo", "--out", tmp_path / "file"),
    ):
        assert_told(cli(*words), f"{tmp_path}/file", "\n  -> ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nonsense", 'Unknown command "nonsense"'),
        ("pack", 'Command "pack" parameter TAKES requires an argument'),
        ("pack TAKES", 'Command "pack" parameter CORPUS requires an argument'),
        ("pack TAKES new --bogus", "Unknown option: --bogus"),
        ("pack TAKES new extra", "extra"),
        ("pack TAKES new --fps 0", "frame rate '0'; expected a number above 0 and up to 1000, or a fraction"),
        ("pack TAKES new --fps -30", "frame rate '-30'"),
        ("pack TAKES new --fps abc", "frame rate 'abc'"),
        ("pack TAKES new --fps 30/0", "frame rate '30/0'"),
        ("pack TAKES new --fps nan", "frame rate 'nan'"),
        ("pack TAKES new --sample-rate 0", "sample rate 0; expected whole Hz"),
        ("pack TAKES new --sample-rate fast", 'Invalid value for --sample-rate: unable to convert "fast" into int'),
        ("pack TAKES new --val 1.5", "val=1.5; expected a share of at least 0 and below 1, or names"),
        ("pack TAKES new --mono both", 'Invalid value "both" for --mono'),
        ("pack TAKES new --order random", 'Invalid value "random" for --order'),
        ("batches CORPUS --batch-size 0", "0 rows in 2 streams"),
        ("batches CORPUS --n-streams 0", "0 streams"),
        ("batches CORPUS --batch-size 4 --n-streams 3", "4 rows in 3 streams"),
        ("batches CORPUS --window-frames 0", "window_frames 0; expected at least 1 frame"),
        ("batches CORPUS --clip-s nan", "clip_s nan"),
        ("batches CORPUS --num-workers -1", "num_workers -1"),
        ("batches CORPUS --stride wild", 'Invalid value "wild" for --stride'),
        ("batches CORPUS --seconds x", "--seconds"),
        ("train CORPUS new --minutes 1 --epochs 2", "epochs and minutes are both given\n  -> give one of --epochs and"),
        ("train CORPUS new --minutes 0", "minutes 0.0; expected a number above 0"),
        ("train CORPUS new --epochs 0", "epochs 0; expected a number above 0"),
        ("train CORPUS new --trainer magic", 'Invalid value "magic" for --trainer'),
        ("train CORPUS new --device abacus", "device 'abacus' cannot be used"),
        ("train CORPUS new --model.dim huge", "dim 'huge'"),
        ("train CORPUS new --model.magic 1", "'magic'"),
        ("train CORPUS", 'Command "train" parameter RUN requires an argument'),
        ("evaluate RUN", 'Command "evaluate" parameter CORPUS requires an argument'),
        ("evaluate RUN CORPUS --split some", 'Invalid value "some" for --split'),
        ("animate RUN SOUND", 'Command "animate" parameter --output requires an argument'),
        ("animate RUN missing.wav -o new.csv", "missing.wav: there is no such file\n  -> check the path"),
        ("synthesize", 'Command "synthesize" parameter FOLDER requires an argument'),
    ],
)
def test_usage_errors(cli: Callable, chain: Any, tmp_path: Path, words: str, said: str) -> None:
    places = {"TAKES": chain.takes, "CORPUS": chain.corpus, "RUN": chain.run, "SOUND": chain.takes / "ken_0000.wav"}
    places |= {name: tmp_path / name for name in ("new", "new.csv", "missing.wav")}
    assert_told(cli(*(places.get(word, word) for word in words.split())), said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pack CORPUS new", "CORPUS: is a corpus; expected takes\n  -> koekao pack TAKES CORPUS makes a corpus"),
        ("pack RUN new", "RUN: is a run; expected takes\n  -> "),
        ("pack SOUND new", "SOUND: is not a folder; expected a folder of recordings\n  -> check the path"),
        ("pack TAKES TAKES/new", "would lie inside the folder of takes\n  -> "),
        ("pack TAKES new --val -0.1", "val=-0.1; expected a share"),
        ("pack TAKES new --workers -2", "and no fewer than 0 workers"),
        ("check CORPUS", "CORPUS: is a corpus; expected takes\n  -> koekao check examines recordings"),
        ("check TAKES --plots -1", "--plots -1; expected 0 or more"),
        ("inspect RUN", "RUN: is a run\n  -> read RUN/model_card.md"),
        ("verify TAKES", "holds no corpus.json\n  -> this is a folder of takes"),
        ("batches CORPUS --seconds nan", "--seconds nan; expected 0 or more"),
        ("batches CORPUS --seconds -1", "--seconds -1.0; expected 0 or more"),
        ("batches CORPUS --columns mel", "holds no column 'mel'\n  -> "),
        ("train TAKES new", "holds no corpus.json\n  -> this is a folder of takes: make a corpus of it with"),
        (
            "train new new2",
            "new: no such folder; expected a corpus\n  -> check the path, or make a corpus: koekao pack",
        ),
        ("train CORPUS CORPUS", "CORPUS: holds a corpus; expected a new folder\n  -> name another for the run"),
        ("train RUN new", "RUN: is a run; expected a corpus\n  -> the corpus comes first"),
        ("train CORPUS new --config missing.yaml", "missing.yaml: no such file\n  -> check --config"),
        ("train CORPUS new --init missing", "there is nothing to begin from; expected a model file"),
        ("evaluate CORPUS RUN", "CORPUS: is a corpus; expected a run\n  -> the run comes first: koekao evaluate RUN"),
        ("animate CORPUS SOUND -o new.csv", "CORPUS: is a corpus; expected a run\n  -> train one on it"),
        ("animate RUN TAKES -o new.csv", "TAKES: is not a plain file; expected a file\n  -> name a file"),
        ("animate RUN CURVES -o new.csv", "no sound that can be read"),
        ("animate RUN SOUND -o new.csv --controls calm", "calm: no such file\n  -> check the name"),
        ("animate RUN SOUND -o new.csv --fps 29.97x", "frame rate '29.97x'"),
        ("export CORPUS -o new.onnx", "CORPUS: is a corpus; expected a run"),
        ("live CORPUS --source SOUND --sink print", "CORPUS: is a corpus; expected a run"),
        ("live RUN --source SOUND --sink print --seconds -1", "--seconds -1.0; expected a number above 0"),
        ("serve CORPUS", "CORPUS: is a corpus; expected a run"),
        ("serve RUN --port 99999", "port 99999; expected 0 to 65535"),
        ("view TAKES --port 99999 --no-open", "port 99999; expected 0 to 65535"),
        ("view RUN", "RUN: a run alone shows nothing\n  -> koekao view"),
        ("plot CORPUS -o new.png --kind windows --batches 0", "--batches 0; expected 1 or more"),
        ("render CURVES -o new.gif", "unknown ending '.gif'; expected .mp4 or .png"),
        ("render CURVES -o new.png --size -5", "8 pictures of -5 pixels"),
        ("convert SOUND new.csv", "this is binary"),
        ("convert CURVES CURVES", "is the file that is read\n  -> write to another name"),
        ("synthesize TAKES", "TAKES: is not empty\n  -> choose another folder"),
        ("synthesize new --seconds -1", "takes of -1.0..-1.0 s"),
        ("demo --out TAKES", "exists and is not an earlier demo\n  -> "),
        ("capture SOUND --model missing.task", "missing.task: there is no such model\n  -> download"),
    ],
)
def test_the_mistakes_of_a_stranger(cli: Callable, chain: Any, tmp_path: Path, words: str, said: str) -> None:
    """Things in another order, a folder for a file, numbers that cannot be: one error each, and nothing is left."""
    places = {"TAKES": chain.takes, "CORPUS": chain.corpus, "RUN": chain.run, "SOUND": chain.takes / "ken_0000.wav"}
    places |= {"CURVES": chain.takes / "ken_0000.jsonl", "TAKES/new": chain.takes / "new"}
    named = ("new", "new2", "new.csv", "new.onnx", "new.png", "new.gif", "missing", "missing.yaml", "missing.task")
    places |= {name: tmp_path / name for name in named}
    before = {folder: sorted(folder.iterdir()) for folder in (chain.takes, chain.corpus, chain.run)}
    outcome = cli(*(places.get(word, word) for word in words.split()))
    for name in ("TAKES", "CORPUS", "RUN", "SOUND"):
        said = said.replace(f"{name}:", f"{places[name]}:").replace(f"{name}/", f"{places[name]}/")
    assert_told(outcome, said)
    assert list(tmp_path.iterdir()) == []
    assert before == {folder: sorted(folder.iterdir()) for folder in before}


def test_usage_errors_say_where_help_is(cli: Callable) -> None:
    assert cli("pack").err.endswith("\n  -> koekao pack --help tells what there is\n")
    assert cli("nonsense").err.endswith("\n  -> koekao --help tells what there is\n")


@pytest.mark.parametrize("debug", [False, True])
def test_the_real_command_says_it_too(process: Callable, two_takes: Path, tmp_path: Path, debug: bool) -> None:
    TAKE_FAULTS["NaN"][0](two_takes)
    said = process("pack", two_takes, tmp_path / "corpus", *["--debug-errors"] * debug)
    assert (said.code, said.out) == (2, "")
    assert f"koekao: {two_takes}/take.jsonl:3:jawOpen: nan; expected a finite number\n  -> mend the cell" in said.err
    assert ("Traceback (most recent call last)" in said.err) == debug


def test_a_fault_of_the_system_is_told_like_one_of_ours(
    cli: Callable, chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/log.jsonl")

    monkeypatch.setattr("koekao.corpus.describe", full)
    assert_told(cli("inspect", chain.corpus), "/somewhere/log.jsonl: No space left on device", "-> check the path, its")


def test_a_fault_in_koekao_itself_is_not_hidden(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from koekao.cli import main

    monkeypatch.setattr("koekao.corpus.describe", lambda corpus: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["inspect", str(chain.corpus)])

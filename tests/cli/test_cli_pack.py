"""``koekao pack``: every take is accounted for, in the table and as JSON."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import koekao.corpus
from koekao import make_take, write_curves
from koekao.corpus import Corpus, PackConfig, PackProgress
from koekao.takes.doctor.sync import estimate_sync


def test_every_take_is_in_the_table_and_counted(cli: Callable, chain, tmp_path: Path) -> None:
    said = cli("pack", chain.takes, tmp_path / "corpus")
    assert (said.code, said.err) == (0, "")
    assert [said.row(name)[:5] for name in ("ken_0000", "aoi_0001", "ken_0002", "aoi_0003")] == [
        ["ken_0000", "ken", "train", "0:10.0", "300"],
        ["aoi_0001", "aoi", "train", "0:10.0", "300"],
        ["ken_0002", "ken", "train", "0:10.0", "300"],
        ["aoi_0003", "aoi", "train", "0:10.0", "300"],
    ]
    counted = (
        r"found 4, packed 4 \(40.0 s\): 4 as recorded, 0 repaired; refused 0, other files 0\n"
        r"splits: 4 train, 0 val, 0 test\n"
        r"made .*corpus in [\d.]+ s, [\d,]+ times real time; next: koekao train .*corpus RUN\n"
    )
    assert re.search(counted, said.out)
    assert said.out.endswith(f"; next: koekao train {tmp_path / 'corpus'} RUN\n")
    assert len(Corpus.open(tmp_path / "corpus")) == 4


@pytest.mark.parametrize(
    ("held", "splits"),
    [
        (["--val", "ken_0002", "--test", "aoi_0003"], {"ken_0002": "val", "aoi_0003": "test"}),
        (["--val", "ken_*"], {"ken_0000": "val", "ken_0002": "val"}),
        (["--val", "ken_0002", "--val", "aoi_0001"], {"ken_0002": "val", "aoi_0001": "val"}),
        (["--split-by", "speaker", "--test", "aoi"], {"aoi_0001": "test", "aoi_0003": "test"}),
        (["--val", "0.25"], {}),  # four takes are too few for a share
        (["--val", "0"], {}),
    ],
)
def test_takes_are_held_out_by_name_pattern_speaker_or_share(
    cli: Callable, chain, tmp_path: Path, held: list[str], splits: dict[str, str]
) -> None:
    said = cli("pack", chain.takes, tmp_path / "corpus", *held, "--json")
    wanted = dict.fromkeys(("aoi_0001", "aoi_0003", "ken_0000", "ken_0002"), "train") | splits
    assert {take["name"]: take["split"] for take in said.json["takes"]} == wanted


def test_a_name_with_digits_and_underscores_is_no_share(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    for ending in ("wav", "jsonl"):
        (two_takes / f"good.{ending}").rename(two_takes / f"1114_3_15.{ending}")
    said = cli("pack", two_takes, tmp_path / "corpus", "--test", "1114_3_15", "--json")
    assert said.json["by_split"] == {"train": 1, "val": 0, "test": 1}


def test_json_tells_what_the_table_tells(cli: Callable, chain, tmp_path: Path) -> None:
    said = cli("pack", chain.takes, tmp_path / "corpus", "--json")
    report, corpus = said.json, Corpus.open(tmp_path / "corpus")
    assert said.err == ""
    assert (report["found"], report["packed"], report["refused"], report["ignored"]) == (4, 4, [], 0)
    assert (report["path"], report["id"]) == (str(tmp_path / "corpus"), corpus.id)
    assert (report["frames"], report["seconds"]) == (1200, 40.0)
    assert [take["name"] for take in report["takes"]] == list(corpus.names)


def test_rates_and_policies_reach_the_corpus(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    said = cli(
        "pack", two_takes, tmp_path / "c", "--fps", "59.94", "--sample-rate", 48000, "--values", "clip", "--json"
    )
    corpus = Corpus.open(tmp_path / "c")
    assert (str(corpus.fps), corpus.sample_rate) == ("60000/1001", 48000)
    repairs = said.json["takes"][0]["repairs"]
    assert "resample: 16000 -> 48000 Hz" in repairs
    assert "rate: curves 30.00 rows/s -> 60000/1001 fps by linear interpolation in time" in repairs
    said = cli("pack", two_takes, tmp_path / "d", "--fps", "60")
    assert "good: rate: curves 30.00 rows/s -> 60 fps by linear interpolation in time\n" in said.out


def test_an_order_is_needed_for_curves_without_names_and_used(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    path = two_takes / "take.jsonl"
    frames = [json.loads(line) for line in path.read_text().splitlines()]
    bare = [frame | {"blendshapes": list(frame["blendshapes"].values())} for frame in frames]
    path.write_text("".join(json.dumps(frame) + "\n" for frame in bare))
    said = cli("pack", two_takes, tmp_path / "corpus")
    assert said.code == 2
    assert f"{path}:1: a list of 52 values without names" in said.err
    assert cli("pack", two_takes, tmp_path / "corpus", "--order", "apple").code == 0


def test_several_bad_takes_are_all_listed_and_nothing_is_written(cli: Callable, chain, tmp_path: Path) -> None:
    takes = _three_of_four_bad(chain.takes, tmp_path / "takes")
    said = cli("pack", takes, tmp_path / "corpus")
    assert (said.code, said.out) == (2, "")
    assert f"{takes}: found 4 takes: 1 can be packed, 3 refused; nothing was written" in said.err
    assert f"- {takes}/aoi_0001.wav: the file is empty (0 bytes) -> record or copy it again, or remove it" in said.err
    assert f"- {takes}/aoi_0003.jsonl:1:15: no JSON" in said.err
    assert f"- {takes}/ken_0000.jsonl: curves without sound" in said.err
    assert "--skip-bad packs the rest" in said.err
    assert not (tmp_path / "corpus").exists()


def test_skip_bad_packs_the_rest_and_says_what_it_left(cli: Callable, chain, tmp_path: Path) -> None:
    takes = _three_of_four_bad(chain.takes, tmp_path / "takes")
    said = cli("pack", takes, tmp_path / "corpus", "--skip-bad")
    assert (said.code, said.err) == (0, "")
    assert "found 4, packed 1 (10.0 s): 1 as recorded, 0 repaired; refused 3, other files 0\n" in said.out
    assert "\nrefused: sound 2, curves 1\n" in said.out
    refused = [line for line in said.out.splitlines() if line.startswith("refused ")]
    assert [line.split(":")[0] for line in refused] == [
        "refused ken_0000.jsonl",
        "refused aoi_0001.wav",
        "refused aoi_0003.jsonl",
    ]
    assert Corpus.open(tmp_path / "corpus").names == ("ken_0002",)
    again = cli("pack", takes, tmp_path / "corpus", "--skip-bad", "--overwrite", "--json")
    assert [entry["take"] for entry in again.json["refused"]] == ["ken_0000.jsonl", "aoi_0001", "aoi_0003"]
    assert [entry["take"] for entry in cli("inspect", tmp_path / "corpus", "--json").json["refused"]] == [
        entry["take"] for entry in again.json["refused"]
    ]


def _three_of_four_bad(source: Path, takes: Path) -> Path:
    shutil.copytree(source, takes)
    (takes / "aoi_0001.wav").write_bytes(b"")
    (takes / "aoi_0003.jsonl").write_text('{"timestamp": x\n')
    (takes / "ken_0000.wav").unlink()
    return takes


def test_a_corpus_is_replaced_only_when_told(cli: Callable, copied, two_takes: Path) -> None:
    before = {file.name: file.read_bytes() for file in copied.corpus.iterdir()}
    said = cli("pack", two_takes, copied.corpus)
    assert (said.code, said.out) == (2, "")
    assert f"{copied.corpus}: exists already\n  -> choose another place, or say --overwrite" in said.err
    assert {file.name: file.read_bytes() for file in copied.corpus.iterdir()} == before
    assert cli("pack", two_takes, copied.corpus, "--overwrite").code == 0
    assert Corpus.open(copied.corpus).names == ("good", "take")


def test_only_a_corpus_is_ever_replaced(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    said = cli("pack", two_takes, tmp_path / "mine", "--overwrite")
    assert said.code == 2 and f"{tmp_path / 'mine'}: exists and is no corpus" in said.err
    assert (tmp_path / "mine" / "diary.txt").read_text() == "dear"


def test_names_are_printed_as_they_are(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    for ending in ("wav", "jsonl"):
        (two_takes / f"good.{ending}").rename(two_takes / f"[red]声:smile:.{ending}")
    said = cli("pack", two_takes, tmp_path / "[bold]corpus")
    assert f"Corpus {tmp_path}/[bold]corpus\n" in said.out
    assert said.row("[red]声:smile:")[2:] and f"next: koekao train '{tmp_path}/[bold]corpus' RUN" in said.out


def test_long_names_break_no_column(cli: Callable, two_takes: Path, tmp_path: Path) -> None:
    long = "session_of_the_" + "very_" * 12 + "long_name"
    for ending in ("wav", "jsonl"):
        (two_takes / f"good.{ending}").rename(two_takes / f"{long}.{ending}")
    said = cli("pack", two_takes, tmp_path / "corpus")
    lines = said.out.splitlines()
    rows = lines[1 : lines.index("")]
    assert max(map(len, rows)) <= 80 and "…" not in said.out
    first = rows[0].index("speaker")
    assert "".join(row[:first].strip() for row in rows[2:]).startswith(long)  # nothing of the name is lost
    assert rows[-1].split()[:5] == ["take", "take", "train", "0:02.0", "60"]


def test_ctrl_c_tells_what_is_kept_and_the_same_command_goes_on(
    cli: Callable, chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each take fills a shard; a shard of 256 MB would hold all four."""
    target = tmp_path / "corpus"
    monkeypatch.setattr("koekao.corpus.PackConfig", lambda **settings: PackConfig(**settings | {"shard_bytes": 1}))
    pack_folder = koekao.corpus.pack

    def interrupted(*words: object, on_progress: Callable, **more: object) -> None:
        def listen(so_far: PackProgress) -> None:
            on_progress(so_far)
            if so_far.done == 3:
                raise KeyboardInterrupt

        pack_folder(*words, on_progress=listen, **more)

    monkeypatch.setattr(koekao.corpus, "pack", interrupted)
    said = cli("pack", chain.takes, target)
    place = tmp_path / ".corpus.koekao-part"
    kept = f"what is finished is kept in {place}, and the same command goes on after it\n"
    assert (said.code, said.out, said.err) == (130, "", kept + "koekao: interrupted\n")
    assert not target.exists() and place.is_dir()
    monkeypatch.setattr(koekao.corpus, "pack", pack_folder)
    report = cli("pack", chain.takes, target, "--json").json
    assert (report["packed"], report["resumed"]) == (4, 3) and report["took_s"] > 0
    assert not place.exists()


def test_what_is_taken_over_whole_has_no_speed(
    cli: Callable, chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("koekao.corpus.PackConfig", lambda **settings: PackConfig(**settings | {"shard_bytes": 1}))
    pack_folder = koekao.corpus.pack
    with pytest.raises(ZeroDivisionError):
        pack_folder(
            chain.takes,
            tmp_path / "corpus",
            PackConfig(shard_bytes=1),
            on_progress=lambda so_far: 1 // (so_far.total - so_far.done),
        )
    said = cli("pack", chain.takes, tmp_path / "corpus")
    assert re.search(r"refused 0, other files 0\n4 of them had been packed before\n", said.out)
    assert re.search(r"\nmade .*corpus in [\d.]+ s; next: ", said.out)


def test_what_is_out_of_sync_is_mended_by_policy_and_is_in_sync_afterwards(cli: Callable, tmp_path: Path) -> None:
    """200 ms and 40 ms a minute are put in; the packed take is measured again."""
    take = make_take(31, seconds=60, voice="aoi")
    late = np.concatenate([np.zeros(3200, np.int16), take.audio])
    times_s = np.arange(take.n_frames) / 30 / (1 + 40 / 60_000)
    (tmp_path / "takes").mkdir()
    soundfile.write(tmp_path / "takes" / "a.wav", late, 16000, subtype="PCM_16")
    write_curves(tmp_path / "takes" / "a.jsonl", take.curves, 30, time_s=times_s)
    said = cli("pack", tmp_path / "takes", tmp_path / "fixed", "--sync", "fix")
    assert (said.code, said.err) == (0, "")
    found = r"the sound comes \+(19[6-9]|20[0-4]) ms late, drifting \+(3[6-9]|4[0-4])\.\d ms/min"
    assert re.search(f"a: sync: {found}", said.out) and "0 as recorded, 1 repaired" in said.out
    fixed = Corpus.open(tmp_path / "fixed").take(0)
    left = estimate_sync(fixed.audio, 16000, np.arange(fixed.n_frames) / 30, fixed.curves, fixed.valid)
    assert left.sync_ms == pytest.approx(0, abs=5) and left.drift_ms_per_min == pytest.approx(0, abs=5)
    refused = cli("pack", tmp_path / "takes", tmp_path / "none", "--sync", "refuse")
    assert refused.code == 2 and re.search(f"out of sync: {found}", refused.err)
    reported = cli("pack", tmp_path / "takes", tmp_path / "as_is", "--sync", "report")
    assert re.search(f"a: note: out of sync: {found}", reported.out)

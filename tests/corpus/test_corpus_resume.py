"""Law: a packing that was interrupted goes on, does no finished shard again, and ends in the very same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from interrupted import CONFIG, N_TAKES, PER_SHARD, assert_goes_on, bytes_of, interrupt, names, packed_at_once

from koekao.atomic import unfinished
from koekao.corpus import Corpus, pack
from koekao.errors import CurvesError, OutputError, TakeError
from koekao.takes import TakePolicies
from koekao.takes.take import Take


@pytest.mark.parametrize(("after", "resumed"), [(1, 0), (2, 0), (3, 3), (4, 3), (8, 6), (11, 9), (12, 12)])
def test_finished_shards_are_not_made_again(
    takes: Path, tmp_path: Path, loads: list[str], after: int, resumed: int
) -> None:
    files, _ = packed_at_once(takes)
    assert len([name for name in files if name.startswith("shard-")]) == N_TAKES / PER_SHARD
    interrupt(takes, tmp_path / "c", after)
    assert (unfinished(tmp_path / "c") is not None) == (resumed > 0) == any(tmp_path.glob(".c*"))
    loads.clear()
    report = pack(takes, tmp_path / "c", CONFIG)
    assert (report.resumed, report.packed, len(report.takes)) == (resumed, N_TAKES, N_TAKES)
    assert loads == names(*range(resumed, N_TAKES))
    assert bytes_of(tmp_path / "c") == files
    assert Corpus.open(tmp_path / "c").verify() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "takes"]


def test_progress_and_report_count_what_was_taken_over(takes: Path, tmp_path: Path) -> None:
    interrupt(takes, tmp_path / "c", 7)
    told = []
    pack(takes, tmp_path / "c", CONFIG, on_progress=told.append)
    assert [(p.done, p.total, p.resumed) for p in told] == [(n, N_TAKES, 6) for n in range(6, N_TAKES + 1)]
    assert [round(p.seconds) for p in told] == list(range(6, N_TAKES + 1))
    assert {p.resumed_s for p in told} == {6.0}


def test_a_changed_source_is_packed_anew_and_all_after_it(
    takes: Path, tmp_path: Path, loads: list[str], take_of: Callable[..., Take]
) -> None:
    interrupt(takes, tmp_path / "c", 10)
    stamp = (takes / "t04.wav").stat()
    changed = bytearray((takes / "t04.wav").read_bytes())
    changed[-1] ^= 1
    (takes / "t04.wav").write_bytes(changed)
    os.utime(takes / "t04.wav", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    loads.clear()
    assert_goes_on(takes, tmp_path / "c", 3)
    assert loads[N_TAKES:] == names(*range(3, N_TAKES))  # after those of the packing at once


def _with_both(change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda takes: [change(takes / f"t04.{ending}") for ending in ("wav", "jsonl")] and None


ELSEWHERE: dict[str, tuple[int, Callable[[Path], object]]] = {
    "gone": (3, _with_both(Path.unlink)),
    "renamed": (3, _with_both(lambda path: path.rename(path.with_stem("t04b")))),
    "added between": (3, _with_both(lambda path: shutil.copyfile(path, path.with_stem("t03b")))),
    "added before": (0, _with_both(lambda path: shutil.copyfile(path, path.with_stem("a")))),
    "added after": (9, _with_both(lambda path: shutil.copyfile(path, path.with_stem("t08b")))),
    "another ending": (3, lambda takes: (takes / "t04.wav").rename(takes / "t04.WAV")),
    "one file gone": (3, lambda takes: (takes / "t04.wav").unlink()),
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_takes_that_came_or_went_or_have_another_name(takes: Path, tmp_path: Path, what: str) -> None:
    interrupt(takes, tmp_path / "c", 10)
    kept, change = ELSEWHERE[what]
    change(takes)
    assert_goes_on(takes, tmp_path / "c", kept, replace(CONFIG, skip_bad=True))


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, 9),
        ({"skip_bad": True, "overwrite": True, "seed": 7}, 9),
        ({"val": ("t03", "t11")}, 9),
        ({"val": ("t04", "t10")}, 3),
        ({"test": ("t00",)}, 0),
        ({"shard_bytes": 90_001}, 0),
        ({"fps": 60}, 0),
        ({"sample_rate": 8000}, 0),
        ({"audio": "float32"}, 0),
        ({"policies": TakePolicies(values="clip")}, 0),
    ],
)
def test_settings_that_decide_the_bytes_must_be_the_same(
    takes: Path, tmp_path: Path, changes: dict[str, Any], kept: int
) -> None:
    interrupt(takes, tmp_path / "c", 10)
    assert_goes_on(takes, tmp_path / "c", kept, replace(CONFIG, **changes))


def test_interrupted_again_and_again_it_keeps_all_that_holds(takes: Path, tmp_path: Path) -> None:
    interrupt(takes, tmp_path / "c", 10, replace(CONFIG, fps=60))  # type: ignore[arg-type]
    interrupt(takes, tmp_path / "c", 7)
    interrupt(takes, tmp_path / "c", 4)  # the tenth in all: three shards are finished
    shutil.copyfile(takes / "t00.wav", takes / "t04.wav")
    interrupt(takes, tmp_path / "c", 4)  # the second and the third shard are others now
    assert_goes_on(takes, tmp_path / "c", 6)


def test_another_version_starts_anew(takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(takes, tmp_path / "c", 10)
    monkeypatch.setattr("koekao.corpus.staging.__version__", "9")
    assert_goes_on(takes, tmp_path / "c", 0)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [_cut, _flip, Path.unlink])
@pytest.mark.parametrize("shard", [0, 1, 2])
def test_a_damaged_shard_is_made_anew(takes: Path, tmp_path: Path, harm: Callable[[Path], None], shard: int) -> None:
    interrupt(takes, tmp_path / "c", 11)
    place = unfinished(tmp_path / "c")
    assert place is not None
    harm(place / "content" / f"shard-{shard:05}.arrow")
    assert_goes_on(takes, tmp_path / "c", PER_SHARD * shard)


@pytest.mark.parametrize("line", [0, 1, 2, 3])
@pytest.mark.parametrize("how", ["cut", "flip"])
def test_a_damaged_journal_counts_up_to_the_damage(takes: Path, tmp_path: Path, line: int, how: str) -> None:
    interrupt(takes, tmp_path / "c", 11)
    journal = tmp_path / ".c.koekao-part" / "journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    if how == "cut":
        journal.write_bytes(b"".join(lines[:line]) + lines[line][:-1])
    else:
        middle = len(lines[line]) // 2
        lines[line] = lines[line][:middle] + bytes([lines[line][middle] ^ 1]) + lines[line][middle + 1 :]
        journal.write_bytes(b"".join(lines))
    assert_goes_on(takes, tmp_path / "c", PER_SHARD * max(0, line - 1))


def test_what_else_lies_there_does_not_get_into_the_corpus(takes: Path, tmp_path: Path) -> None:
    interrupt(takes, tmp_path / "c", 11)
    content = tmp_path / ".c.koekao-part" / "content"
    (content / "corpus.json").write_text("{}")
    (content / "shard-00007.arrow").write_text("old")
    (content / "deep").mkdir()
    (content / "deep" / "letter").write_text("dear")
    assert_goes_on(takes, tmp_path / "c", 9)


def test_refused_takes_are_told_again_and_mended_ones_are_packed(takes: Path, tmp_path: Path, loads: list[str]) -> None:
    config = replace(CONFIG, skip_bad=True)
    good = (takes / "t04.jsonl").read_bytes()
    (takes / "t04.jsonl").write_text("x\n")
    (takes / "t08.wav").write_bytes(b"")
    files, _ = packed_at_once(takes, config)
    interrupt(takes, tmp_path / "c", 9, config)  # t10 is the ninth that is written
    loads.clear()
    report = pack(takes, tmp_path / "c", config)
    assert loads == names(4, 8, 11)
    assert (report.found, report.packed, report.resumed) == (12, 10, 9)
    assert (
        [name for name, _ in report.refused] == names(4, 8) == [name for name, _ in Corpus.open(tmp_path / "c").refused]
    )
    assert bytes_of(tmp_path / "c") == files
    shutil.rmtree(tmp_path / "c")
    interrupt(takes, tmp_path / "c", 9, config)
    (takes / "t04.jsonl").write_bytes(good)
    assert_goes_on(takes, tmp_path / "c", 3, config)


def test_the_error_of_a_bad_take_tells_what_is_kept(takes: Path, tmp_path: Path, loads: list[str]) -> None:
    good = (takes / "t07.jsonl").read_bytes()
    (takes / "t07.jsonl").write_text("x\n")
    (takes / "t01.wav").rename(takes / "away")
    with pytest.raises(TakeError) as caught:
        pack(takes, tmp_path / "c", CONFIG)
    assert "kept" not in str(caught.value) and unfinished(tmp_path / "c") is None, "nothing was finished before t01"
    (takes / "away").rename(takes / "t01.wav")
    with pytest.raises(CurvesError) as caught:
        pack(takes, tmp_path / "c", CONFIG)
    place = tmp_path / ".c.koekao-part"
    assert (
        f"nothing was written; mend what was refused; --skip-bad packs the rest; 6 finished takes are kept in {place}"
        in (str(caught.value))
    )
    assert not (tmp_path / "c").exists()
    with pytest.raises(CurvesError, match="6 finished takes are kept"):  # once more, not mended
        pack(takes, tmp_path / "c", CONFIG)
    (takes / "t07.jsonl").write_bytes(good)
    loads.clear()
    assert pack(takes, tmp_path / "c", CONFIG).resumed == 6
    assert loads == names(*range(6, N_TAKES))


def test_a_full_disk_publishes_nothing_and_keeps_what_is_finished(takes: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from koekao.corpus import PackConfig, pack\nfrom koekao.errors import OutputError\n"
        "grown = lambda p: p.done == 7 and resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "config = PackConfig(shard_bytes=90_000, val=('t03', 't10'))\n"
        "try: pack(sys.argv[1], sys.argv[2], config, on_progress=grown)\n"
        "except OutputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(takes), str(tmp_path / "c")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (
        "cannot be written (File too large)" in done.stdout and "nothing was published; what is finished" in done.stdout
    )
    assert f"kept in {tmp_path}/.c.koekao-part, and the same command goes on from there" in done.stdout
    assert_goes_on(takes, tmp_path / "c", 6)


def test_of_two_packers_one_wins_and_the_other_is_told(takes: Path, tmp_path: Path) -> None:
    files, _ = packed_at_once(takes)

    def another(progress: Any) -> None:
        if progress.done == 7:  # the first has finished two shards and holds them
            second = pack(takes, tmp_path / "c", CONFIG)
            assert second.resumed == 0

    with pytest.raises(OutputError, match="c: exists already"):
        pack(takes, tmp_path / "c", CONFIG, on_progress=another)
    assert bytes_of(tmp_path / "c") == files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "takes"], "the first leaves nothing behind"
    interrupt(takes, tmp_path / "d", 7)
    with pytest.raises(KeyboardInterrupt):  # a second one that is interrupted leaves the first alone
        pack(takes, tmp_path / "d", CONFIG, on_progress=lambda _: interrupt_other(takes, tmp_path / "d"))
    assert pack(takes, tmp_path / "d", CONFIG).resumed == 6


def interrupt_other(takes: Path, target: Path) -> None:
    interrupt(takes, target, 8)
    assert [path.name for path in target.parent.glob(".d*")] == [".d.koekao-part"]
    raise KeyboardInterrupt


def test_what_a_dead_packer_of_other_settings_left_is_swept(takes: Path, tmp_path: Path) -> None:
    interrupt(takes, tmp_path / "c", 10, replace(CONFIG, fps=60))
    assert_goes_on(takes, tmp_path / "c", 0)
    interrupt(takes, tmp_path / "d", 10)
    (takes / "t00.wav").rename(takes / "a.wav")
    (takes / "t00.jsonl").rename(takes / "a.jsonl")
    assert pack(takes, tmp_path / "d", CONFIG).resumed == 0
    assert not list(tmp_path.glob(".d*"))


def test_the_place_of_a_dead_packer_that_replaced_a_link_is_not_followed(takes: Path, tmp_path: Path) -> None:
    """Killed between the exchange and the clearing up, it leaves the link that stood there before."""
    pack(takes, tmp_path / "real")
    before = bytes_of(tmp_path / "real")
    interrupt(takes, tmp_path / "c", 10)
    place = tmp_path / ".c.koekao-part"
    shutil.rmtree(place / "content")
    (place / "content").symlink_to(tmp_path / "real")
    assert pack(takes, tmp_path / "c", CONFIG).resumed == 0
    assert bytes_of(tmp_path / "real") == before

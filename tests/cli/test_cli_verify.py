"""``koekao verify``: 0 where all is well, 1 and a line for each problem where it is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_all_is_well(cli: Callable, copied: Any) -> None:
    said = cli("verify", copied.corpus)
    assert (said.code, said.err) == (0, "")
    read = r" \(\d+\.\d MB read in [\d.]+ s\)\n"
    assert re.fullmatch(rf"{copied.corpus}: all is as it was packed{read}", said.out)
    said = cli("verify", copied.corpus, "--takes", copied.takes)
    assert said.code == 0
    assert re.fullmatch(rf"{copied.corpus}: all is as it was packed and so are its sources{read}", said.out)
    told = cli("verify", copied.corpus, "--json").json
    assert told.pop("took_s") > 0 and told == {"corpus": str(copied.corpus), "takes": None, "problems": []}


def test_a_line_for_each_problem(cli: Callable, copied: Any, tmp_path: Path) -> None:
    takes = tmp_path / "takes"
    shutil.copytree(copied.takes, takes)
    edited, gone = sorted(takes.glob("*.wav"))[:2]
    data = bytearray(edited.read_bytes())
    data[-1] ^= 1
    edited.write_bytes(data)
    gone.unlink()
    shard = copied.corpus / "shard-00000.arrow"
    shard.write_bytes(shard.read_bytes()[:-1])
    said = cli("verify", copied.corpus, "--takes", takes)
    assert (said.code, said.err) == (1, "")
    lines = said.out.splitlines()
    assert len(lines) == 4 and lines[3] == "3 problems"
    assert lines[0].startswith(f"{shard}: holds ") and " -> pack the takes again" in lines[0]
    assert lines[1].startswith(f"{edited}: a source of take ") and "was edited" in lines[1]
    assert lines[2].startswith(f"{gone}: a source of take ") and "cannot be read" in lines[2]
    problems = cli("verify", copied.corpus, "--takes", takes, "--json")
    assert problems.code == 1
    assert [one["where"] for one in problems.json["problems"]] == [str(shard), str(edited), str(gone)]
    assert all(one["what"] and one["do"] for one in problems.json["problems"])


def test_a_header_that_cannot_be_read_is_a_problem_and_no_corpus_an_error(
    cli: Callable, copied: Any, tmp_path: Path
) -> None:
    header = copied.corpus / "corpus.json"
    header.write_text(header.read_text().replace("16000", "16001", 1))
    said = cli("verify", copied.corpus)
    assert said.code == 1 and said.out.startswith(f"{header}: its id ") and said.out.endswith("\n1 problem\n")
    said = cli("verify", tmp_path / "nowhere")
    assert (said.code, said.out) == (2, "") and "no such folder" in said.err
    said = cli("verify", copied.corpus, "--takes", tmp_path / "nowhere")
    assert (said.code, said.out) == (2, "") and "no such folder" in said.err

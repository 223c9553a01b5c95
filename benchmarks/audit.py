"""Question: has any package of the lock a vulnerability that is known?

Command: make audit; or python benchmarks/audit.py [LOCK] [--index https://pypi.org]

Each release in ``requirements-dev.lock`` is looked up at the index's JSON interface, which carries what the Python
packaging advisory database knows of it. Ends with 1 if one is known, with what it is and where it was mended; with 2 if
the index does not answer, or not in this form: then nothing was learnt, and that is what is said. Mirrors of an index
mostly bring files and no advisories. Nothing is asked but the releases of the lock.

What it gives up: withdrawn advisories are left out; those that do not concern koekao's use of a package are not.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements-dev.lock"
INDEX = "https://pypi.org"
ANSWER_WITHIN_S = 20.0
MOST_BYTES = 50_000_000
_RELEASE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")


class Unanswered(Exception):
    """The index says nothing about vulnerabilities."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock", nargs="?", type=Path, default=LOCK)
    parser.add_argument("--index", default=INDEX)
    args = parser.parse_args()
    releases = sorted(set(releases_of(args.lock.read_text("utf-8"))))
    n_known = 0
    for number, (name, version) in enumerate(releases):
        try:
            known = vulnerabilities(args.index, name, version)
        except Unanswered as reason:
            print(f"NOT AUDITED: {number} of {len(releases)} releases were looked up; {reason}", file=sys.stderr)
            return 2
        n_known += len(known)
        for each in known:
            print(f"{name} {version}: {told(each)}")
    print(f"{len(releases)} releases of {args.lock.name}, {n_known} known vulnerabilities")
    return int(n_known > 0)


def releases_of(lock: str) -> Iterator[tuple[str, str]]:
    """(name, version) of each line that pins one; a package may be pinned twice, for different Pythons."""
    for line in lock.splitlines():
        found = _RELEASE.match(line)
        if found:
            yield found[1], found[2]


def vulnerabilities(index: str, name: str, version: str) -> list[dict[str, Any]]:
    """What is known of a release.

    Raises:
        Unanswered: the index cannot be reached, does not know the release, or does not speak of vulnerabilities.
    """
    url = f"{index}/pypi/{name}/{version}/json"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S) as answer:
            said = json.loads(answer.read(MOST_BYTES))
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Unanswered(f"{url} does not answer ({error})") from error
    known = said.get("vulnerabilities") if isinstance(said, dict) else None
    if not isinstance(known, list):
        raise Unanswered(f"{url} says nothing of vulnerabilities")
    return [each for each in known if not each.get("withdrawn")]


def told(known: dict[str, Any]) -> str:
    names = ", ".join([str(known.get("id", "?")), *map(str, known.get("aliases", []))])
    mended = ", ".join(map(str, known.get("fixed_in", []))) or "nowhere yet"
    return f"{names}, mended in {mended}; {known.get('link') or known.get('summary') or 'no more is said'}"


if __name__ == "__main__":
    sys.exit(main())

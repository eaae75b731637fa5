"""docs/rules.md: what each rule asks, told in `rules_told.md`, with the tests that prove it.

A test names its rules first: `test_b17_…` or `test_b1_7_…` proves B1.7, `test_e1_e2_…` both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tests.docs.markdown import table
from tests.sources import names_of_tests

TESTS = Path(__file__).parents[1]
COUNTS = {"A": 10, "C": 7, "D": 5, "E": 7, "F": 2, "G": 9, "H": 13}
RULES = (
    [f"B1.{n}" for n in range(1, 15)]
    + [f"B2.{n}" for n in range(1, 5)]
    + [f"{letter}{n}" for letter, count in COUNTS.items() for n in range(1, count + 1)]
    + [f"D-{n}" for n in range(1, 17)]
)
# `test_d3_` is rule D3 in the tests of scenario D and decision D-3 in all others.
OF_SCENARIO_D = re.compile(r"managed|suggestion")
# Rules after which no test is named yet: not built, or built and proven only by the way.
UNPROVEN: frozenset[str] = frozenset()


def proofs_by_rule() -> dict[str, list[str]]:
    """Places of tests, as `file::name`, by rule."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in names_of_tests(path):
            for rule in _named(name, path.stem):
                found[rule].append(f"{path.relative_to(TESTS.parent)}::{name}")
    return found


def _named(name: str, file: str) -> list[str]:
    rest, rules = name.removeprefix("test_"), []
    while match := re.match(r"b([12])_?(\d+)_|([acdefgh])(\d+)_|b[12]_", rest):
        rest = rest[match.end() :]
        scenario, part, letter, number = match.groups()
        if part:
            rules.append(f"B{scenario}.{part}")
        elif letter == "d" and not (int(number) <= COUNTS["D"] and OF_SCENARIO_D.search(file)):
            rules.append(f"D-{number}")
        elif letter:
            rules.append(f"{letter.upper()}{number}")
    return rules if name.startswith("test_") else []


def page() -> str:
    """The told rules, each followed by its tests, and the list of those without one."""
    proven, out = proofs_by_rule(), []
    for part in re.split(r"(?m)^(?=##)", (TESTS / "docs/rules_told.md").read_text()):
        out.append(part.rstrip())
        heading = re.match(r"### (\S+)", part)
        if heading and proven[heading[1]]:
            rows = [[f"`{file}`", f"`{name}`"] for file, name in map(_split, proven[heading[1]])]
            out.append(table(["file", "test"], rows))
    names = ", ".join(rule for rule in RULES if rule in UNPROVEN)
    told = f"No test is named after these yet: {names}." if names else "There is none."
    out.append(f"## Rules without a test\n\n{told}")
    return "\n\n".join(out)


def told() -> list[str]:
    """The rules that have a heading."""
    return re.findall(r"(?m)^### (\S+)", (TESTS / "docs/rules_told.md").read_text())


def _split(place: str) -> list[str]:
    return place.split("::")

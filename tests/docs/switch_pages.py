"""The page of what ConnectWise may do undocumented, from the switch table that its tests play."""

from __future__ import annotations

import itertools

from tests.docs.markdown import code, table
from tests.switches.table import ROWS, Row, as_json
from tests.switches.words import QUESTIONS, WAYS

INTRODUCTION = """\
# What ConnectWise may do

ConnectWise's documentation is silent in many places: whether converting an opportunity moves its
products or copies them, whether the rest of a partly received line keeps its link, and so on. The
service assumes none of it. It reads back what it did, and each thing that may happen has an outcome:
the order is done, or held with a code and a way out.

The [sandbox](../../sandbox/README.md) can do each of these things: one switch for one
question. Every line below is played by a test (`tests/switches`), the way out included, in real HTTP
against the sandbox and under the outside observer. All other settings and switches have their
defaults. Unless a line says otherwise, the order has an option that was not chosen, a new product,
goods with serial numbers, surplus on a purchase order, two suppliers, and a partial receipt.

A value in **bold** is the sandbox's default, not a claim about ConnectWise.
"""


def page() -> str:
    parts = [INTRODUCTION]
    for switch, rows in itertools.groupby(ROWS, key=lambda row: row.switch):
        parts.append(f"## {switch}\n\n{QUESTIONS[switch]}")
        head = ["value", "together with", "what the service does", "the order ends"]
        parts.append(table(head, [_cells(row) for row in rows]))
    return "\n\n".join(parts)


def _cells(row: Row) -> list[str]:
    value = code(as_json(row.value))
    beside = [f"{code(name)} = {code(as_json(given))}" for name, given in row.beside.items()]
    settings = [
        f"[{name.upper()}](settings.md#{name}) = {code(as_json(given))}"
        for name, given in row.settings.items()
    ]
    return [
        f"**{value}**" if row.is_default else value,
        ", ".join([*beside, *settings]),
        row.does,
        _end(row),
    ]


def _end(row: Row) -> str:
    if not row.way:
        return "done"
    place = f"[{row.ends.value}](../runbook.md#{row.ends.value.lower()})"
    return f"{row.state}: {place}. {WAYS[row.way]} Then it is done."

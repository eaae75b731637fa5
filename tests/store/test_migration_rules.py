"""Expand, then contract: a migration leaves alone what the release before it reads and writes.

The SQL of each is rendered and read. What would take something away, rewrite a table or hold it for
long is refused, unless the file says in CONTRACT why the release before goes on working.
"""

from __future__ import annotations

import importlib
import io
import re
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

from app.store import migrate

# Before the rule: there was no release that could have served meanwhile.
BEFORE_THE_RULE = "0010"

_REFUSED = {
    r"\bDROP (TABLE|COLUMN)\b": "takes away what the release before reads",
    r"\bRENAME\b": "takes away a name that the release before uses",
    r"\bSET NOT NULL\b": "reads the whole table under a lock, and refuses what the old release writes",
    r"\bALTER COLUMN \w+ (SET DATA )?TYPE\b": "rewrites the table under a lock",
    r"\bADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b": "refuses the rows that the old release writes",
    r"\bADD COLUMN .*\bDEFAULT .*(random|clock_timestamp|nextval)": "rewrites the table",
    r"\bADD COLUMN .*\b(IDENTITY|SERIAL|GENERATED)\b": "rewrites the table under a lock",
    r"\bADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)\b(?!.*NOT VALID)": "reads the table under a lock",
    r"\bADD (CONSTRAINT \w+ )?(UNIQUE|PRIMARY KEY) \(": "builds an index under a lock",
    r"\bCREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "keeps writers out while it is built",
    r"\bLOCK TABLE\b": "keeps others out",
}
_TOUCHED = (
    r"(?:ALTER TABLE(?: IF EXISTS)?(?: ONLY)?|DROP TABLE(?: IF EXISTS)?|LOCK TABLE| ON) \"?(\w+)"
)


def _revisions() -> list[str]:
    return sorted(file.stem for file in migrate.VERSIONS.glob("[0-9]*.py"))


def statements(module: Any) -> list[str]:
    """What the migration says to the database, a statement each, on one line."""
    out = io.StringIO()
    context = MigrationContext.configure(
        dialect=postgresql.dialect(), opts={"as_sql": True, "output_buffer": out}
    )
    with Operations.context(context):
        module.upgrade()
    parts = re.split(r";\s*\n(?![^$]*\$\$;)", out.getvalue())
    return [" ".join(part.split()) for part in parts if part.strip()]


def findings(sql: list[str]) -> list[str]:
    """What the rule says against the statements. New tables may be made in any way."""
    made = {name for one in sql for name in re.findall(r"CREATE TABLE \"?(\w+)", one)}
    found = []
    for one in sql:
        if one.startswith("CREATE TABLE"):
            continue
        touched = set(re.findall(_TOUCHED, one))
        if touched and touched <= made and not one.startswith("DO "):
            continue
        found += [f"{one[:120]}: {why}" for rule, why in _REFUSED.items() if re.search(rule, one)]
    return found


@pytest.mark.parametrize("name", _revisions())
def test_a_migration_expands_or_says_why_it_may_contract(name: str) -> None:
    module = importlib.import_module(f"app.store.migrations.versions.{name}")
    found = findings(statements(module))
    if name.partition("_")[0] <= BEFORE_THE_RULE:
        return
    reason = getattr(module, "CONTRACT", "")
    assert not found or len(reason) > 40, "\n".join(found)
    assert found or not reason, "CONTRACT marks a migration that only expands"


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("ALTER TABLE orders DROP COLUMN who", True),
        ("ALTER TABLE orders RENAME COLUMN who TO whom", True),
        ("ALTER TABLE orders ALTER COLUMN who SET NOT NULL", True),
        ("ALTER TABLE orders ALTER COLUMN who TYPE varchar(9)", True),
        ("ALTER TABLE orders ADD COLUMN x TEXT NOT NULL", True),
        ("ALTER TABLE orders ADD COLUMN x TEXT DEFAULT '' NOT NULL", False),
        ("ALTER TABLE orders ADD COLUMN x TEXT", False),
        ("ALTER TABLE orders ADD COLUMN x float DEFAULT random()", True),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (x > 0)", True),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (x > 0) NOT VALID", False),
        ("ALTER TABLE orders ADD CONSTRAINT c UNIQUE (x)", True),
        ("CREATE INDEX i ON orders (x)", True),
        ("CREATE INDEX CONCURRENTLY i ON orders (x)", False),
        ("DROP TABLE orders", True),
        ("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", True),
    ],
)
def test_the_rule_itself(statement: str, refused: bool) -> None:
    assert bool(findings([statement])) is refused
    assert not findings(["CREATE TABLE orders (id bigint)", statement])

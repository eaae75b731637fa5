"""The declarative language of the resource tables: one token a field.

Owns the token syntax and the parsed `Field`; must not know any resource. A token reads
`name[flags]:kind`. Flags: `*` required, `!` required when replaced or changed, `~` computed on
every read, `-` kept by the rules and ignored when a client sends it, `^` accepted and never shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

TOKEN = re.compile(r"(\w+)([*!~^-]*):([a-z]+)(\d*)(?:\(([^)]*)\))?$")


class Kind(Enum):
    """What a field holds; the value is the letter in a table's token."""

    TEXT = "s"
    INTEGER = "i"
    NUMBER = "n"
    FLAG = "b"
    DATE = "d"
    CHOICE = "e"
    REFERENCE = "r"  # an object naming a record that this simulator keeps; stored as its id
    FOREIGN = "x"  # an object naming a record of a kind that this simulator does not keep
    ALIAS = "a"  # the bare id of a reference field of the same record
    KEY = "k"  # a bare id with no reference field beside it
    OBJECT = "o"
    INTEGERS = "li"
    TEXTS = "ls"
    OBJECTS = "lo"
    REFERENCES = "lr"


LISTING = {Kind.CHOICE, Kind.FOREIGN, Kind.OBJECTS}
"""The kinds whose argument is a list of values or keys."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource.

    `target` is a reference's shape, or an alias's reference field. `choices` are the values of a
    choice, or the keys that an object may have (all, where there are none).
    """

    name: str
    kind: Kind
    required: bool = False
    required_on_update: bool = False
    computed: bool = False
    kept: bool = False
    write_only: bool = False
    longest: int | None = None
    choices: tuple[str, ...] = ()
    target: str = ""

    @property
    def writable(self) -> bool:
        return not (self.computed or self.kept)


def parse_fields(text: str) -> dict[str, Field]:
    """Parses a table's tokens, separated by blanks, into fields by name, in order."""
    fields: dict[str, Field] = {}
    for token in text.split():
        match = TOKEN.match(token)
        if match is None:
            raise ValueError(f"not a field token: {token}")
        name, flags, letter, longest, argument = match.groups()
        kind = Kind(letter)
        if name in fields:
            raise ValueError(f"field {name} is listed twice")
        fields[name] = Field(
            name=name,
            kind=kind,
            required="*" in flags,
            required_on_update="!" in flags,
            computed="~" in flags,
            kept="-" in flags,
            write_only="^" in flags,
            longest=int(longest) if longest else None,
            choices=tuple(argument.split("|")) if argument and kind in LISTING else (),
            target=argument if argument and kind not in LISTING else "",
        )
    return fields

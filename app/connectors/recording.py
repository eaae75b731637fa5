"""What the call log keeps of a request and its answer: no secrets, no personal data, no megabytes.

Owns the list of fields that are removed and the text form that is kept. Must not change what is
sent or read: it only looks. What may be shown again to whom is told is `sealing.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from app.connectors import wire_json

KEPT_CHARACTERS = 16_000
# A list page holds up to a thousand records; the log needs the first few.
KEPT_NODES = 3_000
REMOVED = "[removed]"

# What nobody is ever shown: it lets its holder in, or signs in somebody's name.
SECRET = re.compile(
    r"""pass(word|phrase|code)|secret|token|authori[sz]ation|credential|cookie|signature
    |(private|signing|api|access)_?key|^key$""",
    re.IGNORECASE | re.VERBOSE,
)
PERSONAL = re.compile(
    r"""first_?name|last_?name|middle_?(name|initial)|nick_?name|maiden|full_?name
    |contact_?name|customer_?name|attention|birth|anniversary|gender|spouse|significant
    |e?_?mail|phone|fax|mobile|extension|skype|facebook|twitter|linkedin
    |address|street|^city$|(customer|site)_?city|^state$|(customer|site)_?state|state_?identifier
    |^zip$|(customer|site)_?zip|postal|^country$|(customer|site)_?country
    |given_?name|family_?name|addr$|^line[1-5]$
    |communication_?items|shipping_?instructions|^photo$|latitude|longitude""",
    re.IGNORECASE | re.VERBOSE,
)
# References to people: their id is kept, their names are not.
PERSON = re.compile(
    r"contact$|^member$|sales_?rep$|manager$|^owner$|^(closed|entered|updated|created|canceled"
    r"|adjusted|applied|cancelled)_?by$|reports_?to$|approver$",
    re.IGNORECASE,
)
NAMING = frozenset({"name", "identifier"})
EMAIL = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


@lru_cache(maxsize=4096)
def is_secret(key: str) -> bool:
    """Whether a field's value is shown to nobody. A JSON Patch names its field by a path."""
    return SECRET.search(key.rpartition("/")[2]) is not None


@lru_cache(maxsize=4096)
def _treatment(key: str) -> str:
    if is_secret(key) or PERSONAL.search(key):
        return "remove"
    return "person" if PERSON.search(key) else "keep"


def masked(text: str) -> str:
    """Free text without e-mail addresses."""
    return EMAIL.sub(REMOVED, text) if "@" in text else text


def redacted(value: Any, *, people: bool = False) -> Any:
    """The value as it may be kept: a copy with secrets and personal data replaced.

    `people` True: the records are people themselves, so their own names go too.
    """
    return _Redaction().of(value, person=people)


def members(value: Mapping[Any, Any]) -> Iterator[tuple[str, str, Any]]:
    """An object's names, with the field that each is of and its value: a JSON Patch operation names
    its field beside the value."""
    patched = value.get("path") if "op" in value else None
    for key, item in value.items():
        name = str(key)
        yield name, patched if name == "value" and isinstance(patched, str) else name, item


class _Redaction:
    """One walk, which stops after KEPT_NODES values."""

    def __init__(self) -> None:
        self.left = KEPT_NODES

    def of(self, value: Any, *, person: bool) -> Any:
        self.left -= 1
        if isinstance(value, Mapping):
            return self._object(value, person=person)
        if isinstance(value, (list, tuple)):
            kept: list[Any] = []
            for item in value:
                if self.left <= 0:
                    kept.append(f"[{len(value) - len(kept)} more]")
                    break
                kept.append(self.of(item, person=person))
            return kept
        return masked(value) if isinstance(value, str) else value

    def _object(self, value: Mapping[Any, Any], *, person: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, named, item in members(value):
            treatment = _treatment(named.rpartition("/")[2])
            if item is None or isinstance(item, bool):
                kept[name] = item
            elif treatment == "remove" or (person and name.lower() in NAMING):
                kept[name] = REMOVED
            elif treatment == "person" and isinstance(item, str):
                kept[name] = REMOVED  # a person named by text, as closedBy is
            else:
                # A list of people may stand in an envelope: {"Contacts": […]}.
                enveloped = person and isinstance(item, list)
                kept[name] = self.of(item, person=treatment == "person" or enveloped)
        return kept


def body_text(body: bytes, *, people: bool = False) -> str | None:
    """A body as it may be kept: redacted JSON, at most KEPT_CHARACTERS long.

    What is not JSON is kept as its size only: nobody can say which of its words are personal.
    """
    if not body:
        return None
    try:
        return cut(wire_json.dumps(redacted(wire_json.loads(body), people=people)))
    except (wire_json.NotReadable, RecursionError):
        return f"[{len(body)} bytes that are not readable JSON]"


def cut(text: str) -> str:
    if len(text) <= KEPT_CHARACTERS:
        return text
    return f"{text[:KEPT_CHARACTERS]}… [{len(text) - KEPT_CHARACTERS} more characters]"

"""Broken and odd JSON made from right JSON: values changed in place, text spoilt as a wire spoils it.

Owns what is strange in general. What a test expects of it is the test's own.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

Json = Any
Path = tuple[str | int, ...]


def examples(few: int) -> settings:
    """As many examples as FUZZ_EXAMPLES says, else a few; the same ones at each run."""
    return settings(
        max_examples=int(os.environ.get("FUZZ_EXAMPLES", few)),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        # Why a line failed is read from the failure; looking for reasons costs a run for each.
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


def raw(token: str) -> str:
    """A place that `encoded` fills with this very text, which no JSON encoder would write."""
    return f"\x01{token.encode().hex()}\x01"


_RAW = re.compile(rb'"\\u0001([0-9a-f]+)\\u0001"')
DEEP = "[" * 500 + "]" * 500
# Too long for an entry of an index, and not to be compressed into one.
LONG = "".join(sha256(str(n).encode()).hexdigest() for n in range(100))
WORDS: tuple[Any, ...] = (
    LONG,
    "", " ", "null", "NaN", "0", "-1", "1e999", "💥", "Ünïcode ßtraße", "日本語の注文",
    "שלום", "\u202eright to left", "nul\u0000inside", "\ud800", "a" * 5000, "<script>", "'; --",
    "%s%n", "2026-11-19T10:02:05Z", "2026-02-30T25:61:00", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "/Date(99999999999999999)/", "/Date(1763546400000+9900)/",
    "true", "../..", "someone@example.com",
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.1, -0.0, 1e-30, 1.5,
    raw("1e400"), raw("1E-400"), raw("-0.0"), raw("9" * 39), raw("9" * 400), raw("1e30"),
    raw("0.333333333333333333333333333333333333"), raw("1e39"), raw("4.00"),
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, [], {}, [None], [[]], {"": None}, [1, "a", {}], {"id": {"id": []}},
    raw("NaN"), raw("Infinity"), raw("-Infinity"), raw(DEEP), raw('{"a":1,"a":2}'),
    {"id": 0}, {"id": "88"}, {"name": None},
)  # fmt: skip
ODD = WORDS + NUMBERS + OTHERS


def places(value: Json, path: Path = ()) -> Iterator[Path]:
    """Every place in a value, itself first."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def at(value: Json, path: Path) -> Json:
    for step in path:
        value = value[step]
    return value


def put(value: Json, path: Path, new: Json) -> Json:
    """The value with another one at that place."""
    if not path:
        return new
    at(value, path[:-1])[path[-1]] = new
    return value


def _remove(value: Json, path: Path) -> Json:
    if path:
        del at(value, path[:-1])[path[-1]]
    return value


def _turned(given: Json) -> Json:
    """The same in another type: a text for a number, a list for an object, and so on."""
    if isinstance(given, bool) or given is None:
        return str(given)
    if isinstance(given, (int, float)):
        return str(given)
    if isinstance(given, str):
        return [given]
    if isinstance(given, list):
        return {str(index): item for index, item in enumerate(given)}
    return [given]


Choose = Callable[[Sequence[Any]], Any]


def changed(choose: Choose, source: Json) -> Json:
    """The value with one to three places changed: removed, replaced, retyped, doubled, renamed."""
    value = copy.deepcopy(source)
    for _ in range(choose((1, 2, 3))):
        path = choose(sorted(places(value), key=str))
        given = at(value, path)
        acts = ["replace", "replace", "turn", "remove"]
        if isinstance(given, list) and given:
            acts += ["repeat", "reverse", "empty"]
        if path and isinstance(path[-1], str):
            acts += ["rename"]
        act = choose(acts)
        if act == "replace":
            value = put(value, path, copy.deepcopy(choose(ODD)))
        elif act == "turn":
            value = put(value, path, _turned(given))
        elif act == "remove":
            value = _remove(value, path)
        elif act == "repeat":
            value = put(value, path, copy.deepcopy(given * choose((2, 3, 60))))
        elif act == "reverse":
            value = put(value, path, given[::-1])
        elif act == "empty":
            value = put(value, path, [])
        else:
            value = put(_remove(value, path), (*path[:-1], f"{path[-1]}X"), given)
    return value


def encoded(value: Json) -> bytes:
    """JSON text with the raw places filled in."""
    text = json.dumps(value).encode()
    return _RAW.sub(lambda found: bytes.fromhex(found[1].decode()), text)


SPOILT: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: b"",
    lambda body: b" \n",
    lambda body: body[: len(body) // 2],
    lambda body: body[:-1],
    lambda body: body + b"}",
    lambda body: body + body,
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.decode().encode("utf-16"),
    lambda body: body.replace(b"a", b"\xff", 1),
    lambda body: body.replace(b'"', b"'"),
    lambda body: b"\x00" + body,
    lambda body: b"<!DOCTYPE html><html><body>We are down</body></html>",
    lambda body: b"[" * 100_000,
    lambda body: b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    lambda body: b"[" + body + b"]",
    lambda body: b"null",
    lambda body: b"3",
    lambda body: b'"text"',
    lambda body: b"\x1f\x8b\x08\x00garbage",
    lambda body: b"-" * 50,
    lambda body: b"1" * 5_000,
)


def wire_by(choose: Choose, source: Json) -> bytes:
    """What may arrive where this value was expected: changed JSON mostly, spoilt text at times."""
    if choose((True, False, False, False)):
        spoil: Callable[[bytes], bytes] = choose(SPOILT)
        return spoil(encoded(source))
    return encoded(changed(choose, source))


@st.composite
def mutated(draw: st.DrawFn, source: Json, odd: st.SearchStrategy[Json]) -> Json:
    """`changed`, drawn by Hypothesis, with odd values of one's own."""

    def choose(choices: Sequence[Any]) -> Any:
        return draw(odd if choices is ODD else st.sampled_from(choices))

    return changed(choose, source)


@st.composite
def wire(draw: st.DrawFn, source: Json) -> bytes:
    """The same, drawn by Hypothesis."""
    return wire_by(lambda choices: draw(st.sampled_from(choices)), source)

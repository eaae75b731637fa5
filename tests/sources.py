"""What the tests are called, read from their files as text: to parse them all takes seconds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_NO_CODE = re.compile(
    r'"""(?s:\\.|.)*?"""' + r"|'''(?s:\\.|.)*?'''"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|#[^\n]*"
)  # fmt: skip
_TEST = re.compile(r"(?m)^(?:    )?(?:async )?def (test_\w+)\(")


@cache
def names_of_tests(path: Path) -> tuple[str, ...]:
    """The test functions of a file, of its classes too, in the file's order; none in a string."""
    return tuple(_TEST.findall(_NO_CODE.sub("", path.read_text())))

"""Reads the Markdown pages: fenced blocks, headings, links, inline code.

Owns how a page is taken apart. Knows nothing of what the pages say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(.*)$")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^#{1,6} (.+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: what stands behind the fence, and its lines."""

    page: Path
    line: int
    info: str
    text: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A page without its fenced blocks, and these."""

    path: Path
    prose: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as Git hosts make them."""
        found: set[str] = set()
        for line in self.prose:
            if match := _HEADING.match(line):
                slug = base = slug_of(match[1])
                number = 0
                while slug in found:
                    number += 1
                    slug = f"{base}-{number}"
                found.add(slug)
        return found

    @property
    def links(self) -> Iterator[str]:
        for line in self.prose:
            yield from _LINK.findall(_CODE.sub("", line))

    @property
    def code(self) -> Iterator[str]:
        """Inline code, and the lines of every block."""
        for line in self.prose:
            yield from _CODE.findall(line)
        for block in self.blocks:
            yield from block.text


def slug_of(heading: str) -> str:
    """The anchor of a heading: letters, digits, hyphens and underscores, blanks as hyphens."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.replace("`", ""))
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def pages() -> list[Page]:
    """README, the changelog and everything below docs, in a fixed order."""
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [read(path) for path in paths]


def read(path: Path) -> Page:
    """A page taken apart. Links that are folded over two lines are put together again."""
    prose: list[str] = []
    blocks: list[Block] = []
    inside: list[str] | None = None
    info, begun = "", 0
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence and inside is None:
            info, begun, inside = fence[1].strip(), number, []
        elif fence and inside is not None:
            blocks.append(Block(path, begun, info, tuple(inside)))
            inside = None
        elif inside is not None:
            inside.append(line)
        elif prose and _open_bracket(prose[-1]):
            prose[-1] = f"{prose[-1]} {line.strip()}"
        else:
            prose.append(line)
    return Page(path, tuple(prose), tuple(blocks))


def _open_bracket(line: str) -> bool:
    """Whether the line breaks inside of a link's text or of inline code."""
    plain = _CODE.sub("", line)
    return plain.count("`") % 2 == 1 or plain.count("[") > plain.count("]")

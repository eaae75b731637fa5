"""How `make site` builds the pages: the same Markdown that is read in the repository.

Owns the order of the pages, which is that of docs/README.md, and nothing of their text. No page of the
site asks another host for anything: script, style and search index are built in.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]

project = "Demandlink"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "docs/**", "sandbox/**.md", "benchmarks/**.md"]
exclude_patterns = ["docs/examples"]
nitpicky = True
html_theme = "furo"
html_title = "Demandlink"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
# The anchors of GitHub, so that a link holds in the repository and on the site alike.
myst_heading_anchors = 4

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_LISTED = re.compile(r"\]\(([^)#:]+\.md)\)")
_FOLDER = re.compile(r"\[([^\]]+)\]\(([^)#:]+)\)")


def _contents(base: str, caption: str, pages: list[str]) -> str:
    listed = "\n".join(f"{base}{page}".removesuffix(".md") for page in pages)
    return f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{listed}\n```\n"


def _menu() -> str:
    """The chapters of docs/README.md, each with the pages that it lists, in its order."""
    parts = _HEADING.split((ROOT / "docs/README.md").read_text())
    chapters = zip(parts[1::2], parts[2::2], strict=True)
    listed = ((name, list(dict.fromkeys(_LISTED.findall(text)))) for name, text in chapters)
    menu = "".join(_contents("/docs/", name, pages) for name, pages in listed if pages)
    return menu + _contents(
        "/", "Project", ["docs/README.md", "benchmarks/README.md", "CHANGELOG.md"]
    )


def _read(_: Sphinx, name: str, source: list[str]) -> None:
    text = source[0]
    if name == root_doc:
        text += _menu()
    if name == "docs/decisions/README":
        pages = sorted(page.name for page in (ROOT / "docs/decisions").glob("0*.md"))
        text += _contents("", "Decisions", pages)
    # A folder or a file of code is not on the site: its name stays, as code.
    page = ROOT / f"{name}.md"
    source[0] = _FOLDER.sub(
        lambda link: link[0] if _on_site(page.parent / link[2]) else link[1], text
    )


def _on_site(target: Path) -> bool:
    return target.suffix in {".md", ".svg", ".png"} or not target.exists()


def setup(app: Sphinx) -> None:
    """Sphinx calls it by this name."""
    app.connect("source-read", _read)

"""Texts cut to what a remote field holds (A3).

Owns the one way of cutting. ConnectWise counts as .NET does: a character beyond U+FFFF is two, so a cut
by characters would be refused as too long, and nobody could do anything about it. Pure.
"""

from __future__ import annotations


def cut(text: str, longest: int) -> str:
    """At most `longest` UTF-16 units of a text, never half a character."""
    if len(text) * 2 <= longest:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: longest * 2]
    return units.decode("utf-16-le", "ignore")

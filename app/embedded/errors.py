"""What can go wrong with an embedded server, as two exceptions whose text is meant for a person.

Must not know how a server is found or started.
"""

from __future__ import annotations


class EmbeddedError(RuntimeError):
    """An embedded server did what it should not; the text says which, why, and where its log is."""


class EmbeddedUnavailableError(EmbeddedError):
    """This machine can run no such server; the text says what to install or which setting to set."""

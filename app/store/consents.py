"""What is said of a consent that is not there, the same for every kind of store."""

from __future__ import annotations

from app.domain.errors import FailureKind, RemoteFailure


def nobody_signed_in(system: str) -> RemoteFailure:
    return RemoteFailure(
        FailureKind.UNAUTHENTICATED,
        f"Nobody has signed in to {system} yet: run `demandlink connections sign-in {system}`.",
    )


def given_meanwhile() -> RemoteFailure:
    """A person signed in or out meanwhile: their word counts, and ours is of before."""
    message = "The consent was given anew or taken back while its token was fetched."
    return RemoteFailure(FailureKind.NOT_SENT, message)


def busy_elsewhere(system: str) -> RemoteFailure:
    """Nothing was asked of the vendor: the call that waits for a token is not sent."""
    message = f"Another process is asking {system} for a token, for too long."
    return RemoteFailure(FailureKind.NOT_SENT, message)

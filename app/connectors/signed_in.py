"""The books of whichever company somebody signed in to, while processes run on.

Owns nothing but the choice: a client is of one company, and a person may sign in to one, or to
another, after the service was started.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, cast

from app.domain.books import Books
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.grants import LedgerVault


class Client(Books, Protocol):
    async def aclose(self) -> None: ...


class SignedIn:
    """Calls go to the client of the company that stands in the vault at that moment.

    It is asked before every call: a grant may reach several companies, so a client that outlives a
    new sign-in would still be let in, and post to the wrong books. `wanted` is the company that
    the settings name, empty where they name none.
    """

    def __init__(
        self,
        vault: LedgerVault,
        client_of: Callable[[str], Client],
        wanted: str,
        timeout: float,
    ) -> None:
        self._vault = vault
        self._client_of = client_of
        self._wanted = wanted
        self._clients: dict[str, Client] = {}
        self.timeout = timeout

    def books(self) -> Books:
        """This as the port, every method of which goes the same way."""
        return cast(Books, self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(Books, name):
            raise AttributeError(name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            client = await self._client()
            try:
                return await getattr(client, name)(*args, **kwargs)
            except RemoteFailure as failure:
                # A token may be good and the company closed to it: no refresh would ever show it.
                if failure.kind is FailureKind.UNAUTHENTICATED:
                    await self._vault.note(failure.message)
                raise

        functools.update_wrapper(call, getattr(Books, name))
        return call

    async def _client(self) -> Client:
        company = await self._vault.company()
        if self._wanted and company != self._wanted:
            raise RemoteFailure(
                FailureKind.UNAUTHENTICATED,
                f"The settings name the company {self._wanted}, and {company} is signed in to: "
                "disconnect, and sign in to the other one.",
            )
        if company not in self._clients:
            self._clients[company] = self._client_of(company)
        return self._clients[company]

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

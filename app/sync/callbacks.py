"""A callback's check as a value, so that the door need not know the connector's exceptions.

Owns which failure means refused for good and which means try again; the check itself is
`app/connectors/connectwise/callbacks.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from app.connectors.connectwise.callbacks import (
    CallbackVerifier,
    KeyAddressRefused,
    KeyUnreachable,
    NotFromConnectWise,
)
from app.sync.inbox import CallbackCheck

Check = Callable[[bytes, str | None], Awaitable[CallbackCheck]]


def checker(verifier: CallbackVerifier | None) -> Check:
    """The door's check; without a ConnectWise connection every callback is refused."""

    async def check(body: bytes, given: str | None) -> CallbackCheck:
        if verifier is None:
            return CallbackCheck(refused="no ConnectWise connection is set, so none can call back")
        try:
            callback = await verifier.verify(body, given)
        except (NotFromConnectWise, KeyAddressRefused) as refused:
            return CallbackCheck(refused=str(refused))
        except KeyUnreachable as unreachable:
            return CallbackCheck(unreachable=str(unreachable))
        return CallbackCheck(id=callback.external_id)

    return check

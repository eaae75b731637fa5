"""ConnectWise callbacks kept as wanted: created when missing, enabled when switched off.

Owns the list of what the service wants to be told, and the pure difference between that and what
is registered. What has no callback (sales orders, products, shipments) is polled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import ConnectWise
from app.domain.psa import Callback
from app.settings import Settings
from app.telemetry import logger, wide

WANTED = ("opportunity", "purchaseorder", "invoice", "ticket")
DESCRIPTION = "Demandlink"


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done: types to register, registrations to enable again."""

    create: tuple[str, ...]
    enable: tuple[int, ...]


def address(public_url: str, token: str) -> str:
    """Where ConnectWise shall call.

    It appends the record's id, so the address ends with the parameter that takes it
    (connectwise.md 2.1).
    """
    return f"{public_url}/webhooks/connectwise/{token}?recordId="


def difference(present: Sequence[Callback], url: str) -> Difference:
    """Wanted minus present, by address and type; level is owner, which has object id 1. Of several
    for one type an active one counts: enabling a second would call twice."""
    own = [callback for callback in present if callback.url == url]
    own.sort(key=lambda callback: not callback.inactive)
    ours = {callback.type.lower(): callback for callback in own}
    return Difference(
        create=tuple(type_ for type_ in WANTED if type_ not in ours),
        enable=tuple(ours[t].id for t in WANTED if t in ours and ours[t].inactive),
    )


async def keep(cw: ConnectWise, public_url: str, token: str) -> Difference:
    """Make it so. May raise RemoteFailure; a registration that exists already is no failure."""
    url = address(public_url, token)
    needed = difference(await cw.callbacks(), url)
    for type_ in needed.create:
        try:
            await cw.create_callback(url, type_, DESCRIPTION)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.EXISTS:
                raise
    for callback_id in needed.enable:
        await cw.enable_callback(callback_id, url)
    wide("callbacks_kept", created=list(needed.create), enabled=list(needed.enable))
    return needed


async def keep_as_set(cw: ConnectWise, settings: Settings) -> None:
    """Register the callbacks that are wanted. Failures are told and do not stop a start: what
    callbacks tell is polled as well."""
    token = settings.connectwise_callback_token.get_secret_value()
    if not (settings.public_url and token and settings.connectwise_url):
        logger(__name__).info(
            "callbacks_off",
            reason="PUBLIC_URL or CONNECTWISE_CALLBACK_TOKEN is empty: polling only",
        )
        return
    try:
        await keep(cw, settings.public_url, token)
    except Exception as error:  # noqa: BLE001 - told, never fatal
        logger(__name__).warning("callbacks_not_kept", error=str(error))

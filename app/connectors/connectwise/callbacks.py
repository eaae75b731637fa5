"""ConnectWise callbacks: is this one really from our ConnectWise, and what is it about.

Owns the check of the signature (connectwise.md 2.5), which addresses a signing key may be fetched
from, and the keys fetched. The body names the key's address, so nothing in it is believed before.
Must not decide what a callback causes: it is a hint that a record changed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from app.connectors import wire_json
from app.connectors.connectwise.caller import Access
from app.connectors.transport import AiohttpTransport
from app.domain.ports import Clock

KEY_PATH = "/system/callbackkey/index.rails"
KEY_SECONDS = 3_600.0
# ConnectWise gives a delivery 5 seconds; within them the row has to be kept as well.
FETCH_SECONDS = 3.0
LARGEST_KEY_ANSWER = 4_096
# Neither forged signatures nor a key server that is down may make us call it for each delivery:
# a key that did not fit is fetched again once, and a fetch that failed is repeated, this seldom.
RETRY_SECONDS = 5.0
MOST_KEYS = 64
FETCHES_AT_ONCE = 4

PLAIN_ADDRESS = re.compile(r"[!-\[\]-~]{1,500}")  # visible ASCII without the backslash
PLAIN_PATH = re.compile(r"(?:/+[A-Za-z0-9_.-]+)+")
KEY_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
MESSAGE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MOMENT = re.compile(r"[0-9T:.Z+-]{1,40}")
DEFAULT_PORTS = {"https": 443, "http": 80}


class NotFromConnectWise(Exception):
    """The signature does not fit the body, or there is none."""


class KeyAddressRefused(Exception):
    """The body names an address that a signing key is never fetched from."""


class KeyUnreachable(Exception):
    """The address is ConnectWise's, but no key could be had from it now."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """A checked address of a signing key."""

    url: str
    host: str
    company: str
    id: str


@dataclass(frozen=True, slots=True)
class Callback:
    """A verified callback. `type` and `action` in lower case; `entity` is None on deletion."""

    type: str
    action: str
    record_id: int
    last_updated: str
    external_id: str
    entity: Mapping[str, Any] | None


def signature(signing_key: str, body: bytes) -> str:
    """What `x-content-signature` holds for this body (connectwise.md 2.5)."""
    key = hashlib.sha256(signing_key.encode()).digest()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def fits(signing_key: str, body: bytes, given: str) -> bool:
    """Compared in constant time. An empty key fits nothing."""
    if not signing_key:
        return False
    return hmac.compare_digest(signature(signing_key, body).encode(), given.strip().encode())


def _mapping(body: bytes) -> Mapping[str, Any]:
    try:
        parsed = wire_json.loads(body)
    except wire_json.NotReadable as cause:
        raise NotFromConnectWise("the body is not JSON") from cause
    if not isinstance(parsed, Mapping):
        raise NotFromConnectWise("the body is not a JSON object")
    return parsed


def key_address(body: bytes) -> str:
    """The address that a body names. Raises NotFromConnectWise when it names none."""
    metadata = _mapping(body).get("Metadata")
    address = metadata.get("key_url") if isinstance(metadata, Mapping) else None
    if not isinstance(address, str) or not address:
        raise NotFromConnectWise("the body names no signing key")
    return address


def key_place(address: str, access: Access) -> KeyPlace:
    """Check an address that anyone may have written. Raises KeyAddressRefused.

    Allowed: the configured host or its twin with or without `api-`, over https (or, where the
    configured address is plain http, exactly its host and port), the key path, our own company.
    """
    if PLAIN_ADDRESS.fullmatch(address) is None:
        raise KeyAddressRefused("the address holds characters that none of ConnectWise's does")
    try:
        named, ours = urlsplit(address), urlsplit(access.base_url)
        port = named.port or DEFAULT_PORTS.get(named.scheme)
        our_port = ours.port or DEFAULT_PORTS.get(ours.scheme)
        query = parse_qs(named.query, keep_blank_values=True, max_num_fields=10)
    except ValueError as cause:
        raise KeyAddressRefused("the address cannot be read") from cause
    host, our_host = (named.hostname or "").lower(), (ours.hostname or "").lower()
    if named.scheme != ours.scheme or port != our_port:
        raise KeyAddressRefused("the address is not of the configured scheme and port")
    if "@" in named.netloc or named.fragment:
        raise KeyAddressRefused("the address holds a user or a fragment")
    allowed = {our_host} if ours.scheme == "http" else {our_host, _twin(our_host)}
    if not host or host not in allowed:
        raise KeyAddressRefused("the address is not on the configured host")
    path = re.sub("/+", "/", named.path)
    if PLAIN_PATH.fullmatch(named.path) is None or ".." in path or not path.endswith(KEY_PATH):
        raise KeyAddressRefused("the address is not that of a signing key")
    companies, ids = query.get("companyName", []), query.get("id", [])
    if len(companies) != 1 or companies[0].casefold() != access.company.casefold():
        raise KeyAddressRefused("the signing key is another company's")
    if len(ids) != 1 or KEY_ID.fullmatch(ids[0]) is None:
        raise KeyAddressRefused("the address names no signing key")
    # Written anew from what was checked, so that nothing unchecked is ever requested.
    asked = urlencode({"companyName": access.company, "id": ids[0]})
    netloc = host if ours.port is None else f"{host}:{ours.port}"
    url = f"{named.scheme}://{netloc}{named.path}?{asked}"
    return KeyPlace(url=url, host=host, company=access.company, id=ids[0])


def _twin(host: str) -> str:
    return host.removeprefix("api-") if host.startswith("api-") else f"api-{host}"


def read(body: bytes) -> Callback:
    """A callback's content. Call it after the signature has been verified.

    A type or id that is missing, which ConnectWise never sends, is "" or 0.

    `external_id`: the message, the record and its state. ConnectWise may or may not keep MessageId
    on a retry: kept, the retry is a duplicate; new, it counts as another hint and costs a look.
    The other way round would lose hints: two changes within a second have the same lastUpdated.
    Without a MessageId the body's hash takes its place.
    """
    parsed = _mapping(body)
    type_, action, record = parsed.get("Type"), parsed.get("Action"), parsed.get("ID")
    number = record if isinstance(record, int) and not isinstance(record, bool) else 0
    entity = _entity(parsed.get("Entity"))
    info = entity.get("_info") if entity is not None else None
    moment = str(info.get("lastUpdated") or "") if isinstance(info, Mapping) else ""
    moment = moment if MOMENT.fullmatch(moment) else ""
    message = str(parsed.get("MessageId") or "")
    if MESSAGE_ID.fullmatch(message) is None:
        message = hashlib.sha256(body).hexdigest()
    named = re.sub(r"[^a-z0-9_-]", "", str(type_ or "").lower())[:40]
    done = re.sub(r"[^a-z]", "", str(action or "").lower())[:20]
    return Callback(
        type=named,
        action=done,
        record_id=number,
        last_updated=moment,
        external_id=f"{message}:{named}:{number}:{moment}:{done}",
        entity=entity,
    )


def _entity(value: Any) -> Mapping[str, Any] | None:
    """The record's summary is JSON inside JSON, and null when the record was deleted."""
    if isinstance(value, str):
        try:
            value = wire_json.loads(value)
        except wire_json.NotReadable:
            return None
    return value if isinstance(value, Mapping) else None


@dataclass(frozen=True, slots=True)
class _Known:
    """A fetched key, or why it could not be had."""

    at: float
    key: str = ""
    problem: str = ""


class CallbackVerifier:
    """Verifies callbacks of one connection, and keeps its signing keys for an hour.

    `with_credentials`: send ours when fetching a key, for installations that ask for them.
    `transport` replaces the real one in tests.
    """

    def __init__(
        self,
        access: Access,
        *,
        clock: Clock,
        with_credentials: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._access = access
        self._clock = clock
        self._headers = access.headers if with_credentials else {"User-Agent": "demandlink"}
        self._client = httpx.AsyncClient(
            transport=transport
            or AiohttpTransport(total=FETCH_SECONDS, connect=2.0, max_answer=LARGEST_KEY_ANSWER),
            follow_redirects=False,
            trust_env=False,
        )
        self._known: OrderedDict[KeyPlace, _Known] = OrderedDict()
        self._doubted: dict[KeyPlace, float] = {}
        self._fetching: dict[KeyPlace, asyncio.Task[_Known]] = {}
        self._turns = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def aclose(self) -> None:
        for task in list(self._fetching.values()):
            task.cancel()
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)
        await self._client.aclose()

    async def verify(self, body: bytes, given: str | None) -> Callback:
        """The callback, if it is ConnectWise's.

        Raises NotFromConnectWise and KeyAddressRefused (answer 401), KeyUnreachable (answer 429,
        which ConnectWise sends again).
        """
        place = key_place(key_address(body), self._access)
        if not given:
            raise NotFromConnectWise("the delivery carries no signature")
        known = self._kept(place)
        if known is None:
            known = await self._fetched(place)
        elif not fits(known.key, body, given) and self._may_doubt(place):
            known = await self._fetched(place)  # the key may have been changed since
        if not fits(known.key, body, given):
            raise NotFromConnectWise("the signature does not fit the body")
        return read(body)

    def _may_doubt(self, place: KeyPlace) -> bool:
        now = self._clock.monotonic()
        if now - self._doubted.get(place, -math.inf) < RETRY_SECONDS:
            return False
        self._doubted[place] = now
        return True

    def _kept(self, place: KeyPlace) -> _Known | None:
        """A key fetched within the hour. Raises KeyUnreachable when a fetch failed just now."""
        known = self._known.get(place)
        if known is None:
            return None
        if self._is_good(place):
            self._known.move_to_end(place)
            return known
        if known.problem and self._clock.monotonic() - known.at < RETRY_SECONDS:
            raise KeyUnreachable(known.problem)
        return None

    def _is_good(self, place: KeyPlace) -> bool:
        known = self._known.get(place)
        return (
            known is not None
            and bool(known.key)
            and self._clock.monotonic() - known.at < KEY_SECONDS
        )

    async def _fetched(self, place: KeyPlace) -> _Known:
        """Fetch a key. Deliveries that need the same one wait for the same fetch, which goes on
        when one of them gives up.
        """
        task = self._fetching.get(place)
        if task is None:
            task = asyncio.create_task(self._fetch(place))
            self._fetching[place] = task
            task.add_done_callback(lambda _: self._fetching.pop(place, None))
        known = await asyncio.shield(task)
        if not known.key:
            raise KeyUnreachable(known.problem)
        return known

    async def _fetch(self, place: KeyPlace) -> _Known:
        async with self._turns:
            try:
                answer = await self._client.get(place.url, headers=self._headers)
                key, problem = _key_in(answer)
            except (httpx.HTTPError, httpx.InvalidURL) as failure:
                key, problem = "", f"the signing key cannot be fetched: {type(failure).__name__}"
        known = _Known(self._clock.monotonic(), key, problem)
        if problem and self._is_good(place):
            return known  # what was fetched before still verifies what it signed
        self._known[place] = known
        self._known.move_to_end(place)
        while len(self._known) > MOST_KEYS:
            oldest, _ = self._known.popitem(last=False)
            self._doubted.pop(oldest, None)
        return known


def _key_in(answer: httpx.Response) -> tuple[str, str]:
    """The key in an answer, or the problem with it."""
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return "", "ConnectWise gives the signing key only to its own (set CONNECTWISE_KEY_AUTH)"
    if answer.status_code != httpx.codes.OK:
        return "", f"ConnectWise answered {answer.status_code} for the signing key"
    try:
        parsed = wire_json.loads(answer.content[:LARGEST_KEY_ANSWER])
    except wire_json.NotReadable:
        return "", "ConnectWise's answer for the signing key is not JSON"
    key = parsed.get("signing_key") if isinstance(parsed, Mapping) else None
    if not isinstance(key, str) or not key.strip():
        return "", "ConnectWise's answer holds no signing key"
    return key, ""

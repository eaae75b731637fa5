"""The simulated site: every request from its arrival to its answer, as a pure function of state.

Owns credentials, the request limit, faults, lagging reads and the log. Does no I/O: waiting and
dropping connections are said in what it returns and done by the ASGI layer.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from sandbox.connectwise.http.control import Control
from sandbox.connectwise.http.pages import page
from sandbox.connectwise.http.routes import Call, Result, find_route
from sandbox.connectwise.http.special import VERSION
from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.errors import Refusal, no_endpoint
from sandbox.connectwise.model.store import View
from sandbox.kit.faults import Fault, Faults
from sandbox.kit.log import RequestLog
from sandbox.kit.wire import Reply, Request, json_reply

# The codebase of installed systems, which on the cloud leads to a tenant's own, and one like that.
BASE = re.compile(r"^/(?:v4_6_release|v\d{4}_\d+)/+apis/3\.0(?=/|$)", re.IGNORECASE)
KEY_PATH = re.compile(r"^/[^/]+/+system/callbackkey/index\.rails$", re.IGNORECASE)
COMPANY_INFO = re.compile(r"^/login/companyinfo/([^/]+)$", re.IGNORECASE)
MODEL_VERSION = "2025.1"
CURRENT = (("api-current-version", MODEL_VERSION),)
RECORDS = "application/vnd.connectwise.com+json; version="
PINNED = re.compile(r"application/vnd\.connectwise\.com\+json\s*;\s*version=(\d{4}\.\d+)")
PDF = "application/pdf"
READS = {"GET", "HEAD"}
DROP_LINK = "drop_link"
PARAMETERS = {
    name.lower(): name
    for name in (
        *("conditions", "childConditions", "customFieldConditions", "orderBy", "fields", "columns"),
        *("page", "pageSize", "pageId", "id", "companyName"),
    )
}
LONGEST_ADDRESS = 2000


@dataclass(frozen=True)
class Credentials:
    """What a client must send: company and API keys. Any clientId that is not empty will do."""

    company: str = "training"
    public_key: str = "pub"
    private_key: str = "priv"
    client_id: str = "6c3d6a38-8f0e-4f6b-9a9c-5d1f0b6f2a11"

    @property
    def headers(self) -> dict[str, str]:
        text = f"{self.company}+{self.public_key}:{self.private_key}".encode()
        return {
            "Authorization": "Basic " + base64.b64encode(text).decode(),
            "clientId": self.client_id,
        }


class Api:
    """One simulated ConnectWise site."""

    def __init__(
        self,
        psa: ConnectWise,
        credentials: Credentials,
        *,
        signing_key: Callable[[str], str | None],
    ) -> None:
        self.psa = psa
        self.credentials = credentials
        self.log = RequestLog()
        self.faults = Faults((DROP_LINK,))
        self.signing_key = signing_key
        self.control = Control(self)
        self._recent: deque[float] = deque()
        self.first = psa.world.store.all_rows()

    # --- the two halves of a request

    def admit(self, request: Request) -> tuple[float, object]:
        """Seconds until the request takes effect, and the fault that will meet it."""
        if request.path.startswith("/_sandbox"):
            return 0.0, None
        fault = self.faults.take(request.method, self.api_path(request.path))
        wait = self.psa.world.switches.latency_ms / 1000
        if fault is not None and fault.kind == "slow":
            wait += fault.seconds or 0.0
        return wait, fault

    def answer(self, request: Request, note: object) -> Reply:
        if request.path.startswith("/_sandbox"):
            return self.control.answer(request)
        fault = note if isinstance(note, Fault) else None
        self.psa.world.touched = []
        if fault is not None and fault.kind == "refuse":
            reply = Reply(0, drop=True)
        elif fault is not None and fault.kind == "status":
            reply = self._ordered(fault)
        else:
            dropping = DroppedLinks(self.faults, request.method, self.api_path(request.path))
            self.psa.world.loses_links = dropping
            reply = self._carried_out(request, fault)
            self.psa.world.loses_links = lambda: False
            fault = fault or dropping.fault
        lost = fault is not None and fault.kind == "lose_reply"
        self._note(request, reply, fault, lost)
        return Reply(0, drop=True) if lost else reply

    def _note(self, request: Request, reply: Reply, fault: Fault | None, lost: bool) -> None:
        self.log.add(
            self.psa.world.now(),
            request.method,
            self.api_path(request.path),
            request.parameters,
            request.body,
            0 if lost else reply.status,
            reply.body,
            self.psa.world.api_member,
            fault.kind if fault is not None else None,
            is_json=(fault is None or fault.kind != "status") and is_json(reply),
            client=request.headers.get("clientid", ""),
            changed=tuple(self.psa.world.touched),
        )

    @staticmethod
    def api_path(path: str) -> str:
        """A path from the API's root on; any other path as it is."""
        match = BASE.match(path)
        return path[match.end() :] if match else path

    @staticmethod
    def _ordered(fault: Fault) -> Reply:
        headers = tuple((name.lower(), value) for name, value in fault.headers.items())
        body = fault.body
        if body is None and fault.status == 429:
            return too_many(30, headers)
        if body is None:
            body = {"code": "ConnectWiseApi", "message": "A fault was ordered."}
        if isinstance(body, str):
            return Reply(fault.status, body.encode(), headers)
        return json_reply(fault.status, body, headers)

    # --- carrying out

    def _carried_out(self, request: Request, fault: Fault | None) -> Reply:
        asked = COMPANY_INFO.match(request.path)
        if asked:
            return json_reply(200, self._company_info(asked.group(1)))
        if (shown := page(self.psa, request)) is not None:
            return shown
        if len(request.path) + len(request.query) > LONGEST_ADDRESS:
            return Reply(414, b"Request-URI Too Long", (("content-type", "text/plain"),))
        try:
            result = self._result(in_documented_spelling(request), fault)
        except Refusal as refusal:
            return json_reply(refusal.status, refusal.body(), CURRENT)
        except TooMany as limit:
            return too_many(limit.seconds)
        headers = (*CURRENT, *result.headers)
        if result.body is None:
            return Reply(result.status, b"", headers)
        if isinstance(result.body, bytes):
            return Reply(result.status, result.body, (("content-type", PDF), *headers))
        pinned = PINNED.search(request.headers.get("accept", ""))
        kind = RECORDS + (pinned.group(1) if pinned else MODEL_VERSION)
        return json_reply(result.status, result.body, headers, kind)

    def _result(self, request: Request, fault: Fault | None) -> Result:
        if KEY_PATH.match(request.path):
            return self._callback_key(request)
        match = BASE.match(request.path)
        if match is None:
            raise no_endpoint()
        self._check_credentials(request)
        self._check_limit()
        path = request.path[match.end() :]
        head = request.method == "HEAD"
        route, ids, names = find_route("GET" if head else request.method, path)
        view = self._view(request, fault)
        return route(Call(self.psa, request, path, view, ids, names))

    def _view(self, request: Request, fault: Fault | None) -> View:
        if request.method not in READS:
            return self.psa.view()
        if fault is not None and fault.kind == "stale_read":
            if fault.seconds is None:
                return self.psa.world.store.before_last_write()
            return self.psa.view(fault.seconds)
        return self.psa.view()

    def _check_credentials(self, request: Request) -> None:
        if not self._authenticated(request):
            if self.psa.world.switches.bad_credentials_status == 404:
                raise no_endpoint()
            raise Refusal(401, "ConnectWiseApi", "UserNotAuthenticated")
        if not request.headers.get("clientid", "").strip():
            raise Refusal(401, "Unauthorized", "The clientId header is required.")

    def _authenticated(self, request: Request) -> bool:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            login = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        mine = self.credentials
        company, _, keys = login.partition("+")
        return company.casefold() == mine.company.casefold() and keys == (
            f"{mine.public_key}:{mine.private_key}"
        )

    def _check_limit(self) -> None:
        limit = self.psa.world.switches.requests_per_minute
        now = self.psa.world.moment()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        if limit is not None and len(self._recent) >= limit:
            raise TooMany(max(1, int(self._recent[-limit] + 60 - now + 0.999)))
        self._recent.append(now)

    # --- outside of the API's own paths

    def _company_info(self, company: str) -> dict[str, str] | None:
        """Where the company's API lives; null for a company that is not here."""
        mine = self.credentials.company
        if company.casefold() != mine.casefold():
            return None
        codebase = self.psa.base_url.partition("/apis/3.0")[0].rpartition("/")[2]
        return {
            "CompanyName": mine,
            "Codebase": f"{codebase}/",
            "VersionCode": VERSION,
            "VersionNumber": "v4.6.99999",
            "CompanyID": mine,
            "IsCloud": "False",
        }

    def _callback_key(self, request: Request) -> Result:
        if self.psa.world.switches.key_url_needs_auth:
            self._check_credentials(request)
        key = self.signing_key(request.parameters.get("id", ""))
        known = request.parameters.get("companyName", "").casefold()
        if key is None or known != self.credentials.company.casefold():
            raise Refusal(404, "NotFound", "The key could not be found.")
        return Result(200, {"signing_key": key})

    def key_url(self, key_id: str) -> str:
        """Where the signing key is served, with the vendor's double slash."""
        root = self.psa.base_url.partition("/apis/3.0")[0]
        company = quote(self.credentials.company)
        return f"{root}//system/callbackkey/index.rails?companyName={company}&id={key_id}"

    def reset(self, keep_callbacks: bool) -> None:
        self.psa.reset(keep_callbacks)
        self.first = self.psa.world.store.all_rows()
        self.faults.clear()
        self.log.clear()
        self._recent.clear()


def is_json(reply: Reply) -> bool:
    return any(name == "content-type" and "json" in value for name, value in reply.headers)


def in_documented_spelling(request: Request) -> Request:
    """The names of query parameters count without regard to case: clients write `pagesize`."""
    given = request.parameters
    named = {PARAMETERS.get(name.lower(), name): value for name, value in given.items()}
    return request if named.keys() == given.keys() else replace(request, query=urlencode(named))


class DroppedLinks:
    """Asked whenever a request is about to link demand: one ordered fault drops all its links."""

    def __init__(self, faults: Faults, method: str, path: str) -> None:
        self.faults = faults
        self.request = (method, path)
        self.fault: Fault | None = None

    def __call__(self) -> bool:
        if self.fault is None:
            self.fault = self.faults.take_inner(DROP_LINK, *self.request)
        return self.fault is not None


class TooMany(Exception):
    """The request limit is reached; `seconds` until a request is free again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def too_many(seconds: int, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """The vendor's 429, whose body is unlike its other errors."""
    message = f"Too many requests. Please try again in {seconds} seconds."
    named = headers or (("retry-after", str(seconds)),)
    return json_reply(429, {"error": "ConnectWiseAPI", "message": message}, named)

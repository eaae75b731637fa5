"""What the doors do when the database is away, and with what nobody should send."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app import bootstrap, main
from app.api.examples import examples
from app.main import create_app
from app.sync.inbox import CallbackCheck
from tests.api.conftest import Service
from tests.api.doors import (
    ADMIN_KEY,
    NOW,
    OLD_SECRET,
    TOKEN,
    RefusingStore,
    TestParts,
    callback,
    client_of,
    code_of,
    post,
    signed,
)

BODY = json.dumps(examples()["quote.won"]).encode()


@pytest.fixture
def parts() -> TestParts:
    return TestParts(RefusingStore(), RefusingStore())


@pytest.fixture
def app(parts: TestParts) -> FastAPI:
    return create_app(parts)


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    return client_of(app)


async def test_commerce_is_told_to_come_back_when_the_database_cannot_take_it(client: Any) -> None:
    answer = await post(client, BODY)
    assert answer.status_code == 503
    assert code_of(answer) == "DATABASE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0


async def test_even_what_would_be_rejected_is_asked_for_again_while_nothing_can_be_kept(
    client: Any,
) -> None:
    assert (await post(client, b"not json")).status_code == 503


async def test_connectwise_is_told_429_because_it_never_repeats_after_a_5xx(client: Any) -> None:
    path = f"/webhooks/connectwise/{TOKEN}"
    headers = {"x-content-signature": "fits"}
    answer = await client.post(path, content=callback(), headers=headers)
    assert answer.status_code == 429
    assert code_of(answer) == "DATABASE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0


async def test_our_own_fault_is_not_a_5xx_for_connectwise_either(
    parts: TestParts, client: Any
) -> None:
    async def broken(body: bytes, given: str | None) -> CallbackCheck:
        raise RuntimeError("a bug")

    parts.check_callback = broken
    path = f"/webhooks/connectwise/{TOKEN}"
    answer = await client_of(create_app(parts)).post(path, content=callback())
    assert answer.status_code == 429


async def test_a_forger_gets_401_although_nothing_can_be_noted(app: FastAPI, client: Any) -> None:
    answer = await client.post("/webhooks/commerce", content=BODY, headers={})
    assert answer.status_code == 401
    assert code_of(answer) == "SIGNATURE_REFUSED"
    await app.state.background.drain()


async def test_a_flood_of_forgeries_leaves_a_bounded_number_of_notes(app: FastAPI) -> None:
    written, go_on = 0, asyncio.Event()

    async def slowly() -> None:
        nonlocal written
        await go_on.wait()
        written += 1

    for _ in range(500):
        app.state.background.note(slowly)
    go_on.set()
    await app.state.background.drain()
    assert written == 32


async def test_a_connection_without_secrets_is_off_and_says_so(client: Any) -> None:
    answer = await post(client, BODY, "/webhooks/commerce/off")
    assert answer.status_code == 401
    assert "no webhook secret" in answer.json()["detail"].lower()


async def test_an_unknown_connection_is_not_found(client: Any) -> None:
    answer = await post(client, BODY, "/webhooks/commerce/elsewhere")
    assert answer.status_code == 404
    assert code_of(answer) == "CONNECTION_UNKNOWN"


@pytest.mark.parametrize("path", ["/webhooks/commerce", f"/webhooks/connectwise/{TOKEN}"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_deliveries_are_posted(client: Any, path: str, method: str) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert code_of(answer) == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("path", ["/webhooks/commerce", f"/webhooks/connectwise/{TOKEN}"])
async def test_more_than_a_mebibyte_is_refused_by_its_announced_length(
    client: Any, path: str
) -> None:
    answer = await client.post(path, content=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert code_of(answer) == "BODY_TOO_LARGE"


async def test_more_than_a_mebibyte_is_refused_while_it_is_read_when_no_length_was_told(
    client: Any,
) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        for _ in range(1000):
            read += 64 * 1024
            yield b"x" * 64 * 1024

    answer = await client.post("/webhooks/commerce", content=endless())
    assert answer.status_code == 413
    assert code_of(answer) == "BODY_TOO_LARGE"


async def test_exactly_a_mebibyte_is_read(client: Any) -> None:
    body = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    assert (await post(client, body)).status_code == 503


async def test_the_secret_of_before_the_rotation_still_counts(client: Any) -> None:
    assert (await post(client, BODY, secret=OLD_SECRET)).status_code == 503


@pytest.mark.parametrize(
    "token", ["wrong", TOKEN + "x", TOKEN[:-1], "%C3%A9", "%00", TOKEN.upper()]
)
async def test_a_wrong_callback_token_is_refused(client: Any, token: str) -> None:
    answer = await client.post(
        f"/webhooks/connectwise/{token}",
        content=callback(),
        headers={"x-content-signature": "fits"},
    )
    assert answer.status_code == 401
    assert code_of(answer) == "SIGNATURE_REFUSED"


async def test_without_a_token_callbacks_are_off(parts: TestParts) -> None:
    from app.settings import Settings

    parts.settings = Settings()
    for token in ("", "x", "%20"):
        answer = await client_of(create_app(parts)).post(f"/webhooks/connectwise/{token}")
        assert answer.status_code in (401, 404)


async def test_a_callback_whose_key_cannot_be_had_is_asked_for_again(client: Any) -> None:
    headers = {"x-content-signature": "later"}
    path = f"/webhooks/connectwise/{TOKEN}"
    answer = await client.post(path, content=callback(), headers=headers)
    assert answer.status_code == 429
    assert code_of(answer) == "KEY_UNREACHABLE"
    assert int(answer.headers["retry-after"]) > 0


async def test_a_callback_with_a_bad_signature_is_refused(client: Any) -> None:
    path = f"/webhooks/connectwise/{TOKEN}"
    answer = await client.post(path, content=callback(), headers={"x-content-signature": "no"})
    assert answer.status_code == 401
    assert code_of(answer) == "SIGNATURE_REFUSED"


HEADERS = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "content-length2"]),
    st.one_of(
        st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60),
        st.sampled_from(["v1,", "v1", ",", "v1,%%%", "v1," + "A" * 44, str(int(NOW.timestamp()))]),
    ),
)


@given(body=st.binary(max_size=100), mangled=HEADERS, keep=st.booleans())
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_mangled_requests_never_pass_and_never_break_the_service(
    app: FastAPI, body: bytes, mangled: dict[str, str], keep: bool
) -> None:
    true = signed(body) if keep else {}
    sent = {**true, **mangled}
    if all(sent.get(name) == value for name, value in signed(body).items()):
        return
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    async with client_of(app) as client:
        for path in ("/webhooks/commerce", "/webhooks/connectwise/forged"):
            answer = await client.post(path, content=body, headers=raw)
            # 503: content-type and unknown headers are not signed, so those may be mangled.
            assert answer.status_code == 401 or not (mangled.keys() - {"content-length2"})


# --- the admin REST while the database is away -----------------------------------------------------


async def test_the_admin_rest_says_that_the_database_is_away(parts: TestParts) -> None:
    from app.sync.operations import Operations
    from tests.api.conftest import uncounted

    parts.operations = Operations(
        store=parts.store,
        admin=parts.admin,
        wake=parts.wake,
        explain=lambda _: None,  # type: ignore[arg-type,return-value]
        settings=parts.settings,
        scenarios={},
        used=uncounted,
    )
    client = client_of(create_app(parts), authorization=f"Bearer {ADMIN_KEY}")
    answer = await client.get("/admin/orders/ON1")
    assert answer.status_code == 503
    assert code_of(answer) == "DATABASE_UNAVAILABLE"


async def test_a_bug_is_a_problem_with_an_id_to_look_for_and_tells_no_more(
    parts: TestParts,
) -> None:
    client = client_of(create_app(parts), authorization=f"Bearer {ADMIN_KEY}")
    answer = await client.get("/admin/orders/ON1")  # no operations: an AttributeError
    assert answer.status_code == 500
    assert code_of(answer) == "INTERNAL"
    assert answer.json()["correlation_id"] == "token-1"
    assert "Attribute" not in answer.text


async def test_the_process_is_healthy_but_not_ready(client: Any) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert {name for name, check in checks.items() if not check["ok"]} == {
        "database",
        "migrations",
        "worker",
    }
    assert (await client.get("/readyz?of=intake")).status_code == 503


async def test_a_server_opens_its_parts_when_it_starts_and_closes_them_when_it_stops(
    parts: TestParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[TestParts]:
        told.append("opened")
        yield parts
        told.append("closed")

    monkeypatch.setattr(bootstrap, "opened", opened)
    monkeypatch.setattr(main, "_quiet_collector", lambda: told.append("collector"))
    app = create_app()
    async with app.router.lifespan_context(app):
        assert (await post(client_of(app), BODY)).status_code == 503
    assert told == ["collector", "opened", "closed"]


def test_the_collector_is_quiet_after_the_start() -> None:
    before = gc.get_threshold()
    try:
        main._quiet_collector()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == main.GC_THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


async def test_an_unknown_address_is_a_problem_too(client: Any) -> None:
    assert code_of(await client.get("/nowhere")) == "NOT_FOUND"


@pytest.mark.parametrize("asked", ["status=held", "source=datto"])
async def test_a_filter_that_nothing_can_fit_is_refused_with_what_there_is(
    service: Service, asked: str
) -> None:
    answer = await service.admin.get(f"/admin/events?{asked}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "REQUEST_NOT_VALID"
    assert "must be one of" in answer.json()["detail"]
    for one in ("status=rejected", "status=unverified", "source=xero"):
        assert (await service.admin.get(f"/admin/events?{one}")).status_code == 200, one

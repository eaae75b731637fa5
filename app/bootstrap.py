"""The composition root: settings become store, queue, HTTP clients, connectors and engine.

The only place where parts are built and where implementations are chosen. Owns their order of
opening and closing; must not contain a rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib import resources
from typing import Any

from app import embedded
from app.connectors.commerce import client as commerce_client
from app.connectors.connectwise.callbacks import CallbackVerifier
from app.connectors.connectwise.caller import Access
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.ledgers import build, ledger_in
from app.domain.books import Books
from app.domain.gates import GATES
from app.domain.polling import Pace as CommercePace
from app.domain.ports import Checkpoints, ConnectWise, Ids, Store, Wake
from app.domain.scenario import Scenario, ScenarioInvalid, forbidden, load
from app.domain.views import AdminStore
from app.settings import Group, Settings, listed, names_in
from app.steps import STEPS
from app.store import migrate
from app.store.ciphers import Cipher
from app.store.postgres import PostgresStore
from app.sync import registration
from app.sync.callbacks import checker
from app.sync.commerce_budget import Meter
from app.sync.commerce_poll import CommercePoll
from app.sync.decisions import Decisions
from app.sync.engine import Engine
from app.sync.explain import explainer
from app.sync.inbox import CallbackCheck
from app.sync.invoice_poll import InvoicePoll
from app.sync.ledger_events import Door, doors_of
from app.sync.ledgers import Ledger, Ledgers
from app.sync.operations import Operations
from app.sync.readiness import ReadinessCheck
from app.sync.replays import Replays
from app.sync.tickets import Tickets
from app.sync.upkeep import Upkeep
from app.sync.wake import ArqWake, answers
from app.sync.worker import Pace, Worker
from app.system import NoCheckpoints, SystemChance, SystemClock, UuidIds
from app.telemetry import configure, logger

DEFAULT_TENANT = 1
DEFAULT_CONNECTION = "default"


class NotConfigured(RuntimeError):
    """A setting is missing or wrong; the sentence says which, and what to do."""


@dataclass(frozen=True)
class Container:
    """Every part, open. Satisfies api.parts.Parts."""

    settings: Settings
    database_url: str
    redis_url: str
    store: Store
    admin: AdminStore
    wake: Wake
    clock: SystemClock
    ids: Ids
    cw: ConnectWise
    engine: Engine
    operations: Operations
    decisions: Decisions
    tickets: Tickets
    readiness: ReadinessCheck
    upkeep: Upkeep
    replays: Replays
    ledgers: Ledgers
    ledger_doors: Sequence[Door]
    check_callback: Callable[[bytes, str | None], Awaitable[CallbackCheck]]
    server_pids: Mapping[str, int]
    commerce: CommercePoll | None = None  # None: no key, so events alone tell of changes
    books: Books | None = None  # None: no ledger is configured

    @property
    def wall(self) -> Callable[[], datetime]:
        return self.clock.wall

    @property
    def default_tenant(self) -> int:
        return DEFAULT_TENANT

    @property
    def commerce_connection(self) -> str:
        return DEFAULT_CONNECTION

    @property
    def connectwise_connection(self) -> str:
        return DEFAULT_CONNECTION

    @property
    def commerce_secrets(self) -> Mapping[str, Sequence[str]]:
        return {DEFAULT_CONNECTION: self.settings.webhook_secrets}

    @property
    def queue_alive(self) -> Callable[[], Awaitable[bool]]:
        return partial(answers, self.redis_url)

    def worker(self) -> Worker:
        """This process's worker, not running yet."""
        pace = Pace(
            batch=self.settings.worker_batch,
            lease=self.settings.lease_seconds,
            sweep=self.settings.sweep_seconds,
        )
        invoices = None
        if self.settings.connectwise_url:
            seconds = self.settings.invoice_poll_seconds
            invoices = InvoicePoll(self.store, self.cw, self.clock, DEFAULT_TENANT, seconds)
        return Worker(self.engine, self.store, self.clock, pace, invoices, self.commerce)

    async def keep_callbacks(self) -> None:
        """Register the callbacks that are wanted. Never fails a start."""
        await registration.keep_as_set(self.cw, self.settings)


def scenarios() -> dict[str, Scenario]:
    """The shipped scenario files, checked. Raises ScenarioInvalid with one sentence."""
    found: dict[str, Scenario] = {}
    names = names_in(Group.BEHAVIOUR)
    for entry in sorted(resources.files("app.scenarios").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            scenario = load(entry.read_text("utf-8"), STEPS.keys(), GATES.keys(), names)
            found[scenario.name] = scenario
    return found


def defaults_of(settings: Settings) -> dict[str, Any]:
    """Settings by name as the engine reads them below the database's values."""
    wanted = names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE)
    dumped = settings.model_dump(mode="json", include=set(wanted))
    return {
        **dumped,
        "commerce_tax_basis": settings.commerce_tax_basis,
        "commerce_currency": settings.commerce_currency,
        "commerce_papers_come": bool(settings.webhook_secrets),
        "connectwise_timeout": settings.connectwise_timeout,
    }


def access_of(settings: Settings) -> Access:
    """The ConnectWise connection from the environment."""
    return Access(
        base_url=settings.connectwise_url,
        company=settings.connectwise_company,
        public_key=settings.connectwise_public_key.get_secret_value(),
        private_key=settings.connectwise_private_key.get_secret_value(),
        client_id=settings.connectwise_client_id,
    )


def pace_of(settings: Settings) -> CommercePace:
    """How often Commerce's lists are read, and what that may cost."""
    return CommercePace(
        seconds=settings.commerce_poll_seconds,
        overlap=timedelta(seconds=settings.commerce_poll_overlap),
        calls_a_day=settings.commerce_calls_a_day,
        patience=timedelta(
            seconds=settings.commerce_poll_patience if settings.webhook_secrets else 0
        ),
    )


def check_start(settings: Settings, known: Mapping[str, Scenario]) -> None:
    """Refuse a start that cannot work. Raises NotConfigured or ScenarioInvalid."""
    if settings.scenario not in known:
        raise NotConfigured(
            f"SCENARIO names {settings.scenario!r}; there are {', '.join(sorted(known))}."
        )
    if settings.polls_commerce and pace_of(settings).reads_a_day <= 0:
        raise NotConfigured(
            f"COMMERCE_POLL_SECONDS of {settings.commerce_poll_seconds:g} takes "
            f"{pace_of(settings).looks_a_day} calls a day for the lists alone, and "
            f"COMMERCE_CALLS_A_DAY allows {settings.commerce_calls_a_day}: look less often."
        )
    cipher_of(settings)
    dumped = settings.model_dump(mode="json")
    given = {name: dumped[name] for name in settings.model_fields_set & dumped.keys()}
    refuse_forbidden(known[settings.scenario], dumped, given)


def cipher_of(settings: Settings) -> Cipher | None:
    """What seals the ledger's tokens; None without a ledger. Raises NotConfigured."""
    try:
        system = ledger_in(settings)
        return None if system is None else Cipher(listed(settings.secrets_keys))
    except ValueError as wrong:
        raise NotConfigured(str(wrong)) from None


def refuse_forbidden(
    chosen: Scenario, defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Raises ScenarioInvalid for settings that cannot work together: what is given rules over
    the scenario's defaults, and those over the service's own."""
    if sentence := forbidden(chosen, {**defaults, **chosen.defaults, **given}):
        raise ScenarioInvalid(sentence)


@asynccontextmanager
async def opened(
    settings: Settings | None = None,
    *,
    checkpoints: Checkpoints | None = None,
    migrated: bool | None = None,
    log: bool = True,
) -> AsyncIterator[Container]:
    """Every part, opened in order and closed in reverse.

    Embedded servers are started (or joined) where an address is empty, and the embedded database
    is brought to the newest migration; a given one only with `migrated` True. Raises
    NotConfigured, ScenarioInvalid, embedded.EmbeddedError, StoreUnavailable.
    """
    settings = settings or Settings()
    if log:
        configure(settings.log_level)
    known = scenarios()
    check_start(settings, known)
    clock, ids = SystemClock(), UuidIds()
    async with AsyncExitStack() as stack:
        database_url, redis_url, pids = await _addresses(settings, stack)
        if migrated or (migrated is None and not settings.database_url):
            await beside(migrate.upgrade, database_url)
        store = await PostgresStore.open(database_url)
        stack.push_async_callback(store.close)
        await _check_stored(store, settings, known)
        for name, ruling in (await store.seed_settings(DEFAULT_TENANT, _seed(settings))).items():
            logger(__name__).warning("setting_differs", setting=name.upper(), database=ruling)
        for scenario in known.values():
            await store.keep_scenario(
                scenario.name, scenario.version, scenario.body_hash, scenario.body
            )
        client = ConnectWiseClient(
            access_of(settings), clock=clock, timeout=settings.connectwise_timeout
        )
        stack.push_async_callback(client.aclose)
        verifier = None
        if settings.connectwise_url:
            verifier = CallbackVerifier(
                access_of(settings), clock=clock, with_credentials=settings.connectwise_key_auth
            )
            stack.push_async_callback(verifier.aclose)
        wake = ArqWake(redis_url, clock, ids)
        stack.push_async_callback(wake.close)
        ledger, books = await _ledger(settings, store, clock, stack)
        engine = Engine(
            store=store,
            cw=client,
            clock=clock,
            chance=SystemChance(),
            checkpoints=checkpoints or NoCheckpoints(),
            scenarios=known,
            defaults=defaults_of(settings),
            books=books,
        )
        operations = Operations(
            store=store,
            admin=store,
            wake=wake,
            explain=explainer(engine, settings.connectwise_url),
            settings=settings,
            scenarios=known,
        )
        yield Container(
            settings=settings,
            database_url=database_url,
            redis_url=redis_url,
            store=store,
            admin=store,
            wake=wake,
            clock=clock,
            ids=ids,
            cw=client,
            engine=engine,
            operations=operations,
            decisions=Decisions(
                store=store,
                admin=store,
                operations=operations,
                plan=engine.plan,
                pin=engine.present_pin,
                forbidden=engine.forbidden_pin,
            ),
            tickets=Tickets(
                store=store,
                admin=store,
                cw=client,
                operations=operations,
                plan=engine.plan,
                defaults=engine.defaults,
            ),
            readiness=ReadinessCheck(
                store=store, admin=store, cw=client, operations=operations, plan=engine.plan
            ),
            upkeep=Upkeep(store=store, kept=store, operations=operations, ids=ids),
            replays=Replays(store=store, admin=store, operations=operations, ids=ids),
            check_callback=checker(verifier),
            ledger_doors=doors_of(settings, ledger_in(settings), DEFAULT_CONNECTION),
            server_pids=pids,
            commerce=_commerce_poll(settings, store, clock, stack),
            ledgers=Ledgers(ledger, store, operations, ids, DEFAULT_TENANT),
            books=books,
        )


async def _ledger(
    settings: Settings, store: PostgresStore, clock: SystemClock, stack: AsyncExitStack
) -> tuple[dict[str, Ledger], Books | None]:
    system, cipher = ledger_in(settings), cipher_of(settings)
    if system is None or cipher is None:
        return {}, None
    await store.ensure_connection(DEFAULT_TENANT, system, DEFAULT_CONNECTION)
    vault = store.vault(DEFAULT_TENANT, system, cipher)
    built = build(settings, system, vault, clock)
    stack.push_async_callback(built.aclose)
    ledger = Ledger(built.consent, vault, built.wanted, bool(settings.public_url))
    return {system: ledger}, built.books.books()


def _commerce_poll(
    settings: Settings, store: PostgresStore, clock: SystemClock, stack: AsyncExitStack
) -> CommercePoll | None:
    if not settings.polls_commerce:
        return None
    meter = Meter(clock, settings.commerce_calls_a_minute)
    key = settings.commerce_api_key.get_secret_value()
    access = commerce_client.Access(settings.commerce_api_url, key, settings.commerce_zone)
    client = commerce_client.CommerceClient(
        access, clock=clock, timeout=settings.commerce_api_timeout, before=meter.take
    )
    stack.push_async_callback(client.aclose)
    return CommercePoll(
        store=store,
        polls=store,
        commerce=client,
        meter=meter,
        clock=clock,
        chance=SystemChance(),
        tenant_id=DEFAULT_TENANT,
        connection=DEFAULT_CONNECTION,
        pace=pace_of(settings),
        since=settings.poll_since,
    )


async def _check_stored(
    store: PostgresStore, settings: Settings, known: Mapping[str, Scenario]
) -> None:
    """What the database rules together with what the environment would add to it. Raises
    ScenarioInvalid; what stands in the database alone is only told, so that it can be changed."""
    stored = await store.settings(DEFAULT_TENANT)
    chosen = known.get(str(stored.get("scenario", settings.scenario)))
    if chosen is None:
        return
    defaults = {name: one.get_default() for name, one in Settings.model_fields.items()}
    try:
        refuse_forbidden(chosen, defaults, stored)
    except ScenarioInvalid as invalid:
        logger(__name__).error("settings_forbidden", sentence=str(invalid))
        return
    refuse_forbidden(chosen, defaults, {**_seed(settings), **stored})


async def beside(work: Callable[[str], None], argument: str) -> None:
    """Run blocking work (migrations) beside the loop."""
    await asyncio.get_running_loop().run_in_executor(None, work, argument)


async def _addresses(
    settings: Settings, stack: AsyncExitStack
) -> tuple[str, str, Mapping[str, int]]:
    if settings.database_url and settings.redis_url:
        return settings.database_url, settings.redis_url, {}
    servers = await embedded.start(
        settings.demandlink_data_dir,
        postgres=not settings.database_url,
        redis=not settings.redis_url,
    )
    stack.push_async_callback(servers.stop)
    database_url = settings.database_url or servers.database_url
    return database_url, settings.redis_url or servers.redis_url, dict(servers.pids)


def _seed(settings: Settings) -> dict[str, Any]:
    """Record names and behaviour settings that the environment gives; each rules until somebody
    changes it in the database."""
    given = settings.model_fields_set
    wanted = [n for n in names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE) if n in given]
    return settings.model_dump(mode="json", include=set(wanted))

"""The composition root: settings become store, queue, HTTP clients, connectors and engine.

The only place where parts are built and where implementations are chosen. Owns their order of
opening and closing; must not contain a rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from app import embedded
from app.bootstrap.absence import once_there
from app.bootstrap.budgets import Counted
from app.bootstrap.chosen import (
    DEFAULT_CONNECTION,
    NotConfigured,
    access_of,
    alert_places_of,
    check_connection,
    check_start,
    check_stored,
    cipher_of,
    defaults_of,
    earlier,
    limits_of,
    mail_of,
    opening_of,
    pace_of,
    pacings_of,
    periods_of,
    record_pages_of,
    refuse_forbidden,
    scenarios,
    sealing_of,
    seed_of,
    sweep_pace_of,
)
from app.bootstrap.commerce import InCommerce
from app.bootstrap.container import Container
from app.connectors.connectwise.callbacks import CallbackVerifier
from app.connectors.connectwise.probes import ProbedConnectWise
from app.connectors.ledgers import build, ledger_in
from app.connectors.pacing import Pacing
from app.domain.books import Books
from app.domain.ports import Checkpoints
from app.domain.scenario import Scenario
from app.domain.watching import Seen
from app.settings import DEFAULT_TENANT, Settings
from app.store import migrate
from app.store.postgres import PostgresStore
from app.sync.alerts import LEASE as ALERTS_LEASE
from app.sync.alerts import AlertPace, Alerts
from app.sync.beside import Watch
from app.sync.budget import Budgets
from app.sync.callbacks import checker
from app.sync.circuit import Circuit
from app.sync.decisions import Decisions
from app.sync.desk import Desk
from app.sync.drift import LEASE, Comparison, DriftSweep
from app.sync.engine import Engine
from app.sync.explain import explainer
from app.sync.findings import Findings
from app.sync.foresight import Foresight
from app.sync.inbox import COMMERCE, CONNECTWISE
from app.sync.keys import Sessions
from app.sync.ledger_events import doors_of
from app.sync.ledgers import Ledger, Ledgers
from app.sync.lines import Lines
from app.sync.operations import Operations
from app.sync.readiness import ReadinessCheck
from app.sync.replays import Replays
from app.sync.resumes import Resumes
from app.sync.retention import HOUR, Retention
from app.sync.reveals import Reveals
from app.sync.tickets import Tickets
from app.sync.upkeep import Upkeep
from app.sync.wake import ArqWake
from app.system import NoCheckpoints, SystemChance, SystemClock, UuidIds, span_id, wall_ns
from app.telemetry import configure, logger, tracing

# What others take from here, with what the settings mean (`chosen.py`).
__all__ = [
    "DEFAULT_CONNECTION",
    "DEFAULT_TENANT",
    "Container",
    "NotConfigured",
    "access_of",
    "beside",
    "check_start",
    "defaults_of",
    "opened",
    "pace_of",
    "refuse_forbidden",
    "scenarios",
]


@asynccontextmanager
async def opened(
    settings: Settings | None = None,
    *,
    checkpoints: Checkpoints | None = None,
    migrated: bool | None = None,
    log: bool = True,
    patience: float = 0.0,
) -> AsyncIterator[Container]:
    """Every part, opened in order and closed in reverse.

    Embedded servers are started (or joined) where an address is empty, and the embedded database
    is brought to the newest migration; a given one only with `migrated` True. One that is away is
    waited for, for `patience` seconds. Raises NotConfigured, ScenarioInvalid, embedded.EmbeddedError, StoreUnavailable.
    """
    settings = settings or Settings()
    if log:
        configure(settings.log_level)
    known = scenarios()
    check_start(settings, known)
    clock, ids = SystemClock(), UuidIds()
    async with AsyncExitStack() as stack:
        if settings.otel_exporter_otlp_endpoint:
            _send_spans(settings)
            stack.push_async_callback(beside, lambda _: tracing.stop(), "")
        database_url, redis_url, pids = await _addresses(settings, stack)
        if migrated or (migrated is None and not settings.database_url):
            await beside(migrate.upgrade, database_url)
        store = await PostgresStore.open(database_url)
        stack.push_async_callback(store.close)
        await once_there(partial(_begin, store, settings, known), clock, patience)
        budgets = Budgets(redis_url, clock, ids, limits_of(settings), settings.budget_parts)
        stack.push_async_callback(budgets.close)
        counted = Counted(budgets, settings, store)
        pacings = pacings_of(settings, clock)
        client = ProbedConnectWise(
            access_of(settings),
            pacing=pacings[CONNECTWISE],
            clock=clock,
            timeout=settings.connectwise_timeout,
            budget=counted.connectwise(),
            seal=sealing_of(settings),
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
        ledger, books = _ledger(settings, store, clock, stack, counted, pacings)
        resumes = Resumes(store, clock, DEFAULT_TENANT, pacings)
        resumes.tell()
        engine = Engine(
            store=store,
            cw=client,
            clock=clock,
            chance=SystemChance(),
            checkpoints=checkpoints or NoCheckpoints(),
            scenarios=known,
            earlier=earlier(await store.kept_scenarios(), known),
            defaults=defaults_of(settings),
            books=books,
            mail=mail_of(settings, clock),
            ledger=ledger_in(settings) or "",
            resumes=resumes,
            circuit=Circuit(pacings),
            lines=Lines(pacings),
        )
        operations = Operations(
            store=store,
            admin=store,
            wake=wake,
            explain=explainer(engine, record_pages_of(settings)),
            settings=settings,
            scenarios=known,
            used=counted.use,
        )
        foresight = Foresight(engine=engine, store=store, admin=store, operations=operations)
        replays = Replays(
            store=store, admin=store, operations=operations, ids=ids, again=foresight.again
        )
        commerce = InCommerce(settings, store, clock, stack, pacings[COMMERCE])
        compare = Comparison(
            store, client, books, engine.plan, commerce.side(counted), engine.ledger
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
            probes=store,
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
            reveals=Reveals(
                operations=operations,
                admin=store,
                opened=opening_of(settings),
                sealing=settings.calls_sealed,
            ),
            replays=replays,
            desk=Desk(store=store, admin=store, replays=replays),
            sessions=Sessions(
                store=store,
                admin=store,
                ids=ids,
                first=settings.admin_api_key.get_secret_value(),
                tenant_id=DEFAULT_TENANT,
            ),
            foresight=foresight,
            retention=Retention(
                store=store,
                admin=store,
                clock=clock,
                defaults=periods_of(settings),
                tenant_id=DEFAULT_TENANT,
                watch=Watch(store, clock, DEFAULT_TENANT, Seen.RETENTION, HOUR),
            ),
            drift=DriftSweep(
                store=store,
                kept=store,
                compare=compare,
                clock=clock,
                tenant_id=DEFAULT_TENANT,
                pace=sweep_pace_of(settings),
                watch=Watch(store, clock, DEFAULT_TENANT, Seen.DRIFT_SWEEP, LEASE),
            ),
            findings=Findings(
                store=store,
                admin=store,
                kept=store,
                compare=compare,
                clock=clock,
                operations=operations,
                calls_a_minute=settings.drift_calls_a_minute,
            ),
            check_callback=checker(verifier),
            ledger_doors=doors_of(settings, ledger_in(settings), DEFAULT_CONNECTION),
            pacings=pacings,
            server_pids=pids,
            commerce=commerce.poll(),
            commerce_asked=commerce.asked(counted),
            alerts=Alerts(
                store=store,
                kept=store,
                places=alert_places_of(settings),
                clock=clock,
                pace=AlertPace(
                    gather=settings.alert_gather_seconds,
                    silence=settings.alert_silence_hours,
                    quiet=settings.quiet,
                ),
                tenant_id=DEFAULT_TENANT,
                public_url=settings.public_url,
                watch=Watch(store, clock, DEFAULT_TENANT, Seen.ALERTS, ALERTS_LEASE),
            ),
            ledgers=Ledgers(ledger, store, operations, ids, DEFAULT_TENANT),
            books=books,
        )


async def _begin(store: PostgresStore, settings: Settings, known: Mapping[str, Scenario]) -> None:
    """What a start reads and writes in the database, each as often as one likes."""
    await check_stored(store, settings, known)
    await check_connection(store, settings)
    for name, ruling in (await store.seed_settings(DEFAULT_TENANT, seed_of(settings))).items():
        logger(__name__).warning("setting_differs", setting=name.upper(), database=ruling)
    for scenario in known.values():
        await store.keep_scenario(
            scenario.name, scenario.version, scenario.body_hash, scenario.body
        )
    system = ledger_in(settings)
    if system is not None and cipher_of(settings) is not None:
        await store.ensure_connection(DEFAULT_TENANT, system, DEFAULT_CONNECTION)


def _send_spans(settings: Settings) -> None:
    told = settings.otel_exporter_otlp_headers.get_secret_value().split(",")
    pairs = (one.partition("=") for one in told if "=" in one)
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    tracing.start(settings.otel_exporter_otlp_endpoint, headers, now=wall_ns, ids=span_id)


def _ledger(
    settings: Settings,
    store: PostgresStore,
    clock: SystemClock,
    stack: AsyncExitStack,
    counted: Counted,
    pacings: Mapping[str, Pacing],
) -> tuple[dict[str, Ledger], Books | None]:
    system, cipher = ledger_in(settings), cipher_of(settings)
    if system is None or cipher is None:
        return {}, None
    vault = store.vault(DEFAULT_TENANT, system, cipher)
    built = build(
        settings, system, vault, clock, partial(counted.ledger, system), pacings[system],
        seal=sealing_of(settings),
    )  # fmt: skip
    stack.push_async_callback(built.aclose)
    ledger = Ledger(built.consent, vault, built.wanted, bool(settings.public_url))
    return {system: ledger}, built.books.books()


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

"""What the settings mean to the parts: scenarios, defaults, connections, and what is refused at start.

Owns the reading of settings for the composition root; builds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib import resources
from typing import Any

from pydantic import ValidationError

from app.connectors.alerting.places import AlertUrlsInvalid, places_of
from app.connectors.at_once import AtOnce
from app.connectors.connectwise.caller import Access
from app.connectors.ledgers import ledger_in
from app.connectors.mail.client import Access as MailAccess
from app.connectors.mail.client import SmtpMail
from app.connectors.pacing import Pacing
from app.connectors.sealing import Seal
from app.domain.alerts import Place
from app.domain.budgets import DAY, MINUTE, Limits
from app.domain.gates import GATES
from app.domain.grants import QUICKBOOKS, XERO
from app.domain.polling import Pace as CommercePace
from app.domain.ports import Clock
from app.domain.retention import Kept, Period
from app.domain.scenario import Scenario, ScenarioInvalid, forbidden, load
from app.settings import DEFAULT_TENANT, Group, Settings, check, listed, names_in
from app.steps import STEPS
from app.store.ciphers import Cipher
from app.store.postgres import PostgresStore
from app.sync.drift import SweepPace
from app.sync.inbox import COMMERCE
from app.sync.record_pages import RecordPages
from app.sync.reveals import Opened
from app.telemetry import logger

DEFAULT_CONNECTION = "default"
RECORDED_SECONDS = 5.0
# Closing takes a moment; this is for a database and a collector of spans that do not answer.
CLOSED_SECONDS = 15.0
OF_THE_SWEEP = "commerce_sweep"  # the budget of the drift sweep's calls to Commerce


class NotConfigured(RuntimeError):
    """A setting is missing or wrong; the sentence says which, and what to do."""


def scenarios() -> dict[str, Scenario]:
    """The shipped scenario files, checked. Raises ScenarioInvalid with one sentence."""
    found: dict[str, Scenario] = {}
    for entry in sorted(resources.files("app.scenarios").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            try:
                scenario = scenario_of(entry.read_bytes())
            except ScenarioInvalid as invalid:
                raise ScenarioInvalid(f"{entry.name}: {invalid}") from None
            found[scenario.name] = scenario
    return found


def earlier(
    kept: Sequence[tuple[str, int, str]], known: Mapping[str, Scenario]
) -> dict[tuple[str, int], Scenario]:
    """Scenarios as they were served before, by name and version, but for those that are served now.
    One that this release cannot read any more is left out: its orders follow the present file."""
    found: dict[tuple[str, int], Scenario] = {}
    for name, version, body in kept:
        if name in known and known[name].version == version:
            continue
        try:
            found[name, version] = scenario_of(body.encode())
        except ScenarioInvalid as invalid:
            logger(__name__).warning(
                "scenario_left_out", name=name, version=version, cause=str(invalid)
            )
    return found


def scenario_of(content: bytes) -> Scenario:
    """A scenario file, checked; its defaults by the same rules as settings. Raises
    ScenarioInvalid."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ScenarioInvalid("scenario file is not UTF-8: save it so.") from None
    scenario = load(text, STEPS.keys(), GATES.keys(), names_in(Group.BEHAVIOUR))
    try:
        check(dict(scenario.defaults))
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "one of them"
        raise ScenarioInvalid(
            f"scenario {scenario.name}: the default of {name} is wrong: {first['msg']}."
        ) from None
    return scenario


def defaults_of(settings: Settings) -> dict[str, Any]:
    """Settings by name as the engine reads them below the database's values."""
    wanted = names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE)
    dumped = settings.model_dump(mode="json", include=set(wanted))
    return {
        **dumped,
        "commerce_tax_basis": settings.commerce_tax_basis,
        "commerce_currency": settings.commerce_currency,
        "commerce_papers_come": bool(settings.webhook_secrets),
        "commerce_zone": settings.commerce_zone,
        "connectwise_timeout": settings.connectwise_timeout,
        "public_url": settings.public_url,
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


def mail_of(settings: Settings, clock: Clock) -> SmtpMail | None:
    """The mail server of the environment; None: there is none."""
    if not settings.smtp_host:
        return None
    access = MailAccess(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_sender,
        timeout=settings.smtp_timeout,
    )
    return SmtpMail(access, clock=clock)


def alert_places_of(settings: Settings) -> Sequence[Place]:
    """Where alerts go. Raises NotConfigured, without any part of an address."""
    try:
        return places_of(settings.alert_urls.get_secret_value())
    except AlertUrlsInvalid as wrong:
        raise NotConfigured(str(wrong)) from None


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


def record_pages_of(settings: Settings) -> RecordPages:
    """Where people open what the service made in ConnectWise."""
    company, types = settings.connectwise_company, settings.connectwise_record_types
    return RecordPages.of(settings.connectwise_url, company, types)


def stop_of(settings: Settings) -> float:
    """Seconds that orders under way have to come to their next release when a worker stops: the
    longest call that may be under way, and what is recorded of it."""
    calls = (settings.connectwise_timeout, settings.ledger_timeout, settings.smtp_timeout)
    return max(calls) + RECORDED_SECONDS


def longest_end_of_worker(settings: Settings) -> float:
    """Seconds from SIGTERM to a worker's end, at the most: a deployment kills it no earlier."""
    return stop_of(settings) + CLOSED_SECONDS


def sweep_pace_of(settings: Settings) -> SweepPace:
    """How often the systems are compared, how far back, and what that may cost."""
    return SweepPace(
        hours=settings.drift_hours,
        days=settings.drift_days,
        calls_a_minute=settings.drift_calls_a_minute,
        calls=settings.drift_calls,
    )


def limits_of(settings: Settings) -> dict[str, Limits]:
    """What each system lets one company's connection do (connectwise.md 1.8, accounting.md 2.3
    and 3.3). Commerce's calls are counted by its poll, in the database; the drift sweep has a part
    of its own."""
    return {
        "connectwise": Limits.of((settings.connectwise_calls_a_minute, MINUTE)),
        OF_THE_SWEEP: Limits.of(
            (settings.drift_commerce_calls_a_minute, MINUTE),
            (settings.drift_commerce_calls_a_day, DAY),
        ),
        QUICKBOOKS: Limits.of(
            (settings.quickbooks_calls_a_second, 1.0), (settings.quickbooks_calls_a_minute, MINUTE)
        ),
        XERO: Limits.of(
            (settings.xero_calls_a_minute, MINUTE),
            (settings.xero_calls_a_day, DAY),
            at_once=settings.xero_calls_at_once,
        ),
    }


def pacings_of(settings: Settings, clock: Clock) -> dict[str, Pacing]:
    """How this process paces the calls of each system."""
    timeouts = {
        "connectwise": settings.connectwise_timeout,
        "commerce": settings.commerce_api_timeout,
        QUICKBOOKS: settings.ledger_timeout,
        XERO: settings.ledger_timeout,
    }
    return {
        system: Pacing(clock, AtOnce(settings.calls_at_once, timeout, system))
        for system, timeout in timeouts.items()
    }


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
    sealing_of(settings)
    alert_places_of(settings)
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


def sealing_of(settings: Settings) -> Seal | None:
    """What seals the personal values of calls; None: they are not kept. Raises NotConfigured."""
    try:
        keys = listed(settings.secrets_keys)
        return Cipher(keys).seal_bytes if settings.calls_sealed else None
    except ValueError as wrong:
        raise NotConfigured(str(wrong)) from None


def opening_of(settings: Settings) -> Opened | None:
    """What opens them, also those that were sealed before CALLS_SEALED was switched off; None
    without keys. Keys that are none are refused where something is sealed with them, not here."""
    try:
        return Cipher(listed(settings.secrets_keys)).opened
    except ValueError:
        return None


def refuse_forbidden(
    chosen: Scenario, defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Raises ScenarioInvalid for settings that cannot work together: what is given rules over
    the scenario's defaults, and those over the service's own."""
    if sentence := forbidden(chosen, {**defaults, **chosen.defaults, **given}):
        raise ScenarioInvalid(sentence)


async def check_connection(store: PostgresStore, settings: Settings) -> None:
    """Have the row of the Commerce connection that is set. Raises NotConfigured where documents
    came in under another name alone: their records carry it, and would be made once more."""
    name = settings.commerce_connection
    if not await store.ensure_connection(DEFAULT_TENANT, COMMERCE, name):
        raise NotConfigured(
            f"COMMERCE_CONNECTION {name} is another tenant's of this database: choose another name."
        )
    used = await store.used_connections(DEFAULT_TENANT, COMMERCE)
    if used and name not in used:
        raise NotConfigured(
            f"COMMERCE_CONNECTION is {name}, and this database's documents came in as "
            f"{' and '.join(used)}: records in ConnectWise and the ledger carry that name and would "
            f"be made a second time. Set it to {used[0]} again."
        )


async def check_stored(
    store: PostgresStore, settings: Settings, known: Mapping[str, Scenario]
) -> None:
    """What the database rules together with what the environment would add to it. Raises
    ScenarioInvalid; what stands in the database alone is only told, so that it can be changed."""
    stored = await store.settings(DEFAULT_TENANT)
    chosen = known.get(str(stored.get("scenario", settings.scenario)))
    if chosen is None:
        return
    defaults = {name: one.get_default() for name, one in Settings.model_fields.items()}
    defaults["smtp_host"] = settings.smtp_host  # of the environment alone
    try:
        refuse_forbidden(chosen, defaults, stored)
    except ScenarioInvalid as invalid:
        logger(__name__).error("settings_forbidden", sentence=str(invalid))
        return
    refuse_forbidden(chosen, defaults, {**seed_of(settings), **stored})


def seed_of(settings: Settings) -> dict[str, Any]:
    """Record names and behaviour settings that the environment gives; each rules until somebody
    changes it in the database."""
    given = settings.model_fields_set
    wanted = [n for n in names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE) if n in given]
    return settings.model_dump(mode="json", include=set(wanted))


def periods_of(settings: Settings) -> tuple[Period, ...]:
    """For how long rows are kept that only tell what was, where the database says nothing else."""
    return tuple(Period(kept, getattr(settings, kept.setting)) for kept in Kept)

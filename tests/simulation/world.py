"""The installation of one run: store, simulated systems, workers that come and go, intake.

Owns building them from the real parts and keeping workers running. Makes nothing up: what happens
in a day is `day`, what goes wrong is `chaos`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.bootstrap.chosen import access_of, defaults_of, seed_of
from app.connectors.at_once import AtOnce
from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.ledgers import Built
from app.connectors.pacing import Pacing
from app.domain import ports
from app.domain.books import Books
from app.domain.errors import StoreUnavailable
from app.store.memory import Seed
from app.sync import inbox, registration
from app.sync.circuit import Circuit, Recovery
from app.sync.commerce_poll import CommercePoll
from app.sync.engine import Engine
from app.sync.invoice_poll import InvoicePoll
from app.sync.lines import Lines
from app.sync.worker import Pace, Worker
from sandbox.connectwise.callbacks import Notices, Sender
from sandbox.connectwise.http.api import Api
from sandbox.connectwise.model import ConnectWise
from sandbox.kit.wire import Reply, Request
from sandbox.observer import ROW_OF, Case, Judge
from tests.simulation import shop
from tests.simulation.chaos import Chaos, Clocks, Limits, Numbers
from tests.simulation.kept import Asked, Kept
from tests.simulation.ledgers import SimulatedLedger, books_of, built, settings_for
from tests.simulation.loop import HOST, Host, VirtualLoop, outside
from tests.simulation.network import Network, Site
from tests.simulation.premises import (
    BEGIN,
    LAG,
    LEASE,
    LOGIN,
    PERSON,
    ROOT,
    TENANT,
    TIMEOUT,
    broken,
    known_scenarios,
    settings,
    silent,
    sown,
)

BATCH = 8


@dataclass
class World:
    """Everything of one run. `history` is what two runs of a seed must have in common."""

    loop: VirtualLoop
    seed: int
    scenario: str
    limits: Limits
    calm: float
    more: Mapping[str, Any] = field(default_factory=dict)
    ledger_system: str = ""  # none, or the one that stands beside
    polled: bool = False  # Commerce is
    history: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)  # at the last look
    asked: Asked = field(default_factory=Asked)
    accepted: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)  # what was seen to be wrong on the way
    workers: dict[str, Worker] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    _spawned: int = 0
    _coming: list[asyncio.Event] = field(default_factory=list)
    _sent: int = 0
    _under_way: set[int] = field(default_factory=set)
    _carried_out: dict[str, int] = field(default_factory=dict)
    _judged: int = 0

    def __post_init__(self) -> None:
        silent()
        broken.clear()
        told = settings_for(self.ledger_system) if self.ledger_system else {}
        told |= shop.SETTINGS if self.polled else {}
        self.settings = settings(self.scenario, tuple(sorted({**told, **self.more}.items())))
        self.defaults = defaults_of(self.settings)
        drawn = random.Random(f"chaos {self.seed}")  # noqa: S311 - a made-up day, no secret
        self.chaos = Chaos(self.loop, drawn, self.limits, self.tell, self.calm, LEASE)
        self.clock = Clocks(self.loop)
        moments = Clocks(self.loop, lambda: self.chaos.jumped)
        self.store = Kept(
            moments,
            Numbers("t"),
            setup=Seed(epoch=BEGIN),
            faults=self,
            wrong=self.wrong,
            heard=self.asked.hear,
        )
        self.chaos.wake = self.nudge
        guids = Numbers("g")
        self.psa = ConnectWise(
            now=self.now, new_guid=guids.token, company=LOGIN.company, first=sown().copy()
        )
        self.judge = Judge(Case((), (), {}, ""))
        self.psa.base_url = f"http://connectwise{ROOT}"
        self.api = Api(self.psa, LOGIN, signing_key=lambda _: "key")
        self.ledger: SimulatedLedger | None = None
        if self.ledger_system:
            self.ledger = SimulatedLedger(self.ledger_system, self.now)
        self.commerce = shop.SimulatedCommerce(self.now) if self.polled else None
        sender = Sender(
            self.psa,
            Notices(self.psa, lambda: "http://connectwise/key"),
            "key",
            post=self._post,
            sleep=asyncio.sleep,
            spawn=lambda work: self.loop.create_task(work, context=outside()),
        )
        self.psa.world.listeners.append(sender.hear)

    def begin(self, switches: Mapping[str, Any]) -> None:
        """What stood before the day is not the service's."""
        self.psa.world.switches = self.psa.world.switches.merged(switches)
        self.chaos.armed = True
        self.api.log.clear()
        self.api.first = self.psa.world.store.all_rows()
        self.judge = Judge(self.case())

    def now(self) -> datetime:
        """What the outside world's clocks show."""
        return BEGIN + timedelta(seconds=self.loop.time())

    async def fault(self, point: str) -> None:
        """app.store.memory.Faults: each call of the store comes by here."""
        if point == "commit.before":
            if self.store.releasing:
                await self._meet()
            await self.chaos.fault(point)
            self.store.before()
            return
        if point == "commit.after":
            self.store.look()
        await self.chaos.fault(point)

    async def _meet(self) -> None:
        """What is to come in this day comes now, and is merged before the release."""
        if self._coming and self.chaos.comes("meet", "release"):
            self._coming.pop(0).set()
            await asyncio.sleep(0.4)

    async def until(self, at: float) -> None:
        """The moment at which something comes in, or an earlier one."""
        early = asyncio.Event()
        self._coming.append(early)
        timer = self.loop.call_at(at, early.set, context=outside())
        await early.wait()
        timer.cancel()
        if early in self._coming:
            self._coming.remove(early)

    def tell(self, kind: str, what: str) -> None:
        host = HOST.get()
        by = host.name if host is not None else "-"
        self.history.append(f"{self.loop.time():.6f} {by} {kind} {what}")

    # network.Watch: every write of the service is judged when it is sent and when it is done ------

    def wrong(self, why: str) -> None:
        """The run ends here."""
        self.tell("wrong", why)
        self.found.append(why)
        self.loop.halt(why)

    def sends(self, where: str) -> int:
        # A leap of the database's clock ends a lease that its worker cannot know of at once.
        if not self.chaos.jumped and not self.store.leased(TIMEOUT):
            self.wrong(f"H9: {where} was sent by who does not hold the order")
        self._sent += 1
        self._under_way.add(self._sent)
        return self._sent

    def wrote(self, number: int, where: str, *, done: bool) -> None:
        self._under_way.discard(number)
        # Xero makes records by PUT.
        if done and where.startswith(("PATCH", "PUT")) and not where.startswith("PUT /api.xro"):
            if number < self._carried_out.get(where, 0):
                self.wrong(f"H9: {where} was carried out after a later change of the same record")
            self._carried_out[where] = number
        self.judge_writes()

    def judge_writes(self) -> None:
        """By the outside observer, up to the last entry of the log."""
        for entry in self.api.log.after(self._judged) if self.chaos.armed else ():
            self._judged = entry.number
            if entry.changed:
                for finding in self.judge.see(json.loads(entry.line())):
                    self.wrong(f"rule {finding}")

    # Workers ------------------------------------------------------------------------------

    async def open(self) -> None:
        await self.store.seed_settings(TENANT, seed_of(self.settings))
        for scenario in known_scenarios().values():
            await self.store.keep_scenario(
                scenario.name, scenario.version, scenario.body_hash, scenario.body
            )
        if self.ledger is not None:
            await self.store.ensure_connection(TENANT, self.ledger_system, "default")
            await self.ledger.sign_in(
                self._ledger_of_a_process(), self.store.vault(TENANT, self.ledger_system)
            )

    async def keep(self, name: str) -> None:
        """A worker under this name, started again whenever it died."""
        while True:
            host = self.hosts[name] = self.loop.host(f"{name}.{self._spawned}")
            self._spawned += 1
            worker = self.workers[name] = self._worker(await self.store_of(host))
            context = outside()
            context.run(HOST.set, host)
            self.loop.create_task(worker.run(), context=context)
            while not host.dead:
                await asyncio.sleep(1.0)
            await asyncio.sleep(self.chaos.chance.uniform(0.5, 8.0))

    def _network(self, name: str, site: Site) -> Network:
        return Network(name, site, self.chaos, total=TIMEOUT, lag=LAG, watch=self)

    def client(self, pacing: Pacing | None = None) -> ConnectWiseClient:
        network = self._network("cw", self.api)
        access = access_of(self.settings)
        return ConnectWiseClient(
            access, clock=self.clock, timeout=TIMEOUT, transport=network, pacing=pacing
        )

    def books(self) -> Books | None:
        """The ledger as one process of the service sees it."""
        return books_of(self._ledger_of_a_process()) if self.ledger is not None else None

    def _ledger_of_a_process(self) -> Built:
        assert self.ledger is not None
        network = self._network(self.ledger_system, self.ledger)
        return built(
            self.settings,
            self.ledger_system,
            self.store.vault(TENANT, self.ledger_system),
            self.clock,
            network,
        )

    async def store_of(self, host: Host) -> Any:
        """The store as a host reaches it."""
        return self.store

    async def tables(self) -> Mapping[str, Mapping[Any, Mapping[str, Any]]]:
        """Every row by its key, by the name of its table."""
        return self.store.rows()

    def engine(
        self, cw: ports.ConnectWise, store: Any, pacings: Mapping[str, Pacing] | None = None
    ) -> Engine:
        return Engine(
            store=store,
            cw=cw,
            clock=self.clock,
            chance=self.chaos.chance,
            checkpoints=self.chaos,
            scenarios=known_scenarios(),
            defaults=self.defaults,
            books=self.books(),
            ledger=self.ledger_system,
            circuit=Circuit(pacings or {}),
            lines=Lines(pacings or {}),
        )

    def _worker(self, store: Any) -> Worker:
        pacing = Pacing(self.clock, AtOnce(BATCH, TIMEOUT))
        cw = self.client(pacing)
        engine = self.engine(cw, store, {"connectwise": pacing})
        pace = Pace(batch=BATCH, lease=LEASE, sweep=8.0)
        invoices = InvoicePoll(store, cw, self.clock, TENANT, 60.0)
        probes = {"connectwise": cw.info}
        recovery = Recovery(store, self.clock, TENANT, probes, engine.circuit)
        return Worker(
            engine, store, self.clock, pace, invoices, self._poll(store),
            recovery=recovery,
        )  # fmt: skip

    def _poll(self, store: Any) -> CommercePoll | None:
        if self.commerce is None:
            return None
        network = self._network("commerce", self.commerce.api)
        return shop.poll(self.settings, store, self.clock, self.chaos.chance, TIMEOUT, network)

    def nudge(self) -> None:
        """A wake went through the queue, or was lost on the way."""
        for name in sorted(self.workers):
            if not self.hosts[name].dead and not self.chaos.comes("deaf", f"wake of {name}"):
                self.workers[name].nudge()

    # Intake -------------------------------------------------------------------------------

    def happens(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """In Commerce, where the poll sees it whether its webhook comes or not."""
        assert self.commerce is not None
        told = self.commerce.happens(event)
        self.accepted.append((self.now(), told))
        self.tell("happens", str(event["type"]))
        return told

    async def deliver(
        self, identity: str, event: Mapping[str, Any], behind: frozenset[str] = frozenset()
    ) -> None:
        """Commerce posts an event until it is told that it was taken. Not before those `behind`
        which it stands were taken in."""
        while behind and not behind <= self._merged():
            await asyncio.sleep(1.0)
        body = json.dumps(event).encode()
        if self.commerce is None:
            # Whatever comes of it: the service cannot have known it before.
            self.accepted.append((self.now(), event))
        while True:
            delivery = inbox.read_commerce("default", identity, {}, body)
            assert delivery.status == "new", delivery.cause
            try:
                taken = await self.store.accept(delivery)
            except StoreUnavailable:
                await asyncio.sleep(self.chaos.chance.uniform(1.0, 20.0))
                continue
            self.tell("accepted", f"{identity} {event['type']} {taken.duplicate}")
            self.nudge()
            return

    def _merged(self) -> set[str]:
        rows = self.store.rows()["inbox_event"].values()
        return {row["external_id"] for row in rows if row["status"] == "merged"}

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """ConnectWise calls back. Its own retries are its own business."""
        if self.chaos.comes("deaf", "callback"):
            return 0
        await asyncio.sleep(self.chaos.chance.uniform(0.001, 0.3))
        identity = json.loads(body)["MessageId"]
        delivery = inbox.read_callback("default", identity, {}, body)
        try:
            await self.store.accept(delivery)
        except StoreUnavailable:
            return 503
        self.nudge()
        return 200

    async def keep_callbacks(self) -> None:
        """Registered before the day begins, and before anything goes wrong."""
        await registration.keep(self.client(), self.settings.public_url, "an-unguessable-part")

    # ConnectWise as a person sees it ------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, query: str = "") -> Any:
        """A person's request, at once and without faults."""
        headers = {name.lower(): value for name, value in LOGIN.headers.items()}
        content = json.dumps(body).encode() if body is not None else b""
        request = Request(
            method,
            ROOT + path,
            query,
            {**headers, "clientid": PERSON, "content-type": "application/json"},
            content,
        )
        reply: Reply = self.api.answer(request, None)
        assert 200 <= reply.status < 300, (method, path, reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    def case(self) -> Case:
        """What the outside observer goes by. It is given each write when it is done."""
        case = Case(self.accepted, (), self.api.first, LOGIN.client_id, (), ROW_OF[self.scenario])
        case.lost_on_decline = self.settings.lost_on_decline == "true"
        return case

    def case_of_books(self) -> Case:
        """What was written to the ledger, with all that ConnectWise was asked beside it."""
        assert self.ledger is not None
        entries = [entry for entry in self.api.log.after() if entry.changed]
        log = [json.loads(entry.line()) for entry in entries]
        row, books = ROW_OF[self.scenario], self.ledger.log()
        case = Case(self.accepted, log, self.api.first, LOGIN.client_id, (), row, books=books)
        case.lost_on_decline = self.settings.lost_on_decline == "true"
        return case

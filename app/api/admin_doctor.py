"""Admin REST: the doctor.

Owns the address and the form; what is looked at, and how, is `app/sync/doctor`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import ASKS_CONNECTWISE, REFUSALS
from app.api.models import Model
from app.domain.checkup import Outcome
from app.sync.doctor import Checkup

router = APIRouter(prefix="/admin", tags=["doctor"], route_class=AdminRoute, responses=REFUSALS)


class FindingOut(Model):
    """`area`: service, deliveries, connectwise, ledger or messages. `fix` is empty where nothing is to be
    done; `proven_by` is what was asked. `wrote`: it took a write, which was taken away again."""

    name: str
    area: str
    outcome: Outcome
    sentence: str
    cause: str
    fix: str
    proven_by: str
    wrote: bool


class ProbeIn(Model):
    """Identifiers in ConnectWise: for which company records are made for a moment (your own serves),
    and from which vendor a purchase order. Without a vendor linking stays unproven."""

    company: Annotated[str, Field(min_length=1, max_length=100, examples=["MSP"])]
    vendor: Annotated[str, Field(max_length=100, examples=["INGRAM"])] = ""


class CheckupOut(Model):
    """`outcome`: failed where anything failed, ok where everything is proven, else warning."""

    outcome: Outcome
    scenarios: list[str]
    at: datetime
    findings: list[FindingOut]

    @classmethod
    def of(cls, found: Checkup) -> CheckupOut:
        return cls(
            outcome=found.outcome,
            scenarios=list(found.scenarios),
            at=found.at,
            findings=[FindingOut.model_validate(one) for one in found.findings],
        )


@router.get("/doctor", operation_id="doctor")
async def doctor(actor: Caller, service: Service) -> CheckupOut:
    """Everything that the chosen scenarios need, asked now of the live systems, one by one: reads
    only, about 40 calls to ConnectWise."""
    return CheckupOut.of(await service.doctor.examine(actor))


@router.post("/doctor/probe", operation_id="probe", responses=ASKS_CONNECTWISE)
async def probe(body: ProbeIn, actor: Caller, service: Service) -> CheckupOut:
    """Make in ConnectWise what the chosen scenarios make, and take it away again: a catalog item, a
    ticket or a sales order, a product that is not billed and, with a vendor, a purchase order from its
    demand. Nobody is notified; nothing is received, shipped or invoiced. Numbers that ConnectWise gave
    stay used."""
    return CheckupOut.of(await service.doctor.probe(actor, body.company, body.vendor))

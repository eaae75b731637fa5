"""Admin REST: the doctor.

Owns the address and the form; what is looked at, and how, is `app/sync/doctor`'s.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS
from app.api.models import Model
from app.domain.checkup import Outcome
from app.sync.doctor import Checkup

router = APIRouter(prefix="/admin", tags=["doctor"], route_class=AdminRoute, responses=REFUSALS)


class FindingOut(Model):
    """`area`: service, deliveries, connectwise or ledger. `fix` is empty where nothing is to be
    done; `proven_by` is what was asked, which is never a write."""

    name: str
    area: str
    outcome: Outcome
    sentence: str
    cause: str
    fix: str
    proven_by: str


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
    only, about 30 calls to ConnectWise."""
    return CheckupOut.of(await service.doctor.examine(actor))

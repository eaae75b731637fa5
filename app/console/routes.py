"""Every route of the console, in the order in which they are asked.

Owns nothing but the list.
"""

from __future__ import annotations

from fastapi import APIRouter

from app.console import (
    alerts,
    consents,
    door,
    drift,
    live,
    mappings,
    orders,
    retention,
    reveals,
    settings,
    setup,
    tickets,
    what_if,
    work,
)

router = APIRouter()
for _module in (
    door,
    live,
    drift,
    alerts,
    setup,
    consents,
    mappings,
    settings,
    retention,
    what_if,
    work,
    reveals,
    tickets,  # before the orders, whose numbers may hold any text
    orders,
):
    router.include_router(_module.router)

"""The table of what a tool that posts ConnectWise's records cannot post."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.domain.codes import Code, State
from app.domain.ports import ConnectWise
from app.domain.readiness import (
    ALL,
    CHECKS,
    CONNECTBOOSTER,
    FACT,
    INNOVENT,
    WISE_SYNC,
    Reading,
    checked,
    defects,
    wanted,
)
from app.domain.reasons import CODES
from app.domain.records import ORDER
from tests.builders import applied, fact, ordered, view

GOOD: dict[str, Any] = {
    "tool": INNOVENT,
    "customer": 250,
    "companies": {
        "250": {"identifier": "Contoso", "account": "C1", "contact": True, "taxed": True, "shared": []},
        "252": {"identifier": "INGRAM", "account": "I1", "contact": True, "taxed": False, "shared": []},
    },
    "purchase_orders": [
        {
            "id": 7001, "number": "8891", "vendor": 252,
            "supplier_invoice": "INV-1", "supplier_invoice_date": "2026-07-01T00:00:00Z",
            "lines": [
                {"line": 1, "sku": "DELL", "received": True, "closed": True, "cancelled": False, "slip": "PS1"},
            ],
        },
    ],
    "invoices": [
        {"id": 12000, "number": "12000", "taxed": True, "entries": [
            {"type": "AR", "item": ""}, {"type": "R", "item": "DELL"}, {"type": "ST", "item": ""},
        ]},
    ],
    "not_read": [],
}  # fmt: skip


def broken(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    *way, last = path.split("/")
    place: Any = body
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    return body


def found(tool: str, body: dict[str, Any], prefix: str = "") -> list[Code]:
    return [defect.code for defect in defects(tool, Reading(body, prefix))]


@pytest.mark.parametrize("tool", ALL)
def test_a9_what_is_whole_has_no_defect(tool: str) -> None:
    assert found(tool, GOOD) == []


LINE = "purchase_orders/0/lines/0"
SPOILT = [
    (f"{LINE}/closed", False, Code.SYNC_LINE_OPEN, ALL),
    (f"{LINE}/slip", "", Code.SYNC_PACKING_SLIP_MISSING, ALL),
    ("purchase_orders/0/supplier_invoice", "", Code.SYNC_SUPPLIER_INVOICE_MISSING, ALL),
    ("purchase_orders/0/supplier_invoice_date", "", Code.SYNC_SUPPLIER_INVOICE_MISSING, ALL),
    ("invoices/0/taxed", False, Code.SYNC_TAX_CODE_MISSING, ALL),
    ("companies/250/contact", False, Code.SYNC_CONTACT_MISSING, ALL),
    ("companies/252/contact", False, Code.SYNC_CONTACT_MISSING, ALL),
    ("invoices/0/entries", [{"type": "R", "item": ""}],
     Code.SYNC_GL_MAPPING_MISSING, ALL),
    ("invoices/0/number", "", Code.SYNC_NUMBER_MISSING, ALL),
    ("purchase_orders/0/number", "", Code.SYNC_NUMBER_MISSING, ALL),
    ("purchase_orders/0/number", "PO10008891", Code.SYNC_NUMBER_LONG, (INNOVENT,)),
    ("invoices/0/number", "123456789", Code.SYNC_NUMBER_LONG, (INNOVENT,)),
    ("companies/250/account", "", Code.SYNC_ACCOUNT_MISSING, (INNOVENT,)),
    ("companies/250/account", "C" * 16, Code.SYNC_ACCOUNT_LONG, (INNOVENT,)),
    ("companies/250/shared", ["Contoso2"], Code.SYNC_ACCOUNT_SHARED, (INNOVENT,)),
    ("companies/252/account", "c1", Code.SYNC_PREFIX_MISSING, (INNOVENT,)),
    (f"{LINE}/sku", "S" * 31, Code.SYNC_ITEM_LONG, (WISE_SYNC, INNOVENT)),
    ("not_read", ["Purchase order 7001 may not be read"], Code.SYNC_NOT_READ, ALL),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "tools"), SPOILT)
def test_g5_g6_g7_each_defect_is_named_for_the_tools_that_it_stops(
    path: str, value: Any, code: Code, tools: tuple[str, ...]
) -> None:
    for tool in ALL:
        assert found(tool, broken(path, value)) == [code] * (tool in tools)


def test_every_check_of_the_table_is_proven() -> None:
    assert {check.code for check in CHECKS} == {code for _, _, code, _ in SPOILT}
    assert all(CODES[check.code].state is State.DONE for check in CHECKS)  # none holds an order


def test_g7_a_prefix_tells_cards_apart_and_counts_for_their_length() -> None:
    same = broken("companies/252/account", "C1")
    assert found(INNOVENT, same, "SUP-") == []
    long = broken("companies/252/account", "I" * 14)
    assert found(INNOVENT, long) == []
    assert found(INNOVENT, long, "SUP-") == [Code.SYNC_ACCOUNT_LONG]


def test_g5_what_was_not_received_is_no_defect_yet() -> None:
    """Further releases are to come: an open line is posted once its goods came."""
    body = broken(f"{LINE}/received", False)
    line, order = body["purchase_orders"][0]["lines"][0], body["purchase_orders"][0]
    line.update(closed=False, slip="")
    order.update(supplier_invoice="", supplier_invoice_date="")
    assert found(WISE_SYNC, body) == []


def test_g5_without_an_invoice_the_customers_tax_code_is_asked() -> None:
    body = broken("companies/250/taxed", False)
    assert found(WISE_SYNC, body) == []
    assert found(WISE_SYNC, {**body, "invoices": []}) == [Code.SYNC_TAX_CODE_MISSING]


RELEASED = applied("release_invoice", ORDER, {"released": True, "invoice": False})


def of(tool: str, *facts: Any, ledger: Any = (RELEASED,), **more: Any) -> Any:
    return view(ordered(), ledger=list(ledger), facts=list(facts), invoice_sync_tool=tool, **more)


def test_a9_nothing_is_read_without_a_tool_and_before_the_release() -> None:
    assert not wanted(of(""))
    assert not wanted(of(WISE_SYNC, ledger=()))
    assert not wanted(of(WISE_SYNC, invoice_from="commerce"))
    assert wanted(of(WISE_SYNC))
    assert checked(of("")) is None


def test_a9_records_are_read_again_for_another_tool_and_after_a_write() -> None:
    kept = fact(FACT, {**GOOD, "tool": WISE_SYNC})
    assert not wanted(of(WISE_SYNC, kept))
    assert wanted(of(CONNECTBOOSTER, kept))
    told = checked(of(CONNECTBOOSTER, kept))
    assert told is not None
    assert told.checked_at is None
    later = replace(RELEASED, applied_at=kept.seen_at + timedelta(seconds=1))
    assert wanted(of(WISE_SYNC, kept, ledger=(later,)))
    stale = replace(kept, seen_at=kept.seen_at.replace(year=1970))
    assert wanted(of(WISE_SYNC, stale))


def test_g6_removing_an_invoice_is_warned_of() -> None:
    told = checked(of(CONNECTBOOSTER), frozenset({Code.INVOICED_TOO_EARLY}))
    assert told is not None
    assert [one.code for one in told.defects] == [Code.SYNC_REMADE]
    calm = checked(of(CONNECTBOOSTER), frozenset({Code.GOODS_NOT_RECEIVED}))
    assert calm is not None
    assert calm.defects == ()


def test_g6_the_service_can_delete_nothing_in_connectwise() -> None:
    """No delete-and-recreate: the port has no method for the first half of it."""
    assert [name for name in dir(ConnectWise) if "delete" in name or "remove" in name] == []

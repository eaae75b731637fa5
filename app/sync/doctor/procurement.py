"""The doctor's look at ConnectWise's Procurement settings, where a chosen scenario buys there.

Owns what each setting means for the service (connectwise.md 3.7): in order where it reads back what
ConnectWise did, a warning where orders will be held or flagged with a named code. Nothing here fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.checkup import Finding, Outcome
from app.domain.codes import Code
from app.domain.probing import Probed, ProcurementSettings
from app.domain.readiness import INNOVENT, LONGEST_NUMBER, NAMES
from app.domain.scenario import Scenario
from app.sync.doctor.asking import asked

AREA = "connectwise"
PROVEN = "GET /procurement/settings"
BUYS = "sync_purchase_order"
# A purchase order number of Commerce: "PO" and eight digits.
COMMERCE_PREFIX, COMMERCE_DIGITS = "PO", 8
WHERE = "In ConnectWise, Setup Tables, Procurement settings:"


async def findings(
    cw: Probed,
    scenarios: Sequence[Scenario],
    values: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> list[Finding]:
    """One for each setting; of several scenarios that buy, what is worst. `stored`: those of the
    values that rule above the scenarios' own. One call, none where no scenario buys."""
    buying = [one for one in scenarios if any(use.name == BUYS for use in one.steps)]
    if not buying:
        return []
    answer = await asked("procurement_settings", AREA, PROVEN, cw.procurement_settings)
    if isinstance(answer, Finding):
        return [_unread(answer)]
    (settings,) = answer
    if settings is None:
        return [
            Finding(
                "procurement_settings",
                AREA,
                Outcome.UNPROVEN,
                "ConnectWise lists no procurement settings.",
                "The API member does not see them, or Procurement is not set up.",
                "See Setup Tables, Procurement settings, there.",
                PROVEN,
            )
        ]
    found: dict[str, Finding] = {}
    for scenario in buying:
        for one in _told(settings, {**values, **scenario.defaults, **stored}):
            if one.name not in found or one.outcome is not Outcome.OK:
                found[one.name] = one
    return list(found.values())


def _unread(answer: Finding) -> Finding:
    """What these settings say holds no order, so neither does that they cannot be read."""
    if answer.outcome is not Outcome.FAILED:
        return answer
    return replace(
        answer,
        outcome=Outcome.UNPROVEN,
        sentence=f"The procurement settings could not be read: {answer.sentence}",
        fix=f"{answer.fix} Until then see Setup Tables, Procurement settings, in ConnectWise.",
    )


def _told(read: ProcurementSettings, ruling: Mapping[str, Any]) -> Iterator[Finding]:
    yield _pick(read, ruling)
    yield _lines(read, ruling)
    yield _ok(
        "auto_close_order",
        "The last closed line closes its purchase order; number and papers still get there."
        if read.auto_close_order
        else "The service closes a purchase order when all of it is received.",
    )
    yield _approval(read, ruling)
    yield _numbers(read, ruling)
    yield _ok(
        "negative_inventory",
        "More may be picked than is on hand; the service picks what was received, no more."
        if read.negative_stock
        else "Only what is on hand can be picked: right after receiving, the service tries again.",
    )
    yield _ok(
        "cost_updates",
        "What is paid may become the cost of the catalog item; the service takes costs from Commerce's "
        "documents only."
        if read.cost_updates
        else "Purchase orders leave the cost of catalog items as it is.",
    )
    yield _ok(
        "purchase_tax",
        "ConnectWise adds tax to purchase orders by its own tax codes; the service sends none, so see that "
        "it is what suppliers invoice."
        if read.tax
        else "ConnectWise adds no tax to purchase orders, and the service sends none.",
    )


def _pick(read: ProcurementSettings, ruling: Mapping[str, Any]) -> Finding:
    """D-14: picks are read before anything is shipped."""
    if read.auto_pick:
        return _ok("auto_pick", "ConnectWise picks received goods for what they were bought for.")
    if ruling["mark_shipped"] == "on_receipt":
        told = "ConnectWise does not pick received goods; the service picks and ships them in one."
        return _ok("auto_pick", told)
    told = "ConnectWise does not pick received goods: people pick them."
    if ruling["invoice_action"] != "create_invoice":
        return _ok("auto_pick", told)
    return _warning(
        "auto_pick",
        f"{told} An invoice that the service makes may leave out what is not picked yet, and its order "
        f"is held with {Code.INVOICE_INCOMPLETE}.",
        "Auto-pick is disabled, and INVOICE_ACTION is create_invoice.",
        f"{WHERE} let received goods be picked automatically; or set INVOICE_ACTION to mark_ready.",
    )


def _lines(read: ProcurementSettings, ruling: Mapping[str, Any]) -> Finding:
    """G5: only closed lines are posted onward. Receiving itself goes by what lines show."""
    name, tool = "auto_close_line", str(ruling.get("invoice_sync_tool") or "")
    if read.auto_close_line:
        return _ok(name, "A received purchase order line is closed by ConnectWise.")
    told = "A received purchase order line may stay open; it is not received again."
    if not tool:
        return _ok(name, told)
    return _warning(
        name,
        f"{told} {NAMES.get(tool, tool)} posts closed lines only: orders are flagged with "
        f"{Code.SYNC_LINE_OPEN}.",
        "Closing of purchase order items is not automatic there.",
        f"{WHERE} close purchase order items automatically when they are received.",
    )


def _approval(read: ProcurementSettings, ruling: Mapping[str, Any]) -> Finding:
    name = "auto_approve"
    if read.auto_approve:
        return _ok(name, "Purchases are approved automatically.")
    automatic = ruling["demand_linking"] == "automatic"
    code = Code.DEMAND_NOT_LINKED if automatic else Code.DEMAND_NOT_APPROVED
    return _warning(
        name,
        f"Purchases are not approved automatically: an order may be held with {code} until somebody "
        "approves its products.",
        "Purchase orders go through approval there.",
        f"{WHERE} approve purchase orders automatically; or approve products before their goods come.",
    )


def _numbers(read: ProcurementSettings, ruling: Mapping[str, Any]) -> Finding:
    """The numbers that purchase orders have, and whether ConnectWise's own may be Commerce's too."""
    name, tool = "purchase_order_numbers", str(ruling.get("invoice_sync_tool") or "")
    own = f"{read.prefix}{read.first_number}{read.suffix}"
    if ruling["po_numbering"] == "connectwise":
        told = f"Purchase orders keep ConnectWise's numbers, from {own} on."
        if tool != INNOVENT or len(own) <= LONGEST_NUMBER:
            return _ok(name, told)
        return _warning(
            name,
            f"{told} MYOB keeps {LONGEST_NUMBER} characters: orders are flagged with "
            f"{Code.SYNC_NUMBER_LONG}.",
            "Prefix, number and suffix are longer together.",
            f"{WHERE} shorten the prefix or suffix.",
        )
    told = "Purchase orders get Commerce's numbers in place of ConnectWise's own"
    if tool == INNOVENT:
        return _warning(
            name,
            f"{told}. MYOB keeps {LONGEST_NUMBER} characters, Commerce's have more: orders are flagged "
            f"with {Code.SYNC_NUMBER_LONG}.",
            "PO_NUMBERING is commerce.",
            "Set PO_NUMBERING to connectwise, with a short prefix in ConnectWise.",
        )
    if not _as_commerce(read):
        return _ok(name, f"{told}, such as {own}.")
    return _warning(
        name,
        f"{told}, which begin at {own} and look the same: where both meet, an order is held with "
        f"{Code.PO_NUMBER_TAKEN}.",
        "ConnectWise counts its purchase orders with Commerce's prefix and as many digits.",
        f"{WHERE} give purchase orders another prefix; or set PO_NUMBERING to connectwise.",
    )


def _as_commerce(read: ProcurementSettings) -> bool:
    digits = len(str(read.first_number))
    same = read.prefix.upper() == COMMERCE_PREFIX and digits == COMMERCE_DIGITS
    return same and not read.suffix


def _ok(name: str, told: str) -> Finding:
    return Finding(f"procurement_{name}", AREA, Outcome.OK, told, proven_by=PROVEN)


def _warning(name: str, told: str, cause: str, fix: str) -> Finding:
    return Finding(f"procurement_{name}", AREA, Outcome.WARNING, told, cause, fix, PROVEN)

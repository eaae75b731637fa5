"""Lines, tax and totals of a document: what is checked, and what QuickBooks computes itself.

Amounts are Decimal, rounded half up to cents; quantities and prices keep five places
(accounting.md 2.8). Whatever a client sends as a total is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.fields import Field, read_fields
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import (
    DETAIL_OF,
    DETAILS,
    LINE,
    LINK,
    TAX,
    TAX_LINE,
    TAX_LINE_DETAIL,
    Entity,
)
from sandbox.quickbooks.model.world import World, named

CENT = Decimal("0.01")
PLACES = Decimal("0.00001")
LINE_FIELDS = LINE | {name: Field(name, "o") for name in DETAILS}
AMERICAN_CODES = ("TAX", "NON")
MOST_LINES = 10_000
ON_SALES = ("Invoice", "Estimate")


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def read_lines(world: World, spec: Entity, given: list[Any], old: Row | None) -> list[Row]:
    """The lines as they will stand, links still as the client sent them. A line with the id of a
    standing one stays that line; any other is new."""
    if len(given) > MOST_LINES:
        raise errors.business(f"A transaction has at most {MOST_LINES} lines.")
    standing = {line["Id"]: line for line in (old or {}).get("Line", ()) if "Id" in line}
    highest = max((int(each) for each in standing), default=0)
    lines: list[Row] = []
    for place, raw in enumerate(given):
        if raw.get("DetailType") == "SubTotalLineDetail":
            continue  # the vendor's own line, sent back
        line = _read_line(world, spec, raw, f"Line[{place}].")
        if line.get("Id") not in standing:
            highest += 1
            line["Id"] = str(highest)
        line["LineNum"] = len(lines) + 1
        lines.append(line)
    if not lines:
        raise errors.missing("Line")
    return lines


def _read_line(world: World, spec: Entity, raw: Mapping[str, Any], where: str) -> Row:
    line: Row = read_fields(LINE_FIELDS, raw, where)
    kind = line.get("DetailType")
    if kind is None:
        raise errors.missing(f"{where}DetailType")
    if kind not in spec.details:
        raise errors.invalid_choice(f"{where}DetailType", kind)
    name = DETAIL_OF[kind]
    detail = read_fields(DETAILS[name], line.get(name, {}), f"{where}{name}.")
    _check_references(world, detail, DETAILS[name], f"{where}{name}.")
    if "Amount" not in line and kind != "DescriptionOnly":
        raise errors.missing(f"{where}Amount")
    if kind == "ItemBasedExpenseLineDetail" and "ItemRef" not in detail:
        raise errors.missing(f"{where}{name}.ItemRef")
    if kind == "AccountBasedExpenseLineDetail" and "AccountRef" not in detail:
        raise errors.missing(f"{where}{name}.AccountRef")
    if "Amount" in line:
        line["Amount"] = cents(line["Amount"])
    _check_amount(line, detail)
    for other in DETAILS:
        line.pop(other, None)
    if detail or kind != "DescriptionOnly":
        line[name] = detail
    if "LinkedTxn" in line:
        line["LinkedTxn"] = [
            read_fields(LINK, each, f"{where}LinkedTxn.") for each in line["LinkedTxn"]
        ]
    return line


def _check_references(world: World, detail: Row, fields: Mapping[str, Field], where: str) -> None:
    for name, reference in detail.items():
        target = fields[name].target
        if not target:
            continue
        if target == "TaxCode" and world.switches.american and reference["value"] in AMERICAN_CODES:
            continue
        detail[name] = named(world.referred(target, reference, f"{where}{name}"))


def _check_amount(line: Row, detail: Row) -> None:
    """The vendor's 6070. A zero counts as not given: its own kits send zeros for what is unset."""
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    for name in ("Qty", "UnitPrice"):
        if name in detail:
            detail[name] = detail[name].quantize(PLACES, ROUND_HALF_UP).normalize() + 0
    if not quantity or not price:
        return
    # A line that was sent with its tax inside comes back as its net and, beside it, the gross.
    stated = detail.get("TaxInclusiveAmt") or line["Amount"]
    if cents(detail["Qty"] * detail["UnitPrice"]) != cents(stated):
        raise errors.wrong_amount(line["Amount"])


@dataclass(frozen=True, slots=True)
class Rate:
    id: str
    percent: Decimal

    def of(self, net: Decimal) -> Decimal:
        return net * self.percent / 100


def total(world: World, spec: Entity, row: Row) -> None:
    """Sets TotalAmt and TxnTaxDetail, and what a tax-inclusive line holds."""
    sales = spec.name in ON_SALES
    supplied: Row = read_fields(TAX, row.pop("TxnTaxDetail", None) or {}, "TxnTaxDetail.")
    if world.switches.american:
        row.pop("GlobalTaxCalculation", None)
        per_rate = _american(world, row, supplied, sales=sales)
        inclusive = False
    else:
        mode = row.setdefault("GlobalTaxCalculation", "TaxExcluded")
        inclusive = mode == "TaxInclusive"
        per_rate = {} if mode == "NotApplicable" else _by_codes(world, row, inclusive, sales=sales)
        per_rate = _overridden(per_rate, supplied)
    net = sum((_signed(line) for line in row["Line"]), Decimal(0))
    tax = sum((amount for _, _, amount in per_rate.values()), Decimal(0))
    if inclusive:
        gross = sum((_gross(line) for line in row["Line"]), Decimal(0))
        tax = gross - net
    row["TotalAmt"] = net + tax
    if sales or per_rate:
        row["TxnTaxDetail"] = _shown(per_rate, tax)
        if world.switches.american and "TxnTaxCodeRef" in supplied:
            row["TxnTaxDetail"]["TxnTaxCodeRef"] = supplied["TxnTaxCodeRef"]
    if sales:
        row["Line"] = [
            *row["Line"],
            {"Amount": net, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
        ]


PerRate = dict[str, tuple[Rate, Decimal, Decimal]]  # rate, what it is taken of, tax


def _american(world: World, row: Row, supplied: Mapping[str, Any], *, sales: bool) -> PerRate:
    """US: sales lines are TAX or NON, and purchases carry no tax code at all (it is ignored)."""
    if not sales:
        for line in row["Line"]:
            line.get(DETAIL_OF[line["DetailType"]], {}).pop("TaxCodeRef", None)
        return {}
    code = (supplied.get("TxnTaxCodeRef") or {}).get("value")
    if world.switches.automated_sales_tax:
        code = AUTOMATED_CODE  # what the client sent is replaced by the engine's own
    for line in row["Line"]:
        if line["DetailType"] == "SalesItemLineDetail":
            line["SalesItemLineDetail"].setdefault("TaxCodeRef", {"value": "NON"})
    if not code:
        return {}
    taxed = sum((_signed(line) for line in row["Line"] if _taxed(line)), Decimal(0))
    return {rate.id: (rate, taxed, cents(rate.of(taxed))) for rate in _rates(world, code, "Sales")}


AUTOMATED_CODE = "2"


def _taxed(line: Row) -> bool:
    detail = line.get(DETAIL_OF[line["DetailType"]], {})
    return bool(detail.get("TaxCodeRef", {}).get("value", "NON") != "NON")


def _by_codes(world: World, row: Row, inclusive: bool, *, sales: bool) -> PerRate:
    found: dict[str, tuple[Rate, Decimal, Decimal]] = {}
    for line in row["Line"]:
        if line["DetailType"] == "DescriptionOnly":
            continue
        detail = line[DETAIL_OF[line["DetailType"]]]
        code = detail.get("TaxCodeRef", {}).get("value")
        if code is None:
            raise errors.business(
                "Make sure all your transactions have a tax rate before you save."
            )
        rates = _rates(world, code, "Sales" if sales else "Purchase")
        if inclusive:
            gross = detail.get("TaxInclusiveAmt") or line["Amount"]
            whole = sum((rate.percent for rate in rates), Decimal(0))
            detail["TaxInclusiveAmt"] = gross
            line["Amount"] = cents(gross * 100 / (100 + whole))
        for rate in rates:
            _, base, tax = found.get(rate.id, (rate, Decimal(0), Decimal(0)))
            own = rate.of(_signed(line))
            own = cents(own) if world.switches.tax_rounding == "line" else own
            found[rate.id] = (rate, base + _signed(line), tax + own)
    return {key: (rate, base, cents(tax)) for key, (rate, base, tax) in found.items()}


def _rates(world: World, code: str, side: str) -> list[Rate]:
    row = world.get("TaxCode", code)
    if row is None:
        raise errors.bad_reference("TaxCodes", code, "TaxCodeRef")
    details = row.get(f"{side}TaxRateList", {}).get("TaxRateDetail", [])
    rates = [world.row("TaxRate", each["TaxRateRef"]["value"]) for each in details]
    return [Rate(each["Id"], each["RateValue"]) for each in rates]


def _overridden(per_rate: PerRate, supplied: Mapping[str, Any]) -> PerRate:
    """A client may say the tax of a rate itself, if one of the lines' codes has that rate."""
    changed = dict(per_rate)
    for raw in supplied.get("TaxLine", ()):
        line = read_fields(TAX_LINE, raw, "TxnTaxDetail.TaxLine.")
        where = "TxnTaxDetail.TaxLine.TaxLineDetail."
        detail = read_fields(TAX_LINE_DETAIL, line.get("TaxLineDetail", {}), where)
        rate_id = detail.get("TaxRateRef", {}).get("value", "")
        if "Amount" not in line:
            raise errors.missing("TxnTaxDetail.TaxLine.Amount")
        if rate_id not in per_rate:
            raise errors.bad_reference("TaxRates", rate_id, "TxnTaxDetail.TaxLine.TaxRateRef")
        rate, base, _ = per_rate[rate_id]
        changed[rate_id] = (rate, base, cents(line["Amount"]))
    return changed


def _shown(per_rate: PerRate, tax: Decimal) -> Row:
    detail: Row = {"TotalTax": tax}
    if per_rate:
        detail["TaxLine"] = [
            {
                "Amount": amount,
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": rate.id},
                    "PercentBased": True,
                    "TaxPercent": rate.percent,
                    "NetAmountTaxable": base,
                },
            }
            for rate, base, amount in per_rate.values()
        ]
    return detail


def _signed(line: Row) -> Decimal:
    amount: Decimal = line.get("Amount", Decimal(0))
    return -amount if line["DetailType"] == "DiscountLineDetail" else amount


def _gross(line: Row) -> Decimal:
    detail = line.get(DETAIL_OF[line["DetailType"]], {})
    gross: Decimal = detail.get("TaxInclusiveAmt", line.get("Amount", Decimal(0)))
    return -gross if line["DetailType"] == "DiscountLineDetail" else gross

"""The whole simulated company behind one object: what the wire, the acts and tests use.

Owns how records are shown, what is made from the switches, and the changes since a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.model import errors, query
from sandbox.quickbooks.model.acts import perform
from sandbox.quickbooks.model.engine import Engine
from sandbox.quickbooks.model.names import home_currency
from sandbox.quickbooks.model.seed import sow
from sandbox.quickbooks.model.store import Row, View
from sandbox.quickbooks.model.switches import Switches
from sandbox.quickbooks.model.tables import ENTITIES, Entity
from sandbox.quickbooks.model.world import World

LOOK_BACK = timedelta(days=30)
MOST_CHANGES = 1000
# Columns that `SELECT *` leaves out. The vendor's kits name them besides the star.
NAMED_ONLY = ("Sku",)


class QuickBooks:
    """One company. `now` and `new_guid` come in; nothing here waits or draws lots."""

    def __init__(
        self, *, now: Callable[[], datetime], new_guid: Callable[[], str], realm: str
    ) -> None:
        self.realm = realm
        self.world = World(now=now, new_guid=new_guid)
        self.engine = Engine(self.world)
        sow(self.engine)

    def reset(self) -> None:
        self.world.clear()
        sow(self.engine)

    def configure(self, given: dict[str, Any]) -> None:
        """Sets switches. A company's country is for ever, so that another one is another company:
        back to first records. Raises ValueError."""
        switches = self.world.switches.merged(given)
        moved = switches.country != self.world.switches.country
        self.world.switches = switches
        if moved:
            for table in self.world.store.tables.values():
                table.clear()
            sow(self.engine)

    @property
    def switches(self) -> Switches:
        return self.world.switches

    def post(self, spec: Entity, body: Any, operation: str, include: tuple[str, ...]) -> Row:
        with self.world.write():
            return self.engine.post(spec, body, operation, include)

    def act(self, body: Any) -> Row:
        """What a person does; plans and closed books bind them too."""
        with self.world.write():
            return perform(self.engine, body)

    # --- reading

    def read(self, spec: Entity, record_id: str, view: View) -> Row:
        if spec.name == "CompanyInfo":
            return self._company()
        row = view.get(spec.name, record_id)
        if row is None:
            raise errors.not_found(f"{spec.name} {record_id}")
        return self._with_balance(spec, row, view)

    def rows(self, spec: Entity, view: View) -> Iterator[Row]:
        if spec.name == "CompanyInfo":
            yield self._company()
        elif spec.name == "Preferences":
            yield self.preferences()
        else:
            yield from (self._with_balance(spec, row, view) for row in view.rows(spec.name))

    def ask(self, text: str, view: View) -> dict[str, Any]:
        """The QueryResponse of a query."""
        asked = query.parse(text)
        page, count = query.run(asked, self.rows(asked.entity, view))
        if asked.count:
            return {"totalCount": count}
        if not page:
            return {}
        hidden = {name for name in NAMED_ONLY if name.upper() not in map(str.upper, asked.besides)}
        shown = [
            {
                name: value
                for name, value in shown_row(row).items()
                if asked.columns or name not in hidden
            }
            for row in page
        ]
        if asked.columns:
            wanted = {each.split(".")[0].upper() for each in asked.columns} | {"ID"}
            shown = [
                {name: value for name, value in row.items() if name.upper() in wanted}
                for row in shown
            ]
        return {asked.entity.name: shown, "startPosition": asked.start, "maxResults": len(shown)}

    def changes(self, names: list[str], since: datetime, view: View) -> list[dict[str, Any]]:
        """The QueryResponses of change data capture, one for each entity asked for."""
        if self.world.now() - since > LOOK_BACK:
            raise errors.query_invalid("changedSince is more than 30 days ago")
        answers = []
        for name in names:
            spec = ENTITIES.get(name)
            if spec is None:
                raise errors.query_invalid(f"Invalid entity: {name}")
            found = [
                shown_row(row)
                for row in self.rows(spec, view)
                if "MetaData" in row
                and datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"]) >= since
            ]
            found += [
                {
                    "domain": "QBO",
                    "status": "Deleted",
                    "Id": each.record_id,
                    "MetaData": {"LastUpdatedTime": each.moment.isoformat(timespec="seconds")},
                }
                for each in self.world.deleted
                if each.entity == name and each.moment >= since
            ]
            found = found[:MOST_CHANGES]
            page = {name: found, "startPosition": 1, "maxResults": len(found)}
            answers.append(page if found else {})
        return answers

    def _with_balance(self, spec: Entity, row: Row, view: View) -> Row:
        """What somebody owes or is owed, counted from their documents."""
        if spec.family != "name":
            return row
        kinds = (("Bill", 1), ("VendorCredit", -1)) if spec.name == "Vendor" else (("Invoice", 1),)
        balance = sum(
            (
                sign * each["Balance"]
                for kind, sign in kinds
                for each in view.rows(kind)
                if each[ENTITIES[kind].contact]["value"] == row["Id"]
            ),
            Decimal(0),
        )
        return row | {"Balance": balance}

    def _company(self) -> Row:
        switches = self.switches
        return {
            "Id": "1",
            "SyncToken": "1",
            "domain": "QBO",
            "sparse": False,
            "CompanyName": "Sandbox Company",
            "LegalName": "Sandbox Company",
            "Country": switches.country,
            "CompanyStartDate": "2020-01-01",
            "FiscalYearStartMonth": "January",
            "SupportedLanguages": "en",
            "NameValue": [
                {
                    "Name": "OfferingSku",
                    "Value": f"QuickBooks Online {switches.plan.replace('_', ' ').title()}",
                }
            ],
        }

    def preferences(self) -> Row:
        switches = self.switches
        accounting: Row = {
            "UseAccountNumbers": True,
            "TrackDepartments": False,
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": False,
            "FirstMonthOfFiscalYear": "January",
            "CustomerTerminology": "Customers",
        }
        if switches.books_closed is not None:
            accounting["BookCloseDate"] = switches.books_closed
        tax: Row = {"UsingSalesTax": True}
        if switches.american:
            tax["PartnerTaxEnabled"] = switches.automated_sales_tax
        return {
            "Id": "1",
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
            "AccountingInfoPrefs": accounting,
            "ProductAndServicesPrefs": {
                "ForSales": True,
                "ForPurchase": True,
                "InventoryAndPurchaseOrder": switches.purchase_orders,
                "QuantityWithPriceAndRate": True,
                "QuantityOnHand": switches.purchase_orders,
            },
            "SalesFormsPrefs": {
                "CustomTxnNumbers": switches.custom_txn_numbers,
                "AllowEstimates": True,
                "AllowDiscount": True,
                "AllowDeposit": False,
                "UsingProgressInvoicing": False,
            },
            "VendorAndPurchasesPrefs": {"EnableBills": True, "BillableExpenseTracking": True},
            "TaxPrefs": tax,
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": switches.multi_currency,
                "HomeCurrency": {"value": home_currency(self.world)},
            },
            "OtherPrefs": {
                "NameValue": [
                    {
                        "Name": "VendorAndPurchasesPrefs.UseCustomTxnNumbers",
                        "Value": str(switches.custom_purchase_numbers).lower(),
                    }
                ]
            },
        }


def shown_row(value: Any) -> Any:
    """A record as the wire shows it: numbers as JSON numbers."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: shown_row(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shown_row(each) for each in value]
    return value

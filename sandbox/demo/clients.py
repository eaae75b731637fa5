"""The two doors that the demo uses: the service's own interface, and ConnectWise's.

`Service` posts what Commerce would post and reads what an operator reads. `Office` is a person at
ConnectWise: it prepares records over the vendor's own paths, and looks at what stands there.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from sandbox.demo.events import Event, Lines
from sandbox.demo.goods import Party
from sandbox.stack import StackFailed, client

Record = dict[str, Any]
MORE_THAN_THERE_ARE = 1000
# A person is told from the service by the client id of the requests.
PERSON = "00000000-0000-4000-8000-000000000000"


class Service:
    """Demandlink over HTTP, with the webhook's secret and an admin key."""

    def __init__(self, url: str, secret: str, admin_key: str) -> None:
        self._http = client(base_url=url, headers={"Authorization": f"Bearer {admin_key}"})
        self._webhook = Webhook(secret)
        self.accepted: list[tuple[datetime, Event]] = []  # with when each was sent

    def post(self, event: Event, webhook_id: str | None = None) -> Record:
        """Sign and deliver an event; the door's answer. Raises StackFailed unless it is taken."""
        body = json.dumps(event)
        identity = webhook_id or f"msg_{uuid.uuid4().hex}"
        now = datetime.now(UTC)
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(identity, now, body),
            "content-type": "application/json",
        }
        answer = self._http.post("/webhooks/commerce", content=body, headers=headers)
        taken = _checked(answer, httpx.codes.ACCEPTED)
        self.accepted.append((now, event))
        return taken

    def order(self, number: str) -> Record | None:
        """The order as its page explains it, None while nobody knows the number."""
        answer = self._http.get(f"/admin/orders/{number}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return _checked(answer)

    def journal(self, number: str) -> list[str]:
        answer = self._http.get(f"/admin/orders/{number}/journal", params={"limit": 200})
        return [str(line["sentence"]) for line in _checked(answer)["items"]]

    def calls(self, number: str) -> list[Record]:
        """Every call that was made to ConnectWise for the order, with its purpose."""
        found: list[Record] = []
        parameters: dict[str, Any] = {"limit": 200}
        while True:
            page = _checked(self._http.get(f"/admin/orders/{number}/calls", params=parameters))
            found += page["items"]
            if page["next"] is None:
                return found
            parameters["cursor"] = page["next"]

    def decide(self, number: str, code: str, choice: str, reason: str) -> None:
        """A person's decision, over the admin REST."""
        body = {"code": code, "choice": choice, "reason": reason}
        _checked(self._http.post(f"/admin/orders/{number}/decide", json=body))

    def map(self, kind: str, commerce_key: str, connectwise_key: str) -> None:
        body = {
            "kind": kind,
            "commerce_key": commerce_key,
            "connectwise_key": connectwise_key,
        }
        _checked(self._http.put("/admin/mappings", json=body))

    def change_setting(self, name: str, value: str) -> None:
        _checked(self._http.patch("/admin/settings", json={name: value}))

    def close(self) -> None:
        self._http.close()


class Office:
    """ConnectWise as its own people see it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._http = client(base_url=url, headers={**headers, "clientId": PERSON})
        self._control = url.partition("/v4_6_release")[0] + "/_sandbox"

    def rows(self, path: str, **parameters: Any) -> list[Record]:
        answer = self._http.get(path, params={"pageSize": MORE_THAN_THERE_ARE, **parameters})
        found: list[Record] = _checked(answer)  # type: ignore[assignment] # lists are JSON too
        return found

    def one(self, path: str, identifier: str) -> Record:
        return self.rows(path, conditions=f'identifier="{identifier}"')[0]

    def make(self, path: str, body: Record) -> Record:
        return _checked(self._http.post(path, json=body), httpx.codes.CREATED)

    def make_opportunity(self, company: str, name: str, lines: Lines) -> int:
        """A deal with its products, as a salesperson enters it before there is an order."""
        customer = self.one("/company/companies", company)
        opportunity = self.make(
            "/sales/opportunities",
            {
                "name": name,
                "company": {"id": customer["id"]},
                "contact": {"id": customer["defaultContact"]["id"]},
                "primarySalesRep": {"identifier": "sales"},
            },
        )
        for goods, quantity in lines:
            self.make(
                "/procurement/products",
                {
                    "catalogItem": {"identifier": goods.number},
                    "opportunity": {"id": opportunity["id"]},
                    "quantity": quantity,
                    "billableOption": "Billable",
                },
            )
        return int(opportunity["id"])

    def make_customer(self, customer: Party) -> None:
        company = self.make(
            "/company/companies",
            {
                "identifier": customer.account,
                "name": customer.name,
                "accountNumber": customer.account,
                "types": [{"id": 1}],
            },
        )
        first, _, last = customer.email.partition("@")[0].partition(".")
        self.make(
            "/company/contacts",
            {
                "firstName": first.title(),
                "lastName": last.title(),
                "company": {"id": company["id"]},
                "defaultFlag": True,
                "communicationItems": [
                    {
                        "type": {"id": 1, "name": "Email"},
                        "value": customer.email,
                        "communicationType": "Email",
                        "defaultFlag": True,
                    }
                ],
            },
        )

    def make_vendor(self, identifier: str, name: str) -> None:
        self.make(
            "/company/companies",
            {"identifier": identifier, "name": name, "isVendorFlag": True, "types": [{"id": 4}]},
        )

    def convert(self, opportunity: int) -> int:
        """A person presses "convert to sales order"; the order's number in ConnectWise."""
        body = {"act": "convert_opportunity", "id": opportunity}
        return int(_checked(self._http.post(f"{self._control}/act", json=body))["id"])

    def invoice(self, sales_order: int) -> int:
        """A person invoices a sales order by hand."""
        body = {"act": "invoice_sales_order", "id": sales_order}
        return int(_checked(self._http.post(f"{self._control}/act", json=body))["id"])

    def take_down_payment(self, sales_order: int, amount: str) -> int:
        """A person bills a part in advance; it carries none of the goods."""
        body = {"act": "down_payment", "id": sales_order, "amount": float(amount)}
        return int(_checked(self._http.post(f"{self._control}/act", json=body))["id"])

    def behave(self, **switches: Any) -> None:
        """ConnectWise does from now on what it may do too: its documentation does not say."""
        _checked(self._http.put(f"{self._control}/settings", json=switches))

    def called(self, invoice: int) -> str:
        """The number by which people call an invoice."""
        return str(_checked(self._http.get(f"/finance/invoices/{invoice}"))["invoiceNumber"])

    def remove_invoice(self, invoice: int) -> None:
        answer = self._http.delete(f"/finance/invoices/{invoice}")
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise StackFailed(f"Invoice {invoice} was not removed: {answer.text[:500]}")

    def sales_order_of(self, opportunity: int) -> int:
        orders = self.rows("/sales/orders", conditions=f"opportunity/id={opportunity}")
        return int(orders[0]["id"])

    def slow_down(self, method: str, path: str, seconds: float) -> None:
        """The next such request takes this long before it does anything."""
        fault = {"kind": "slow", "method": method, "path": path, "seconds": seconds}
        _checked(self._http.post(f"{self._control}/faults", json=[fault]))

    def busy(self) -> bool:
        """Whether the request that was to be slowed down has come in."""
        return not self._http.get(f"{self._control}/faults").json()

    def requests(self, after: int = 0) -> list[Record]:
        """What came in over the vendor's API, in the order in which it took effect."""
        answer = self._http.get(f"{self._control}/requests", params={"after": after})
        return [json.loads(line) for line in answer.text.splitlines()]

    def first(self) -> dict[str, list[Record]]:
        """What stood in ConnectWise before the first request."""
        found: dict[str, list[Record]] = _checked(self._http.get(f"{self._control}/first"))
        return found

    def last_request(self) -> int:
        return max((int(entry["n"]) for entry in self.requests()), default=0)

    def close(self) -> None:
        self._http.close()


class Bookkeeper:
    """Xero as its own people see it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self._http = client(base_url=url, headers={**headers, "Accept": "application/json"})

    def documents(self) -> list[Record]:
        """Every invoice and bill that was not deleted."""
        answer = self._http.get("/Invoices", params={"page": 1, "pageSize": MORE_THAN_THERE_ARE})
        found: list[Record] = _checked(answer)["Invoices"]
        return [one for one in found if one["Status"] not in ("DELETED", "VOIDED")]

    def requests(self) -> list[Record]:
        """What came in over the vendor's API."""
        control = self.url.partition("/api.xro")[0] + "/_sandbox"
        answer = self._http.get(f"{control}/requests")
        return [json.loads(line) for line in answer.text.splitlines()]

    def purchase_orders(self) -> list[Record]:
        """Every purchase order that was not deleted."""
        answer = self._http.get("/PurchaseOrders", params={"page": 1, "pageSize": 1000})
        found: list[Record] = _checked(answer)["PurchaseOrders"]
        return [one for one in found if one["Status"] != "DELETED"]

    def address_of_order(self, order: Record) -> str:
        return f"{self.url}/PurchaseOrders/{order['PurchaseOrderID']}"

    def address(self, document: Record) -> str:
        return f"{self.url}/Invoices/{document['InvoiceID']}"

    def close(self) -> None:
        self._http.close()


def _checked(answer: httpx.Response, wanted: int = httpx.codes.OK) -> Record:
    if answer.status_code != wanted:
        request = answer.request
        raise StackFailed(
            f"{request.method} {request.url.path} was answered {answer.status_code}: "
            f"{answer.text[:500]}"
        )
    found: Record = answer.json()
    return found


def names(events: Sequence[Event]) -> str:
    """The types of events, for a person."""
    return ", ".join(str(event["type"]) for event in events)

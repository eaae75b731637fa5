"""A third party's client library, told the simulator's address and nothing else, reads and writes.

pyconnectwise speaks to the vendor's cloud by https only, looks its codebase up, pages by the Link
header and parses every answer into models generated from the vendor's own document, so that an
answer of another shape than the vendor's fails here. Its code is used as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pyconnectwise import ConnectWiseManageAPIClient
from pyconnectwise.exceptions import (
    AuthenticationFailedException,
    ConflictException,
    MalformedRequestException,
    MethodNotAllowedException,
    NotFoundException,
    ObjectExistsError,
    ServerError,
)

from sandbox.server import SandboxServer

# Its models are older than the installed pydantic, which warns of them as they load.
pytestmark = [
    pytest.mark.breadth,
    pytest.mark.filterwarnings("ignore:Using extra keyword arguments on `Field`"),
]

ITEM: dict[str, Any] = {
    "identifier": "PATCH-CABLE",
    "description": "Patch cable",
    "customerDescription": "Patch cable, two metres",
    "type": {"name": "Hardware"},
    "subcategory": {"name": "Hardware"},
    "productClass": "NonInventory",
    "price": 8,
    "cost": 5,
}


def replace(**values: Any) -> list[Any]:
    return [{"op": "replace", "path": name, "value": value} for name, value in values.items()]


@pytest.fixture
async def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SandboxServer]:
    async with SandboxServer(tls=True, data_dir=tmp_path) as server:
        # The library leaves trust to `requests`, and that to this variable.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
        monkeypatch.setenv("NO_PROXY", "localhost")
        yield server


def connect(sandbox: SandboxServer, private_key: str | None = None) -> ConnectWiseManageAPIClient:
    login = sandbox.credentials
    return ConnectWiseManageAPIClient(
        login.company,
        f"localhost:{sandbox.url.rpartition(':')[2]}",
        login.client_id,
        login.public_key,
        private_key or login.private_key,
    )


async def aside(sandbox: SandboxServer, work: Callable[[Any], None]) -> None:
    """The library blocks, so it works in a thread beside the simulator. Almost every field of its
    models may be None to the type checker: Any keeps the tests readable."""
    await asyncio.to_thread(lambda: work(connect(sandbox)))


async def test_it_finds_the_codebase_and_reads_lists_by_conditions_and_pages(
    sandbox: SandboxServer,
) -> None:
    def read(client: Any) -> None:
        assert client.codebase == "v4_6_release/"
        vendors = client.company.companies.get(
            params={"conditions": 'isVendorFlag = True and name like "*c*"', "orderBy": "id desc"}
        )
        assert [company.identifier for company in vendors] == ["INGRAM"]
        items = client.procurement.catalog
        goods = {"conditions": 'type/name in ("Hardware","Service")', "orderBy": "identifier"}
        pages = items.paginated(1, 3, params=goods.copy())
        assert (pages.has_next_page, pages.has_prev_page, pages.last_page) == (True, False, 3)
        names = [item.identifier for item in pages.all()]
        assert names == sorted(names)
        assert len(names) == items.count.get().count == 8
        back = items.paginated(3, 3, params=goods.copy())
        assert [item.identifier for item in back.data] == names[6:]
        assert [item.identifier for item in back.get_previous_page().data] == names[3:6]
        for listed in (
            client.company.contacts,
            client.finance.billing_statuses,
            client.procurement.warehouses,
            client.sales.opportunities,
            client.sales.stages,
            client.service.boards,
            client.system.members,
        ):
            assert len(listed.get()) == listed.count.get().count > 0

    await aside(sandbox, read)


async def test_it_creates_gets_changes_and_deletes_records(sandbox: SandboxServer) -> None:
    def write(client: Any) -> None:
        made = client.procurement.catalog.post(data=ITEM)
        assert made.id is not None
        path = client.procurement.catalog.id(made.id)
        assert path.get() == made
        assert (made.product_class, made.unit_of_measure.name) == ("NonInventory", "Each")
        assert path.patch(replace(price=9.5, notes="dearer")).price == 9.5
        cleared = path.put(data={**ITEM, "price": 10})
        assert (cleared.price, cleared.notes) == (10, None)
        path.delete()
        with pytest.raises(NotFoundException):
            path.get()

    await aside(sandbox, write)


async def test_it_takes_an_order_from_the_opportunity_to_received_goods(
    sandbox: SandboxServer,
) -> None:
    def sell_and_buy(client: Any) -> None:
        (won,) = client.sales.opportunities.statuses.get(params={"conditions": "wonFlag=True"})
        client.sales.opportunities.id(88).patch(replace(status={"id": won.id}))
        order = client.sales.opportunities.id(88).convert_to_sales_order.post(data={"name": "x"})
        found = client.procurement.products.get(
            params={
                "conditions": f"salesOrder/id={order.id} and catalogItem/identifier='DELL-WD22TB4'"
            }
        )
        (product,) = found
        (vendor,) = client.company.companies.get(params={"conditions": 'identifier="INGRAM"'})
        demand = client.procurement.purchasing_demands.post(
            data={
                "vendor": {"id": vendor.id},
                "products": [{"productRecId": product.id, "quantity": 3, "cost": 240.0}],
            }
        )
        purchase = client.procurement.purchaseorders.id(demand.purchase_order.id)
        (line,) = purchase.lineitems.get()
        assert (line.quantity, line.received_status) == (3, "Waiting")
        received = purchase.lineitems.id(line.id).patch(
            replace(
                receivedQuantity=3, receivedStatus="FullyReceived", serialNumbers="SN-1,SN-2,SN-3"
            )
        )
        assert (received.closed_flag, received.received_quantity) == (True, 3)
        linked = (
            f"Purchase_Header_RecID={demand.purchase_order.id} and IV_Product_RecID={product.id}"
        )
        report = client.system.reports.id("PurchaseOrderWithLineItems")
        assert report.count.get(params={"conditions": linked}).count == 1

    await aside(sandbox, sell_and_buy)


async def test_refusals_are_what_the_library_takes_for_the_vendor_s(
    sandbox: SandboxServer,
) -> None:
    def misuse(client: Any) -> None:
        items = client.procurement.catalog
        items.post(data=ITEM)
        with pytest.raises(ObjectExistsError, match="already exists"):
            items.post(data=ITEM)
        with (
            pytest.warns(UserWarning, match="multiple errors"),
            pytest.raises(MalformedRequestException),
        ):
            items.post(data={"identifier": "x"})
        with pytest.raises(MalformedRequestException):
            items.get(params={"conditions": "nonsense = 1"})
        with pytest.raises(MethodNotAllowedException):
            client.procurement.purchasing_demands._make_request("DELETE")
        order = {"kind": "status", "path": "/procurement/catalog"}
        for status, error in ((409, ConflictException), (500, ServerError)):
            sandbox.app.api.faults.add({**order, "status": status})
            with pytest.raises(error):
                items.get()
        timeout = {"code": "ConnectWiseApi", "message": "A timeout occurred."}
        sandbox.app.api.faults.add({**order, "status": 500, "body": timeout})
        assert items.get()  # which it tries again by itself
        with pytest.raises(AuthenticationFailedException):
            connect(sandbox, private_key="wrong").procurement.catalog.get()

    await aside(sandbox, misuse)

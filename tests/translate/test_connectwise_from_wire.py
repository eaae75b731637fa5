"""Golden pairs: what ConnectWise sends, and what the service reads in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.connectwise.translate import from_wire, posting
from app.domain import psa
from app.domain.psa_posting import GlEntry, PostingCompany

PAIRS: list[tuple[Any, str, Any]] = [
    (
        from_wire.system_info,
        '{"version":"v2025.1.1","isCloud":true,"serverTimeZone":"UTC","licenseBits":[]}',
        psa.SystemInfo(version="v2025.1.1", cloud=True),
    ),
    (
        from_wire.setup_record,
        '{"id":2,"name":"Won","wonFlag":true,"closedFlag":true,"inactiveFlag":false}',
        psa.SetupRecord(id=2, name="Won", won=True, closed=True),
    ),
    (
        from_wire.setup_record,
        '{"id":1,"description":"New business","inactiveFlag":null}',
        psa.SetupRecord(id=1, name="New business"),
    ),
    (
        from_wire.setup_record,
        '{"id":4,"name":"Main","overallDefaultFlag":true,"location":{"id":2}}',
        psa.SetupRecord(id=4, name="Main", default=True),
    ),
    (
        from_wire.setup_record,
        '{"id":70,"name":"Default Bin","defaultFlag":true,"warehouse":{"id":4,"name":"Main"}}',
        psa.SetupRecord(id=70, name="Default Bin", default=True, parent=4),
    ),
    (
        from_wire.setup_record,
        '{"id":3,"name":"Received In Full","closedFlag":true,"defaultClosedFlag":true}',
        psa.SetupRecord(id=3, name="Received In Full", closed=True, default_closed=True),
    ),
    (from_wire.setup_record, '{"id":9,"name":"Old","inactiveFlag":true}', None),
    (
        from_wire.company,
        (
            '{"id":250,"identifier":"Contoso","name":"Contoso Ltd","defaultContact":{"id":1310,'
            '"name":"Dana Lee"},"newFieldOfALaterVersion":{"x":[1]}}'
        ),
        psa.Company(250, "Contoso", "Contoso Ltd", default_contact_id=1310),
    ),
    (from_wire.company, '{"id":251,"identifier":"X","deletedFlag":true}', None),
    (
        from_wire.contact,
        (
            '{"id":1310,"defaultFlag":true,"communicationItems":['
            '{"type":{"id":1,"name":"Email"},"value":"dana.lee@contoso.example",'
            '"communicationType":"Email"},'
            '{"value":"555 0100","communicationType":"Phone"},'
            '{"value":"fax@x","communicationType":"Fax"},'
            '{"value":" dana.lee@contoso.example "}]}'
        ),
        psa.Contact(1310, ("dana.lee@contoso.example",), default=True),
    ),
    (from_wire.contact, '{"id":1311,"communicationItems":null}', psa.Contact(1311, ())),
    (from_wire.contact, '{"id":1312,"inactiveFlag":true}', None),
    (
        from_wire.member,
        (
            '{"id":140,"identifier":"sales","primaryEmail":"sales@msp.example",'
            '"officeEmail":"sales@msp.example","mobileEmail":null,"homeEmail":"h@home.example"}'
        ),
        psa.Member(140, "sales", ("sales@msp.example", "h@home.example")),
    ),
    (from_wire.member, '{"id":141,"identifier":"gone","inactiveFlag":true}', None),
    (
        from_wire.opportunity,
        (
            '{"id":88,"name":"Desk refresh","company":{"id":250,"identifier":"Contoso"},'
            '"status":{"id":2,"name":"Won"},"notes":"dl:1:1201","closedDate":"2026-11-20T00:00:00Z"}'
        ),
        psa.Opportunity(88, "Desk refresh", 250, 2, notes="dl:1:1201", closed=True),
    ),
    (
        from_wire.opportunity,
        '{"id":89,"name":"Bare"}',
        psa.Opportunity(89, "Bare", company_id=0, status_id=0),
    ),
    (
        from_wire.forecast_lines,
        (
            '[{"id":88,"forecastItems":[{"id":61000,"catalogItem":{"id":9001,"identifier":"A"},'
            '"quantity":10.0,"includeFlag":true},{"id":61001,"catalogItem":null,"quantity":2.5,'
            '"includeFlag":false}]}]'
        ),
        [
            psa.ForecastLine(61000, 9001, Decimal("10.0"), included=True),
            psa.ForecastLine(61001, None, Decimal("2.5"), included=False),
        ],
    ),
    (from_wire.forecast_lines, "[]", []),
    (from_wire.forecast_lines, '{"id":88}', []),
    (
        from_wire.product,
        (
            '{"id":40001,"catalogItem":{"id":9001,"identifier":"DELL-P2425H"},"quantity":10,'
            '"price":239.95,"cost":180.55,"integrationXRef":"dl:1:1201:90001",'
            '"productClass":"Inventory","quantityCancelled":1,"salesOrder":{"id":3400,'
            '"identifier":"3400"},"opportunity":{"id":88},"invoice":{"id":12000,'
            '"identifier":"INV12000"},"forecastDetailId":61000,"needToOrderQuantity":4}'
        ),
        psa.Product(
            id=40001,
            catalog_item_id=9001,
            sku="DELL-P2425H",
            quantity=Decimal(10),
            price=Decimal("239.95"),
            cost=Decimal("180.55"),
            xref="dl:1:1201:90001",
            product_class="Inventory",
            cancelled=Decimal(1),
            opportunity_id=88,
            sales_order_id=3400,
            invoice_id=12000,
            invoice_number="INV12000",
            forecast_id=61000,
            open_demand=Decimal(4),
        ),
    ),
    (
        from_wire.product,
        (
            '{"id":40002,"catalogItem":{"id":9002},"quantity":null,"price":null,"integrationXRef":"",'
            '"ticket":{"id":700},"salesOrder":{"id":0},"needToOrderQuantity":null}'
        ),
        psa.Product(
            id=40002,
            catalog_item_id=9002,
            sku="",
            quantity=Decimal(0),
            price=Decimal(0),
            cost=Decimal(0),
            xref=None,
            ticket_id=700,
        ),
    ),
    (
        from_wire.catalog_item,
        (
            '{"id":9001,"identifier":"DELL-P2425H","productClass":"Inventory","serializedFlag":true,'
            '"unitOfMeasure":{"id":1,"name":"Each"}}'
        ),
        psa.CatalogItem(9001, "DELL-P2425H", "Inventory", serialized=True, unit_of_measure_id=1),
    ),
    (
        from_wire.sales_order,
        (
            '{"id":3400,"company":{"id":250},"opportunity":{"id":88},"status":{"id":2},'
            '"billShippedFlag":true,"invoiceIds":[12000],"productIds":[40001,40002],"notes":"n"}'
        ),
        psa.SalesOrder(3400, 250, 88, 2, True, (12000,), (40001, 40002), "n"),
    ),
    (
        from_wire.sales_order,
        '{"id":3401,"company":{"id":250},"status":{"id":1},"invoiceIds":null}',
        psa.SalesOrder(3401, 250, None, 1, None),
    ),
    (
        from_wire.purchase_order,
        (
            '{"id":7001,"poNumber":"PO10008891","vendorCompany":{"id":252},"status":{"id":3},'
            '"closedFlag":true,"internalNotes":"dl:1:8891"}'
        ),
        psa.PurchaseOrder(7001, "PO10008891", 252, 3, closed=True, notes="dl:1:8891"),
    ),
    (
        from_wire.purchase_order,
        (
            '{"id":7003,"poNumber":"PO1","vendorInvoiceNumber":" ING-77 ",'
            '"vendorInvoiceDate":"2026-07-01T00:00:00Z"}'
        ),
        psa.PurchaseOrder(7003, "PO1", None, None, False, "", "ING-77", "2026-07-01T00:00:00Z"),
    ),
    (
        posting.company,
        (
            '{"id":250,"identifier":"Contoso","accountNumber":"C1","billingContact":{"id":9},'
            '"taxCode":{"id":1}}'
        ),
        PostingCompany(250, "Contoso", "C1", contact=True, taxed=True),
    ),
    (
        posting.company,
        '{"id":251,"identifier":"Bare","accountNumber":null,"billingContact":null}',
        PostingCompany(251, "Bare", "", contact=False, taxed=False),
    ),
    (posting.company, '{"id":252,"identifier":"Old","deletedFlag":true}', None),
    (
        posting.gl_entry,
        '{"type":"R","description":"Dock","productId":"DELL-WD22TB4"}',
        GlEntry("R", "Dock", "DELL-WD22TB4"),
    ),
    (posting.gl_entry, '{"type":"DP","productId":null}', GlEntry("DP", "", "")),
    (
        from_wire.purchase_order,
        '{"id":7002,"poNumber":5002}',
        psa.PurchaseOrder(7002, "5002", None, None, closed=False),
    ),
    (
        from_wire.purchase_order_line,
        (
            '{"id":82001,"lineNumber":1,"product":{"id":9001,"identifier":"DELL-P2425H",'
            '"serializedFlag":true},"quantity":10.0,"receivedQuantity":4,'
            '"receivedStatus":"PartiallyReceiveCloneRest","closedFlag":true,"canceledFlag":false,'
            '"salesOrder":[{"id":3400,"identifier":"3400"}]}'
        ),
        psa.PurchaseOrderLine(
            id=82001,
            line_number=1,
            catalog_item_id=9001,
            sku="DELL-P2425H",
            quantity=Decimal("10.0"),
            received=Decimal(4),
            received_status="PartiallyReceiveCloneRest",
            closed=True,
            cancelled=False,
            sales_order_ids=(3400,),
            serialized=True,
        ),
    ),
    (
        from_wire.purchase_order_line,
        '{"id":82002,"product":{"id":9001},"salesOrder":{"id":3400}}',
        psa.PurchaseOrderLine(
            82002, 0, 9001, "", Decimal(0), Decimal(0), None, False, False, (3400,)
        ),
    ),
    (from_wire.demanded_purchase_order, '{"purchaseOrder":{"id":7001,"poNumber":"CW5001"}}', 7001),
    (from_wire.demanded_purchase_order, '{"purchaseOrder":{"id":0}}', None),
    (from_wire.demanded_purchase_order, '{"purchaseOrder":null}', None),
    (from_wire.demanded_purchase_order, "null", None),
    (
        from_wire.demand_links,
        (
            '{"column_definitions":[{"Purchase_Detail_RecID":{"type":"Numeric"}},{"quantity":{}},'
            '{"IV_Product_RecID":{"isNullable":true}},{"PURCHASE_HEADER_RECID":{}}],'
            '"row_values":[[82001,4.0,40001,7001],[82002,6,null,7001],[82003,1,40002,7002]]}'
        ),
        [
            psa.DemandLink(7001, 82001, 40001, Decimal("4.0")),
            psa.DemandLink(7002, 82003, 40002, Decimal(1)),
        ],
    ),
    (
        from_wire.shipping_detail,
        '{"id":88001,"pickedQuantity":4,"shippedQuantity":null,"warehouse":{"id":4}}',
        psa.ShippingDetail(88001, Decimal(4), Decimal(0)),
    ),
    (
        from_wire.invoice,
        (
            '{"id":12000,"invoiceNumber":12000,"type":"Standard","salesOrder":{"id":3400},'
            '"applyToType":"SalesOrder","applyToId":3400}'
        ),
        psa.Invoice(
            12000,
            "12000",
            "Standard",
            sales_order_id=3400,
            apply_to_type="SalesOrder",
            apply_to_id=3400,
        ),
    ),
    (
        from_wire.callback,
        (
            '{"id":26552,"url":"https://x/?recordId=","objectId":1,"type":"PurchaseOrder",'
            '"level":"Owner","inactiveFlag":false,"memberId":243}'
        ),
        psa.Callback(26552, "https://x/?recordId=", "purchaseorder", "owner", 1, inactive=False),
    ),
    (from_wire.record_id, '{"id":"17"}', 17),
]


@pytest.mark.parametrize(("read", "wire", "domain"), PAIRS)
def test_a_record_is_read_as_it_was_meant(read: Any, wire: str, domain: Any) -> None:
    assert read(wire_json.loads(wire)) == domain


@pytest.mark.parametrize(
    ("read", "wire"),
    [
        (from_wire.product, "{}"),
        (from_wire.product, "null"),
        (from_wire.product, '"x"'),
        (from_wire.product, "[]"),
        (from_wire.product, '{"id":null}'),
        (from_wire.product, '{"id":-1}'),
        (from_wire.product, '{"id":1.5}'),
        (from_wire.product, '{"id":1,"price":"much"}'),
        (from_wire.purchase_order_line, '{"id":1,"receivedQuantity":{}}'),
        (from_wire.demand_links, '{"column_definitions":[{"x":{}}],"row_values":[[1]]}'),
        (from_wire.demand_links, '{"row_values":5}'),
        (from_wire.forecast_lines, '[{"forecastItems":[{"includeFlag":true}]}]'),
        (from_wire.record_id, "{}"),
    ],
)
def test_what_cannot_be_read_is_never_guessed(read: Any, wire: str) -> None:
    with pytest.raises(ValidationError):
        read(wire_json.loads(wire))

"""The records that a simulated company starts with, and returns to on reset.

They are the set-up of a small managed service provider, and the customer, suppliers, people and
opportunity of one order's story: quote 501, with a product for each of its options.
"""

from __future__ import annotations

from typing import Any

from sandbox.connectwise.model.engine import Engine
from sandbox.connectwise.model.world import World

PERSON = "person"
"""The member who does what a person would do."""


def sow(world: World, engine: Engine) -> None:
    """Fills an empty world."""
    with world.write("system", first=True):
        _set_up(world, engine)
        _people(world, engine)
        _lists(engine)
        _catalog(engine)
        _story(engine)
    world.keep_ids_rising()


def _set_up(world: World, engine: Engine) -> None:
    make = engine.create
    make("location", {"name": "Head Office", "structureLevel": {"id": 2, "name": "Location"}})
    make("department", {"identifier": "Sales", "name": "Sales"})
    make("department", {"identifier": "Services", "name": "Services"})
    people = (
        (world.api_member, "Order", "Integration", "A"),
        ("sales", "Sam", "Sales", "F"),
        ("purchasing", "Petra", "Purchase", "F"),
        (PERSON, "Pat", "Person", "F"),
    )
    for identifier, first, last, licence in people:
        make(
            "member",
            {
                "identifier": identifier,
                "firstName": first,
                "lastName": last,
                "licenseClass": licence,
                "hireDate": "2020-01-01T00:00:00Z",
                "officeEmail": f"{identifier}@msp.example",
                "defaultEmail": "Office",
                "defaultPhone": "Office",
                "securityRole": {"id": 63, "name": "Admin"},
                "defaultLocation": {"name": "Head Office"},
                "defaultDepartment": {"identifier": "Sales"},
            },
        )
    for name, days, default in (("Net 30", 30, True), ("Net 15", 15, False), ("COD", 0, False)):
        make("billingTerm", {"name": name, "dueDays": days, "defaultFlag": default})
    for identifier, text, rate, default in (
        ("TAX10", "Sales tax 10 %", 10.0, True),
        ("EXEMPT", "Exempt from tax", 0.0, False),
    ):
        make(
            "taxCode",
            {
                "identifier": identifier,
                "description": text,
                "invoiceCaption": text,
                "effectiveDate": "2020-01-01T00:00:00Z",
                "defaultFlag": default,
                "levelOneRate": rate,
                "levelOneRateType": "Percent",
                "levelOneProductsFlag": True,
            },
        )


def _people(world: World, engine: Engine) -> None:
    make = engine.create
    make("companyStatus", {"name": "Active", "defaultFlag": True})
    make("companyStatus", {"name": "Inactive", "inactiveFlag": True})
    for identifier, name, vendor, city in (
        ("Contoso", "Contoso Ltd", False, "Springfield"),
        ("Northwind", "Northwind Traders", False, "Portland"),
        ("INGRAM", "Ingram Micro", True, "Irvine"),
        ("SYNNEX", "TD Synnex", True, "Clearwater"),
    ):
        kind = {"id": 4, "name": "Vendor"} if vendor else {"id": 1, "name": "Customer"}
        make(
            "company",
            {
                "identifier": identifier,
                "name": name,
                "accountNumber": identifier.upper(),
                "addressLine1": "1 Main Street",
                "city": city,
                "isVendorFlag": vendor,
                "types": [kind],
                "taxCode": None if vendor else {"name": "TAX10"},
            },
        )
    for first, last, email, company in (
        ("Dana", "Lee", "dana.lee@contoso.example", "Contoso"),
        ("Noor", "Haddad", "noor.haddad@northwind.example", "Northwind"),
        ("Ina", "Gram", "orders@ingram.example", "INGRAM"),
        ("Syd", "Nex", "orders@synnex.example", "SYNNEX"),
    ):
        make(
            "contact",
            {
                "firstName": first,
                "lastName": last,
                "company": {"identifier": company},
                "defaultFlag": True,
                "communicationItems": [
                    {
                        "type": {"id": 1, "name": "Email"},
                        "value": email,
                        "defaultFlag": True,
                        "communicationType": "Email",
                    }
                ],
            },
        )


def _lists(engine: Engine) -> None:
    make = engine.create
    for name, flags in (
        ("Open", {"defaultFlag": True}),
        ("Won", {"wonFlag": True, "closedFlag": True}),
        ("Lost", {"lostFlag": True, "closedFlag": True}),
    ):
        make("opportunityStatus", {"name": name} | flags)
    make("opportunityType", {"description": "New business"})
    for percent in (10, 50, 90):
        make("probability", {"probability": percent})
    for number, name in enumerate(("Prospect", "Quote", "Close"), start=1):
        make("stage", {"name": name, "sequenceNumber": number, "probability": {"id": number}})
    for number, (name, flags) in enumerate(
        (
            ("New", {"defaultFlag": True}),
            ("Waiting for goods", {}),
            ("Ready to invoice", {}),
            ("Closed", {"closedFlag": True}),
        ),
        start=1,
    ):
        make("orderStatus", {"name": name, "sortOrder": number} | flags)
    for number, (name, flags) in enumerate(
        (
            ("New", {"defaultFlag": True}),
            ("Sent to Vendor", {}),
            ("Received In Full", {"closedFlag": True, "defaultClosedFlag": True}),
            ("Cancelled", {"closedFlag": True}),
        ),
        start=1,
    ):
        make("purchaseOrderStatus", {"name": name, "sortOrder": number} | flags)
    for number, (name, flags) in enumerate(
        (
            ("New", {"defaultFlag": True}),
            ("Sent", {"sentFlag": True}),
            ("Closed", {"closedFlag": True}),
        ),
        start=1,
    ):
        make("billingStatus", {"name": name, "sortOrder": number} | flags)
    place = {"location": {"name": "Head Office"}, "department": {"identifier": "Services"}}
    # One for service tickets, so that it need not be set, and one for projects.
    service = make("board", {"name": "Procurement"} | place)
    for number, (status, flags) in enumerate(
        (
            ("New", {"defaultFlag": True}),
            ("In Progress", {}),
            ("Ready to invoice", {}),
            ("Closed", {"closedStatus": True}),
        ),
        start=1,
    ):
        make("boardStatus", {"name": status, "sortOrder": number} | flags, service["id"])
    projects = make("board", {"name": "Projects", "projectFlag": True} | place)
    for number, (status, flags) in enumerate(
        (("New", {"defaultFlag": True}), ("Completed", {"closedStatus": True})), start=1
    ):
        make("boardStatus", {"name": status, "sortOrder": number} | flags, projects["id"])
    make("projectStatus", {"name": "Open", "defaultFlag": True})
    make("projectStatus", {"name": "Closed", "closedFlag": True})
    for name in ("Ground", "Courier"):
        make("shipmentMethod", {"name": name, "defaultFlag": name == "Ground"})
    place = {"location": {"name": "Head Office"}, "department": {"identifier": "Sales"}}
    make("warehouse", {"name": "Main", "overallDefaultFlag": True} | place)
    make("bin", {"name": "Default Bin", "warehouse": {"name": "Main"}, "defaultFlag": True})
    make(
        "procurementSetting",
        {
            "startingPurchaseOrderNum": 5001,
            "purchaseOrderPrefix": "CW",
            "prefixSuffixType": "Prefix",
            "costingMethod": "FIFO",
            "disableNegativeInventoryFlag": True,
            "autoApprovePurchaseOrderFlag": True,
            "numDecimalPlaces": 2,
        },
    )


def _catalog(engine: Engine) -> None:
    make = engine.create
    for name in ("Each", "Hour"):
        make("unitOfMeasure", {"name": name, "defaultFlag": name == "Each"})
    for name, kind in (("Hardware", "InventoryPart"), ("Service", "Service")):
        make("productType", {"name": name, "typeXref": kind, "defaultFlag": name == "Hardware"})
    make("category", {"name": "Products", "defaultFlag": True})
    make("category", {"name": "Services"})
    for name, category, default in (
        ("Hardware", "Products", True),
        ("Monitors", "Products", False),
        ("Docks", "Products", False),
        ("Labor", "Services", False),
        ("Charges", "Services", False),
    ):
        make(
            "subcategory",
            {"name": name, "category": {"name": category}, "defaultFlag": default},
        )
    make("manufacturer", {"name": "Dell"})
    goods = (
        ("DELL-P2425H", 'Dell P2425H 24" monitor', "P2425H", "Monitors", 239.0, 180.0),
        ("DELL-U2725QE", 'Dell U2725QE 27" monitor', "U2725QE", "Monitors", 619.0, 480.0),
        ("DELL-WD22TB4", "Dell WD22TB4 Thunderbolt dock", "WD22TB4", "Docks", 319.0, 240.0),
    )
    for identifier, text, part, subcategory, price, cost in goods:
        make(
            "catalog",
            _item(identifier, text, "Hardware", subcategory, price, cost)
            | {
                "productClass": "Inventory",
                "serializedFlag": True,
                "manufacturer": {"name": "Dell"},
                "manufacturerPartNumber": part,
            },
        )
    for identifier, text, subcategory, price in (
        ("INSTALL-HALFDAY", "Installation, half day", "Labor", 450.0),
        ("FREIGHT", "Delivery", "Charges", 0.0),
        ("SURCHARGE", "Payment surcharge", "Charges", 0.0),
        ("COUPON", "Coupon discount", "Charges", 0.0),
        ("ROUNDING", "Rounding", "Charges", 0.0),
    ):
        make(
            "catalog",
            _item(identifier, text, "Service", subcategory, price, 0.0)
            | {"productClass": "Service"},
        )


def _item(
    identifier: str, text: str, kind: str, subcategory: str, price: float, cost: float
) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "description": text,
        "customerDescription": text,
        "type": {"name": kind},
        "subcategory": {"name": subcategory},
        "price": price,
        "cost": cost,
    }


def _story(engine: Engine) -> None:
    contact = next(
        row["id"] for row in engine.world.store.rows("contact") if row["fullName"] == "Dana Lee"
    )
    opportunity = engine.create(
        "opportunity",
        {
            "name": "Desk refresh",
            "company": {"identifier": "Contoso"},
            "contact": {"id": contact},
            "primarySalesRep": {"identifier": "sales"},
            "type": {"name": "New business"},
            "stage": {"name": "Quote"},
            "source": "Quote QO10000501",
        },
    )
    for number, (identifier, quantity) in enumerate(
        (
            ("DELL-P2425H", 10),
            ("DELL-U2725QE", 10),
            ("DELL-WD22TB4", 3),
            ("INSTALL-HALFDAY", 1),
        ),
        start=1,
    ):
        engine.create(
            "product",
            {
                "catalogItem": {"identifier": identifier},
                "opportunity": {"id": opportunity["id"]},
                "quantity": quantity,
                "sequenceNumber": number,
                "billableOption": "Billable",
            },
        )

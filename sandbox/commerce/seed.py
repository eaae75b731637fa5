"""The first records: the parties and goods that the simulated ConnectWise knows too."""

from __future__ import annotations

from sandbox.commerce.shop import Shop

CUSTOMERS = ((77, "CONTOSO", "Contoso Ltd"), (78, "NORTHWIND", "Northwind Traders"))
SUPPLIERS = ((9, "INGRAM", "Ingram Micro"), (10, "SYNNEX", "TD Synnex"))
PRODUCTS = (
    (301, "DELL-P2425H", 0, True, 239),
    (302, "DELL-WD22TB4", 0, True, 319),
    (303, "INSTALL-HALFDAY", 2, False, 450),
    (304, "DELL-U2725QE", 0, True, 619),
)


def first_records(shop: Shop) -> None:
    shop.save("employee", {"id": 5, "firstName": "Sam", "email": "sales@msp.example"})
    shop.save("warehouse", {"id": 1, "name": "Main"})
    shop.save("brand", {"id": 1, "name": "Dell"})
    shop.save("category", {"id": 1, "name": "Hardware"})
    for number, account, name in CUSTOMERS:
        shop.save(
            "customer", {"id": number, "accountNumber": account, "name": name, "priceGroup": 1}
        )
        shop.save("customeraddress", {"customerID": number, "city": "Springfield"})
        shop.save("contact", {"customerID": number, "email": f"office@{account.lower()}.example"})
    for number, account, name in SUPPLIERS:
        shop.save("supplier", {"id": number, "accountNumber": account, "name": name})
    for number, sku, type_, serialized, price in PRODUCTS:
        product = {
            "id": number,
            "productNumber": sku,
            "manufacturerPartNumber": sku,
            "type": type_,
            "title": f"Product {sku}",
            "brandID": 1,
            "isSerialized": serialized,
            "isActive": True,
            "price": price,
        }
        shop.save("product", product)
        shop.save("productsupplier", {"productID": number, "supplierID": 9, "cost": 100})
    shop.save(
        "productimage", {"id": 1, "productNumber": "DELL-P2425H", "url": "https://x.example/1"}
    )

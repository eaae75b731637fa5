"""The search over REST: any part of what people call an order, in pages."""

from __future__ import annotations

from app.api.examples import examples
from tests.api.conftest import Service
from tests.api.doors import code_of

PAPERS = ("sales_order.approved", "purchase_order.approved", "purchase_order.receipted (part)")


async def test_an_order_is_found_by_parts_of_its_own_and_its_papers_names(service: Service) -> None:
    await service.tell(*PAPERS)
    receipt = examples()[PAPERS[-1]]["data"]["receipt"]
    serial = receipt["lines"][0]["serialNumbers"][0]
    for asked, what, text in (
        ("0001201", "order", "ON10001201"),
        (receipt["supplierInvoiceNumber"][2:], "receipt", receipt["supplierInvoiceNumber"]),
        (serial[1:], "receipt", serial),
        ("781-A", "reference", "7781-A"),
    ):
        answer = await service.admin.get("/admin/search", params={"q": asked})
        (found,) = answer.json()["items"]
        assert found["order"]["number"] == "ON10001201", asked
        assert (found["what"], found["text"]) == (what, text), asked
    nothing = await service.admin.get("/admin/search", params={"q": "no such thing"})
    assert nothing.json() == {"items": [], "next": None}


async def test_the_pages_of_a_search_are_followed_by_their_cursor(service: Service) -> None:
    await service.query(
        """INSERT INTO orders (tenant_id, connection_id, source_id, number, customer)
        SELECT 1, id, n, 'ON77' || n, 'Contoso' FROM connection, generate_series(100, 106) AS n
        WHERE kind = 'commerce' RETURNING id"""
    )
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"q": "N77", "limit": "3", **({"cursor": cursor} if cursor else {})}
        answer = await service.admin.get("/admin/search", params=params)
        seen += [one["order"]["number"] for one in answer.json()["items"]]
        cursor = answer.json()["next"]
        assert (cursor is not None) == ('rel="next"' in answer.headers.get("link", ""))
        if cursor is None:
            break
    assert seen == [f"ON77{n}" for n in range(106, 99, -1)]
    wrong = await service.admin.get("/admin/search", params={"q": "N77", "cursor": "x"})
    assert (wrong.status_code, code_of(wrong)) == (422, "REQUEST_NOT_VALID")
    empty = await service.admin.get("/admin/search", params={"q": ""})
    assert empty.status_code == 422

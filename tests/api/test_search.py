"""The search over REST: any part of what people call an order, in pages."""

from __future__ import annotations

from app.api.examples import examples
from tests.api.conftest import Service
from tests.api.doors import code_of, post


async def test_an_order_is_found_by_parts_of_its_own_and_its_papers_names(service: Service) -> None:
    for number, name in enumerate(("sales_order.approved", "receipt.created")):
        event = examples().get(name)
        if event is not None:
            await post(service.client, event, webhook_id=f"msg_{number}")
    await service.merge()
    answer = await service.admin.get("/admin/search", params={"q": "0001201"})
    (found,) = answer.json()["items"]
    assert (found["order"]["number"], found["what"]) == ("ON10001201", "order")
    assert found["text"] == "ON10001201"
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

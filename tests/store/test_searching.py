"""The search by parts, on both stores, against a plain look at every text."""

from __future__ import annotations

import random

import asyncpg
import pytest

from app.domain.desk import Found
from app.store import searching
from app.store.postgres import PostgresStore
from tests.store.build import TENANT, FullStore, deliver, purchase_order, receipt, sales_order

LETTERS = "abAB01 -_%é"
Told = dict[str, list[str]]


async def every(store: FullStore, text: str, size: int = 50) -> list[Found]:
    """All pages, one after the other."""
    found: list[Found] = []
    cursor = None
    for _ in range(200):
        page = await store.search(TENANT, text, cursor, size)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


async def hits(store: FullStore, text: str) -> list[tuple[str, str, str]]:
    return [(one.order.name, one.what, one.text) for one in await every(store, text)]


async def test_parts_of_numbers_and_names_are_found_the_beginnings_first(store: FullStore) -> None:
    first = sales_order("1201", reference="PO-99/2026")
    second = sales_order("9120", customer={"name": "Acme ON1201 Ltd"})
    second["customer"] = "Acme ON1201 Ltd"
    await deliver(store, "m1", first, second)
    assert await hits(store, "on1201") == [
        ("ON1201", "order", "ON1201"),
        ("ON9120", "customer", "Acme ON1201 Ltd"),
    ]
    assert await hits(store, "201") == [
        ("ON1201", "order", "ON1201"),
        ("ON9120", "customer", "Acme ON1201 Ltd"),
    ]
    assert await hits(store, "99/20") == [("ON1201", "reference", "PO-99/2026")]
    assert await hits(store, "1201") == [
        ("ON1201", "commerce", "1201"),
        ("ON9120", "customer", "Acme ON1201 Ltd"),
    ]
    assert await hits(store, "on") == [
        ("ON9120", "order", "ON9120"),
        ("ON1201", "order", "ON1201"),
    ]
    assert await hits(store, "01") == []  # two characters are looked for at beginnings
    assert await hits(store, "o%1") == []


async def test_supplier_invoices_serials_and_tracking_lead_to_the_order(store: FullStore) -> None:
    lines = [{"purchaseOrderLineID": 1, "quantity": 2, "serialNumbers": ["SN-AAA1", "SN-BBB2"]}]
    await deliver(
        store,
        "m1",
        sales_order("1201"),
        purchase_order("881"),
        receipt(
            "r1",
            packingSlip="PS5",
            supplierInvoiceNumber="INV-4711",
            trackingNumber="1Z999",
            lines=lines,
        ),
    )
    for text, word in (
        ("4711", "INV-4711"),
        ("bbb2", "SN-BBB2"),
        ("Z99", "1Z999"),
        ("ps5", "PS5"),
    ):
        assert await hits(store, text) == [("ON1201", "receipt", word)], text
    other = await store.search(TENANT + 1, "4711", None, 50)
    assert other.items == ()


@pytest.mark.parametrize("many", [searching.MANY, 20, 0])
@pytest.mark.parametrize("looks", [50, pytest.param(150, marks=pytest.mark.breadth)])
async def test_a_search_is_what_a_plain_look_finds(
    store: FullStore, many: int, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it looks for the parts of a text, or from the newest on because many hold them."""
    monkeypatch.setattr(searching, "MANY", many)
    chance = random.Random(7)  # noqa: S311 - the same texts each time
    told: Told = {}
    rows = []
    for number in range(60):
        order = str(1000 + number)
        name = "".join(chance.choices(LETTERS, k=chance.randint(3, 9))).strip() or "x"
        one = sales_order(order, customer={"name": name})
        one["customer"] = name
        rows.append(one)
        told[f"ON{order}"] = [f"ON{order}", name]
    await deliver(store, "m1", *rows)
    for _ in range(looks):
        source = chance.choice(chance.choice(list(told.values())))
        begin = chance.randrange(len(source))
        text = source[begin : begin + chance.randint(1, 6)]
        wanted = text.lower()
        expected = {
            name
            for name, words in told.items()
            if name == f"ON{text}"
            or any(
                wanted in word.lower() if len(text) >= 3 else word.lower().startswith(wanted)
                for word in words
            )
            or text == name.removeprefix("ON")
        }
        found = [one.order.name for one in await every(store, text, chance.choice([1, 7, 50]))]
        assert len(found) == len(set(found))
        assert set(found) == expected, text


async def test_a_cursor_that_cannot_be_read_is_refused(store: FullStore) -> None:
    for wrong in ("x", "WzFd", "WzEsICJhIl0"):  # no pair; [1]; [1, "a"]
        with pytest.raises(ValueError, match="cursor"):
            await store.search(TENANT, "abc", wrong, 5)


async def test_a_search_reads_no_growing_table_from_end_to_end(
    postgres: PostgresStore, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """INSERT INTO orders (tenant_id, connection_id, source_id, number, customer)
        SELECT 1, c.id, n, 'ON' || (10000000 + n), 'Customer ' || n % 500
        FROM generate_series(1, 20000) AS n, (SELECT id FROM connection WHERE kind = 'commerce') AS c"""
    )
    await connection.execute(
        """INSERT INTO document (tenant_id, connection_id, kind, source_id, order_id, version, rank,
            own, extras, number, words)
        SELECT 1, connection_id, 'receipt', 'r' || id, id, '1', '{}', '{}', '{}', 'PS' || id,
            'PS' || id || chr(10) || 'INV' || id FROM orders"""
    )
    await connection.execute("VACUUM ANALYZE orders, document")
    for text, told in (
        ("1234", searching.LONG),
        ("mer 7", searching.LONG),
        ("on", searching.SHORT),
    ):
        plan = await connection.fetch(
            f"EXPLAIN {told}".replace("$1", "1")
            .replace("$2", f"'{text}'")
            .replace("$3", f"'{text}%'")
            .replace("$4", f"'%{text}%'")
            .replace("$5", "'{bill,ticket}'")
            .replace("$6", "0")
            .replace("$7", "0")
            .replace("$8", "51")
        )
        said = "\n".join(row[0] for row in plan)
        assert "Seq Scan on orders" not in said, said
        assert "Seq Scan on document" not in said, said
    await connection.close()
    found = await postgres.search(TENANT, "0012345", None, 50)
    assert [one.order.name for one in found.items] == ["ON10012345"]

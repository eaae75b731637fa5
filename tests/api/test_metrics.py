"""/metrics: what the process counted and how the installation stands, without a name in it."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from app.domain.errors import StoreUnavailable
from tests.api.conftest import Service

Read = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def read(service: Service, status: int = 200) -> Read:
    answer = await service.client.get("/metrics")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Read, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


async def test_deliveries_are_counted_by_source_and_answer(service: Service) -> None:
    counter, taken = "demandlink_deliveries_total", {"source": "commerce", "status": "202"}
    refused = {"source": "commerce", "status": "401"}
    before = await read(service)
    await service.tell("quote.won", "sales_order.approved")
    await service.client.post("/webhooks/commerce", content=b"{}")
    after = await read(service)
    assert value(after, counter, **taken) - value(before, counter, **taken) == 2
    assert value(after, counter, **refused) - value(before, counter, **refused) == 1
    timed = "demandlink_delivery_seconds_count"
    assert value(after, timed, source="commerce") - value(before, timed, source="commerce") == 3


async def test_how_the_installation_stands_is_read_from_the_database(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved")
    await service.query(
        "UPDATE orders SET state = 'held', code = 'MAPPING_MISSING', who = 'operator', "
        "due_at = now() - interval '90 seconds'"
    )
    found = await read(service)
    labels = {"state": "held", "code": "MAPPING_MISSING", "who": "operator"}
    assert value(found, "demandlink_orders", **labels) == 1
    assert 89 < value(found, "demandlink_orders_oldest_due_seconds") < 120
    assert value(found, "demandlink_inbox_oldest_unmerged_seconds") == 0
    assert value(found, "demandlink_workers_alive") == 0
    assert 0 <= value(found, "demandlink_last_delivery_seconds", source="commerce") < 60
    async with service.store.join():
        assert value(await read(service), "demandlink_workers_alive") == 1


async def test_a_paused_connection_shows_with_who_paused_it(service: Service) -> None:
    await service.query(
        "INSERT INTO connection (tenant_id, kind, name, paused, paused_by) "
        "VALUES (1, 'connectwise', 'another', true, 'ann')"
    )
    found = await read(service)
    assert value(found, "demandlink_connection_paused", system="connectwise", by="person") == 1


async def test_without_the_database_the_process_still_tells_what_it_counted(
    service: Service, monkeypatch: Any
) -> None:
    async def away() -> Any:
        raise StoreUnavailable("no database")

    await service.client.post("/webhooks/commerce", content=b"{}")
    monkeypatch.setattr(service.store, "gauges", away)
    found = await read(service, status=503)
    assert any(name == "demandlink_deliveries_total" for name, _ in found)
    assert not any(name == "demandlink_orders" for name, _ in found)


async def test_no_order_and_no_customer_stands_in_it(service: Service) -> None:
    await service.tell("quote.won", "sales_order.approved", "purchase_order.approved")
    text = (await service.client.get("/metrics")).text
    assert "ON1000" not in text
    assert "Contoso" not in text

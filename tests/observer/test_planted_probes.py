"""The observer lets a probe delete its own records, and nothing else by anybody's mark."""

from __future__ import annotations

from typing import Any

from sandbox.observer.mirror import Mirror
from sandbox.observer.probes import DEMAND, Probes


def change(table: str, number: int, row: Any = "there") -> dict[str, Any]:
    return {"table": table, "id": number, "row": row}


def entry(method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"method": method, "path": path, "body": body}


def made(probes: Probes, number: int = 5) -> None:
    body = {"integrationXRef": "DL-PROBE-ABC"}
    given = entry("POST", "/procurement/products", body)
    assert probes.takes(given, [change("product", number)], Mirror({}))


def test_what_a_probe_made_may_go_and_is_missed_until_it_does() -> None:
    probes = Probes()
    made(probes)
    assert [rule for rule, _, _ in probes.left()] == ["PROBE"]
    gone = [change("product", 5, None)]
    assert probes.takes(entry("DELETE", "/procurement/products/5"), gone, Mirror({}))
    probes.follow(gone)
    assert probes.left() == []


def test_what_others_made_is_no_probes_to_delete() -> None:
    probes = Probes()
    made(probes)
    gone = [change("product", 6, None)]
    assert not probes.takes(entry("DELETE", "/procurement/products/6"), gone, Mirror({}))
    assert not probes.takes(entry("DELETE", "/procurement/products/6"), [], Mirror({}))


def test_an_order_of_anybody_elses_demand_is_no_probes() -> None:
    probes = Probes()
    made(probes)
    bought = [change("purchaseOrder", 7), change("line", 8)]
    mixed = {"products": [{"productRecId": 5}, {"productRecId": 6}]}
    assert not probes.takes(entry("POST", DEMAND, mixed), bought, Mirror({}))
    assert not probes.takes(entry("POST", DEMAND, {"products": []}), bought, Mirror({}))
    assert probes.takes(
        entry("POST", DEMAND, {"products": [{"productRecId": 5}]}), bought, Mirror({})
    )


def test_a_counter_that_moved_on_is_not_what_a_probe_made() -> None:
    probes = Probes()
    body = {"identifier": "DL-PROBE-ABC"}
    before = Mirror({"setting": [{"id": 1}]})
    changed = [change("catalog", 9), change("setting", 1)]
    assert probes.takes(entry("POST", "/procurement/catalog", body), changed, before)
    assert len(probes.left()) == 1

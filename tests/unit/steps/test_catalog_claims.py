"""A claim on a catalog item lasts for its own create, however slow those before it were (A3)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.domain import psa
from app.steps import catalog


class Recording:
    """Effects as far as find-or-create asks them: nothing is known, nothing is found."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.view = SimpleNamespace(unanswered=())

    async def claim(self, kind: str, key: str, seconds: float) -> None:
        self.did.append(f"claim {key}")

    def drop_claim(self, kind: str, key: str) -> None:
        self.did.append(f"drop {key}")

    async def recall(self, kind: str, key: str) -> None:
        return None

    async def remember(self, *_: Any) -> None: ...


async def test_a3_each_create_begins_with_its_claims_taken_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fx: Any = Recording()

    async def read(*_: object) -> list[psa.CatalogItem]:
        return []

    async def create(_: object, line: Any) -> psa.CatalogItem:
        fx.did.append(f"create {line['sku']}")
        return psa.CatalogItem(7, str(line["sku"]))

    monkeypatch.setattr(catalog, "_claims", lambda _, line: [str(line["sku"])])
    monkeypatch.setattr(catalog, "_read", read)
    monkeypatch.setattr(catalog, "_among", lambda *_: None)
    monkeypatch.setattr(catalog, "_create", create)
    monkeypatch.setattr(catalog, "claim_seconds", lambda _: 90.0)
    monkeypatch.setattr(catalog, "identifier", lambda _, number: number)
    monkeypatch.setattr(catalog, "settle", lambda *_: None)
    await catalog.ensure(fx, [{"sku": "b"}, {"sku": "a"}])
    assert fx.did == [
        "claim a", "claim b",
        "claim b", "create b",
        "claim a", "create a",
        "drop a", "drop b",
    ]  # fmt: skip

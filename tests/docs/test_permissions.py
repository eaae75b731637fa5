"""Pages of set-up list every permission that the doctor asks for in their scenario: who follows one ends
with no finding about a permission."""

from __future__ import annotations

import pytest

from app.connectors.connectwise.errors import PERMISSIONS
from app.domain.checkup import Read, reads_of
from app.steps import STEPS
from tests.docs.reading import ROOT
from tests.ideal import scenario

B1 = "connectwise-procurement-opportunity"
PATHS = {
    Read.COMPANIES: "/company",
    Read.CONTACTS: "/company/contacts",
    Read.MEMBERS: "/system/members",
    Read.OPPORTUNITIES: "/sales",
    Read.CATALOG: "/procurement",
    Read.PRODUCTS: "/procurement/products",
    Read.SALES_ORDERS: "/sales/orders",
    Read.TICKETS: "/service",
    Read.PURCHASE_ORDERS: "/procurement/purchaseorders",
    Read.LINK_REPORT: "/system/reports",
    Read.INVOICES: "/finance",
}


def words(read: Read) -> list[str]:
    """The permission's own words, without its area."""
    told = dict(PERMISSIONS)[PATHS[read]]
    return [part.rpartition(" > ")[2] for part in told.split(" and ")]


def page(name: str) -> str:
    return (ROOT / f"docs/how-to/{name}.md").read_text()


@pytest.mark.parametrize("name", [B1, "commerce-invoicing"])
def test_g1_a_page_lists_each_permission_that_its_scenario_needs(name: str) -> None:
    steps = {use.name for use in scenario(name).steps}
    assert steps <= set(STEPS)
    text = " ".join(page(name).split())
    missing = [word for read in reads_of(steps) for word in words(read) if word not in text]
    assert not missing


def test_every_permission_that_a_refusal_names_stands_in_the_whole_list() -> None:
    text = page(B1)
    wanted = {part.rpartition(" > ")[2] for _, told in PERMISSIONS for part in told.split(" and ")}
    assert {word for word in wanted if word not in text} == set()


@pytest.mark.parametrize(
    "name", ["connectwise-invoicing", "connectwise-managed", "connectwise-procurement-ticket"]
)
def test_the_others_say_what_they_need_less_than_that_list(name: str) -> None:
    """What a page takes off B1's list, its scenario does not read."""
    text = " ".join(page(name).split())
    taken = text.partition("permissions of B1")[2].partition(".")[0].partition("and these")[0]
    needed = {
        word for read in reads_of({u.name for u in scenario(name).steps}) for word in words(read)
    }
    assert {word for word in needed if f"*{word}*" in taken} == set()

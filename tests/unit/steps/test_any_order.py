"""Whatever the order of arrival, doubled or not, and wherever a worker came between: one end (H1)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.codes import State
from app.domain.quantities import received_remotely
from app.domain.records import ORDER
from tests.builders import (
    SERVICE,
    Json,
    came,
    issued,
    line,
    offer,
    ordered,
    po_line,
    product,
    purchase_order,
    quote,
    sales_order,
    section,
    won,
)
from tests.ideal import World

EARLIER = ("create_products", "win_opportunity", "create_sales_order")
OF_PURCHASE_ORDER = ("sync_purchase_order", "link_demand", "receive_purchase_order")


@dataclass(frozen=True)
class Story:
    """Events in the order in which Commerce made them, and how the service is set."""

    events: list[Json]
    settings: dict[str, Any]


@st.composite
def stories(draw: st.DrawFn, *, above: int = 0) -> Story:
    """Up to three products, each on up to two purchase orders, received in up to three parts.
    `above`: the last purchase order of a product may be for so many more than are sold."""
    sold: list[Json] = []
    bought: list[tuple[int, int]] = []
    products = [product(301), product(302), product(303, type=SERVICE)]
    for number, entry in enumerate(products[: draw(st.integers(1, 3))], start=1):
        parts = draw(st.lists(st.integers(1, 5), min_size=1, max_size=2))
        rest = draw(st.sampled_from([0, 0, 2]))
        fields = {"quantityFromStock": rest} if rest and draw(st.booleans()) else {}
        sold.append(line(number, entry["id"], sum(parts) + rest, **fields))
        parts[-1] += draw(st.integers(0, above))
        bought.extend((entry["id"], quantity) for quantity in parts)
    named = draw(st.booleans())
    events = [
        won(quote(section(*(offer(one["id"], one["productID"]) for one in sold)))),
        ordered(sales_order(sold, products=products, quoteID=501 if named else None)),
    ]
    for index, (product_id, quantity) in enumerate(bought):
        kind = draw(st.integers(0, 1))
        after = purchase_order(8891 + index, [po_line(1, product_id, quantity)], type=kind)
        events.append(issued(after))
        for part in range(draw(st.integers(0, 3))):
            open_quantity = quantity - after["lines"][0]["quantityReceived"]
            if open_quantity:
                some = draw(st.integers(1, open_quantity))
                minute = 100 + 10 * index + part
                after, event = came(after, f"{index}-{part}", {1: some}, minute=minute)
                events.append(event)
    behaviour = {
        "invoice_policy": draw(st.sampled_from(["all_goods", "shipped_only"])),
        "mark_shipped": draw(st.sampled_from(["on_receipt", "never", "drop_ship_only"])),
        "purchase_order_timing": draw(st.sampled_from(["on_receipt", "on_issue"])),
    }
    return Story(events, behaviour)


def end(world: World) -> Any:
    """What is true over there and what people are told, but for the way that led there."""
    answer = world.settle().answer
    return world.wants(), answer.state, answer.code, answer.sentence


def in_order(story: Story) -> World:
    world = World(story.settings)
    world.deliver(*story.events)
    world.settle()
    return world


@settings(max_examples=6)
@given(stories(), st.randoms(use_true_random=False))
def test_one_end_whatever_comes_first_and_however_often(story: Story, chance: random.Random):
    """H1. The worker runs between any two deliveries, or not."""
    world = World(story.settings)
    for event in chance.sample(story.events * 2, len(story.events) * 2):
        world.deliver(event)
        if chance.random() < 0.5:
            world.settle()
    assert end(world) == end(in_order(story))


@settings(max_examples=6)
@given(stories(above=3), st.randoms(use_true_random=False))
def test_no_rule_of_order_is_ever_broken(story: Story, chance: random.Random):
    """D-1, B1.7: won before sold, sold before ordered, linked before received, shipped after."""
    world = World(story.settings)
    for event in chance.sample(story.events, len(story.events)):
        world.deliver(event)
        world.settle()
    seen: set[tuple[str, str]] = set()
    for step, subject, want in world.done:
        if step in OF_PURCHASE_ORDER:
            needed = [(earlier, ORDER) for earlier in EARLIER]
            own = f"po:{want['purchase_order']}"
            needed += [(one, own) for one in OF_PURCHASE_ORDER[: OF_PURCHASE_ORDER.index(step)]]
            if subject.startswith("surplus"):
                needed.append(("link_demand", own))
        elif step in EARLIER:
            needed = [(one, ORDER) for one in EARLIER[: EARLIER.index(step)]]
        else:
            needed = [("create_sales_order", ORDER)]
        assert seen.issuperset(needed), f"{step} {subject} came too early"
        seen.add((step, subject))


@settings(max_examples=6)
@given(stories(above=3))
def test_what_is_done_is_not_done_again(story: Story):
    """A replay of everything is no call at all."""
    world = in_order(story)
    before = list(world.done)
    world.deliver(*story.events, *reversed(story.events))
    world.settle()
    assert world.done == before


@settings(max_examples=6)
@given(stories(above=3))
def test_goods_are_received_once_and_never_more_than_commerce_says(story: Story):
    """H2."""
    world = in_order(story)
    received: dict[tuple[int, int], int] = {}
    for step, _, want in world.done:
        if step == "receive_purchase_order":
            for one in want["lines"]:
                key = (want["purchase_order"], one["line"])
                assert one["from"] == received.get(key, 0)
                received[key] = one["to"]
    above = any(subject.startswith("surplus") for _, subject in world.ledger)
    for po in world.view().purchase_orders:
        for one in po.lines:
            there = received.get((po.id, one.id), 0)
            # Goods above the order may still wait for the demand of others (B1.9).
            assert there == one.quantity_received or (above and there < one.quantity_received)


@settings(max_examples=6)
@given(stories(above=3))
def test_every_order_ends_done_or_with_a_reason_and_with_time_it_is_told_to_a_person(story: Story):
    """B1.7: nothing waits for ever in silence."""
    world = World({**story.settings, "poll_seconds": 86400})
    world.deliver(*story.events)
    world.wait(days=6)
    answer = world.settle().answer
    assert answer.state in (State.DONE, State.HELD)
    assert answer.sentence.endswith(".")


@settings(max_examples=6)
@given(stories(), st.randoms(use_true_random=False))
def test_time_between_the_deliveries_costs_papers_but_never_goods(
    story: Story, chance: random.Random
):
    """Waits for the quote and for receipts run out in between; what is received is the same."""
    world = World({**story.settings, "poll_seconds": 3600})
    for event in chance.sample(story.events, len(story.events)):
        world.deliver(event)
        world.wait(minutes=chance.choice([0, 5, 20]))
    world.wait(minutes=20)
    told = in_order(story)
    told.wait(minutes=20)
    for po in told.view().purchase_orders:
        expected = received_remotely(told.view(), po.id)
        assert received_remotely(world.view(), po.id) == expected
    assert end(world)[1:] == end(told)[1:]

"""D4, D5: the suggestion goes to the purchasing officer by e-mail too, on a real mail server."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from tests.e2e.harness import Stack, bearer, running
from tests.e2e.managed import D, notes, supplied
from tests.e2e.orders import CABLE, DOCK, MONITOR
from tests.e2e.tickets import B2, plain, tell
from tests.mail_server import OFFICER, SENDER, Desk, free_port, mail_server, reached
from tests.store.build import snapshot_of

pytestmark = pytest.mark.processes
QUICK: dict[str, Any] = {**D, "connectwise_timeout": 1.5, "read_lag": 0.2}


def mail_step(told: dict[str, Any], subject: str = "PO10008891") -> dict[str, Any]:
    (one,) = (
        step
        for step in told["steps"]
        if (step["step"], step["subject"]) == ("mail_suggestion", subject)
    )
    found: dict[str, Any] = one
    return found


async def test_d4_d5_the_suggestion_reaches_the_purchasing_officer_by_mail(
    database_url: str, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Marked as a suggestion, to one address, with all that the note says and a link; the address
    is in no log, journal or call."""
    order = plain((MONITOR, 10))
    async with mail_server() as desk:
        more = reached(desk.port, public_url="https://demandlink.msp.example", log_level="DEBUG")
        async with running(database_url, redis_url, **D, **more) as stack:
            event = supplied(order, 8891, [(MONITOR, 10)], "ING-4471", note="Bid DELL-77120")
            await tell(stack, event, order.approved())
            told = await stack.until_state(order.number, "done")
            (letter,) = desk.taken
            assert [one.rcpt_tos for one in desk.envelopes] == [[OFFICER]]
            assert (letter["To"], letter["From"]) == (OFFICER, SENDER)
            assert letter["Cc"] is None
            subject = "[Suggestion] Purchase PO10008891 for ON10001201, Ingram Micro"
            assert letter["Subject"] == subject
            text = letter.get_content()
            for part in (
                "suggestion only",
                "Supplier: Ingram Micro (INGRAM).",
                "- 10 x DELL-P2425H Product DELL-P2425H, supplier SKU ING-4471, cost 100",
                "Note in Commerce: Bid DELL-77120",
                "Ticket in ConnectWise: 21001.",
                "The order: https://demandlink.msp.example/orders/ON10001201",
            ):
                assert part in text
            step = mail_step(told)
            assert step["state"] == "done"
            assert f"<{step['remote'][0]['id']}>" == letter["Message-ID"]
            assert step["remote"][0]["system"] == "mail"
            paths = [f"/admin/orders/{order.number}{end}" for end in ("", "/journal", "/calls")]
            pages = [(await stack.client.get(path, headers=bearer())).text for path in paths]
            assert "by e-mail to the purchasing officer" in pages[1]
            assert '"mail"' in pages[2]
            assert OFFICER not in "".join(pages)
    captured = capsys.readouterr()
    assert OFFICER not in captured.err + captured.out


@pytest.mark.breadth
async def test_d3_without_an_address_there_is_the_note_alone(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with mail_server() as desk:
        more = reached(desk.port, purchasing_officer_email="")
        async with running(database_url, redis_url, **D, **more) as stack:
            await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
            told = await stack.until_state(order.number, "done")
            assert len(await notes(stack, 21001)) == 1
            assert mail_step(told)["state"] == "not_needed"
    assert desk.taken == []


@pytest.mark.breadth
async def test_d4_an_address_without_a_mail_server_is_refused_when_it_is_set(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **D) as stack:
        for value, said in ((OFFICER, "Set SMTP_HOST"), ("Dana <d@x>", "one e-mail address")):
            answer = await stack.client.patch(
                "/admin/settings", json={"PURCHASING_OFFICER_EMAIL": value}, headers=bearer()
            )
            assert answer.status_code == 422
            assert said in answer.text
            assert value not in answer.text


@pytest.mark.breadth
async def test_d4_a_refused_address_is_held_until_it_is_corrected_or_left_out(
    database_url: str, redis_url: str
) -> None:
    """The notes stand and the order is released all the same."""
    first, second = plain((CABLE, 5)), plain((DOCK, 1), id=1202)
    wrong = "gone@msp.example"
    desk = Desk(recipient={wrong: f"550 5.1.1 <{wrong}> no such user"})
    async with mail_server(desk):
        more = reached(desk.port, purchasing_officer_email=wrong)
        async with running(database_url, redis_url, **D, **more) as stack:
            await tell(stack, first.ordered(8891, [(CABLE, 5)]), first.approved())
            await tell(stack, second.ordered(8892, [(DOCK, 1)]), second.approved())
            held = await stack.until_state(first.number, "held", "MAIL_REFUSED")
            assert "550" in held["answer"]["sentence"]
            assert wrong not in json.dumps(held)
            assert held["answer"]["choices"] == ["look_again", "skip"]
            (released,) = (one for one in held["steps"] if one["step"] == "release_invoice")
            assert released["state"] == "done"
            assert len(await notes(stack, 21001)) == 1
            await stack.until_state(second.number, "held", "MAIL_REFUSED")
            answer = await stack.client.post(
                f"/admin/orders/{second.number}/decide",
                json={"code": "MAIL_REFUSED", "choice": "skip", "reason": "the note is enough"},
                headers=bearer(),
            )
            assert answer.status_code == 200, answer.text
            await stack.until_state(second.number, "done")
            await stack.client.patch(
                "/admin/settings", json={"PURCHASING_OFFICER_EMAIL": OFFICER}, headers=bearer()
            )
            await stack.client.post(
                f"/admin/orders/{first.number}/decide",
                json={"code": "MAIL_REFUSED", "choice": "look_again", "reason": "corrected"},
                headers=bearer(),
            )
            await stack.until_state(first.number, "done")
    assert [one.rcpt_tos for one in desk.envelopes] == [[OFFICER]]


@pytest.mark.breadth
async def test_d4_while_the_mail_server_is_away_nothing_else_waits(
    database_url: str, redis_url: str
) -> None:
    order, port, desk = plain((CABLE, 5)), free_port(), Desk()
    async with running(database_url, redis_url, **D, **reached(port)) as stack:
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        told = await stack.until_state(order.number, "waiting", "CONNECTION_UNREACHABLE")
        assert told["answer"]["sentence"].startswith("The mail server: it cannot be reached")
        states = {step["step"]: step["state"] for step in told["steps"]}
        assert states["release_invoice"] == "done"
        async with mail_server(desk, port=port):
            await stack.until_state(order.number, "done")
    assert len(desk.taken) == 1


@pytest.mark.breadth
async def test_d4_a_changed_purchase_order_is_mailed_anew_and_a_cancelled_one_withdrawn(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with (
        mail_server() as desk,
        running(database_url, redis_url, **D, **reached(desk.port)) as stack,
    ):
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.until_state(order.number, "done")
        await tell(stack, order.ordered(8891, [(CABLE, 6)]))
        await _came(stack, desk, 2)
        cancelled = order.ordered(8891, [(CABLE, 6)])
        cancelled["data"]["purchaseOrder"]["status"] = 90
        await tell(stack, cancelled)
        await _came(stack, desk, 4)  # its line is on no purchase order any more
    assert "It replaces the one before." in desk.taken[1].get_content()
    subjects = [str(one["Subject"]) for one in desk.taken[2:]]
    assert "[Suggestion withdrawn] Purchase PO10008891 for ON10001201" in subjects
    assert len({one["Message-ID"] for one in desk.taken}) == 4


@pytest.mark.breadth
@pytest.mark.parametrize("point", ["intent_committed", "replied", "outcome_committed"])
async def test_d4_a_worker_that_dies_mails_at_most_again_under_the_same_id(
    database_url: str, redis_url: str, point: str
) -> None:
    order = plain((CABLE, 5))
    async with mail_server() as desk:
        more = {**QUICK, **reached(desk.port)}
        async with running(database_url, redis_url, worker=False, **more) as stack:
            stack.stops.step, stack.stops.point = "mail_suggestion", point
            await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
            await stack.start_worker()
            async with asyncio.timeout(20):
                await stack.stops.happened.wait()
            await stack.kill_worker()
            await stack.start_worker()
            await stack.until_state(order.number, "done")
    assert len(desk.taken) == 1 + (point == "replied")  # sent, and nobody could know it
    assert len({one["Message-ID"] for one in desk.taken}) == 1


@pytest.mark.breadth
async def test_d4_a_letter_whose_answer_was_lost_is_sent_again_under_the_same_id(
    database_url: str, redis_url: str
) -> None:
    """A mail program folds the two. A refusal for now is no doubt: it is just tried again."""
    order = plain((CABLE, 5))
    desk = Desk(content=["451 greylisted", "lose"])
    async with (
        mail_server(desk),
        running(database_url, redis_url, **QUICK, **reached(desk.port)) as stack,
    ):
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.until_state(order.number, "done")
    assert len(desk.taken) == 2
    assert len({one["Message-ID"] for one in desk.taken}) == 1


@pytest.mark.breadth
async def test_d4_where_the_service_buys_itself_nothing_is_mailed(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with (
        mail_server() as desk,
        running(database_url, redis_url, **B2, **reached(desk.port)) as stack,
    ):
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
    assert desk.taken == []


async def _came(stack: Stack, desk: Desk, count: int) -> None:
    async def came() -> bool:
        return len(desk.taken) == count

    await stack.until_true(came)


@pytest.mark.breadth
async def test_d4_the_officers_address_is_read_live_and_never_kept_with_an_order(
    database_url: str, redis_url: str
) -> None:
    """As other names of the world outside (H8): an order under way mails its next state to whoever
    is the officer by then, and nothing that was told is told again."""
    order, successor = plain((MONITOR, 10)), "next-officer@msp.example"
    event = supplied(order, 8891, [(MONITOR, 6)], "ING-4471")
    async with (
        mail_server() as desk,
        running(database_url, redis_url, **QUICK, **reached(desk.port)) as stack,
    ):

        async def officer(address: str) -> None:
            answer = await stack.client.patch(
                "/admin/settings", json={"PURCHASING_OFFICER_EMAIL": address}, headers=bearer()
            )
            assert answer.status_code == 200, answer.text

        async def mailed(*to: str) -> None:
            async def there() -> bool:
                return [one.rcpt_tos for one in desk.envelopes] == [[one] for one in to]

            await stack.until_true(there)

        await tell(stack, event, order.approved())
        await mailed(OFFICER, OFFICER)  # the purchase order, and what it leaves
        await officer(successor)
        order.purchase_orders[8891]["lines"][0]["price"] = 90
        await tell(stack, order.ordered_again(8891))
        await mailed(OFFICER, OFFICER, successor)
        await officer(OFFICER)
        order.purchase_orders[8891]["lines"][0]["price"] = 70
        await tell(stack, order.ordered_again(8891))
        await mailed(OFFICER, OFFICER, successor, OFFICER)
        pinned = (await snapshot_of(cast(Any, stack.container.store), order.number)).order.behaviour
        assert "bill_per" in pinned
        assert "purchasing_officer_email" not in pinned

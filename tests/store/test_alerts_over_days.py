"""What stands for days is told once, whatever happens meanwhile; what a person acted on is told again."""

from __future__ import annotations

from datetime import time, timedelta

from app.domain.codes import Code, State, Who
from app.domain.ports import Paused, Worker
from app.domain.records import Answer
from app.store.postgres import PostgresStore
from app.sync.alerts import AlertPace
from tests.store.build import TENANT, done, order_of, waiting
from tests.store.days import BERLIN, LAG, NIGHT, Days, Taker, look
from tests.store.test_alert_states import differs, stand, turns
from tests.store.test_settled import run


def held(sentence: str = "No company.", code: Code = Code.MAPPING_MISSING) -> Answer:
    """As an order is held after it was looked at in between: with a new beginning."""
    return Answer(State.HELD, code, sentence, Who.SALES, None, "later")


async def test_what_stands_for_two_days_is_told_once_at_each_place(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack, mail = Taker("slack"), Taker("mail")
    missing = "{} of 5 Cable on PO881 have no line."
    finding = await differs(postgres)
    refused = Paused(None, Code.CREDENTIALS_REFUSED, "ConnectWise: 401.", "service")
    await postgres.pause(TENANT, "connectwise", refused)
    await look(postgres, worker_of, held(missing.format(1), Code.LINE_MISSING))
    for quarter in range(2 * 24 * 4):  # the recheck of a held order comes every 15 minutes
        hour = quarter / 4
        await turns(postgres, "invoice_poll", int(20 + quarter * 15), 3 + quarter)
        if 10 <= hour < 13:  # all workers are down, as for an upgrade
            await days.go(15)
            continue
        mail.away = 4 <= hour < 6 or 20 <= hour < 30
        await look(
            postgres, worker_of, waiting(Code.CONNECTION_UNREACHABLE) if 30 <= hour < 36 else LAG
        )
        if quarter % 3:
            await days.turn([slack, mail])
        await days.go(0.2)
        if not 30 <= hour < 36:
            await look(
                postgres, worker_of, held(missing.format(1 + quarter % 4), Code.LINE_MISSING)
            )
        if quarter % 5 == 0:  # a list that lags
            await stand(postgres, finding, "closed")
            await days.turn([slack, mail])
            finding = await differs(postgres)
        await days.turn([slack, mail])
        await days.go(14.8)
    for place in (slack, mail):
        told = [place.told(one) for one in ("Cable", "Bill 7", "CREDENTIALS", "invoices")]
        assert told == [1, 1, 1, 1], (place.key, [note.title for _, note in place.got])
    found = await order_of(postgres)
    assert found.since is not None
    assert await postgres.now() - found.since > timedelta(hours=47)
    late = Taker("teams")  # a place that came later is told what begins from now on
    await days.turn([slack, mail, late])
    assert late.got == []


async def test_what_a_person_acted_on_is_told_again_at_once_and_once(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    await look(postgres, worker_of, held())
    await days.turn([slack])
    order = await order_of(postgres)
    for told in (2, 3):
        await days.go(4)
        await postgres.wake_orders(TENANT, [order.id], "anna", "corrected")
        await days.turn([slack])
        assert slack.told("No company.") == told - 1  # nobody looked at it yet
        await look(postgres, worker_of, LAG)
        await days.turn([slack])
        for _ in range(8):
            await look(postgres, worker_of, held())
            await days.turn([slack])
            await days.go(10)
            await look(postgres, worker_of, LAG)
        assert slack.told("No company.") == told


async def test_a_hold_that_goes_from_one_reason_to_another_and_back_is_each_told_once(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    for _ in range(12):
        for one in (held(), held("No vendor.", Code.SETTING_MISSING)):
            await look(postgres, worker_of, one)
            for _ in range(3):
                await days.turn([slack])
                await days.go(5)
    assert (slack.told("No company."), slack.told("No vendor.")) == (1, 1)


async def test_what_really_went_away_and_is_back_is_news(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    for answer in (waiting(), done()):
        await look(postgres, worker_of, held())
        await days.turn([slack])
        await look(postgres, worker_of, answer)
        await days.turn([slack])
        await days.go(45)
    await look(postgres, worker_of, held())
    await days.turn([slack])
    assert slack.told("No company.") == 3


async def test_another_sentence_under_the_same_code_is_told_though_it_stands_as_long(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    """One mapping is made, and now the next one is missing: `since` is that of the code."""
    slack = Taker("slack")
    await look(postgres, worker_of, held("Item A has no mapping."))
    await days.turn([slack])
    began = (await order_of(postgres)).since
    await look(
        postgres, worker_of, Answer(State.HELD, Code.MAPPING_MISSING, "Item B has no mapping.", Who.SALES, began, "later")
    )  # fmt: skip
    await days.turn([slack])
    await days.turn([slack])
    assert (slack.told("Item A"), slack.told("Item B")) == (1, 1)


async def test_in_a_quiet_night_nothing_is_told_and_in_the_morning_what_stands_then(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    """The clocks go forward in it. What came, went and came back before anybody heard is told too."""
    slack, pace = Taker("slack"), AlertPace(gather=0.0, silence=0.0, quiet=NIGHT)
    await days.go(4.5 * 60)
    finding = await differs(postgres)
    down = Paused(None, Code.CREDENTIALS_REFUSED, "ConnectWise: 401.", "service")
    await postgres.pause(TENANT, "connectwise", down)
    await look(postgres, worker_of, held())
    await days.turn([slack], pace)
    for _ in range(3):  # it goes, is over, and is back
        await look(postgres, worker_of, waiting())
        await stand(postgres, finding, "closed")
        await run(postgres, "UPDATE connection SET paused = false")
        await days.turn([slack], pace)
        await days.go(6)
        await days.turn([slack], pace)
        await look(postgres, worker_of, held())
        finding = await differs(postgres)
        await postgres.pause(TENANT, "connectwise", down)
        await days.turn([slack], pace)
    while days.now.astimezone(BERLIN).time() < time(7) or days.now.astimezone(BERLIN).hour > 21:
        assert slack.got == []
        await days.go(10)
        await look(postgres, worker_of, held())
        await days.turn([slack], pace)
    assert days.now.astimezone(BERLIN).time() < time(7, 15)
    assert len(slack.got) == 1
    told = [slack.told(one) for one in ("No company.", "Bill 7", "CREDENTIALS")]
    assert told == [1, 1, 1]
    assert {row.state for row in (await postgres.alerts(TENANT, None, 50)).items} == {"sent"}


async def test_what_is_told_in_the_morning_is_as_it_stands_then(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack, pace = Taker("slack"), AlertPace(gather=0.0, silence=0.0, quiet=NIGHT)
    await days.go(5 * 60)
    for count in (4, 3, 1):
        missing = f"{count} of 5 Cable are still to be received."
        await look(postgres, worker_of, held(missing, Code.GOODS_NOT_RECEIVED))
        await days.turn([slack], pace)
        await days.go(60)
    await days.go(6 * 60)
    await days.turn([slack], pace)
    assert (slack.told("1 of 5"), len(slack.got)) == (1, 1)


async def test_what_was_kept_while_no_place_was_set_is_told_if_it_still_stands(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack, mail = Taker("slack"), Taker("mail")
    mail.away = True
    await look(postgres, worker_of, held())
    finding = await differs(postgres)
    await days.turn([slack, mail])
    assert slack.told("No company.") == 1
    await days.go(3 * 24 * 60)  # ALERT_URLS is empty: nobody looks
    await stand(postgres, finding, "closed")
    mail.away = False
    await days.turn([slack, mail])
    assert (slack.told("No company."), mail.told("No company.")) == (1, 1)
    assert (slack.told("Bill 7"), mail.told("Bill 7")) == (1, 0)


async def test_a_worker_that_dies_at_the_second_place_tells_the_first_no_more(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack, mail = Taker("slack"), Taker("mail")
    mail.dies = True
    await look(postgres, worker_of, held())
    await days.turn([slack, mail])
    mail.dies = False
    for _ in range(5):
        await days.go(1)
        await days.turn([slack, mail])
    # At least once: what the dead worker sent and could not note, is sent again.
    assert (slack.told("No company."), mail.told("No company.")) == (1, 2)


async def test_a_burst_is_one_message_although_another_place_is_away(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    """What is tried again for the place that is away does not take the newest along too early."""
    slack, mail, pace = Taker("slack"), Taker("mail"), AlertPace(gather=30.0, silence=0.0)
    mail.away = True
    await look(postgres, worker_of, held())
    await days.worker([slack, mail], pace).turn()
    await days.go(1)
    await days.worker([slack, mail], pace).turn()
    assert len(slack.got) == 1
    for number in range(6):
        await days.go(0.6)
        await run(postgres, "UPDATE alert SET due_at = now() WHERE attempts > 0")
        await differs(postgres, f"bill:{number}")
        await days.worker([slack, mail], pace).turn()
        await days.go(0.1)
        await differs(postgres, f"receipt:{number}")
        await days.worker([slack, mail], pace).turn()
        await days.go(0.5)
        await days.worker([slack, mail], pace).turn()
    # A bill and the receipt six seconds after it go together.
    assert [note.title.count("2 differences") for _, note in slack.got[1:]] == [1] * 6


async def test_a_difference_that_somebody_settled_and_that_is_back_is_news(
    days: Days, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    finding = await differs(postgres)
    await days.turn([slack])
    await days.go(60)
    await run(
        postgres,
        "UPDATE drift_finding SET standing = 'fixing', actor = 'anna' WHERE id = $1",
        finding,
    )
    await days.turn([slack])
    await stand(postgres, finding, "closed")
    await days.turn([slack])
    await days.go(60)
    for _ in range(3):
        finding = await differs(postgres)
        await days.turn([slack])
        await days.turn([slack])
        await stand(postgres, finding, "closed")
        await days.go(60)
    assert slack.told("Bill 7") == 2


async def test_an_order_that_ends_its_workers_again_is_told_again(
    days: Days, worker_of: Worker, postgres: PostgresStore
) -> None:
    slack = Taker("slack")
    order = await order_of(postgres)
    for told in (1, 2):
        await run(postgres, "UPDATE orders SET claims_without_progress = 5, due_at = now()")
        assert await postgres.claim(worker_of, 1, 30.0) == []
        for _ in range(3):
            await days.turn([slack])
            await days.go(40)
        assert slack.told("POISON") == told
        await postgres.wake_orders(TENANT, [order.id], "anna", "mended")
        await days.turn([slack])

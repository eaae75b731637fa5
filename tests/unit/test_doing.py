"""From a reason to the page where its cause is mended."""

from __future__ import annotations

import pytest

from app.console.doing import place, places
from app.domain.codes import Code, State, Who
from app.domain.course import Need
from app.domain.records import Answer
from app.domain.views import RemoteLink, StepView
from app.domain.wanted import no_member, several_items


def need(code: Code, sentence: str = "So.", step: str = "ship_goods") -> Need:
    return Need(step, "ON1", code, sentence, Who.OPERATOR, "Do it.")


def answer(code: Code | None = None, *choices: str) -> Answer:
    return Answer(State.HELD, code, "So.", Who.SALES, None, "", choices)


def where(one: Need, told: Answer | None = None, *steps: StepView) -> str | None:
    (found,) = places([one], told or answer(), steps)
    return found.address if found is not None else None


def test_d10_a_missing_mapping_is_mended_in_its_form() -> None:
    said = several_items("A&B #1", "P", ["X", "Y"])
    assert where(need(Code.MAPPING_MISSING, said)) == (
        "/mappings?kind=product&commerce_key=A%26B+%231#put"
    )
    member = place(Code.MAPPING_MISSING, no_member("ON1"))
    assert member is not None
    assert member.address == "/mappings?kind=member#put"
    assert place(Code.MAPPING_MISSING, "Another release said this.") is None


def test_a_missing_setting_is_mended_at_its_field_whichever_group_it_is_of() -> None:
    said = "X needs NO_SUCH and CONNECTWISE_FREIGHT_ITEM, which is not set."
    assert where(need(Code.SETTING_MISSING, said)) == (
        "/settings?group=names#CONNECTWISE_FREIGHT_ITEM"
    )
    mail = place(Code.SETTING_MISSING, "SMTP_HOST is not set.")
    assert mail is not None
    assert mail.address == "/settings?group=connection#SMTP_HOST"
    assert place(Code.SETTING_MISSING, "Nobody knows which.") is None


@pytest.mark.parametrize("code", [Code.TICKET_OF_OTHER_COMPANY, Code.TICKET_CLOSED])
def test_d16_a_ticket_that_does_not_do_is_chosen_on_the_orders_page(code: Code) -> None:
    assert where(need(code), answer(code, "new_ticket")) == "#ticket"
    assert place(code, "So.") is None  # a page of several orders has no such part


def test_a_decision_is_made_on_the_page_only_where_its_form_stands() -> None:
    asked = need(Code.TOTAL_MISMATCH)
    assert where(asked, answer(Code.TOTAL_MISMATCH, "accept_lines")) == "#decide-reason"
    assert where(asked, answer(Code.GOODS_NOT_RECEIVED, "look_again")) is None
    assert where(need(Code.HELD_BY_PERSON)) == "#act"
    assert where(need(Code.CONNECTION_PAUSED)) == "/connections"


def test_what_is_done_elsewhere_leads_to_its_record_if_that_can_be_opened() -> None:
    record = RemoteLink("connectwise", "sales_order", "501", page="https://cw.example/501")
    step = StepView("ship_goods", "ON1", State.WAITING, remote=(record,))
    assert where(need(Code.GOODS_NOT_SHIPPED), None, step) == "https://cw.example/501"
    hostile = RemoteLink("ledger", "bill", "1", page="javascript:alert(1)")
    step = StepView("ship_goods", "ON1", State.WAITING, remote=(hostile,))
    assert where(need(Code.GOODS_NOT_SHIPPED), None, step) is None

"""The results of replays in memory: kept with what brings an order to rest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.domain.codes import Code, State, Who
from app.domain.results import ABORTED, ABORTED_SENTENCE, rests
from app.domain.views import ReplayState
from app.store.memory.tables import Row, Tables


def keep_results(tables: Tables, order_ids: Iterable[int], now: datetime) -> None:
    """For the runs that these orders are in, if they rest."""
    for order_id in order_ids:
        for item in tables.replay_item.find("open", order_id):
            run = tables.replay.get(item["replay_id"])
            if run is not None and run["state"] == ReplayState.RUNNING:
                _keep_if_it_rests(tables, item, now)


def finish(tables: Tables, replay_id: str, now: datetime) -> bool:
    """Note that a run is over if every order has its result; whether it is."""
    for item in _open(tables, replay_id):
        _keep_if_it_rests(tables, item, now)
    if _open(tables, replay_id):
        return False
    kept = [item["result_at"] for item in tables.replay_item.find("replay", replay_id)]
    last = max((at for at in kept if at is not None), default=now)
    tables.replay.change(replay_id, state=ReplayState.DONE, finished_at=last)
    return True


def abort(tables: Tables, replay_id: str, now: datetime) -> None:
    for item in tables.replay_item.find("replay", replay_id):
        if item["state"] == ReplayState.WOKEN and item["result_at"] is None:
            _keep(tables, item, ABORTED, None, ABORTED_SENTENCE, now)


def _open(tables: Tables, replay_id: str) -> list[Row]:
    return [
        item
        for item in tables.replay_item.find("replay", replay_id)
        if item["state"] == ReplayState.WOKEN
        and item["result_at"] is None
        and tables.orders.get(item["order_id"]) is not None
    ]


def _keep_if_it_rests(tables: Tables, item: Row, now: datetime) -> None:
    order = tables.orders.get(item["order_id"])
    if order is None or order["lease_token"] is not None:
        return
    who = Who(order["who"]) if order["who"] else None
    code = Code(order["code"]) if order["code"] else None
    if rests(State(order["state"]), code, who, order["due_at"], now):
        _keep(tables, item, order["state"], order["code"], order["sentence"], now)


def _keep(
    tables: Tables, item: Row, state: str, code: str | None, sentence: str | None, now: datetime
) -> None:
    tables.replay_item.change(
        (item["replay_id"], item["position"]),
        result_state=state,
        result_code=code,
        result_sentence=sentence,
        result_at=now,
    )

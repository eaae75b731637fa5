"""Mappings and replays' costs at the command line, in the shapes of the admin REST."""

from __future__ import annotations

from datetime import UTC, datetime

from app.api.admin_replays import CostOut
from app.api.setup_models import MappedOut, MappingOut, MissingMappingOut, SettingOut
from app.cli import setup_shapes, shapes
from app.domain.budgets import Spent
from app.domain.costs import Cost
from app.domain.views import MappingRow, Replay, Stopped
from app.domain.wanted import Wanted
from app.sync.progress import Progress
from app.sync.setup import Mapped, Missing, SettingView

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
ORDER = Stopped(7, "ON1", "default", ("Add it.",))


def test_what_mappings_are_told_as_is_what_rest_tells() -> None:
    row = MappingRow(3, "vendor", "9", "INGRAM", NOW, "anna")
    kept = Mapped(row, (ORDER,), (ORDER,))
    assert setup_shapes.mapped(kept) == MappedOut.from_kept(kept).model_dump(mode="json")
    person = MappingRow(4, "contact", "joe@contoso.example", "12", NOW, "anna")
    assert shapes.mapping(person) == MappingOut.of(person).model_dump(mode="json")
    assert shapes.mapping(person)["commerce_key"] == "j…@contoso.example"
    kept = Mapped(person, (), ())
    assert setup_shapes.mapped(kept) == MappedOut.from_kept(kept).model_dump(mode="json")
    missing = Missing(Wanted("vendor", "9"), "Add it.", (ORDER,))
    told = setup_shapes.missing_mapping(missing)
    assert told == MissingMappingOut.of(missing).model_dump(mode="json")


def test_what_a_setting_is_told_as_is_what_rest_tells() -> None:
    view = SettingView("X", "a", "scenario", "behaviour", "What it does.", False, options=("a",))
    assert shapes.setting(view) == SettingOut.of(view).model_dump(mode="json")


def test_what_a_replay_costs_is_told_as_rest_tells_it() -> None:
    cost = Cost("xero", 3, (Spent(60.0, 1, 60), Spent(86400.0, 4999, 5000)))
    replay = Replay("r", 1, "planned", "why", "anna", NOW, NOW)
    told = shapes.replay(Progress(replay, (), (cost,)))["costs"]
    assert told == [CostOut.of(cost).model_dump(mode="json")]
    assert told[0]["sufficient"] is False

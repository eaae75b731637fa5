"""Create, replace, patch and delete for every resource, by its table and its rules.

Owns the order of things in a write: read the body, check, let the rules speak, store, let the rules
follow up. Runs inside an open `World.write`, so a refusal leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import bad_request, not_found
from sandbox.connectwise.model.intake import Intake
from sandbox.connectwise.model.patch import partial_body
from sandbox.connectwise.model.resources import RESOURCES, Resource
from sandbox.connectwise.model.rules import RULES, Rules
from sandbox.connectwise.model.rules.base import Extras
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NO_RULES = Rules()


class Engine:
    """Writes records of one world. Every method raises `Refusal` and gives stored rows."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.intake = Intake(world)

    def existing(self, table: str, record_id: int, parent: int | None, view: View) -> Row:
        """A record under its parent. Raises 404."""
        resource = RESOURCES[table]
        row = view.get(resource.home, record_id)
        if row is None or not resource.holds(row):
            raise not_found(resource.name, record_id)
        if parent is not None and row.get(resource.parent) != parent:
            raise not_found(resource.name, record_id)
        return row

    def check_parent(self, resource: Resource, parent: int | None, view: View) -> None:
        if parent is not None:
            self.existing(resource.parent_table, parent, None, view)

    def create(self, table: str, body: Any, parent: int | None = None) -> Row:
        resource = RESOURCES[table]
        self.check_parent(resource, parent, self.world.store)
        values = self.intake.created(resource, body)
        shown = resource.fields.get(resource.parent)
        if parent is not None and (shown is None or shown.kept):
            values[resource.parent] = parent
        return self._save(resource, None, values, parent)

    def put(self, table: str, record_id: int, body: Any, parent: int | None = None) -> Row:
        resource = RESOURCES[table]
        old = self.existing(table, record_id, parent, self.world.store)
        return self._save(resource, old, self.intake.replaced(resource, body, old), parent)

    def patch(self, table: str, record_id: int, body: Any, parent: int | None = None) -> Row:
        resource = RESOURCES[table]
        old = self.existing(table, record_id, parent, self.world.store)
        partial = partial_body(resource, body, old)
        values = self.intake.changed(resource, partial, old)
        return self._save(resource, old, values, parent, named=frozenset(partial))

    def delete(self, table: str, record_id: int, parent: int | None = None) -> None:
        rules = RULES.get(table, NO_RULES)
        row = self.existing(table, record_id, parent, self.world.store)
        if rules.before_delete is not None:
            rules.before_delete(self.world, row)
        self.world.delete(RESOURCES[table].home, record_id)
        if rules.after_delete is not None:
            rules.after_delete(self.world, row)

    def _save(
        self,
        resource: Resource,
        old: Row | None,
        values: dict[str, Any],
        parent: int | None,
        named: frozenset[str] = frozenset(),
    ) -> Row:
        rules = RULES.get(resource.table, NO_RULES)
        extras: Extras = {
            field.name: values.pop(field.name)
            for field in resource.fields.values()
            if field.write_only and field.name in values
        }
        extras["patched"] = named
        if parent is not None:
            extras["parent"] = parent
        self.intake.check_required(resource, values, updating=old is not None)
        if rules.before_save is not None:
            rules.before_save(self.world, old, values, extras)
        table = resource.home
        row = self.world.insert(table, values) if old is None else self.world.replace(table, values)
        if rules.after_save is not None:
            rules.after_save(self.world, old, row, extras)
        return self.world.row(table, row["id"])


def object_body(body: Any) -> Mapping[str, Any]:
    """A body that must be a JSON object; none at all counts as an empty one."""
    if body is None:
        return {}
    if not isinstance(body, Mapping):
        raise bad_request("The body must be a JSON object.")
    return body

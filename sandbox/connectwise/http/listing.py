"""Lists: conditions, orderings, both kinds of paging, `fields`, and counts.

Owns what a list request may say and the `Link` header. Malformed parameters are refused with 400.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.errors import bad_request
from sandbox.connectwise.model.query import Narrow, sort_key
from sandbox.connectwise.model.render import select
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.store import Row, View

DEFAULT_PAGE = 25
LARGEST_PAGE = 1000

Headers = tuple[tuple[str, str], ...]


def whole(parameters: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = parameters.get(name)
    if text is None or text == "":
        return default
    if not text.isdigit() or int(text) < least:
        raise bad_request(f"{name} must be a whole number of at least {least}.")
    return int(text)


def wanted_fields(parameters: Mapping[str, str]) -> list[str] | None:
    """The paths of the `fields` parameter, or None for all."""
    text = parameters.get("fields")
    if not text:
        return None
    return [part.strip() for part in text.split(",") if part.strip()]


def shown(
    psa: ConnectWise, view: View, table: str, row: Row, fields: list[str] | None
) -> dict[str, Any]:
    """One record, cut to the wanted fields."""
    resource = RESOURCES[table]
    if fields is None:
        return psa.renderer.record(view, resource, row)
    heads = [path.partition("/")[0] for path in fields]
    return select(psa.renderer.record(view, resource, row, heads), fields)


class Listing:
    """One list request on one table, perhaps below a parent or over given rows."""

    def __init__(
        self,
        psa: ConnectWise,
        view: View,
        table: str,
        parameters: Mapping[str, str],
        *,
        parent: int | None = None,
        source: Iterable[Row] | None = None,
    ) -> None:
        self.psa = psa
        self.view = view
        self.table = table
        self.parameters = parameters
        self.parent = parent
        self.source = source

    def matching(self) -> list[Row]:
        """The rows that the conditions let through, by id."""
        compiler = self.psa.compilers[self.table]
        tests = []
        narrow: tuple[Narrow, ...] = ()
        if self.parameters.get("conditions"):
            search = compiler.search(self.parameters["conditions"])
            tests.append(search.test)
            narrow = search.narrow
        if self.parameters.get("childConditions"):
            tests.append(compiler.children(self.parameters["childConditions"]))
        if self.parameters.get("customFieldConditions"):
            tests.append(compiler.custom(self.parameters["customFieldConditions"]))
        view = self.view
        if RESOURCES[self.table].only:
            tests.append(lambda view, row: RESOURCES[self.table].holds(row))
        return [row for row in self._candidates(narrow) if all(test(view, row) for test in tests)]

    def _candidates(self, narrow: tuple[Narrow, ...]) -> Iterable[Row]:
        resource = RESOURCES[self.table]
        if self.source is not None:
            return self.source
        if self.parent is not None:
            return self.view.find(resource.home, resource.parent, (self.parent,))
        if narrow:
            best = min(narrow, key=lambda each: (each.field != "id", each.through is not None))
            return best.rows(self.view, resource.home)
        return self.view.rows(resource.home)

    def page(self, forward_only: bool, url: str) -> tuple[list[dict[str, Any]], Headers]:
        """The records of the wanted page, and the headers that lead on."""
        size = whole(self.parameters, "pageSize", DEFAULT_PAGE, 1)
        if size > LARGEST_PAGE:
            raise bad_request(f"pageSize must not be above {LARGEST_PAGE}.")
        fields = wanted_fields(self.parameters)
        rows = self.matching()
        if forward_only:
            rows, headers = self._forward(rows, size, url)
        else:
            rows, headers = self._navigable(rows, size, url)
        records = [shown(self.psa, self.view, self.table, row, fields) for row in rows]
        return records, headers

    def _forward(self, rows: list[Row], size: int, url: str) -> tuple[list[Row], Headers]:
        if self.parameters.get("orderBy"):
            raise bad_request("orderBy is not allowed with forward-only paging.")
        last = whole(self.parameters, "pageId", 0, 0)
        rows = sorted((row for row in rows if row["id"] > last), key=lambda row: int(row["id"]))
        page = rows[:size]
        if len(rows) <= size:
            return page, (("link", ""),)
        link = self._link(url, "next", pageSize=size, pageId=page[-1]["id"])
        return page, (("link", link),)

    def _navigable(self, rows: list[Row], size: int, url: str) -> tuple[list[Row], Headers]:
        if self.parameters.get("orderBy"):
            keys = self.psa.compilers[self.table].order(self.parameters["orderBy"])
            view = self.view
            for get, downward in reversed(keys):
                keyed = [(sort_key(get(view, row)), row) for row in rows]
                rows = [row for _, row in sorted(keyed, key=itemgetter(0), reverse=downward)]
        number = whole(self.parameters, "page", 1, 1)
        last = max(1, -(-len(rows) // size))
        places = {"first": 1, "last": last}
        if number > 1:
            places["prev"] = min(number - 1, last)
        if number < last:
            places["next"] = number + 1
        links = ", ".join(
            self._link(url, relation, pageSize=size, page=place)
            for relation, place in places.items()
        )
        return rows[(number - 1) * size : number * size], (("link", links),)

    @cached_property
    def _kept(self) -> str:
        """What every address of a page says before the page itself."""
        return urlencode(
            {
                name: value
                for name, value in self.parameters.items()
                if name not in {"page", "pageSize", "pageId"}
            }
        )

    def _link(self, url: str, relation: str, **values: int) -> str:
        """The page comes last in the address: clients in use look for it there."""
        query = "&".join(part for part in (self._kept, urlencode(values)) if part)
        return f'<{url}?{query}>; rel="{relation}"'

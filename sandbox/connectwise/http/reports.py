"""The reports on the wire: their list, columns, rows and counts."""

from __future__ import annotations

from typing import Any

from sandbox.connectwise.http.listing import whole
from sandbox.connectwise.http.routes import Call, Result, route
from sandbox.connectwise.model.errors import Refusal
from sandbox.connectwise.model.reports import REPORTS, answer, run


@route("GET", "/system/reports")
def list_reports(call: Call) -> Result:
    return Result(200, [{"name": report.name} for report in REPORTS.values()])


def _report(call: Call) -> tuple[Any, list[str], list[dict[str, Any]]]:
    report = REPORTS.get(call.names[0].lower())
    if report is None:
        raise Refusal(404, "NotFound", f"report {call.names[0]} not found")
    parameters = call.request.parameters
    columns = [name for name in parameters.get("columns", "").split(",") if name.strip()]
    chosen, rows = run(
        report, call.view, parameters.get("conditions"), columns, parameters.get("orderBy")
    )
    return report, chosen, rows


@route("GET", "/system/reports/*")
def get_report(call: Call) -> Result:
    report, columns, rows = _report(call)
    parameters = call.request.parameters
    size = min(whole(parameters, "pageSize", 1000, 1), 1000)
    first = (whole(parameters, "page", 1, 1) - 1) * size
    return Result(200, answer(report, columns, rows[first : first + size]))


@route("GET", "/system/reports/*/columns")
def report_columns(call: Call) -> Result:
    report, columns, _ = _report(call)
    return Result(200, answer(report, columns, [])["column_definitions"])


@route("GET", "/system/reports/*/count")
def count_report(call: Call) -> Result:
    return Result(200, {"count": len(_report(call)[2])})

"""Every endpoint that is more than a list or a record: importing this module registers them all.

Owns none but the system's own; each area has its module beside this one.
"""

from __future__ import annotations

from sandbox.connectwise.http import bundles, buying, finance, reports, selling, service
from sandbox.connectwise.http.routes import Call, Result, route

__all__ = ["VERSION", "bundles", "buying", "finance", "reports", "selling", "service"]

VERSION = "v2025.1"


@route("GET", "/system/info")
def system_info(call: Call) -> Result:
    return Result(
        200,
        {
            "version": VERSION,
            "isCloud": False,
            "serverTimeZone": "UTC",
            "licenseBits": [],
            "cloudRegion": "NA",
            "maxWorkFlowRecordsAllowed": 1000,
        },
    )

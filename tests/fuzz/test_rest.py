"""Whatever is asked of the REST, its answer is one that the OpenAPI document tells, and never a 500.

Requests are generated from the document itself, right ones and wrong ones, and sent to a real process
over a real database that holds orders.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.api.examples import examples
from app.main import create_app
from tests.api.doors import ADMIN_KEY, SECRET, signed

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.xdist_group("fuzz")]
INTERNAL = 500
BIN = Path(sys.prefix) / "bin"
LEFT_OUT = ("/webhooks/", "/oauth", "/sign-in")
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))


@pytest.fixture
def served(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of an API that knows the published example's order."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DEMANDLINK_DATA_DIR": str(tmp_path),
        "ADMIN_API_KEY": ADMIN_KEY,
        "COMMERCE_WEBHOOK_SECRETS": SECRET,
        "PORT": "0",
        "LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen(
        [BIN / "demandlink", "serve", "--json"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        base = json.loads(process.stdout.readline())["url"]
        for number, name in enumerate(("quote.won", "sales_order.approved")):
            body = json.dumps(examples()[name]).encode()
            headers = signed(body, webhook_id=f"msg_{number}", at=datetime.now(UTC))
            assert httpx.post(f"{base}/webhooks/commerce", content=body, headers=headers).is_success
        yield base
    finally:
        process.terminate()
        process.communicate(timeout=30)


def operations() -> list[Any]:
    """What the document tells, but for what leads to another host and what answers in a stream."""
    schema = schemathesis.openapi.from_dict(create_app().openapi())
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]  # type: ignore[union-attr]
    return [one for one in found if not one.path.startswith(LEFT_OUT)]


def test_every_answer_is_one_that_is_told(served: str) -> None:
    wrong: list[str] = []
    for operation in operations():

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(
                base_url=served, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=20
            )
            assert answer.status_code != INTERNAL, f"{case.as_curl_command()}: {answer.text}"
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - every operation is asked before all is told
            parts = getattr(error, "exceptions", [error])
            wrong += [f"{operation.label}: {one}" for one in parts]
    assert not wrong, "\n\n".join(wrong)

"""What every page is looked at for: what axe calls grave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Page

AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")


async def accessible(page: Page, name: str) -> None:
    """No violation that axe calls serious or critical."""
    found: Any = await page.evaluate(
        f"async () => {{ {AXE}; return (await axe.run(document, {{resultTypes: ['violations']}}))"
        ".violations }"
    )
    grave = [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:160]})"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == [], f"{name}: {grave}"

"""A browser without a screen: signed in, reading pages, sending their forms."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser

import httpx
import pytest

from tests.api.conftest import Service, service
from tests.api.doors import ADMIN_KEY, client_of

__all__ = ["service"]


class Page(HTMLParser):
    """What a test asks of a page: its text, its links, its forms, and what must not stand in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.inline: list[str] = []
        self.elsewhere: list[str] = []
        self._text: list[str] = []
        self._area = ""
        self.feed(text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.forms.append(
                {"action": given.get("action", ""), "method": given.get("method", "")}
            )
        if tag == "input" and self.forms and given.get("name"):
            self.forms[-1][given["name"]] = given.get("value", "")
        if tag == "textarea" and self.forms and given.get("name"):
            self._area = given["name"]
            self.forms[-1][self._area] = ""
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.inline.append(tag)
        self.inline += [
            f"{tag} {name}" for name in given if name == "style" or name.startswith("on")
        ]
        loaded = [given.get("src", ""), given.get("href", "") if tag in ("link", "use") else ""]
        self.elsewhere += [address for address in loaded if re.match(r"(?i)(\w+:)?//", address)]

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area] += data
        self._text.append(data)


@dataclass
class Browser:
    client: httpx.AsyncClient

    async def page(self, path: str, status: int = 200) -> Page:
        answer = await self.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return Page(answer.text)

    async def send(self, path: str, action: str, **fields: str) -> httpx.Response:
        """Send the form of a page that goes to `action`, filled in."""
        page = await self.page(path)
        found = [form for form in page.forms if form["action"].split("?")[0].endswith(action)]
        assert found, f"{path} has no form to {action}: {[form['action'] for form in page.forms]}"
        form = {**found[0], **fields}
        target = form.pop("action")
        form.pop("method")
        return await self.client.post(target, data=form)

    async def told(self, answer: httpx.Response) -> Page:
        """The page that follows a form."""
        assert answer.status_code == 303, answer.text[:1000]
        return await self.page(answer.headers["location"])


async def signed_in(service: Service, key: str = ADMIN_KEY) -> Browser:
    client = client_of(service.app)
    answer = await client.post("/sign-in", data={"key": key, "to": "/"})
    assert answer.status_code == 303
    return Browser(client)


@pytest.fixture
async def browser(service: Service) -> AsyncIterator[Browser]:
    found = await signed_in(service)
    yield found
    await found.client.aclose()

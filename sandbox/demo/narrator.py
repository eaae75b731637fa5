"""Tells the demo on a terminal, or in plain lines where nobody looks.

Owns words and layout. Must not know how anything is found out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH = 100
MARKS = {
    "done": ("✓", "green"),
    "waiting": ("…", "yellow"),
    "held": ("!", "red"),
    "parked": ("!", "red"),
}

# What each step means to somebody who sees ConnectWise for the first time. The names in braces
# are kinds of ConnectWise records, with their number there.
STEPS: Mapping[str, str] = {
    "raise_ticket": "{ticket} is the order's.",
    "create_products": "The products sold stand on {stands}, each marked as this order's.",
    "win_opportunity": "{opportunity} is won.",
    "lose_opportunity": "{opportunity} is lost.",
    "create_sales_order": "{sales_order} is made from it; its goods raise purchasing demand.",
    "sync_purchase_order": "{subject} is made from that demand, as {purchase_order}.",
    "link_demand": "{subject} is linked to the order's demand: read back and found so.",
    "receive_purchase_order": "Receipt {subject} is received in ConnectWise.",
    "ship_goods": "Goods of {invoiced} are marked as shipped.",
    "stop_demand": "No demand for its products is left open: ConnectWise's purchasers order nothing.",
    "release_invoice": "{invoiced} is released: it may be invoiced.",
    "post_purchase_order": "{subject} stands in the ledger as a purchase order, which posts nothing.",
    "post_bill": "Receipt {subject} is a bill in the ledger.",
    "post_invoice": "Commerce's sales invoice stands in the ledger.",
    "suggest_purchase": "{subject} is suggested to the purchasing officer, by a note on the ticket.",
    "mail_suggestion": "{subject} is mailed to the purchasing officer.",
}
COMPLETED = "{subject} is received in full and closed."
# What a step says when it was done before: what it made is made to agree, never made twice.
AGAIN: Mapping[str, str] = {
    "create_products": "The products sold agree with the order again.",
    "sync_purchase_order": "{subject} agrees with Commerce again, as {purchase_order}.",
    "receive_purchase_order": "Receipt {subject} agrees with Commerce again.",
    "ship_goods": "More goods of {invoiced} are marked as shipped.",
    "release_invoice": "{invoiced} is released again.",
    "post_purchase_order": "{subject} agrees with Commerce again in the ledger.",
}
STOCK = "{subject} is made, as {purchase_order}: no demand asks for it."
UNLINKED = "Lines that are linked to nothing stand on {subject}."


class Narrator:
    """Says things in the order in which they happen. With `as_json`, only the end is printed."""

    def __init__(self, *, as_json: bool = False) -> None:
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # a terminal without these characters still gets its story
            reconfigure(errors="replace")
        looked_at = sys.stdout.isatty()
        self._console = Console(
            highlight=False,
            quiet=as_json,
            soft_wrap=not looked_at,
            width=None if looked_at else WIDTH,
            # Rich keeps bold with NO_COLOR; plain is plain here.
            color_system=None if Console().no_color else "auto",
        )
        self._plain = not looked_at
        self._as_json = as_json

    def _say(self, text: str, style: str | None = None, indent: int = 0) -> None:
        blanks = " " * indent
        lines = Text(text, style=style or "").wrap(
            self._console, max(self._console.width - indent, 40)
        )
        for line in lines:
            line.rstrip()
            self._console.print(Text(blanks).append_text(line), soft_wrap=True)

    def opening(self, *paragraphs: str) -> None:
        for paragraph in paragraphs:
            self._say(paragraph)

    def group(self, title: str) -> None:
        self._say("")
        self._say(f"== {title} ==", style="bold underline")

    def story(self, number: int, title: str, text: str) -> None:
        self._say("")
        self._say(f"{number}. {title}", style="bold")
        self._say(text, indent=3)

    def sent(self, what: str) -> None:
        """Events that went to the webhook."""
        self._say(f"→ {what}", style="cyan", indent=3)

    def happened(self, what: str) -> None:
        """Something that a person or a machine did meanwhile."""
        self._say(f"* {what}", style="magenta", indent=3)

    def step(self, sentence: str) -> None:
        self._say(f"✓ {sentence}", style="green", indent=3)

    def stands(self, order: Mapping[str, Any]) -> None:
        """The order's answer, as its page gives it."""
        mark, colour = MARKS.get(order["state"], ("·", ""))
        answer = order["answer"]
        who = "" if answer["who"] == "nobody" else f" ({answer['who']} acts)"
        code = f" [{answer['code']}]" if answer["code"] else ""
        text = f"{mark} {order['number']} is {order['state']}{code}: {answer['sentence']}{who}"
        self._say(text, style=colour, indent=3)

    def table(self, title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; headings that end with # are columns of numbers."""
        self.grouped(title, headings, [("", rows)])

    def grouped(
        self,
        title: str,
        headings: Sequence[str],
        groups: Iterable[tuple[str, Iterable[Sequence[object]]]],
    ) -> None:
        """A table in parts, each under its name, which stands in the widest column: the last."""
        self._say("")
        self._say(title, style="bold")
        shape = box.ASCII2 if self._plain else box.ROUNDED
        table = Table(box=shape, header_style="bold", show_lines=False)
        for heading in headings:
            right = heading.endswith("#")
            table.add_column(
                heading.rstrip("#"),
                justify="right" if right else "left",
                overflow="fold",
                no_wrap=heading == headings[0],
            )
        for name, rows in groups:
            if name:
                table.add_section()
                table.add_row(*([""] * (len(headings) - 1)), Text(name, style="bold"))
            for row in rows:
                table.add_row(*(Text(str(cell)) for cell in row))
        self._console.print(table, soft_wrap=False)

    def end(self, text: str, *, good: bool) -> None:
        self._say("")
        self._say(text, style="bold green" if good else "bold red")

    def as_json(self, value: Any) -> None:
        """The whole day for a program, where it was asked for."""
        if self._as_json:
            print(json.dumps(value, ensure_ascii=False))


@dataclass(frozen=True)
class Telling:
    """How a step came to be done: `again` after it was done before, for `stock`, or for the lines
    of a purchase order that are `unlinked`."""

    again: bool = False
    stock: bool = False
    unlinked: bool = False


def told(step: Mapping[str, Any], how: Telling = Telling()) -> str:
    """A finished step as a sentence."""
    records = {
        link["kind"]: f"{link['kind'].replace('_', ' ')} {link['id']}" for link in step["remote"]
    }
    template = STEPS.get(step["step"], "{subject}: " + step["step"].replace("_", " ") + ".")
    if step["step"] == "receive_purchase_order" and "/" not in step["subject"]:
        template = COMPLETED
    elif how.again:
        template = AGAIN.get(step["step"], template)
    elif step["step"] == "sync_purchase_order":
        template = UNLINKED if how.unlinked else STOCK if how.stock else template
    known = _Records(records, subject=step["subject"])
    sentence = str(template.format_map(known))
    return sentence[:1].upper() + sentence[1:]


class _Records(dict[str, str]):
    """Names of records by kind; one that is not known is called by its kind. Where there is no sales
    order or no opportunity, products stand on the ticket, and it is what is invoiced."""

    def __init__(self, known: Mapping[str, str], **more: str) -> None:
        super().__init__({**known, **more})

    def __missing__(self, key: str) -> str:
        kind = {"invoiced": "sales_order", "stands": "opportunity"}.get(key)
        if kind is not None:
            return self.get(kind) or self.get("ticket") or self[kind]
        return f"the {key.replace('_', ' ')}"

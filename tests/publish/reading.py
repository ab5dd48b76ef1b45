"""Reads pages back the way a reader would: tiles, tables, links."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lxml import html

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, str]]


def read(path: Path) -> html.HtmlElement:
    """A page as a tree."""
    return html.fromstring(path.read_bytes().decode())


def tiles(page: html.HtmlElement) -> dict[str, tuple[str, str]]:
    """Label: (text, full figure) of every tile."""
    found = {}
    for node in page.xpath("//div[@class='tile']"):
        value = node.xpath("./p[contains(@class, 'v')]")[0]
        found[node.xpath("string(h2)")] = (value.text_content(), value.get("title", ""))
    return found


def table(page: html.HtmlElement, table_id: str, part: str = "tbody") -> Rows:
    """Rows of a table by column head; `title` attributes under the head with a star."""
    (node,) = page.xpath(f"//table[@id='{table_id}']")
    heads = [th.get("data-c") or th.text_content() for th in node.xpath("./thead/tr/th")]
    rows = []
    for line in node.xpath(f"./{part}/tr"):
        row = {}
        for head, cell in zip(heads, line, strict=True):
            row[head] = cell.text_content().strip()
            row[head + "*"] = cell.get("title") or row[head]
        rows.append(row)
    return rows


def amount(text: str) -> Decimal:
    """A written amount or count back to its figure; nothing written is 0."""
    plain = text.replace("\u2212", "-").replace("$", "").replace(",", "").replace("+", "")
    return Decimal(plain) if plain not in {"", "\u2013", "not priced"} else Decimal(0)


def specs(page: html.HtmlElement) -> list[dict[str, Any]]:
    """Specs of the charts of a page."""
    return [json.loads(s.text) for s in page.xpath("//script[@type='application/json']")]

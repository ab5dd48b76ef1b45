"""Jinja set up for pages: autoescape on, undefined names are errors, JSON safe inside a script element."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

import dashboards
from dashboards.page import paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dashboards.page import Cell

TEMPLATES = Path(dashboards.__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The environment of all templates, compiled once a process."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.globals.update(kicker="", link=None, tiles=[], terms=[])
    env.filters["rows"] = rows_html
    env.filters["code"] = code_html
    env.filters["paired"] = paired
    env.filters["spec"] = lambda value: Markup(script_json(value))  # noqa: S704 - escaped by script_json
    return env


def code_html(text: str) -> Markup:
    """A text of ours with its `commands` set as code; everything is escaped."""
    parts = [escape(part) for part in text.split("`")]
    made = [Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)]
    return Markup("").join(made)


def rows_html(rows: Sequence[Sequence[Cell]], labels: Sequence[str] = ()) -> Markup:
    """Table rows. Here and not in a template because a site has some hundred thousand cells.

    Every text, title and address goes through `escape`, as autoescape would have it. With `labels` each cell carries
    the head of its column, for rows that are stacked on narrow screens.
    """
    lines = []
    for row in rows:
        parts = ["<tr>"]
        for place, cell in enumerate(row):
            css = f' class="{cell.css}"' if cell.css else ""
            title = f' title="{escape(cell.raw)}"' if cell.raw and cell.raw != cell.text else ""
            bar = f' style="--b:{cell.bar}%"' if cell.bar else ""
            label = f' data-l="{escape(labels[place])}"' if labels else ""
            inner: str = cell.html or escape(cell.text)
            if cell.href:
                inner = f'<a href="{escape(cell.href)}">{inner}</a>'
            parts.append(f"<td{css}{title}{bar}{label}>{inner}" if place else f"<th scope=row{css}{title}>{inner}</th>")
        lines.append("".join(parts))
    return Markup("\n".join(lines) + "\n")  # noqa: S704 - every part is escaped above


def script_json(value: Any) -> str:
    """Compact JSON that cannot end a script element or start a comment in one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return (
        text.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )

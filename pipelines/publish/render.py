"""Jinja set up for pages: autoescape on, undefined names are errors, JSON safe inside a script element."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import dashboards

TEMPLATES = Path(dashboards.__file__).parent / "templates"


@cache
def environment() -> Environment:
    """The environment of all templates, compiled once a process."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    env.globals.update(kicker="", link=None, tiles=[])
    env.filters["spec"] = lambda value: Markup(script_json(value))  # noqa: S704 - escaped by script_json
    return env


def script_json(value: Any) -> str:
    """Compact JSON that cannot end a script element or start a comment in one."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

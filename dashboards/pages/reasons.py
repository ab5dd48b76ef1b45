"""Reasons and counter-evidence as tables. What counts as a reason is decided in pipelines/watch."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboards import cells
from dashboards.page import Cell, Column, Table
from pipelines.cases.evidence_reasons import json_list
from pipelines.publish import numbers

_BASELINE = re.compile(r"\s*\(own_baseline: ([^)]*)\)")


def parse_reasons(text: str | None) -> list[dict[str, Any]]:
    """Reasons in one shape: code, text, value, unit, own, peer; what else one says goes into
    `rest`."""
    made = []
    for entry in json_list(text):
        given = dict(entry) if isinstance(entry, dict) else {"text": str(entry)}
        code = str(given.pop("code", None) or "")
        text_, told = _without_baseline(str(given.pop("text", None) or words(code)))
        unit, also_told = _without_baseline(str(given.pop("unit", None) or ""))
        own_is = told or also_told
        made.append(
            {
                "code": code,
                "text": text_,
                "value": given.pop("value", None),
                "unit": unit,
                "own": given.pop("own_baseline", None),
                "peer": given.pop("peer_percentile", None),
                "rest": "; ".join(
                    ([f"own baseline: {own_is}"] if own_is else [])
                    + [f"{words(k)} {shown(v)}" for k, v in given.items() if v is not None]
                ),
            }
        )
    return made


def _without_baseline(text: str) -> tuple[str, str]:
    """A text and what it says in brackets about its baseline, which has a column of its own."""
    found = _BASELINE.search(text)
    return (text[: found.start()] + text[found.end() :], found[1]) if found else (text, "")


def reason_table(id: str, caption: str, reasons: list[dict[str, Any]]) -> Table:  # noqa: A002
    columns = [
        Column("Reason", "reason", text=True),
        Column("Measured", "measured"),
        Column("Unit", "unit", text=True),
        Column("Own baseline", "own baseline"),
        Column("Peer percentile", "peer percentile"),
        Column("Remarks", "remarks", text=True),
    ]
    keep = [
        True,
        any(r["value"] is not None for r in reasons),
        any(r["unit"] for r in reasons),
        any(r["own"] is not None for r in reasons),
        any(r["peer"] is not None for r in reasons),
        any(r["rest"] for r in reasons),
    ]
    rows = [
        [
            cells.text(r["text"], css="w"),
            number(r["value"]),
            cells.text(r["unit"], css="l"),
            number(r["own"]),
            cells.BLANK if r["peer"] is None else cells.percentile(Decimal(str(r["peer"]))),
            Cell(r["rest"], css="l w q"),
        ]
        for r in reasons
    ]
    return Table(
        id,
        caption,
        [c for c, k in zip(columns, keep, strict=True) if k],
        [[c for c, k in zip(row, keep, strict=True) if k] for row in rows],
    )


def number(value: Any) -> Cell:
    return Cell(shown(value)) if value is not None else cells.BLANK


def shown(value: Any) -> str:
    """A figure of a reason as it came, grouped and without noise digits; anything else as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        try:
            value = Decimal(value) if isinstance(value, str) else value
        except InvalidOperation:
            return str(value)
        if not isinstance(value, Decimal):
            return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    number = Decimal(str(value))
    places = 0 if abs(number) >= 1000 or number == number.to_integral_value() else 3 if abs(number) < 10 else 1
    shown = f"{number:,.{places}f}".replace("-", numbers.MINUS)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def words(code: str) -> str:
    """`mass_shape` as `mass shape`."""
    return code.replace("_", " ")

"""The form of a scenario file, read and checked: a slip of the pen is an error, never a check left out.

What a scenario does belongs in `world.py`, what it expects in `expectations.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from pipelines.landing.contract import BY_NAME

FOLDER = Path(__file__).parent
TABLES = ("rates", "terms", "aliases", "exchange_rates", "serving_hours")
SETTINGS = ("billing_time_zone", "reporting_currency", "revenue_card", "cost_card", "known_at")
COUNTS = ("accepted", "duplicates", "amendments", "quarantined")
EXPECTED = (
    "counts", "quarantine", "revenue", "cost", "foreign_cost", "unpriced", "uncosted", "months", "days", "reported",
    "spread", "serving",
)  # fmt: skip
# Words of a finance person for columns of the contract, and what an event is unless it says otherwise.
_SHORT = {"id": "event_id", "at": "occurred_at"}
_PLAIN = {"organization_id": "acme", "provider": "openai", "model": "chat", "status": "200"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What happens at one reading of the clock, in this order; `expect` is asked when all of it is done."""

    at: datetime
    prices: dict[str, list[Row]]
    settings: dict[str, str]
    deliver: list[Row]
    expect: Row


@dataclass(frozen=True)
class Scenario:
    """One file. `orders` are other ways to deliver the same: rounds of step numbers, from 0 on."""

    title: str
    why: str
    prices: dict[str, list[Row]]
    settings: dict[str, str]
    steps: list[Step]
    seed_models: list[str] = field(default_factory=list)
    orders: list[list[list[int]]] = field(default_factory=list)


def files() -> list[Path]:
    """Every scenario, in name order."""
    return sorted(FOLDER.rglob("*.yaml"))


def read(path: Path) -> Scenario:
    """A scenario from its file. Every value is read as text: nothing of an amount is lost in a float."""
    whole = yaml.load(path.read_text(encoding="utf-8"), Loader=_Texts)  # noqa: S506 - builds texts, lists and maps only
    _only(whole, "title", "why", *TABLES, "seed_models", "settings", "events", "steps", "also_in_orders")
    plain = _PLAIN | whole.get("events", {})
    steps = [_step(step, plain) for step in whole["steps"]]
    assert all(a.at <= b.at for a, b in pairwise(steps)), "the clock goes backwards"
    return Scenario(
        title=whole["title"],
        why=whole["why"],
        prices=_prices(whole, {}),
        settings=_settings(whole),
        steps=steps,
        seed_models=whole.get("seed_models", []),
        orders=[_order(text) for text in whole.get("also_in_orders", [])],
    )


class _Texts(yaml.BaseLoader):
    """YAML whose every value is text, and in which no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Row:  # noqa: FBT001, FBT002
        names = [key.value for key, _ in node.value]
        twice = sorted({name for name in names if names.count(name) > 1})
        assert not twice, f"given twice: {', '.join(twice)} (line {node.start_mark.line + 1})"
        return super().construct_mapping(node, deep=deep)


def _step(step: Row, plain: Row) -> Step:
    _only(step, "at", *TABLES, "settings", "deliver", "expect")
    expect = step.get("expect", {})
    _only(expect, *EXPECTED)
    _only(expect.get("counts", {}), *COUNTS)
    at = datetime.fromisoformat(step["at"]).astimezone(UTC)
    # What the book learns at a step it has known since then; unless it says otherwise it also holds from then.
    learned = {"valid_from": f"{at:%Y-%m-%dT%H:%M:%SZ}", "known_from": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return Step(
        at=at,
        prices=_prices(step, learned),
        settings=_settings(step),
        deliver=[_record(event, plain) for event in step.get("deliver", [])],
        expect=expect,
    )


def _prices(part: Row, learned: Row) -> dict[str, list[Row]]:
    """Rows of each price table; the model is `chat` where a table needs one and none is named."""
    found: dict[str, list[Row]] = {}
    for table in TABLES:
        plain = {} if table == "serving_hours" else dict(learned)
        if table in {"rates", "serving_hours"}:
            plain["model"] = "chat"
        found[table] = [plain | row for row in part.get(table, [])]
    return found


def _settings(part: Row) -> dict[str, str]:
    settings: dict[str, str] = part.get("settings", {})
    _only(settings, *SETTINGS)
    return settings


def _record(event: Row, plain: Row) -> Row:
    """One line of the log, with numbers as numbers."""
    texts = {_SHORT.get(name, name): value for name, value in (plain | event).items()}
    _only(texts, "source", *BY_NAME)
    return {name: _value(BY_NAME[name].type, text) for name, text in texts.items()}


def _value(kind: str, text: str) -> object:
    if kind in {"BIGINT", "INTEGER"}:
        return int(Decimal(text))
    return text == "true" if kind == "BOOLEAN" else text


def _order(text: str) -> list[list[int]]:
    """'3, 1+2' is two rounds: step 3 first, then 1 and 2 in one file each."""
    return [[int(number) - 1 for number in together.split("+")] for together in text.split(",")]


def _only(given: Row, *known: str) -> None:
    unknown = sorted(set(given) - set(known))
    assert not unknown, f"unknown: {', '.join(unknown)}; known here: {', '.join(known)}"

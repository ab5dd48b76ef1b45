"""The six sums of a change: SQL against a slow, obvious reckoning, line by line."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from pipelines.home import Home
from pipelines.landing.contract import BUCKETS, METERS
from pipelines.publish.attribution import Sums
from pipelines.publish.facts import load_facts
from pipelines.settings import Settings
from tests.publish.fixture import change_rated

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.publish.facts import Facts

Rows = list[dict[str, Any]]
CONTRACT, FREE_CALLS = "org-lark-000", "org-fox-001"


@pytest.fixture(scope="module")
def published(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One organisation has a discount from the middle on, another free web searches; some of a third is not priced."""
    return change_rated(
        published,
        tmp_path_factory.mktemp("lines") / "p",
        f"""select * exclude (is_unpriced) replace (
            case
                when is_unpriced then null
                when organization_id = '{CONTRACT}' and usage_date >= '2026-05-01' then revenue_amount * 0.85
                when organization_id = '{FREE_CALLS}' and web_search_calls > 0
                    then revenue_amount - web_search_calls * case service_tier when 'batch' then 0.0125 else 0.025 end
                else revenue_amount
            end::decimal(38, 18) as revenue_amount,
            case when is_unpriced then 'none' else unpriced_reason end as unpriced_reason
        ) from (
            select *, organization_id = 'org-fox-009' and model = 'gpt-4o-mini' and input_tokens % 3 = 0 as is_unpriced
            from t
        )""",
    )


def rows_of(folder: Path, table: str) -> Rows:
    with duckdb.connect() as con:
        result = con.execute(f"from '{folder / table}.parquet'")
        names = [c[0] for c in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def facts_of(folder: Path, tmp_path: Path) -> Facts:
    return load_facts(folder, Home(tmp_path / "home"), Settings())


def listed(rates: Rows, line: Rows, day: date) -> dict[str, Any]:
    """The list's rate set of a line on a day; empty where there is none."""
    first = line[0]
    key = (first["provider"], first["base_model"] or first["model"], first["model_tier"], first["service_tier"])
    at = datetime.combine(day, time())
    for rate in rates:
        own = tuple(rate[k] for k in ("provider", "model", "model_tier", "service_tier"))
        if rate["card"] == "list" and own == key and rate["valid_from"] <= at < rate["valid_to"]:
            return rate
    return {}


def reckon(folder: Path, facts: Facts) -> dict[str, list[Fraction]]:
    """The six sums and the money of lines in one half only, by organisation."""
    assert facts.period is not None
    (start, middle), end = (facts.period.prior[0], facts.period.prior[1]), facts.period.current[1]
    rates = rows_of(folder, "price_rates")
    lines: dict[tuple[str, ...], Rows] = defaultdict(list)
    for row in rows_of(folder, "spend_daily"):
        if row["revenue_amount"] is not None and start <= row["charge_date"] <= end:
            keys = ("organization_id", "product_id", "provider", "model", "base_model", "model_tier", "service_tier")
            lines[tuple(str(row[k]) for k in keys)].append(row)
    sums: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 8)
    for key, line in lines.items():
        kinds: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 4)  # q0, q1, r0, r1
        is_exact = True
        for row in line:
            half, listed_amount, units = int(row["charge_date"] > middle), Fraction(0), Fraction(0)
            rate = listed(rates, line, row["charge_date"])
            for quantity in (q for q in (*BUCKETS, *METERS) if row[q]):
                used = Fraction(row[quantity])
                size = used * (10**6 if quantity.endswith("_hours") else 1)
                amount = used * Fraction(rate.get(f"price_{quantity}") or 0)
                kinds[quantity][half] += size
                kinds[quantity][2 + half] += amount
                listed_amount += amount
                units += size
            is_exact = is_exact and listed_amount == Fraction(row["revenue_amount"])
            kinds["all"][half] += units - row["unpriced_tokens"]
            kinds["all"][2 + half] += Fraction(row["revenue_amount"])
        for kind, (q0, q1, r0, r1) in kinds.items():
            if (kind == "all") == is_exact:
                continue
            mine = sums[key[0]]
            if q0 and q1:
                for place, value in enumerate((q0, q1, r0, r1, r1 * q0 / q1, r0 * q1 / q0)):
                    mine[place] += value
            else:
                mine[6] += r1
                mine[7] -= r0
    return sums


def test_sums_are_those_of_a_slow_reckoning(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sums] = []
    from pipelines.publish import facts as facts_module

    split = facts_module.split
    monkeypatch.setattr(facts_module, "split", lambda sums: (seen.append(sums), split(sums))[1])
    facts = facts_of(published, tmp_path)
    wanted = reckon(published, facts)
    assert list(facts.organization_change) == sorted(wanted)
    for name, sums in zip(facts.organization_change, seen, strict=True):
        for place, field in enumerate(Sums.__slots__):
            # Each line's two quotients are cut after eighteen places.
            off = abs(Fraction(getattr(sums, field)) - wanted[name][place])
            assert off < Fraction(1000, 10**18) if field in {"old_at_new_rates", "new_at_old_rates"} else not off, field


def test_prices_that_did_not_change_have_no_part_in_the_change(published: Path, tmp_path: Path) -> None:
    """Not even a part of a trillionth, also where amounts are not those of the list on every day."""
    folder = change_rated(
        published, tmp_path / "p", f"from t where provider <> 'mistral' and organization_id <> '{CONTRACT}'"
    )
    changes = facts_of(folder, tmp_path).organization_change
    assert len(changes) == 39
    steady = {name: c for name, c in changes.items() if name not in {FREE_CALLS, "org-fox-009"}}
    assert {c.price for c in steady.values()} == {0}
    assert any(c.volume for c in steady.values())


def test_a_discount_is_a_price_and_not_new_lines(published: Path, tmp_path: Path) -> None:
    change = facts_of(published, tmp_path).organization_change[CONTRACT]
    assert change.total == sum(part for _, part in change.parts())
    assert -change.now / 5 < change.price < -change.now / 10

"""What is true of a simulated home: exact totals, and who runs which campaign or look-alike.

Counted from the drawn requests, not from the files, so that reading the files back can be checked
against it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.simulate.catalogue import COST_CARD, CURRENCY, PROVIDER, UNKNOWN_MODEL
from pipelines.simulate.money import Rater, tier_of

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from pipelines.simulate.outcome import Plot
    from pipelines.simulate.prices import PriceRow
    from pipelines.simulate.traffic import Crowd

COUNTS = ("requests", "failed_requests", "input_tokens", "cached_input_tokens", "output_tokens")
TOKENS = COUNTS[2:]


@dataclass(frozen=True, slots=True)
class Truth:
    """All of truth.json. Amounts are decimal texts in `currency`, days are UTC."""

    arguments: dict[str, Any]
    source: str
    currency: str
    records_written: int
    distinct_events: int
    duplicates: int
    late_events: int
    broken_lines: dict[str, int]
    files: dict[str, dict[str, int]]
    totals: dict[str, int]
    unknown_model: dict[str, Any]
    money: dict[str, Any]
    organizations: dict[str, dict[str, Any]]
    days: dict[str, dict[str, Any]]
    models: dict[str, dict[str, Any]]
    campaigns: list[Plot]
    look_alikes: list[Plot]


class Daily(NamedTuple):
    """One row of daily.parquet: day x organisation x product x model x service tier."""

    usage_date: date
    organization_id: str
    product_id: str
    provider: str
    model: str
    base_model: str
    model_tier: str
    service_tier: str
    requests: int
    failed_requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    billing_currency: str
    revenue_amount: Decimal | None
    cost_amount: Decimal | None


SCHEMA = pa.schema(
    [pa.field("usage_date", pa.date32())]
    + [
        pa.field(n, pa.string())
        for n in (
            "organization_id", "product_id", "provider", "model", "base_model", "model_tier",
            "service_tier",
        )
    ]
    + [pa.field(n, pa.int64()) for n in COUNTS]
    + [pa.field("billing_currency", pa.string())]
    + [pa.field(n, pa.decimal128(38, 12)) for n in ("revenue_amount", "cost_amount")]
)  # fmt: skip


def daily_rows(connection: duckdb.DuckDBPyConnection, crowd: Crowd, book: list[PriceRow], days: int) -> list[Daily]:
    """The distinct requests, summed and rated, in a fixed order."""
    rater = Rater(book, crowd.start, days)
    first = crowd.start.date()
    groups = connection.execute("""
        select
            day, organization_id, product_id, name, base_model, batch,
            count(*), count(*) filter (error > 0),
            sum(raw_input_tokens - cached_input_tokens)::bigint, sum(cached_input_tokens)::bigint,
            sum(output_tokens)::bigint
        from requests
        join dim_stream using (stream)
        join dim_model using (model)
        where copy = 0
        group by all
        order by all
    """).fetchall()
    rows = []
    for (
        day,
        organization,
        product,
        model,
        base,
        batch,
        requests,
        failed,
        fresh,
        cached,
        output,
    ) in groups:
        tokens = {"input": fresh, "cached_input": cached, "output": output}
        rows.append(
            Daily(
                usage_date=first + timedelta(days=day),
                organization_id=organization,
                product_id=product,
                provider=PROVIDER,
                model=model,
                base_model=base,
                model_tier=tier_of(model)[1],
                service_tier="batch" if batch else "standard",
                requests=requests,
                failed_requests=failed,
                input_tokens=fresh,
                cached_input_tokens=cached,
                output_tokens=output,
                billing_currency=CURRENCY,
                revenue_amount=rater.amount("list", model, batch=batch, day=day, tokens=tokens),
                cost_amount=rater.amount(COST_CARD, model, batch=batch, day=day, tokens=tokens),
            )
        )
    return rows


def summed(rows: list[Daily], key: str) -> dict[str, dict[str, Any]]:
    """Counts and known amounts by one column."""
    sums: dict[str, dict[str, Any]] = defaultdict(
        lambda: dict.fromkeys(COUNTS, 0) | {"revenue_amount": Decimal(0), "cost_amount": Decimal(0)}
    )
    for row in rows:
        into = sums[str(getattr(row, key))]
        for name in COUNTS:
            into[name] += getattr(row, name)
        into["revenue_amount"] += row.revenue_amount or 0
        into["cost_amount"] += row.cost_amount or 0
    return {k: {n: _text(v) for n, v in sums[k].items()} for k in sorted(sums)}


def money(rows: list[Daily]) -> dict[str, Any]:
    """Exact sums; what has no rate on a side is counted beside it, not in it."""
    both = [r for r in rows if r.revenue_amount is not None and r.cost_amount is not None]
    unpriced = [r for r in rows if r.revenue_amount is None]
    uncosted = [r for r in rows if r.cost_amount is None]
    return {
        "currency": CURRENCY,
        "revenue_card": "list",
        "cost_card": COST_CARD,
        "revenue_amount": _text(sum((r.revenue_amount or Decimal(0) for r in rows), Decimal(0))),
        "cost_amount": _text(sum((r.cost_amount or Decimal(0) for r in rows), Decimal(0))),
        "margin_amount": _text(
            sum(
                ((r.revenue_amount or Decimal(0)) - (r.cost_amount or Decimal(0)) for r in both),
                Decimal(0),
            )
        ),
        "unpriced_requests": sum(r.requests for r in unpriced),
        "unpriced_tokens": sum(_tokens(r) for r in unpriced),
        "uncosted_requests": sum(r.requests for r in uncosted),
        "uncosted_tokens": sum(_tokens(r) for r in uncosted),
        "unpriced_models": sorted({r.base_model for r in unpriced}),
    }


def unknown_model(rows: list[Daily]) -> dict[str, Any]:
    """Requests and tokens of the model that no price book knows."""
    mine = [r for r in rows if r.model == UNKNOWN_MODEL]
    return {
        "model": UNKNOWN_MODEL,
        "requests": sum(r.requests for r in mine),
        "tokens": sum(_tokens(r) for r in mine),
        "organizations": sorted({r.organization_id for r in mine}),
    }


def write_truth(truth: Truth, rows: list[Daily], folder: Path) -> None:
    """truth.json and daily.parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.json").write_text(json.dumps(asdict(truth), indent=1) + "\n", encoding="utf-8")
    columns = [[row[i] for row in rows] for i in range(len(SCHEMA))]
    table = pa.table(columns, schema=SCHEMA)
    pq.write_table(table, folder / "daily.parquet", compression="zstd")


def _tokens(row: Daily) -> int:
    return sum(int(getattr(row, name)) for name in TOKENS)


def _text(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value

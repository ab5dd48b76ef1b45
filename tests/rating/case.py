"""A small world to rate in: price rows, terms and events by the columns that matter, the rest filled in."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from pipelines.build import changed_days
from pipelines.landing.contract import BUCKETS, COLUMNS, INPUT_BUCKETS, METERS, OUTPUT_BUCKETS
from pipelines.pricing.months import touched_months
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, SERVING_HOURS, TERMS, PriceTable, write_typed
from tests.rating.models import build

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

Row = dict[str, Any]
SEED_TABLES = {"rates": "price_book", "aliases": "model_aliases", "exchange rates": "exchange_rates"}
_DEFAULTS: dict[str, dict[str, str]] = {
    "rates": {
        "card": "list", "provider": "openai", "model": "m", "model_tier": "base", "service_tier": "standard",
        "unit": "input", "price": "1.00", "per": "1000000", "currency": "USD", "context_from": "0",
        "valid_from": "2023-01-01T00:00:00Z", "source": "price page", "checked_on": "2023-01-01",
    },
    "aliases": {
        "provider": "openai", "valid_from": "2023-01-01T00:00:00Z", "source": "docs", "checked_on": "2023-01-01",
    },
    "terms": {
        "organization_id": "acme", "side": "revenue", "valid_from": "2023-01-01T00:00:00Z", "source": "contract",
        "checked_on": "2023-01-01",
    },
    "exchange rates": {
        "from_currency": "EUR", "to_currency": "USD", "valid_from": "2023-01-01T00:00:00Z", "source": "bank",
        "checked_on": "2023-01-01",
    },
    "serving hours": {
        "provider": "openai", "model": "m", "model_tier": "base", "source": "cluster", "checked_on": "2023-01-01",
    },
}  # fmt: skip


def filled(table: PriceTable, row: Row) -> dict[str, str]:
    """A row of text with the columns that the test did not name."""
    texts = {name: str(value) for name, value in row.items()}
    unknown = set(texts) - set(table.columns)
    assert not unknown, f"{table.name} have no column {', '.join(sorted(unknown))}"
    return dict.fromkeys(table.columns, "") | _DEFAULTS[table.name] | texts


def text_table(table: PriceTable, rows: Iterable[Row]) -> pa.Table:
    """Rows as `tables.read_rows` gives them."""
    whole = [{"file": "case", "line": n, **filled(table, row)} for n, row in enumerate(rows, 2)]
    schema = pa.schema([("file", pa.string()), ("line", pa.int64()), *((name, pa.string()) for name in table.columns)])
    return pa.Table.from_pylist(whole, schema)


def event(**given: Any) -> Row:
    """A canonical event; `at` is its instant. Token totals follow from the buckets."""
    row: Row = {c.name: None for c in COLUMNS}
    row |= dict.fromkeys((*BUCKETS, *METERS), 0)
    row |= {
        "source": "gateway", "event_id": "e1", "revision": 0, "organization_id": "acme", "provider": "openai",
        "model": "m", "service_tier": "standard", "operation": "chat", "status": 200, "gateway_cache_hit": False,
        "occurred_at": given.pop("at", "2023-06-15T12:00:00"),
    }  # fmt: skip
    row |= given
    tuned = row["model"].split(":")[1] if row["model"].startswith("ft:") else None
    row |= {"base_model": tuned, "model_tier": "fine_tuned" if tuned else "base"}
    row["raw_input_tokens"] = sum(row[b] for b in INPUT_BUCKETS)
    row["raw_output_tokens"] = sum(row[b] for b in OUTPUT_BUCKETS)
    row["received_at"] = row["occurred_at"]
    return row


@dataclass(repr=False)
class Case:
    """Everything that decides amounts. `rates` … `serving_hours` are rows by column name."""

    rates: Sequence[Row] = ()
    aliases: Sequence[Row] = ()
    terms: Sequence[Row] = ()
    exchange_rates: Sequence[Row] = ()
    serving_hours: Sequence[Row] = ()
    events: Sequence[Row] = ()
    revenue_card: str = "list"
    cost_card: str = "list"
    billing_time_zone: str = "UTC"
    reporting_currency: str = "USD"
    known_at: str = "9999-12-31 23:59:59"
    threads: int = 1
    con: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)

    def rate(self, *targets: str) -> Case:
        """Build `targets` (default: rated_usage and spend_daily) from scratch; returns itself."""
        self.prepare()
        self._land()
        build(self.con, targets or ("rated_usage", "spend_daily"))
        return self

    def rate_in_runs(self, runs: Sequence[Sequence[Row]], *targets: str) -> Case:
        """As `rate`, with the events of each run added to what the runs before have built; `events` are left aside."""
        by_month = any(term["kind"] in {"allowance", "graduated", "volume"} for term in self.terms)
        self.prepare()
        commits = [SimpleNamespace(touched_days=sorted({e["occurred_at"][:10] for e in run})) for run in runs]
        for n, run in enumerate(runs):
            days = changed_days(commits[: n + 1], n, self.billing_time_zone if by_month else None)
            known = [e for earlier in runs[: n + 1] for e in earlier]
            self.events = [e for e in known if e["occurred_at"][:10] in days]
            self._land()
            months = touched_months({e["occurred_at"][:10] for e in run}, self.billing_time_zone)
            self.con.execute("delete from run.touched_months")
            self.con.execute("insert into run.touched_months select unnest(?::date[])", [sorted(months)])
            build(self.con, targets or ("rated_usage", "spend_daily"), onto=n > 0)
        return self

    def prepare(self) -> None:
        """Write prices, terms and settings."""
        self.con.execute(f"set TimeZone = 'UTC'; set threads = {self.threads}; create schema if not exists run")
        tables = (
            (RATES, self.rates), (ALIASES, self.aliases), (TERMS, self.terms), (EXCHANGE_RATES, self.exchange_rates),
            (SERVING_HOURS, self.serving_hours),
        )  # fmt: skip
        for table, rows in tables:
            write_typed(self.con, table, text_table(table, rows), table.warehouse)
            if table.name in SEED_TABLES:
                write_typed(self.con, table, text_table(table, []), SEED_TABLES[table.name])
        self.con.execute("""
            create or replace table run.settings (
                price_book_digest varchar, project_version varchar, billing_time_zone varchar,
                reporting_currency varchar, revenue_card varchar, cost_card varchar, known_at timestamp,
                demo boolean, site_title varchar)""")
        self.con.execute(
            "insert into run.settings values ('', '', ?, ?, ?, ?, ?, false, '')",
            [self.billing_time_zone, self.reporting_currency, self.revenue_card, self.cost_card, self.known_at],
        )

    def _land(self) -> None:
        columns = ", ".join(f"{c.name} {c.type}" for c in COLUMNS)
        self.con.execute(f"create or replace table landed ({columns})")
        rows = [{k: v if v is None else str(v) for k, v in e.items()} for e in self.events]
        if rows:
            landed = pa.Table.from_pylist(rows, pa.schema([(c.name, pa.string()) for c in COLUMNS]))
            self.con.register("landed_text", landed)
            names = ", ".join(c.name for c in COLUMNS)
            # The digest is not looked at here.
            values = ", ".join("null" if c.name == "body_digest" else f"{c.name}::{c.type}" for c in COLUMNS)
            self.con.execute(f"insert into landed ({names}) select {values} from landed_text")
        self.con.execute("""
            create or replace table stg_usage_events as select *, occurred_at::date as usage_date from landed;
            create or replace table run.touched_days as select distinct usage_date from stg_usage_events;
            create or replace table run.touched_charge_days as
                select distinct usage_date + shift as charge_date
                from run.touched_days cross join (values (-1), (0), (1)) as s (shift);
            create or replace table run.touched_months as
                select distinct date_trunc('month', charge_date)::date as charge_month from run.touched_charge_days""")

    def __repr__(self) -> str:
        """What a failing property shows: events without what they leave at its usual value."""
        usual = event()
        shown = {
            f.name: [{k: v for k, v in e.items() if v != usual[k] or k == "event_id"} for e in self.events]
            if f.name == "events"
            else getattr(self, f.name)
            for f in fields(self)
            if f.name != "con" and getattr(self, f.name) != f.default
        }
        return "\n".join(f"{name}: {value}" for name, value in shown.items())

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - Hypothesis calls it
        printer.text(repr(self))

    def amounts(self, side: str = "revenue") -> dict[str, Decimal | None]:
        """Amount by event_id."""
        return dict(self.con.execute(f"select event_id, {side}_amount from rated_usage").fetchall())

    def reasons(self) -> dict[str, str | None]:
        """Reason why there is no revenue amount, by event_id."""
        return dict(self.con.execute("select event_id, unpriced_reason from rated_usage").fetchall())

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.con.execute(sql).fetchall()

"""Everything the pages read, fetched with one query a table, not one a page.

Reads only the published Parquet, through DuckDB in memory. Rows arrive as dicts of aggregates; events stay in the
engine, except the few sample rows of a case. Queries know the quantities of an event by the variables `buckets`,
`meters` and `quantities` (both, and requests), which come from the contract.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.money import exact
from pipelines.publish.attribution import Change, Sums, split, together
from pipelines.publish.names import colours
from pipelines.publish.period import Period, make_period
from pipelines.publish.series import Row, Series, dense, dense_groups
from pipelines.sql import identifier, literal, read_sql
from pipelines.warehouse import connect

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home
    from pipelines.settings import Settings

QUERIES = Path(__file__).with_name("queries")
TABLES = (
    "spend_daily",
    "spend_reported",
    "extraction_flags",
    "case_decisions",
    "ingested_files",
    "quarantined_records",
    "price_book",
    "build",
    "price_rates",
    "serving_days",
    "activity_daily",
    "watch_summary",
    "newcomers",
    "enforcement_flags",
    "enforcement_summary",
)
MAX_PRODUCT_PAGES = 200
# Flags of suspensions and licences on a page; all are in the published table.
MAX_ENFORCEMENT = 500
# Newcomers on the page, from the top of their list.
MAX_NEWCOMERS = 10
# Of organisations, products and models each: the largest stand for themselves on the pages, all others in one row.
MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Facts:
    """The published tables as the pages need them. Empty lists where there is no usage yet."""

    build: Row
    period: Period | None
    total: Row = field(default_factory=dict)
    organizations: list[Row] = field(default_factory=list)
    products: list[Row] = field(default_factory=list)
    models: list[Row] = field(default_factory=list)
    model_tiers: list[Row] = field(default_factory=list)
    paged_organizations: list[str] = field(default_factory=list)
    flagged_organizations: list[str] = field(default_factory=list)
    paged_products: list[str] = field(default_factory=list)
    organization_products: dict[str, list[Row]] = field(default_factory=dict)
    organization_models: dict[str, list[Row]] = field(default_factory=dict)
    product_models: dict[str, list[Row]] = field(default_factory=dict)
    product_organizations: dict[str, list[Row]] = field(default_factory=dict)
    daily: Series | None = None
    organization_daily: dict[str, Series] = field(default_factory=dict)
    product_daily: dict[str, Series] = field(default_factory=dict)
    model_daily: list[Series] = field(default_factory=list)
    organization_model_daily: dict[str, list[Series]] = field(default_factory=dict)
    product_model_daily: dict[str, list[Series]] = field(default_factory=dict)
    token_kinds: list[Row] = field(default_factory=list)
    months: list[Row] = field(default_factory=list)
    foreign: list[Row] = field(default_factory=list)
    organization_foreign: dict[str, list[Row]] = field(default_factory=dict)
    product_foreign: dict[str, list[Row]] = field(default_factory=dict)
    foreign_costs: list[Row] = field(default_factory=list)
    converted: list[Row] = field(default_factory=list)
    exchange: list[Row] = field(default_factory=list)
    change: Change | None = None
    organization_change: dict[str, Change] = field(default_factory=dict)
    serving: list[Row] = field(default_factory=list)
    list_value: list[Row] = field(default_factory=list)
    prices: list[Row] = field(default_factory=list)
    without_amount: dict[str, list[Row]] = field(default_factory=dict)
    without_amount_reasons: dict[str, list[Row]] = field(default_factory=dict)
    sources: list[Row] = field(default_factory=list)
    files: list[Row] = field(default_factory=list)
    file_count: int = 0
    quarantine: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    flags: list[Row] = field(default_factory=list)
    watch: Row = field(default_factory=dict)
    enforcement: list[Row] = field(default_factory=list)
    enforcement_summary: Row = field(default_factory=dict)
    newcomers: list[Row] = field(default_factory=list)
    newcomer_count: int = 0
    case_days: dict[str, list[Row]] = field(default_factory=dict)
    case_shares: dict[str, list[Row]] = field(default_factory=dict)
    case_hours: dict[str, list[Row]] = field(default_factory=dict)
    case_samples: dict[str, list[Row]] = field(default_factory=dict)
    case_history: dict[str, list[Row]] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        """The currency all amounts are in."""
        return str(self.build["reporting_currency"])

    def is_merged(self, row: Row) -> bool:
        """Whether a row stands for the many names that have none of their own on the pages."""
        names = {row.get("organization_id"), row.get("product_id"), row.get("family")}
        return not names.isdisjoint(self.merged.values())

    @property
    def at_list_price(self) -> bool:
        """Whether cost is rated with the same card as revenue, so that margin says nothing.

        Terms (own cards, mark-ups, discounts) and hours of GPUs can make a margin all the same.
        """
        same = self.build["cost_card"] == self.build["revenue_card"]
        return same and not any(row.get("margin") for row in (self.total, *self.organizations))


def load_facts(published: Path, home: Home, settings: Settings) -> Facts:
    """Read the published tables below `published`."""
    with connect(home, in_memory=True) as con, exact():
        for table in TABLES:
            con.execute(f"create view {table} as from read_parquet({literal(published / f'{table}.parquet')})")
        build = _rows(con, "from build")[0]
        common: dict[str, Any] = {
            "build": build,
            "sources": _query(con, "sources"),
            "files": _query(con, "files"),
            "file_count": _rows(con, "select count(*) as n from ingested_files")[0]["n"],
            "quarantine": _query(con, "quarantine"),
            "watch": _rows(con, "from watch_summary")[0],
            "enforcement_summary": _rows(con, "from enforcement_summary")[0],
            "newcomer_count": _rows(con, "select count(*) as n from newcomers")[0]["n"],
        }
        span = _rows(con, "select min(charge_date) as first, max(charge_date) as last from spend_daily")[0]
        if span["first"] is None or build["data_through"] is None:
            return Facts(**{**common, "period": None})
        period = make_period(span["first"], span["last"], build["data_through"], build["billing_time_zone"])
        counts, merged = _merge_others(con)
        _prepare(con, published, period, build, settings, merged)
        return Facts(**{**common, "period": period}, **_usage(con, period), counts=counts, merged=merged)


def _merge_others(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], dict[str, str]]:
    """Bound what pages are made of: names beyond the largest become one in `spend_daily`; all are in `all_spend_daily`.

    Returns how many names there are by kind, and by kind the name in which others stand, where some do. Whoever is
    flagged keeps their name at any size.
    """
    con.execute("alter view spend_daily rename to all_spend_daily")
    con.execute(read_sql(QUERIES / "case_members.sql"))
    con.execute("set variable most_names = ?", [MOST_NAMES])
    con.execute(read_sql(QUERIES / "largest.sql"))
    counts = {r["kind"]: r["names"] for r in _rows(con, "from name_counts")}
    merged = {
        r["kind"]: f"({r['others']:,} other {r['kind']})" for r in _rows(con, "from name_counts where others > 0")
    }
    changes = []
    for kind, column in (("organisations", "organization_id"), ("products", "product_id")):
        if kind in merged:
            kept = f"{column} in (select {column} from all_{kind} where is_kept)"
            changes.append(f"case when {kept} then {column} else {literal(merged[kind])} end as {column}")
    if others := merged.get("models"):
        # Of a family that stands for itself, the tuned models beyond the largest are one.
        family = "(provider, coalesce(nullif(base_model, ''), model)) in (from large_families)"
        itself = f"{family} and (provider, model) in (from large_models)"
        changes += [
            f"case when {family} then provider else {literal(others)} end as provider",
            f"case when {itself} then model else {literal(others)} end as model",
            f"case when {family} then base_model else '' end as base_model",
        ]
    replaced = f"replace ({', '.join(changes)})" if changes else ""
    con.execute(f"create view spend_daily as select * {replaced} from all_spend_daily")
    return counts, merged


def _prepare(
    con: duckdb.DuckDBPyConnection,
    published: Path,
    period: Period,
    build: Row,
    settings: Settings,
    merged: dict[str, str],
) -> None:
    """Tables that the queries share: the period, the events, the window, and who gets a page."""
    current, prior = period.current, period.prior
    con.execute(
        """create table period as select
            ?::date as window_first, ?::date as window_last, ?::date as current_first, ?::date as current_last,
            ?::date as prior_first, ?::date as prior_last, ?::integer as compared, ?::varchar as currency,
            ?::varchar as revenue_card, ?::timestamp as data_through, ?::timestamp as known_at""",
        [
            period.first,
            period.last,
            *current,
            *prior,
            period.compared,
            build["reporting_currency"],
            build["revenue_card"],
            build["data_through"],
            settings.pricing.known_at_utc(),
        ],
    )
    for table in ("rated_usage", "usage_events"):
        files = literal(published / table / "*" / "*.parquet")
        con.execute(
            f"create view {table} as from read_parquet({files}, union_by_name = true, hive_partitioning = true)"
        )
    for name, quantities in (
        ("buckets", BUCKETS),
        ("meters", METERS),
        ("quantities", (*BUCKETS, *METERS, "requests")),
    ):
        con.execute(f"set variable {name} = [{', '.join(map(literal, quantities))}]")
    for query in ("macros", "rates", "spend"):
        con.execute(read_sql(QUERIES / f"{query}.sql"))
    for entity, others, limit in (
        ("organization", merged.get("organisations"), settings.site.max_organization_pages),
        ("product", merged.get("products"), min(settings.site.max_organization_pages, MAX_PRODUCT_PAGES)),
    ):
        key = identifier(f"{entity}_id")
        con.execute(
            f"""create table paged_{entity}s as
            select {key} from spend where {key} is distinct from {literal(others) if others else "null"} group by {key}
            order by sum(revenue_amount) desc nulls last, sum(requests) desc, {key} limit {limit}"""
        )
    # Who is flagged has a page for trust and safety at any size. Nobody else learns of it.
    con.execute(
        "create view organization_pages as from paged_organizations union select organization_id from case_members"
    )
    con.execute("create view product_pages as from paged_products")


def _usage(con: duckdb.DuckDBPyConnection, period: Period) -> dict[str, Any]:
    sets = _by_set(_query(con, "breakdown"), ("organization_id", "product_id", "family", "service_tier"))
    series = _by_set(_query(con, "series"), ("organization_id", "product_id", "family"))
    days = len(period.days)
    models = sets[("family",)]
    families = list(dict.fromkeys(row["family"] for row in models))
    changes = {row["organization_id"]: split(_sums(row)) for row in _query(con, "attribution")}
    crossed = sets[("organization_id", "product_id")]
    foreign = _query(con, "foreign")
    return {
        "total": sets[()][0],
        "organizations": sets[("organization_id",)],
        "products": sets[("product_id",)],
        "models": models,
        "model_tiers": sets[("family", "service_tier")],
        "paged_organizations": [r["organization_id"] for r in _rows(con, "from paged_organizations order by all")],
        "flagged_organizations": [
            r["organization_id"] for r in _rows(con, "select distinct organization_id from case_members order by all")
        ],
        "paged_products": [r["product_id"] for r in _rows(con, "from paged_products order by all")],
        "organization_products": _group(crossed, "organization_id"),
        "product_organizations": _group(crossed, "product_id"),
        "organization_models": _group(sets[("organization_id", "family")], "organization_id"),
        "product_models": _group(sets[("product_id", "family")], "product_id"),
        "daily": dense(series[()][0], days),
        "organization_daily": {r["organization_id"]: dense(r, days) for r in series[("organization_id",)]},
        "product_daily": {r["product_id"]: dense(r, days) for r in series[("product_id",)]},
        "model_daily": [dense(r, days) for r in series[("family",)]],
        "organization_model_daily": dense_groups(series[("organization_id", "family")], "organization_id", days),
        "product_model_daily": dense_groups(series[("product_id", "family")], "product_id", days),
        "token_kinds": _query(con, "token_kinds"),
        "months": _query(con, "months"),
        "foreign": [r for r in foreign if r["organization_id"] is None and r["product_id"] is None],
        "organization_foreign": _group([r for r in foreign if r["organization_id"] is not None], "organization_id"),
        "product_foreign": _group([r for r in foreign if r["product_id"] is not None], "product_id"),
        "foreign_costs": _query(con, "foreign_costs"),
        "converted": (converted := _query(con, "converted")),
        "exchange": _query(con, "exchange") if converted else [],
        "change": together(changes.values()) if changes else None,
        "organization_change": changes,
        "serving": _query(con, "serving"),
        "list_value": _list_value(con),
        "prices": _query(con, "prices"),
        "without_amount": (without := _group(_query(con, "without_amount"), "side")),
        "without_amount_reasons": _group(_query(con, "without_amount_reasons"), "side") if without else {},
        "ledger": _query(con, "ledger"),
        "flags": (flags := _query(con, "flags")),
        "enforcement": _enforcement(con),
        "newcomers": _newcomers(con),
        "case_days": _group(_query(con, "case_days"), "case_id") if flags else {},
        "case_shares": _group(_query(con, "case_shares"), "case_id") if flags else {},
        "case_hours": _group(_query(con, "case_hours"), "case_id") if flags else {},
        "case_samples": _group(_query(con, "case_samples"), "case_id") if flags else {},
        "case_history": _group(_query(con, "case_history"), "case_id") if flags else {},
        "colours": colours(families),
    }


def _list_value(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Charged beside listed; the files of requests are read only where days do not tell enough."""
    con.execute(read_sql(QUERIES / "listed_days.sql"))
    if _rows(con, "from listed_apart limit 1"):
        con.execute(read_sql(QUERIES / "listed_requests.sql"))
    return _query(con, "list_value")


def _enforcement(con: duckdb.DuckDBPyConnection) -> list[Row]:
    con.execute("set variable most_enforcement = ?", [MAX_ENFORCEMENT])
    return _query(con, "enforcement")


def _newcomers(con: duckdb.DuckDBPyConnection) -> list[Row]:
    con.execute("set variable most_newcomers = ?", [MAX_NEWCOMERS])
    return _query(con, "newcomers")


def _query(con: duckdb.DuckDBPyConnection, name: str) -> list[Row]:
    return _rows(con, read_sql(QUERIES / f"{name}.sql"))


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    result = con.execute(sql)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _by_set(rows: list[Row], keys: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]]:
    """Rows of a grouping-sets query by the keys they are grouped by (a set bit means "not by this")."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        bits = row["grouping_set"]
        found[tuple(k for i, k in enumerate(keys) if not bits >> (len(keys) - 1 - i) & 1)].append(row)
    return found


def _group(rows: list[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return dict(found)


def _sums(row: Row) -> Sums:
    return Sums(**{name: row[name] for name in Sums.__slots__})

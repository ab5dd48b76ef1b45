"""Rating alone: the project's own models and a bare join and sum over the same events, each in a process of its own.

`python -m tests.bench.rating make|ours|bare|sum FOLDER [REQUESTS]`. Events are written straight to Parquet, so
landing plays no part; `ours` runs the dbt models' SQL as the tests render it, so dbt's start-up plays none either.
Each prints its seconds, and `ours` and `bare` the number of requests and their revenue, which have to be equal.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

from pipelines.landing.contract import COLUMNS
from pipelines.pricing.tables import TABLES, load, write_typed
from tests.rating.case import SEED_TABLES
from tests.rating.models import build, macro

MEMORY = "4GB"
# Models with their share in a thousand requests: base and tuned, standard and batch.
MODELS = (
    ("openai", "gpt-4o-2024-08-06", "standard", 300),
    ("openai", "gpt-4o-mini-2024-07-18", "standard", 400),
    ("openai", "gpt-4o-mini-2024-07-18", "batch", 100),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x1", "standard", 100),
    ("openai", "ft:gpt-3.5-turbo-0613:beta::x2", "standard", 50),
    ("openai", "gpt-3.5-turbo", "standard", 45),
    ("openai", "no-such-model", "standard", 5),
)


def make(folder: Path, requests: int) -> None:
    """Events of sixty days of 2024, by day, as a home keeps them."""
    bounds = [sum(m[3] for m in MODELS[: n + 1]) for n in range(len(MODELS))]
    picks = " ".join(
        f"when i * 7919 % 1000 < {bound} then {{'p': '{p}', 'm': '{m}', 't': '{t}'}}"
        for (p, m, t, _), bound in zip(MODELS, bounds, strict=True)
    )
    given = {
        "source": "'gateway'", "event_id": "'req_' || md5(i::varchar)", "body_digest": "md5(i::varchar)::uuid",
        "revision": "0", "occurred_at": "instant", "received_at": "timestamp '2024-12-01'",
        "organization_id": "'org-' || (i * 31 % 500)", "product_id": "'product-' || (i % 6)",
        "api_key_id": "'h_' || (i * 31 % 1500)", "provider": "pick.p", "model": "pick.m",
        "base_model": "case when pick.m like 'ft:%' then split_part(pick.m, ':', 2) end",
        "model_tier": "case when pick.m like 'ft:%' then 'fine_tuned' else 'base' end", "service_tier": "pick.t",
        "operation": "'chat'", "status": "case when i % 97 = 0 then 429 else 200 end",
        "input_tokens": "case when i % 97 = 0 then 0 else 20 + i * 104729 % 3000 end",
        "cached_input_tokens": "case when i % 5 = 0 and i % 97 != 0 then 1024 else 0 end",
        "output_tokens": "case when i % 97 = 0 then 0 else 5 + i * 1299709 % 900 end", "latency_ms": "i % 5000",
        "gateway_cache_hit": "false", "prompt_digest": "md5((i % 1000003)::varchar)", "finish_reason": "'stop'",
        "raw_input_tokens": "case when i % 97 = 0 then 0 when i % 5 = 0 then 1044 + i * 104729 % 3000 "
        "else 20 + i * 104729 % 3000 end",
    }  # fmt: skip
    zero = {c.name for c in COLUMNS if c.role in {"bucket", "meter"}}
    columns = ", ".join(
        f"({given.get(c.name, '0' if c.name in zero else 'null')})::{c.type} as {c.name}" for c in COLUMNS
    )
    with _connect(folder) as con:
        con.execute(f"""
            copy (
                select {columns}, instant::date as usage_date
                from (
                    select i, case {picks} end as pick,
                        timestamp '2024-10-01'
                        + to_microseconds(i * 104729 % (60 * 86400) * 1000000 + i % 1000000) as instant
                    from range({requests}) as r (i)
                )
            ) to '{folder}/events' (format parquet, compression zstd, partition_by (usage_date))""")


def ours(folder: Path) -> None:
    """The models of rating and the spend mart, as the first run of a home builds them."""
    with _connect(folder, "ours.duckdb") as con:
        _prices(con)
        con.execute(f"create view stg_usage_events as from {_events(folder)}")
        con.execute("""
            create table run.touched_days as select distinct usage_date from stg_usage_events;
            create table run.touched_charge_days as select usage_date as charge_date from run.touched_days;
            create table run.touched_months as
                select distinct date_trunc('month', usage_date)::date as charge_month from run.touched_days""")
        build(con, ["price_rates"])
        began = time.monotonic()
        build(con, ["rated_usage", "spend_daily"])
        seconds = time.monotonic() - began
        _say(seconds, con.execute("select sum(requests), sum(revenue_amount) from spend_daily").fetchone())


def bare(folder: Path) -> None:
    """A join with the rates in force and a sum: who, what, how much and two amounts a request, then by day."""
    with _connect(folder, "bare.duckdb") as con:
        _prices(con)
        build(con, ["price_rates"])
        began = time.monotonic()
        con.execute(f"create table rated as select {_BARE_COLUMNS}, e.usage_date, {_charge()} as revenue, "
                    f"{_charge()} as cost {_join(folder)}")  # fmt: skip
        con.execute("""
            create table spend as
            select usage_date, organization_id, product_id, provider, model, model_tier, service_tier,
                count(*) as requests, sum(input_tokens), sum(cached_input_tokens), sum(output_tokens),
                sum(revenue) as revenue, sum(cost) as cost
            from rated group by all""")
        seconds = time.monotonic() - began
        _say(seconds, con.execute("select sum(requests), sum(revenue) from spend").fetchone())


def only_sum(folder: Path) -> None:
    """The same join summed at once, no request kept: what cannot be billed on, explained or exported."""
    with _connect(folder, "sum.duckdb") as con:
        _prices(con)
        build(con, ["price_rates"])
        began = time.monotonic()
        con.execute(f"""
            create table spend as
            select e.usage_date, e.organization_id, e.product_id, e.provider, e.model, e.model_tier, e.service_tier,
                count(*) as requests, sum(e.input_tokens), sum(e.cached_input_tokens), sum(e.output_tokens),
                sum({_charge()}) as revenue
            {_join(folder)} group by all""")
        seconds = time.monotonic() - began
        _say(seconds, con.execute("select sum(requests), sum(revenue) from spend").fetchone())


# What a rated request keeps of its event: the same columns on both sides.
_BARE_COLUMNS = ", ".join(f"e.{name}" for name in macro("rated_event_columns"))


def _charge() -> str:
    return """(e.input_tokens * p.price_input_tokens
        + case when e.cached_input_tokens = 0 then 0 else e.cached_input_tokens * p.price_cached_input_tokens end
        + e.output_tokens * p.price_output_tokens)"""


def _join(folder: Path) -> str:
    return f"""
        from {_events(folder)} as e left join price_rates as p
            on p.card = 'list' and e.provider = p.provider and coalesce(e.base_model, e.model) = p.model
            and e.model_tier = p.model_tier and e.service_tier = p.service_tier and p.region = ''
            and e.occurred_at >= p.valid_from and e.occurred_at < p.valid_to
            and e.raw_input_tokens >= p.context_from and e.raw_input_tokens < p.context_to"""


def _events(folder: Path) -> str:
    return f"read_parquet('{folder}/events/*/*.parquet', hive_partitioning = true)"


def _prices(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema if not exists run")
    for table in TABLES:
        write_typed(con, table, load(table).slice(0, 0), table.warehouse)
        if table.seed:
            write_typed(con, table, load(table), SEED_TABLES[table.name])
    con.execute("""
        create table run.settings as
        select '' as price_book_digest, '' as project_version, 'UTC' as billing_time_zone, 'USD' as reporting_currency,
            'list' as revenue_card, 'list' as cost_card, timestamp '9999-12-31' as known_at, false as demo,
            '' as site_title""")


def _connect(folder: Path, database: str = ":memory:") -> duckdb.DuckDBPyConnection:
    folder.mkdir(parents=True, exist_ok=True)
    if database != ":memory:":
        (folder / database).unlink(missing_ok=True)
        database = str(folder / database)
    con = duckdb.connect(database)
    con.execute(f"""
        set TimeZone = 'UTC'; set preserve_insertion_order = false; set memory_limit = '{MEMORY}';
        set temp_directory = '{folder / "spill"}'""")
    return con


def _say(seconds: float, found: tuple[object, ...] | None) -> None:
    count, revenue = found or (0, 0)
    print(seconds, count, f"{revenue:f}".rstrip("0"))


if __name__ == "__main__":
    step, place = sys.argv[1], Path(sys.argv[2])
    if step == "make":
        make(place, int(sys.argv[3]))
    else:
        {"ours": ours, "bare": bare, "sum": only_sum}[step](place)

"""The floor: a bare DuckDB script that parses the same files, drops duplicates, rates and aggregates.

No checks, no quarantine, no manifest, no pages, nothing kept between runs: what the same work costs
with nothing around it. Run as `python -m tests.bench.bare LANDING_FOLDER WAREHOUSE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

SEED = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "price_book.csv"
BUCKETS = ("input", "cached_input", "output")
_STANDING = ", ".join(
    f"last_value(case when unit = '{u}' then (price * 0.000001)::decimal(18, 12) end ignore nulls) over "
    f"(partition by provider, model, model_tier, service_tier order by valid_from) as {u}"
    for u in BUCKETS
)
PRICES = f"""
    create table prices as
    select provider, model, model_tier, service_tier, valid_from::timestamptz as valid_from,
        lead(valid_from::timestamptz, 1, timestamptz '9999-01-01') over (
            partition by provider, model, model_tier, service_tier order by valid_from) as valid_to,
        {", ".join(f"any_value({u}) as {u}" for u in BUCKETS)}
    from (
        select *, {_STANDING}
        from read_csv('{SEED}', types = {{'price': 'DECIMAL(18, 6)'}}) where context_from = 0)
    group by provider, model, model_tier, service_tier, valid_from"""


def main(landing: str, database: str) -> None:
    """Print the number of requests and their revenue, exactly."""
    con = duckdb.connect(database)
    con.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    con.execute(f"""
        create table events as
        select * from read_json('{landing}/**/*.jsonl*', format = 'newline_delimited', ignore_errors = true,
            columns = {{
            event_id: 'VARCHAR', occurred_at: 'TIMESTAMPTZ', organization_id: 'VARCHAR', product_id: 'VARCHAR',
            api_key_id: 'VARCHAR', provider: 'VARCHAR', model: 'VARCHAR', service_tier: 'VARCHAR', status: 'INTEGER',
            input_tokens: 'BIGINT', cached_input_tokens: 'BIGINT', output_tokens: 'BIGINT'}})""")
    con.execute("""
        create table distinct_events as
        select * from events
        where event_id is not null and occurred_at is not null and input_tokens >= 0 and output_tokens >= 0
        qualify row_number() over (partition by event_id order by occurred_at) = 1""")
    con.execute(PRICES)
    con.execute("""
        create table rated as
        select e.*, e.input_tokens * p.input + e.cached_input_tokens * coalesce(p.cached_input, 0)
            + e.output_tokens * coalesce(p.output, 0) as revenue
        from distinct_events as e left join prices as p
            on e.provider = p.provider
            and case when e.model like 'ft:%' then split_part(e.model, ':', 2) else e.model end = p.model
            and case when e.model like 'ft:%' then 'fine_tuned' else 'base' end = p.model_tier
            and coalesce(e.service_tier, 'standard') = p.service_tier
            and e.occurred_at >= p.valid_from and e.occurred_at < p.valid_to""")
    con.execute("""
        create table spend as
        select occurred_at::date as day, organization_id, product_id, provider, model, service_tier,
            count(*) as requests,
            sum(input_tokens), sum(cached_input_tokens), sum(output_tokens), sum(revenue) as revenue
        from rated group by all""")
    print(*con.execute("select sum(requests), sum(revenue) from spend").fetchone())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The same work as a run up to its marts, as one bare DuckDB script: what our checks and safety cost beside it.

All fields of an event are read, typed and kept, duplicates are dropped, events are written by day as Parquet, both
sides are rated, and spend, hours, ten-minute slots, days, slices and places are added up. No checks, no pseudonyms, no
digests, no quarantine, no manifest, no reasons, no terms, nothing looked up from earlier runs.
Run as `python -m tests.bench.bare_same LANDING_FOLDER WORK_FOLDER`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from pipelines.landing.contract import BUCKETS, INPUT_BUCKETS, MAPPED, METERS, OUTPUT_BUCKETS
from tests.bench.bare import PRICES

_IN, _OUT = " + ".join(INPUT_BUCKETS), " + ".join(OUTPUT_BUCKETS)


def main(landing: str, folder: str) -> None:
    """Print the number of requests and their revenue, exactly."""
    work = Path(folder)
    work.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(work / "bare.duckdb"))
    con.execute("set preserve_insertion_order = false; set TimeZone = 'UTC'")
    types = {c.name: "TIMESTAMPTZ" if c.type == "TIMESTAMP" else c.type for c in MAPPED}
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
    zero = ", ".join(f"coalesce({name}, 0) as {name}" for name in (*BUCKETS, *METERS))
    con.execute(f"""
        create table events as
        select * replace ({zero}, occurred_at at time zone 'UTC' as occurred_at), occurred_at::date as usage_date
        from read_json('{landing}/**/*.jsonl*', format = 'newline_delimited', ignore_errors = true,
            columns = {{{columns}}})
        where event_id is not null and occurred_at is not null and input_tokens >= 0 and output_tokens >= 0""")
    con.execute("""
        delete from events where rowid in (
            select rowid from events
            qualify row_number() over (partition by event_id order by occurred_at) > 1)""")
    con.execute(f"""
        copy events to '{work / "events"}' (format parquet, compression zstd, partition_by (usage_date))""")
    con.execute(PRICES)
    con.execute("""
        create table rated as
        select e.*,
            e.input_tokens * p.input + e.cached_input_tokens * coalesce(p.cached_input, 0)
                + e.output_tokens * coalesce(p.output, 0) as revenue,
            e.input_tokens * c.input + e.cached_input_tokens * coalesce(c.cached_input, 0)
                + e.output_tokens * coalesce(c.output, 0) as cost
        from events as e
        left join prices as p
            on e.provider = p.provider
            and case when e.model like 'ft:%' then split_part(e.model, ':', 2) else e.model end = p.model
            and case when e.model like 'ft:%' then 'fine_tuned' else 'base' end = p.model_tier
            and coalesce(e.service_tier, 'standard') = p.service_tier
            and e.occurred_at >= p.valid_from and e.occurred_at < p.valid_to
        left join prices as c
            on e.provider = c.provider
            and case when e.model like 'ft:%' then split_part(e.model, ':', 2) else e.model end = c.model
            and case when e.model like 'ft:%' then 'fine_tuned' else 'base' end = c.model_tier
            and coalesce(e.service_tier, 'standard') = c.service_tier
            and e.occurred_at >= c.valid_from and e.occurred_at < c.valid_to""")
    sums = ", ".join(f"sum({name}) as {name}" for name in (*BUCKETS, *METERS))
    con.execute(f"""
        create table spend as
        select usage_date, organization_id, product_id, provider, model, service_tier, count(*) as requests,
            {sums}, sum(revenue) as revenue, sum(cost) as cost, sum(revenue - cost) as margin
        from rated group by all""")
    con.execute(f"""
        create table slots as
        select usage_date, organization_id, hour(occurred_at) * 6 + minute(occurred_at) // 10 as slot,
            count(*) as requests, sum({_OUT}) as output_tokens
        from events group by all""")
    con.execute(f"""
        create table hours as
        select usage_date, date_trunc('hour', occurred_at) as usage_hour, organization_id, count(*) as requests,
            count(*) filter (status >= 400) as failed, count(*) filter (status = 429) as rate_limited,
            count(*) filter ({_OUT} > 0) as answers, sum({_IN}) as input_tokens,
            sum(cached_input_tokens) as cached_input_tokens, sum({_OUT}) as output_tokens,
            sum({_OUT}) filter (model like 'ft:%') as fine_tuned_output_tokens,
            count(*) filter (finish_reason = 'length') as length_finishes,
            count(*) filter (n > 1) as multi_answer, count(*) filter (logprobs) as logprobs_requests,
            count(distinct api_key_id) as keys, count(distinct end_user_id) as end_users,
            count(distinct prompt_digest) as prompts, count(distinct template_digest) as templates,
            count(distinct minute(occurred_at) // 10) as active_10min, sum(revenue) as revenue
        from rated group by all""")
    con.execute("""
        create table days as
        with templates as (
            select usage_date, organization_id, template_digest, count(*) as requests from events group by all
        ),
        networks as (
            select usage_date, organization_id, client_network, count(*) as requests from events group by all
        ),
        models as (
            select usage_date, organization_id, model, product_id, count(*) as requests from events group by all
        )
        from (select usage_date, organization_id, count(distinct api_key_id) as keys,
            count(distinct end_user_id) as end_users, count(distinct prompt_digest) as prompts from events group by all)
        left join (select usage_date, organization_id, count(*) as templates,
            list(template_digest order by requests desc)[1:5] as top_templates from templates group by all)
            using (usage_date, organization_id)
        left join (select usage_date, organization_id, count(*) as networks,
            list(client_network order by requests desc)[1:5] as top_networks from networks group by all)
            using (usage_date, organization_id)
        left join (select usage_date, organization_id, arg_max(model, requests) as model,
            arg_max(product_id, requests) as product from models group by all)
            using (usage_date, organization_id)""")
    measures = f"""count(*) as requests, count(*) filter (status >= 400) as failed,
        count(*) filter (status = 429) as rate_limited, count(*) filter ({_OUT} > 0) as answers,
        sum({_IN}) as input_tokens, sum(cached_input_tokens) as cached_input_tokens,
        sum({_IN}) filter ({_OUT} > 0) as answer_input_tokens,
        sum({_OUT}) as output_tokens, count(*) filter (finish_reason = 'length') as length_finishes,
        count(*) filter (n > 1) as multi_answer, count(*) filter (logprobs) as logprobs_requests,
        count(*) filter (temperature = 0) as cold_requests, count(distinct prompt_digest) as prompts,
        count(prompt_digest) as prompt_requests, count(distinct end_user_id) as end_users,
        count(distinct template_digest) as templates, count(distinct hour(occurred_at)) as active_hours,
        count(distinct hour(occurred_at) * 6 + minute(occurred_at) // 10) as active_10min"""
    con.execute(f"""
        create table slices as
        select usage_date, organization_id, api_key_id, template_digest, model, {measures}
        from events group by grouping sets (
            (usage_date, organization_id, api_key_id), (usage_date, organization_id, template_digest),
            (usage_date, organization_id, model))""")
    con.execute(f"""
        create table places as
        select usage_date, date_trunc('hour', occurred_at) as usage_hour, organization_id, client_network, region,
            model, count(*) as requests, count(*) filter (status >= 400) as failed, sum({_OUT}) as output_tokens
        from events group by all""")
    con.execute(f"""
        create table places_daily as
        select usage_date, organization_id, region, model, count(*) as requests, sum({_OUT}) as output_tokens,
            sum(revenue) as revenue
        from rated group by all""")
    print(*con.execute("select sum(requests), sum(revenue) from spend").fetchone())


if __name__ == "__main__":
    main(*sys.argv[1:])

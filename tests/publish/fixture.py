"""A small published folder with known properties, made by DuckDB SQL alone.

40 organisations over 60 days (UTC), five models of which two also fine-tuned, one model without a price, a price cut in
the middle, web searches, hosting hours and image tokens, two hostile names and two flags. Everything is derived from
row numbers through `hash`, so two calls write the same figures.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import duckdb

from pipelines.landing.contract import BUCKETS, METERS
from pipelines.pricing import units
from pipelines.reference import _NEWCOMERS

HOSTILE_HTML = "<img src=x onerror=alert(1)>"
HOSTILE_FORMULA = "=cmd|'/C calc'!A0"
FLAGGED = ("org-otter-007", "org-heron-014")
DAYS = 60

BOOK = """
create table price_book (
    card varchar, provider varchar, model varchar, model_tier varchar, service_tier varchar, region varchar,
    unit varchar, price decimal(18, 6), per bigint, currency varchar, context_from bigint,
    valid_from timestamp, valid_to timestamp, known_from timestamp, source varchar, checked_on date
);
insert into price_book
select
    side.card, listed.provider, listed.model, listed.model_tier, tier.service_tier, '' as region, listed.unit,
    (listed.price * tier.factor * side.factor)::decimal(18, 6) as price,
    case listed.unit when 'web_search' then 1000 when 'hosting_hour' then 1 else 1000000 end as per,
    'USD' as currency, 0 as context_from,
    listed.valid_from::timestamp as valid_from, listed.valid_to::timestamp as valid_to,
    listed.valid_from::timestamp as known_from, 'price list of the provider' as source,
    date '2026-05-01' as checked_on
from (values
    ('openai', 'gpt-4o', 'base', 'input', 2.50, '2024-10-01', null),
    ('openai', 'gpt-4o', 'base', 'cached_input', 1.25, '2024-10-01', null),
    ('openai', 'gpt-4o', 'base', 'output', 10.00, '2024-10-01', null),
    ('openai', 'gpt-4o', 'base', 'web_search', 25.00, '2024-10-01', null),
    ('openai', 'gpt-4o', 'fine_tuned', 'input', 3.75, '2024-10-01', null),
    ('openai', 'gpt-4o', 'fine_tuned', 'cached_input', 1.875, '2024-10-01', null),
    ('openai', 'gpt-4o', 'fine_tuned', 'output', 15.00, '2024-10-01', null),
    ('openai', 'gpt-4o', 'fine_tuned', 'hosting_hour', 1.70, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'base', 'input', 0.15, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'base', 'cached_input', 0.075, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'base', 'output', 0.60, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'fine_tuned', 'input', 0.30, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'fine_tuned', 'cached_input', 0.15, '2024-10-01', null),
    ('openai', 'gpt-4o-mini', 'fine_tuned', 'output', 1.20, '2024-10-01', null),
    ('anthropic', 'claude-sonnet-4', 'base', 'input', 3.00, '2025-05-01', null),
    ('anthropic', 'claude-sonnet-4', 'base', 'cached_input', 0.30, '2025-05-01', null),
    ('anthropic', 'claude-sonnet-4', 'base', 'cache_write_5m', 3.75, '2025-05-01', null),
    ('anthropic', 'claude-sonnet-4', 'base', 'output', 15.00, '2025-05-01', null),
    ('mistral', 'mistral-large-2', 'base', 'input', 2.00, '2025-01-01', '2026-05-01'),
    ('mistral', 'mistral-large-2', 'base', 'output', 6.00, '2025-01-01', '2026-05-01'),
    ('mistral', 'mistral-large-2', 'base', 'input', 1.50, '2026-05-01', null),
    ('mistral', 'mistral-large-2', 'base', 'output', 4.50, '2026-05-01', null),
    ('google', 'gemini-2.0-flash', 'base', 'input', 0.10, '2025-02-01', null),
    ('google', 'gemini-2.0-flash', 'base', 'image_input', 0.20, '2025-02-01', null),
    ('google', 'gemini-2.0-flash', 'base', 'output', 0.40, '2025-02-01', null)
) as listed (provider, model, model_tier, unit, price, valid_from, valid_to)
cross join (values ('standard', 1.0), ('batch', 0.5)) as tier (service_tier, factor)
cross join (values ('list', 1.0), ('cost', 0.62)) as side (card, factor);
"""

RATES = """
create table price_rates as
select
    md5(card || provider || model || model_tier || service_tier || valid_from) as rate_id,
    card, provider, model, model as priced_as, model_tier, service_tier, region,
    any_value(currency) as currency, valid_from,
    coalesce(valid_to, timestamp '9999-12-31') as valid_to,
    0::bigint as context_from, 9223372036854775807 as context_to, {prices}
from price_book
group by card, provider, model, model_tier, service_tier, region, valid_from, valid_to;
"""

USAGE = """
create table organizations as
select
    n,
    case
        when n = 3 then '{html}'
        when n = 5 then '{formula}'
        when n % 4 = 0 then format('org-lark-{{:03d}}', n)
        when n % 4 = 1 then format('org-fox-{{:03d}}', n)
        when n % 4 = 2 then format('org-heron-{{:03d}}', n)
        else format('org-otter-{{:03d}}', n)
    end as organization_id,
    (20000 / (n + 3))::bigint as size
from range(40) as r (n);

create table calls as
select
    org.n, org.organization_id, org.size, day.d, call.k,
    (hash(org.n * 1000003 + day.d * 1009 + call.k) % 1000000)::bigint as h,
    (hash(org.n * 1009 + day.d * 1000003 + call.k * 7) % 1000000)::bigint as h2,
    (timestamp '2026-04-01' + to_days(day.d::integer)) as midnight
from organizations as org, range({days}) as day (d), range(40) as call (k)
where call.k < 4 + org.size // 180 + (case when org.n = 14 and day.d >= 40 then 22 else 0 end)
    and (org.n <> 22 or day.d >= 45) and (org.n <> 31 or day.d < 20);

create table events as
select
    'gateway' as source,
    format('e-{{}}-{{}}-{{}}', n, d, k) as event_id,
    0 as revision,
    midnight + to_seconds((case when n = 14 and d >= 40 then k * 2000 + h % 900
        else 25200 + (h * 7 + h2) % 46800 end) % 86399) as occurred_at,
    timestamp '2026-05-31 06:00:00' as received_at,
    midnight::date as usage_date,
    midnight::date as charge_date,
    organization_id,
    case h % 4 when 0 then 'search' when 1 then 'assistant' when 2 then 'batch-labels' else '(none)' end as product_id,
    format('key-{{}}', (h // 7) % 3) as api_key_id,
    null::varchar as end_user_id,
    case when n = 14 and d >= 40 then 'openai'
        else (['openai', 'openai', 'openai', 'anthropic', 'mistral', 'google', 'unlisted'])[model_no] end as provider,
    case when n = 14 and d >= 40 then 'ft:gpt-4o:acme::x'
        else (['gpt-4o', 'gpt-4o-mini', 'ft:gpt-4o:acme::x', 'claude-sonnet-4', 'mistral-large-2',
            'gemini-2.0-flash', 'no-such-model-9'])[model_no] end as model,
    case when model = 'ft:gpt-4o:acme::x' then 'gpt-4o' end as base_model,
    case when model = 'ft:gpt-4o:acme::x' then 'fine_tuned' else 'base' end as model_tier,
    case when h2 % 9 = 0 and provider <> 'unlisted' then 'batch' else 'standard' end as service_tier,
    'chat' as operation,
    case when failed then 0 else 800 + (h2 * (size // 400 + 1)) % 90000 end as input_tokens,
    case when failed or provider in ('mistral', 'google') then 0 else (h % 5) * 3000 end as cached_input_tokens,
    case when failed or provider <> 'anthropic' then 0 else (h % 3) * 900 end as cache_write_5m_tokens,
    0::bigint as cache_write_1h_tokens,
    0::bigint as audio_input_tokens,
    case when failed or provider <> 'google' then 0 else (h % 4) * 250 end as image_input_tokens,
    case when failed then 0 else 200 + (h * (size // 400 + 1)) % 30000
        + (case when n = 14 and d >= 40 then 40000 else 0 end) end as output_tokens,
    0::bigint as audio_output_tokens,
    0::bigint as image_output_tokens,
    0::bigint as training_tokens,
    0::decimal(18, 6) as training_hours,
    case when not failed and model = 'ft:gpt-4o:acme::x' and h % 3 = 0 then 0.25 else 0 end::decimal(18, 6)
        as hosting_hours,
    case when not failed and model = 'gpt-4o' then h % 3 else 0 end as web_search_calls,
    0::bigint as file_search_calls,
    0::bigint as code_execution_calls,
    0::bigint as reasoning_tokens,
    input_tokens + cached_input_tokens as raw_input_tokens,
    output_tokens as raw_output_tokens,
    case when failed then 429 else 200 end as status,
    case when failed then 'rate_limit' end as error_type,
    case when failed then null when n = 14 then 'length' else 'stop' end as finish_reason,
    (300 + h % 9000)::bigint as latency_ms,
    false as gateway_cache_hit,
    'eu-west' as region,
    format('net-{{}}', h % 5) as client_network,
    'python-sdk' as client_agent,
    md5(h::varchar) as prompt_digest,
    case when n = 14 then 'template-a' end as template_digest,
    4096::bigint as max_output_tokens
from (
    select *, h2 % 37 = 0 as failed,
        case when h % 200 = 0 then 7 else 1 + (n + h2 // 11) % 6 end as model_no
    from calls
);

create table rated as
select
    e.*, md5(e.event_id)::uuid as body_digest, 'USD' as billing_currency,
    {revenue}, {cost}, case when cost_rate.rate_id is not null then 'USD' end as cost_currency,
    null::decimal(38, 18) as foreign_cost_amount,
    case when list_rate.rate_id is null then 'no rate for this model' end as unpriced_reason,
    case when cost_rate.rate_id is null then 'no rate for this model' end as uncosted_reason,
    list_rate.rate_id as revenue_rate_id, cost_rate.rate_id as cost_rate_id
from events as e
left join price_rates as list_rate on {on_list}
left join price_rates as cost_rate on {on_cost};

{spend}

create table ingested_files as
select
    source, strftime(usage_date, '%Y/%m-%d.jsonl.gz') as file, 'canonical' as format,
    md5(usage_date::varchar) as file_digest, count(*) * 371 as bytes,
    count(*) + (case when day(usage_date) % 9 = 0 then 6 else 0 end) as records_read,
    count(*) as accepted, case when day(usage_date) % 9 = 0 then 3 else 0 end::bigint as duplicates,
    0::bigint as amendments, case when day(usage_date) % 9 = 0 then 3 else 0 end::bigint as quarantined,
    0::bigint as dropped,
    min(occurred_at) as first_occurred_at, max(occurred_at) as last_occurred_at,
    timestamp '2026-05-31 06:00:00' as received_at
from rated group by source, usage_date;

create table quarantined_records as
select source, file, line.n * 40 + 3 as line,
    (['occurred_at', null, 'model'])[line.n + 1] as field,
    (['not a time', 'not valid JSON', 'missing'])[line.n + 1] as reason,
    ('{{"event_id": "q", "note": "' || '{html}' || '"') as raw
from ingested_files, range(3) as line (n) where quarantined > 0;
"""


SPEND = """
create table spend_daily as
select
    charge_date, organization_id, product_id, provider, model, base_model, model_tier, service_tier,
    billing_currency, coalesce(cost_currency, billing_currency) as cost_currency,
    count(*) as requests, count(*) filter (status >= 400) as failed_requests,
    {buckets}, sum(reasoning_tokens)::bigint as reasoning_tokens, sum({tokens})::bigint as total_tokens, {meters},
    sum(revenue_amount) as revenue_amount, sum(cost_amount) as cost_amount,
    sum(revenue_amount - cost_amount)::decimal(38, 18) as margin_amount,
    sum(revenue_amount) filter (cost_amount is not null) as margin_revenue_amount,
    sum(revenue_amount) filter (cost_amount is null) as revenue_only_amount,
    sum(cost_amount) filter (revenue_amount is null) as cost_only_amount,
    sum(foreign_cost_amount) as foreign_cost_amount,
    count(*) filter (revenue_amount is null) as unpriced_requests,
    coalesce(sum({tokens}) filter (revenue_amount is null), 0)::bigint as unpriced_tokens,
    count(*) filter (cost_amount is null and foreign_cost_amount is null) as uncosted_requests,
    coalesce(sum({tokens}) filter (cost_amount is null and foreign_cost_amount is null), 0)::bigint as uncosted_tokens
from rated
group by all;

create table if not exists exchange (currency varchar, rate decimal(18, 6), first_day date, last_day date);
create table spend_reported as
select
    charge_date, organization_id, product_id, provider, model, base_model, model_tier, service_tier,
    billing_currency, cost_currency, 'USD' as reporting_currency, requests,
    case when billing_currency = 'USD' then 1 else billed.rate end::decimal(18, 6) as revenue_exchange_rate,
    case when cost_currency = 'USD' then 1 else paid.rate end::decimal(18, 6) as cost_exchange_rate,
    (revenue_amount * revenue_exchange_rate)::decimal(38, 24) as reported_revenue_amount,
    (coalesce(cost_amount, foreign_cost_amount) * cost_exchange_rate)::decimal(38, 24) as reported_cost_amount
from spend_daily
left join exchange as billed
    on billing_currency = billed.currency and charge_date between billed.first_day and billed.last_day
left join exchange as paid
    on cost_currency = paid.currency and charge_date between paid.first_day and paid.last_day;
""".format(
    buckets=", ".join(f"sum({b})::bigint as {b}" for b in BUCKETS),
    meters=", ".join(f"sum({m})::{'decimal(38, 6)' if m.endswith('_hours') else 'bigint'} as {m}" for m in METERS),
    tokens=" + ".join(BUCKETS),
)
# What is known of a request but stands in usage_events alone.
EVENT_ONLY = (
    "body_digest", "revision", "received_at", "end_user_id", "raw_input_tokens", "raw_output_tokens", "error_type",
    "finish_reason", "latency_ms", "gateway_cache_hit", "client_network", "client_agent", "prompt_digest",
    "template_digest", "max_output_tokens",
)  # fmt: skip
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


_NO_HOURS = "(null, null, null, null, null, null, null)"


def make_published(folder: Path) -> Path:
    """Write the published tables as Parquet below `folder`; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("set threads = 2")
        make_tables(con)
        for table in TABLES:
            con.execute(f"copy (from {table} order by all) to '{folder / table}.parquet' (format parquet)")
        _write_by_day(con, "(select * exclude (charge_date) from events)", folder / "usage_events")
        _write_by_day(con, f"(select * exclude ({', '.join(EVENT_ONLY)}) from rated)", folder / "rated_usage")
    return folder


def make_tables(con: duckdb.DuckDBPyConnection) -> None:
    """The published tables, and `rated`, in a database."""
    con.execute(BOOK)
    # Blocks are powers of ten: no division, so prices stay exact.
    prices = ", ".join(
        f"""(max(price * case per when 1000000 then 0.000001 when 1000 then 0.001 else 1 end::decimal(7, 6))
        filter (unit = '{u.name}'))::{"decimal(18, 6)" if u.dimension == "hours" else "decimal(18, 12)"}
        as {u.price_column}"""
        for u in units.ALL
    )
    con.execute(RATES.format(prices=prices))
    con.execute(
        USAGE.format(
            html=HOSTILE_HTML,
            formula=HOSTILE_FORMULA.replace("'", "''"),
            days=DAYS,
            revenue=_charge("list_rate", "revenue_amount"),
            cost=_charge("cost_rate", "cost_amount"),
            on_list=_on("list_rate", "list"),
            on_cost=_on("cost_rate", "cost"),
            spend=SPEND,
        )
    )
    con.execute(
        """create table build as select md5('book') as price_book_digest, '0.1.0' as project_version,
        min(occurred_at) as data_from, max(occurred_at) as data_through, 'UTC' as billing_time_zone,
        'USD' as reporting_currency, 'list' as revenue_card, 'cost' as cost_card, null::timestamp as known_at,
        true as demo,
        'Meterhouse' as site_title from rated"""
    )
    _flags(con)
    con.execute(
        """create table activity_daily as select charge_date as activity_date, organization_id,
        sum(requests)::bigint as requests, sum(output_tokens)::bigint as output_tokens
        from spend_daily group by all"""
    )
    serving_days(con, "")
    con.execute(
        """create table watch_summary as select date '2026-05-30' as last_day, 1500::bigint as organization_days,
        240::bigint as unjudged_days, 1.5::decimal(18, 6) as alerts_allowed, 1 as single_cases, 1 as group_cases,
        '' as note"""
    )
    con.execute(
        """create table enforcement_flags (flag_id varchar, organization_id varchar, rule varchar, since timestamp,
        first_seen date, last_seen date, requests bigint, refused_requests bigint, output_tokens bigint,
        billing_currency varchar, revenue_amount decimal(38, 18), models varchar[], regions varchar[], detail varchar);
        create table enforcement_summary as select 0::bigint as organizations, 0::bigint as flags,
        0::bigint as flagged_organizations, 0::bigint as unknown_region_requests, 0::bigint as begun_hour_requests,
        0::bigint as faults"""
    )
    columns = ", ".join(f"{name} {kind}" for name, kind, _ in _NEWCOMERS)
    con.execute(f"create table newcomers ({columns})")


def serving_days(con: duckdb.DuckDBPyConnection, values: str) -> None:
    """Hours of GPUs as SQL values of day, model, hours, price, currency, requests, and whether they were spread."""
    con.execute(f"""
        create table serving_days as
        select
            usage_date::date as usage_date, 'openai' as provider, model::varchar as model, 'base' as model_tier,
            gpu_hours::decimal(18, 6) as gpu_hours, price::decimal(18, 6) as price_gpu_hours,
            currency::varchar as cost_currency, (gpu_hours * price)::decimal(36, 12) as serving_amount,
            requests::bigint as requests,
            case when spread then serving_amount else 0 end::decimal(38, 18) as allocated_amount,
            case when spread then requests * 100 else 0 end::bigint as tokens,
            (serving_amount - allocated_amount)::decimal(38, 18) as idle_amount,
            case when price is null then 'the card cost has no price of an hour' end as idle_reason
        from (values {values or _NO_HOURS}) as hours (usage_date, model, gpu_hours, price, currency, requests, spread)
        where usage_date is not null""")


def change_rated(published: Path, folder: Path, select: str, exchange: str = "") -> Path:
    """A copy of a published folder whose rated events are `select` from t, the old ones; spend follows them.

    `exchange` is SQL values of currency, rate to USD, first and last billing day.
    """
    if not folder.exists():
        shutil.copytree(published, folder)
    with duckdb.connect() as con:
        con.execute(f"create table t as from read_parquet('{folder}/rated_usage/*/*.parquet')")
        con.execute(f"create table rated as {select}")
        if exchange:
            con.execute(f"create table exchange as from (values {exchange}) as e (currency, rate, first_day, last_day)")
        con.execute(SPEND)
        for name in ("spend_daily", "spend_reported"):
            con.execute(f"copy (from {name} order by all) to '{folder / name}.parquet' (format parquet)")
        shutil.rmtree(folder / "rated_usage")
        _write_by_day(con, "rated", folder / "rated_usage")
    return folder


def _write_by_day(con: duckdb.DuckDBPyConnection, relation: str, target: Path) -> None:
    con.execute(
        f"""copy (from {relation} order by occurred_at, event_id) to '{target}'
        (format parquet, partition_by (usage_date), write_partition_columns true)"""
    )


def _charge(rate: str, name: str) -> str:
    lines = " + ".join(
        f"e.{q}::decimal(18, 6) * coalesce({rate}.price_{q}, 0)::decimal(30, 12)" for q in (*BUCKETS, *METERS)
    )
    return f"case when {rate}.rate_id is not null then ({lines})::decimal(38, 18) end as {name}"


def _on(rate: str, card: str) -> str:
    return (
        f"{rate}.card = '{card}' and {rate}.provider = e.provider and {rate}.model = "
        "coalesce(e.base_model, e.model)"
        f" and {rate}.model_tier = e.model_tier and {rate}.service_tier = e.service_tier"
        f" and e.occurred_at >= {rate}.valid_from and e.occurred_at < {rate}.valid_to"
    )


def _flags(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """create table extraction_flags (case_id varchar, organization_id varchar, first_seen date,
        last_seen date, detector varchar, score double, reasons json, state varchar, counter_evidence json,
        linked_organizations json, output_tokens bigint, revenue_amount decimal(38, 18), rank integer,
        reviewer varchar, decided_at timestamp, why varchar, until date, answers bigint, models json,
        comparable_training_set varchar, detector_version varchar)"""
    )
    con.execute(
        """create table case_decisions (entry integer, case_id varchar, organization_id varchar, detector varchar,
        state varchar, reviewer varchar, decided_at timestamp, why varchar, until date, allow json, digest varchar)"""
    )
    # Of a case that left the queue: no page shows it.
    con.execute(
        """insert into case_decisions values (1, 'case-000', 'org-gone', 'mass_shape', 'closed', 'ana',
        timestamp '2026-05-01 09:00:00', 'ended', null, '[]', 'abc')"""
    )
    reasons = [
        {
            "code": "fresh_output",
            "text": "Output far above what this organisation did before",
            "value": 812000,
            "unit": "output tokens a day",
            "own_baseline": 64000,
            "peer_percentile": 99.7,
        },
        {
            "code": "flat_day",
            "text": "Requests spread evenly over all hours of the day",
            "value": 4.51,
            "unit": "bits",
            "own_baseline": 3.2,
            "peer_percentile": 98.0,
        },
    ]
    counter = [{"code": "known_keys", "text": "All requests use keys seen before the window", "value": 3}]
    for rank, (org, first, linked) in enumerate(
        ((FLAGGED[1], "2026-05-11", [FLAGGED[0]]), (FLAGGED[0], "2026-05-20", [])), start=1
    ):
        con.execute(
            """insert into extraction_flags
            select ?, ?, ?::date, date '2026-05-30', 'mass_shape', ?, ?, 'new', ?, ?, sum(output_tokens),
                sum(revenue_amount), ?, null, null, null, null, 61000,
                '[{"model": "gpt-4o", "output_tokens": 812000}]', '61,000 answers: 1.2 times Alpaca''s 52,000 pairs',
                'abc123def456'
            from spend_daily where organization_id = ? and charge_date >= ?::date""",
            [
                f"case-{rank:03d}a1",
                org,
                first,
                4.4 - rank,
                json.dumps(reasons),
                json.dumps(counter),
                json.dumps(linked),
                rank,
                org,
                first,
            ],
        )


if __name__ == "__main__":
    make_published(Path(sys.argv[1]))

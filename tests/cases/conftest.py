"""A home whose published tables hold two cases, of `acme` alone and of three accounts, and others' ids everywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.home import Home

if TYPE_CHECKING:
    from pathlib import Path

SINGLE, GROUP = "0123456789abcdef", "fedcba9876543210"
HOSTILE = "<img src=x onerror=alert(1)>\nSubject: paid"
MEMBERS = ("acme", "acme-two", HOSTILE)
OTHERS = ("rival", "Rival & Co", "acme-too", "org-otter-007")
REASONS = [
    {
        "code": "unexplained_output",
        "text": "Output like that of rival, Rival & Co and org-otter-007 (own_baseline: usual output)",
        "value": 4200,
        "unit": "output tokens",
        "own_baseline": 900.5,
        "peer_percentile": 99.7,
        "peers": ["rival", "org-otter-007"],
        "rival": 3,
        "nearest": "acme-too",
    },
    "More than acme-two and acme made before",
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    published = place.exports / "published"
    published.mkdir(parents=True)
    names = [*MEMBERS, *OTHERS]
    with duckdb.connect() as con:
        con.execute(
            "create table names as select unnest(?::varchar[]) as organization_id, unnest(range(7)) as n", [names]
        )
        con.execute("""
            create table events as
            select
                'gateway' as source, organization_id || '-' || day || '-' || i as event_id, organization_id,
                date '2026-03-01' + day::integer as usage_date,
                (date '2026-03-01' + day::integer)::timestamp + interval (i) hour as occurred_at,
                'key-of-' || organization_id as api_key_id, 'chat' as product_id, 'openai' as provider,
                case when i = 0 then 'ft:gpt-4o:' || n else 'gpt-4o' end as model,
                case when i = 0 then 'gpt-4o' else '' end as base_model,
                case when i = 0 then 'fine_tuned' else 'base' end as model_tier, 'chat' as operation,
                100::bigint as input_tokens, 10::bigint as cached_input_tokens, 0::bigint as cache_write_5m_tokens,
                0::bigint as cache_write_1h_tokens, 0::bigint as audio_input_tokens, 0::bigint as image_input_tokens,
                (1000 + n)::bigint as output_tokens, 0::bigint as audio_output_tokens,
                0::bigint as image_output_tokens, case when i = 1 then 429 else 200 end as status,
                'stop' as finish_reason, 12::bigint as latency_ms, 'network-of-' || organization_id as client_network,
                null::varchar as template_digest, case when i = 2 then null else 'USD' end as billing_currency,
                case when i = 2 then null else 0.125 end::decimal(38, 18) as revenue_amount
            from names, range(10) as days (day), range(3) as requests (i)""")
        for table in ("rated_usage", "usage_events"):
            con.execute(f"copy events to '{published / table}' (format parquet, partition_by (usage_date), "
                        "write_partition_columns true)")  # fmt: skip
        con.execute(f"""copy (
            select usage_date, organization_id, count(*) as requests, sum(output_tokens)::bigint as output_tokens
            from events group by all) to '{published}/activity_daily.parquet'""")
        con.execute(f"""copy (
            select md5('book') as price_book_digest, '0.1.0' as project_version, null::timestamp as known_at,
                timestamp '2026-03-10 23:00' as data_through, false as demo, 'Site' as site_title
            ) to '{published}/build.parquet'""")
        con.execute("""create table flags (case_id varchar, organization_id varchar, first_seen date, last_seen date,
            detector varchar, score double, reasons json, state varchar, counter_evidence json,
            linked_organizations json, output_tokens bigint, revenue_amount decimal(38, 18), rank integer,
            tokens_at_risk bigint, kin varchar, heads varchar[])""")
        for case, linked in ((SINGLE, []), (GROUP, MEMBERS[1:])):
            con.execute(
                """insert into flags values (?, 'acme', '2026-03-05', '2026-03-07', 'mass_shape', 2.5, ?, 'new', ?, ?,
                1122334455, 5544332211, 1, 77, 'like rival', ['rival'])""",
                [case, json.dumps(REASONS), json.dumps([{"text": "Steady"}]), json.dumps(linked)],
            )
        con.execute(f"copy flags to '{published}/extraction_flags.parquet'")
    return place

"""Decides, for every staged record, whether it is new, a duplicate, an amendment or a conflict.

Identity is (source, event_id) with no time window; earlier runs are looked up in the key index,
a small Parquet file a run, never by scanning events. Reading files belongs in `readers.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

CONFLICT = "conflicts with another record of the same id whose content differs; that one stands"


def resolve(con: duckdb.DuckDBPyConnection, key_index: list[Path]) -> None:
    """Split `staged` by identity.

    Afterwards `staged` holds only what is accepted (with amendments), `verdicts` (row_id, file_no,
    line, key, revision, verdict) every record whose key came more than once, and `superseded`
    (source, event_id, revision, usage_date) the revisions that no longer count since this run.

    Within a run the earlier occurred_at stands, then the smaller digest, so the order of files and
    lines never matters; what an earlier run accepted always stands.
    """
    if key_index:
        files = "[" + ", ".join(literal(p) for p in key_index) + "]"
        con.execute(f"""
            create or replace temp table prior as
            select key, body_digest, revision, usage_date
            from read_parquet({files}) semi join staged using (key)""")
    else:
        con.execute("""
            create or replace temp table prior
                (key uuid, body_digest uuid, revision integer, usage_date date)""")
    con.execute("""
        create or replace temp table contested as
        select key from staged group by key having count(*) > 1
        union
        select key from prior""")
    con.execute("""
        create or replace temp table verdicts as
        with rivals as (
            select staged.rowid as row_id, file_no, line, key, body_digest, revision, occurred_at
            from staged semi join contested using (key)
        ),
        compared as (
            select
                rivals.*,
                prior.body_digest as prior_digest,
                coalesce(prior.body_digest, first_value(rivals.body_digest) over by_time) as standing_digest,
                row_number() over (
                    partition by rivals.key, rivals.revision, rivals.body_digest order by file_no, line
                ) as copy_number
            from rivals left join prior using (key, revision)
            window by_time as (
                partition by rivals.key, rivals.revision order by occurred_at, rivals.body_digest
            )
        ),
        sorted_out as (
            select
                *,
                case
                    when body_digest != standing_digest then 'conflict'
                    when prior_digest is not null or copy_number > 1 then 'duplicate'
                    else 'new'
                end as first_verdict
            from compared
        ),
        earlier as (select key, min(revision) as first_revision from prior group by key)
        select
            row_id, file_no, line, key, revision,
            case
                when first_verdict != 'new' then first_verdict
                when earlier.key is not null then 'amendment'
                when revision > min(revision) filter (where first_verdict = 'new') over (partition by key)
                    then 'amendment'
                else 'accepted'
            end as verdict
        from sorted_out left join earlier using (key)""")
    con.execute("""
        create or replace temp table superseded as
        with revisions as (
            select distinct key, revision, usage_date, false as fresh from prior
            union all
            select s.key, s.revision, s.occurred_at::date as usage_date, true as fresh
            from staged as s semi join (
                select row_id from verdicts where verdict in ('accepted', 'amendment')
            ) as kept on s.rowid = kept.row_id
        ),
        names as (select distinct key, source, event_id from staged semi join contested using (key))
        select source, event_id, revision, usage_date
        from revisions inner join names using (key)
        qualify revision < max(revision) over (partition by key)
            -- An earlier revision that a prior one had superseded was named by that run.
            and (fresh or revision = max(revision) filter (where not fresh) over (partition by key))""")
    con.execute("""
        delete from staged where rowid in (
            select row_id from verdicts where verdict in ('conflict', 'duplicate'))""")

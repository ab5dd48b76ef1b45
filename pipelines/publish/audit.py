"""Audits a folder of exported tables before anyone reads it. Writes nothing.

Writing the tables and swapping the folder in belongs in `exports.py`; that pages show the same totals is held in
`ledger.py`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.landing.contract import BUCKETS, METERS
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

_AMOUNTS = ("revenue_amount", "cost_amount", "foreign_cost_amount")


def audit(
    con: duckdb.DuckDBPyConnection,
    fresh: Path,
    relations: Mapping[str, str],
    before: Path | None,
    written: list[str] | None,
) -> int:
    """The files agree with the warehouse and each other, or MeterhouseError; returns the rated rows.

    Every table has as many rows as its relation in the warehouse (`relations`). Where days were written (`written`,
    UTC dates; None = all): requests, every quantity and every amount by billing day, both currencies and
    organisation, from the rated events themselves, to the last digit. Elsewhere the events are the files of the
    folder before, so spend_daily has to be what it was there. Row counts of files come from their footers, so the
    cost of an audit is bound to what is new.
    """
    rows = _require_row_counts(con, fresh, relations)
    spend = f"read_parquet({literal(fresh / 'spend_daily.parquet')})"
    checked = "true"
    if before is not None and written is not None:
        con.execute(
            """
            create or replace temp table audited_days as
            select distinct (day::date + shift)::date as charge_date
            from (select unnest($days) as day) cross join (values (-1), (0), (1)) as shifts (shift)""",
            {"days": written},
        )
        checked = "charge_date in (select charge_date from audited_days)"
        old = f"read_parquet({literal(before / 'spend_daily.parquet')})"
        if days := _days_that_differ(con, old, spend, f"not {checked}"):
            chosen = f"where charge_date in ({', '.join(f'date {literal(str(day))}' for day in days)})"
            _compare(
                con,
                "the folder before",
                f"select * from {old} {chosen}",
                "spend_daily",
                f"select * from {spend} {chosen}",
                fresh,
            )
    groups = f"""
        select
            charge_date, billing_currency, coalesce(cost_currency, billing_currency) as cost_currency,
            organization_id, {{}},
            {", ".join(f"sum({column}) as {column}" for column in (*BUCKETS, *METERS, *_AMOUNTS))}
        from {{}} where {checked} group by all"""
    _compare(
        con,
        "rated_usage",
        groups.format("count(*) as requests", _rated_near(fresh, written)),
        "spend_daily",
        groups.format("sum(requests) as requests", spend),
        fresh,
    )
    (requests,) = con.execute(f"select coalesce(sum(requests), 0)::bigint from {spend}").fetchone() or (0,)
    events = _count_rows(con, fresh / "usage_events")
    if not rows["rated_usage"] == events == requests:
        raise _disagreement(
            f"rated_usage has {rows['rated_usage']:,} rows, usage_events {events:,}, spend_daily {requests:,} requests",
            fresh,
        )
    return rows["rated_usage"]


def _require_row_counts(con: duckdb.DuckDBPyConnection, fresh: Path, relations: Mapping[str, str]) -> dict[str, int]:
    """Rows by exported table; MeterhouseError where the warehouse has another number."""
    rows = {}
    for table, relation in relations.items():
        single = fresh / f"{table}.parquet"
        rows[table] = _count_rows(con, single if single.is_file() else fresh / table)
        (wanted,) = con.execute(f"select count(*) from {relation}").fetchone() or (0,)
        if rows[table] != wanted:
            raise _disagreement(f"{table} has {rows[table]:,} rows, the warehouse {wanted:,}", fresh)
    return rows


def _rated_near(fresh: Path, written: list[str] | None) -> str:
    """Relation of the rated events of the days written and two on either side.

    A billing day lies within a UTC day of itself and its neighbours, and so does the reverse.
    """
    folders = sorted((fresh / "rated_usage").glob("usage_date=*"))
    if written is not None:
        near = {(date.fromisoformat(d) + timedelta(n)).isoformat() for d in written for n in range(-2, 3)}
        folders = [f for f in folders if f.name.removeprefix("usage_date=") in near]
    if not folders:
        return "(from published.rated_usage where false)"
    files = ", ".join(literal(f / "*.parquet") for f in folders)
    return f"read_parquet([{files}], hive_partitioning = false)"


def _days_that_differ(con: duckdb.DuckDBPyConnection, one: str, other: str, where: str) -> list[date]:
    """Billing days whose rows have other digests in one relation than in the other: a look at each row, no sorting."""
    by_day = """
        select charge_date, count(*) as n, sum(hash(rows_of)::hugeint) as digests
        from {} as rows_of where {} group by charge_date"""
    found = con.execute(f"""
        select charge_date
        from ({by_day.format(one, where)}) as a full join ({by_day.format(other, where)}) as b using (charge_date)
        where a.n is distinct from b.n or a.digests is distinct from b.digests order by 1""")
    return [day for (day,) in found.fetchall()]


def _compare(con: duckdb.DuckDBPyConnection, name: str, one: str, other_name: str, other: str, fresh: Path) -> None:
    """Raise MeterhouseError with the first row that only one of two queries gives."""
    found = con.execute(f"""
        with one as ({one}), other as ({other})
        select {literal(name)} as found_in, * from (select * from one except all select * from other)
        union all
        select {literal(other_name)} as found_in, * from (select * from other except all select * from one)
        order by all limit 1""")
    columns = [c[0] for c in found.description or []]
    row = found.fetchone()
    if row is not None:
        values = ", ".join(f"{c} {v}" for c, v in zip(columns[1:], row[1:], strict=True) if v is not None)
        raise _disagreement(f"only {row[0]} (of {name} and {other_name}) has {values}", fresh)


def _count_rows(con: duckdb.DuckDBPyConnection, place: Path) -> int:
    """Rows of a file, or of a folder's files by day, from the footers."""
    if place.is_dir() and not any(place.iterdir()):
        return 0
    files = literal(place / "*" / "*.parquet" if place.is_dir() else place)
    row = con.execute(f"select count(*) from read_parquet({files}, hive_partitioning = false)").fetchone()
    return int(row[0]) if row else 0


def _disagreement(what: str, fresh: Path) -> MeterhouseError:
    return MeterhouseError(
        f"the exported tables do not agree: {what}.",
        file=fresh,
        way_out="Exports and pages stay as they were, warehouse.duckdb holds the tables that failed. Delete it and run "
        "again; if it stays, report it.",
    )

"""Audits a folder of exported tables before anyone reads it. Writes nothing.

Writing the tables and swapping the folder in belongs in `exports.py`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.errors import MeterhouseError
from pipelines.sql import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb


def audit(con: duckdb.DuckDBPyConnection, fresh: Path, before: Path | None, written: list[str] | None) -> int:
    """The files agree with each other to the last digit, or MeterhouseError; returns the rated rows.

    Where days were written (`written`, UTC dates; None = all): requests, revenue and cost by billing
    day, currency and organisation, from the rated events themselves. Elsewhere the events are the
    files of the folder before, so spend_daily has to be what it was there. Row counts of all files
    come from their footers, so the cost of an audit is bound to what is new.
    """
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
        _compare(
            con,
            "the folder before",
            f"select * from {old} where not {checked}",
            "spend_daily",
            f"select * from {spend} where not {checked}",
            fresh,
        )
    groups = "select charge_date, billing_currency, organization_id, {} from {} where {} group by all"
    sums = "sum(revenue_amount) as revenue, sum(cost_amount) as cost"
    _compare(
        con,
        "rated_usage",
        groups.format(f"count(*) as requests, {sums}", _rated_near(fresh, written), checked),
        "spend_daily",
        groups.format(f"sum(requests) as requests, {sums}", spend, checked),
        fresh,
    )
    rated, events = (_count_rows(con, fresh / name) for name in ("rated_usage", "usage_events"))
    (requests,) = con.execute(f"select coalesce(sum(requests), 0)::bigint from {spend}").fetchone() or (0,)
    if not rated == events == requests:
        raise _disagreement(
            f"rated_usage has {rated:,} rows, usage_events {events:,}, spend_daily {requests:,} requests", fresh
        )
    return rated


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


def _count_rows(con: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Rows of a table in files by day, from the footers."""
    if not any(folder.iterdir()):
        return 0
    files = literal(folder / "*" / "*.parquet")
    row = con.execute(f"select count(*) from read_parquet({files}, hive_partitioning = false)").fetchone()
    return int(row[0]) if row else 0


def _disagreement(what: str, fresh: Path) -> MeterhouseError:
    return MeterhouseError(
        f"the exported tables do not agree: {what}.",
        file=fresh,
        way_out="Nothing was published. Delete warehouse.duckdb and run again; if it stays, report it.",
    )

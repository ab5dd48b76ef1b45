"""The evidence of a case: everything about one organisation that its reviewer needs, as plain data.

Read from the published Parquet, so that a run in progress does not matter. Nothing of another organisation is in it:
peers are percentiles, linked accounts a number. A case of several accounts gives one pack each. How a pack is written
belongs in `evidence_files.py`, what a text of a reason may say in `evidence_reasons.py`.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import warehouse
from pipelines.cases.evidence_reasons import json_list, without_baseline, without_names
from pipelines.errors import MeterhouseError
from pipelines.nearest import nearest
from pipelines.publish.exports import published_folder
from pipelines.sql import literal, read_sql

if TYPE_CHECKING:
    from collections.abc import Collection

    from duckdb import DuckDBPyConnection

    from pipelines.home import Home

SCHEMA = "meterhouse.evidence/1"
WHAT = (
    "Unusual harvesting-like usage: review. These figures say that usage is unusual, not what it is for. "
    "They were made from metadata of requests; no text of prompts or answers is kept."
)
HISTORY_DAYS = 28
_QUERIES = Path(__file__).with_name("queries")
# What a pack says in its own way, or leaves out because it is of all members or of the queue.
_KNOWN = frozenset(
    {
        "case_id", "organization_id", "first_seen", "last_seen", "detector", "score", "state", "reasons",
        "counter_evidence", "linked_organizations", "output_tokens", "revenue_amount", "billing_currency", "rank",
        # What reviewers wrote for each other is not for the organisation; models and versions are told elsewhere.
        "reviewer", "why", "decided_at", "until", "models", "detector_version",
    }
)  # fmt: skip
Pack = dict[str, Any]


def packs(home: Home, case_id: str) -> list[Pack]:
    """One pack for each organisation of the case, the one it is named after first. Raises where there is no such."""
    folder = published_folder(home)
    if not (folder / "extraction_flags.parquet").exists():
        raise MeterhouseError(
            "nothing is published here yet.", file=folder, way_out="Run `meterhouse run` on this home first."
        )
    with warehouse.connect(home, in_memory=True) as con:
        for table in ("extraction_flags", "activity_daily", "build"):
            con.execute(f"create view {table} as from read_parquet({literal(folder / f'{table}.parquet')})")
        flag = _flag(con, case_id, folder)
        linked = [str(name) for name in json_list(flag.get("linked_organizations"))]
        members = list(dict.fromkeys([flag["organization_id"], *linked]))
        _prepare(con, folder, flag, members)
        names = {name for (name,) in con.execute("select distinct organization_id from activity_daily").fetchall()}
        names.update(members)
        build = _rows(con, "from build")[0]
        found = {query: _by_organization(con, query) for query in ("usage", "models", "days", "sample")}
    return [_pack(flag, member, len(members), names - {member}, build, found) for member in members]


def _prepare(con: DuckDBPyConnection, folder: Path, flag: Pack, members: list[str]) -> None:
    """The members, the days, and the members' requests in the days of the case as views."""
    con.execute("create temp table case_members as select unnest(?::varchar[]) as organization_id", [members])
    first, last = flag["first_seen"], flag["last_seen"]
    for name, value in (
        ("first_seen", first),
        ("last_seen", last),
        ("history_from", first - timedelta(days=HISTORY_DAYS)),
    ):
        con.execute(f"set variable {name} = ?", [value])
    for view, table in (("case_requests", "rated_usage"), ("case_events", "usage_events")):
        con.execute(f"create temp view {view} as {_requests(folder / table, first, last)}")


def _flag(con: DuckDBPyConnection, case_id: str, folder: Path) -> Pack:
    found = _rows(con, "from extraction_flags where case_id = ?", [case_id])
    if not found:
        known = [one for (one,) in con.execute("select case_id from extraction_flags order by all").fetchall()]
        near = nearest(case_id, known)
        raise MeterhouseError(
            f"there is no case {case_id!r} in the queue.",
            file=folder / "extraction_flags.parquet",
            way_out=f"Most alike: {', '.join(near)}." if near else "The trust & safety page lists the cases.",
        )
    return found[0]


def _pack(
    flag: Pack, member: str, members: int, others: set[str], build: Pack, found: dict[str, dict[str, list[Pack]]]
) -> Pack:
    is_group = members > 1
    days = found["days"].get(member, [])
    return {
        "schema": SCHEMA,
        "what": WHAT,
        "is_demo": bool(build.get("demo")),
        "case": {
            "case_id": flag["case_id"],
            "organization_id": member,
            "first_seen": flag["first_seen"],
            "last_seen": flag["last_seen"],
            "time_zone": "UTC",
            "detector": flag.get("detector"),
            "score": flag.get("score"),
            "state": flag.get("state"),
            "linked_accounts": members - 1,
            # Columns that a detector has added; of several accounts they would be of all.
            "other": {} if is_group else without_names(_scalars(flag, _KNOWN), others),
        },
        "reasons": _reasons(flag.get("reasons"), others, is_group=is_group),
        "counter_evidence": _reasons(flag.get("counter_evidence"), others, is_group=is_group),
        "usage": found["usage"].get(member, []),
        "usual_before": _usual(days),
        "models": found["models"].get(member, []),
        "days": days,
        "sample": found["sample"].get(member, []),
        "versions": {
            "detectors": flag.get("detector_version"),
            "meterhouse": build.get("project_version"),
            "price_book": build.get("price_book_digest"),
            "prices_known_at": build.get("known_at"),
            "data_through": build.get("data_through"),
        },
    }


def _requests(folder: Path, first: date, last: date) -> str:
    """Query for the members' requests in the days of the case; no file of another day is opened."""
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    there = [place for day in days if (place := folder / f"usage_date={day}").is_dir()]
    if not there:
        raise MeterhouseError(
            f"requests of {first} to {last} are not among the published ones.",
            file=folder,
            way_out="Run `meterhouse run` on this home again.",
        )
    files = ", ".join(literal(place / "*.parquet") for place in there)
    return f"""
        select * from read_parquet([{files}], union_by_name = true, hive_partitioning = false)
        where organization_id in (select organization_id from case_members)"""


def _reasons(text: str | None, others: set[str], *, is_group: bool) -> list[Pack]:
    """Reasons without names of others; of a group also without baselines, which are those of other accounts."""
    given = [dict(one) if isinstance(one, dict) else {"text": str(one)} for one in json_list(text)]
    if is_group:
        given = [without_baseline(one) for one in given]
    return [without_names(_scalars(one), others) for one in given]


def _scalars(row: Pack, known: Collection[str] = ()) -> Pack:
    """What a row has beside known fields, lists and objects left out."""
    plain = (str, int, float, bool, Decimal, date, datetime, type(None))
    return {name: value for name, value in row.items() if name not in known and isinstance(value, plain)}


def _usual(days: list[Pack]) -> Pack:
    """The middle of the active days before the case."""
    before = [day for day in days if not day["in_case"]]
    middle: dict[str, Any] = {
        name: sorted(day[name] for day in before)[len(before) // 2] if before else None
        for name in ("requests", "output_tokens")
    }
    return {"active_days": len(before), **{f"median_{name}": value for name, value in middle.items()}}


def _by_organization(con: DuckDBPyConnection, query: str) -> dict[str, list[Pack]]:
    found: dict[str, list[Pack]] = defaultdict(list)
    for row in _rows(con, read_sql(_QUERIES / f"{query}.sql")):
        found[row.pop("organization_id")].append(row)
    return found


def _rows(con: DuckDBPyConnection, sql: str, values: list[Any] | None = None) -> list[Pack]:
    result = con.execute(sql, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

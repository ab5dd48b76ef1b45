"""What two records of one id differ in: the one that stands, and the one in quarantine as its conflict.

What is kept of the text is not enough to compare by, so the landed file is read once more. Which of the two counts is
decided in `landing/resolve.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.landing.contract import BODY
from pipelines.landing.ingest import now
from pipelines.landing.new_files import landed_contents
from pipelines.landing.normalise import create_staging
from pipelines.landing.quarantine.retry import GONE, by_content, under_first_name
from pipelines.landing.resolve import CONFLICT
from pipelines.landing.staging import stage_all
from pipelines.landing.write import number_files
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.home import Home
    from pipelines.landing.manifest import Commit, FileEntry
    from pipelines.landing.quarantine.held import Key
    from pipelines.settings import Settings

REASON = f"event_id {CONFLICT}"


@dataclass(frozen=True, slots=True)
class Difference:
    """One column in which the two differ, as canonical text; None is no value."""

    column: str
    stands: str | None
    refused: str | None


@dataclass(frozen=True, slots=True)
class Sides:
    """What two records of one id differ in, or why that cannot be told."""

    differences: tuple[Difference, ...] = ()
    note: str = ""


def compare(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    commits: list[Commit],
    standing: dict[Key, FileEntry],
    numbers: list[int],
) -> dict[int, Sides]:
    """Compare the conflicts among these records of `held`, by number. Reads their files under the mapping of now."""
    listed = ", ".join(map(str, [0, *numbers]))
    rows = con.execute(f"""
        select number, source, file_digest from held
        where number in ({listed}) and reason = {literal(REASON)} order by number""").fetchall()
    if not rows:
        return {}
    wanted = dict.fromkeys((source, digest) for _, source, digest in rows)
    present = by_content(landed_contents(home, settings)[0])
    new = [under_first_name(present[key], standing[key]) for key in wanted if key in present]
    sides = {n: Sides(note=GONE) for n, source, digest in rows if (source, digest) not in present}
    if not new:
        return sides
    create_staging(con)
    number_files(con, new)
    stage_all(con, home, new, now(), None)
    con.execute(f"""
        create or replace temp table conflicting as
        select number, staged.* from staged
        inner join files using (file_no)
        inner join held
            on files.source = held.source and files.file_digest = held.file_digest and staged.line = held.line
        where number in ({listed}) and held.reason = {literal(REASON)}""")
    _find_standing(con, home, commits)
    compared = ", ".join(
        f"{{'column': {literal(name)}, 'stands': masked(standing_event.{identifier(name)}::varchar), "
        f"'refused': masked(conflicting.{identifier(name)}::varchar), "
        f"'differs': standing_event.{identifier(name)} is distinct from conflicting.{identifier(name)}}}"
        for name in BODY
    )
    found = con.execute(f"""
        select conflicting.number, conflicting.reason, standing_event.event_id is null,
            list_filter([{compared}], lambda d: d.differs)
        from conflicting left join standing_event using (source, event_id, revision)""").fetchall()
    for number, reason, alone, differences in found:
        sides[number] = _told(reason, differences, alone=alone)
    unread = Sides(note="the record is not found in its file as that is read now")
    return {n: sides.get(n, unread) for n, *_ in rows}


def _told(reason: str | None, differences: list[dict[str, str | None]], *, alone: bool) -> Sides:
    if reason:
        return Sides(note=f"as the file is read now, the record is refused for another reason: {reason}")
    if alone:
        return Sides(note="as the file is read now, no accepted record has this id: a retry accepts it")
    if not differences:
        return Sides(note="as the file is read now, the two are the same: a retry makes this a duplicate")
    return Sides(tuple(Difference(str(d["column"]), d["stands"], d["refused"]) for d in differences))


def _find_standing(con: duckdb.DuckDBPyConnection, home: Home, commits: list[Commit]) -> None:
    """Table `standing_event`: the accepted events with the ids of `conflicting`; the key index names their days."""
    keys = [literal(home.root / c.keys) for c in commits if c.keys]
    days: set[str] = set()
    if keys:
        found = con.execute(f"""
            select distinct usage_date::varchar from read_parquet([{", ".join(keys)}])
            where key in (select key from conflicting)""").fetchall()
        days = {day for (day,) in found}
    paths = [literal(home.root / path) for c in commits for day, path in c.events.items() if day in days]
    events = (
        f"read_parquet([{', '.join(paths)}], union_by_name = true, hive_partitioning = false)"
        if paths
        else "(from conflicting where false)"
    )
    con.execute(f"""
        create or replace temp table standing_event as
        from {events} semi join conflicting using (source, event_id, revision)""")

"""The exported Parquet: equal to the warehouse, written once a change, audited, one generation kept."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.build import plan_build
from pipelines.errors import MeterhouseError
from pipelines.landing.manifest import read_manifest
from pipelines.publish.exports import SMALL, export_published, published_folder
from pipelines.run import run_all
from pipelines.settings import load_settings
from tests.conftest import ask

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home
    from pipelines.run import RunSummary


def read(folder: Path, sql: str) -> list[tuple]:
    """Rows of a query over the exported files, `{folder}` being where they lie."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        return con.execute(sql.replace("{folder}", str(folder))).fetchall()


def parquet(table: str) -> str:
    """The exported table as a relation."""
    below = f"{table}.parquet" if table in SMALL else f"{table}/*/*.parquet"
    return f"read_parquet('{{folder}}/{below}', hive_partitioning = {'false' if table == 'rated_usage' else 'true'})"


def land(home: Home, file: str, **record: Any) -> None:
    """Add one canonical record under the source `corrections`, and run the whole job."""
    path = home.landing / "corrections" / file
    path.parent.mkdir(exist_ok=True)
    event = {"event_id": "c1", "organization_id": "acme", "provider": "openai", "model": "gpt-4o-2024-08-06",
             "input_tokens": 100, "output_tokens": 20, **record}  # fmt: skip
    path.write_text(json.dumps(event) + "\n", encoding="utf-8")
    run_all(home, load_settings(home))


def force_full(home: Home) -> None:
    """Export again as after a price change: every day is written."""
    plan = replace(plan_build(home, load_settings(home)), fingerprint="another")
    export_published(home, plan)


def tamper(home: Home, sql: str) -> None:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute(sql)


def inodes(folder: Path, table: str) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_ino for p in (folder / table).rglob("*.parquet")}


def generations(home: Home) -> list[str]:
    return sorted(p.name for p in home.exports.iterdir() if not p.is_symlink())


def test_exports_equal_the_warehouse(finished: tuple[Home, RunSummary]) -> None:
    home, _ = finished
    folder = published_folder(home)
    for table, relation in {**SMALL, "rated_usage": "published.rated_usage"}.items():
        names = ", ".join(c for (c, *_) in ask(home, f"describe {relation}"))
        row = f"select count(*), bit_xor(hash(row({names}))) from "
        assert read(folder, row + parquet(table)) == ask(home, row + relation), table
    for table, sums in {
        "rated_usage": "sum(revenue_amount), sum(cost_amount), sum(input_tokens), sum(output_tokens)",
        "usage_events": "sum(input_tokens), sum(output_tokens), min(occurred_at), max(occurred_at)",
    }.items():
        query = f"select usage_date, count(*), {sums} from {{}} group by all order by all"
        files = read(folder, query.format(parquet(table)))
        assert len(files) > 1
        assert files == ask(home, query.format(f"published.{table}"))


def test_every_file_written_names_its_price_book(copy_of_finished: Home) -> None:
    home = copy_of_finished
    land(home, "first.jsonl", occurred_at="2024-09-01T10:00:00Z")
    land(home, "amended.jsonl", occurred_at="2024-09-01T10:00:00Z", revision=1)
    folder = published_folder(home).resolve()
    ((digest,),) = ask(home, "select price_book_digest from published.build")
    assert len(digest) == 64
    events = {f.stat().st_ino for f in home.events.rglob("*.parquet")}
    files = sorted(folder.rglob("*.parquet"))
    raw = {f for f in files if f.stat().st_ino in events}
    assert {f.relative_to(folder).parts[0] for f in raw} == {"usage_events"}
    assert {f.name for f in set(files) - raw if "usage_events" in f.parts} == {"amended.parquet"}
    for file in files:
        # A file without metadata of its own gives None.
        found = (pq.read_metadata(file).metadata or {}).get(b"price_book")
        assert found == (None if file in raw else digest.encode()), file


def test_small_new_file_leaves_untouched_days_as_they_lie(copy_of_finished: Home) -> None:
    home = copy_of_finished
    old = published_folder(home).resolve()
    before = inodes(old, "rated_usage")
    day = ask(home, "select max(usage_date)::varchar from published.rated_usage")[0][0]
    land(home, "one.jsonl", occurred_at=f"{day}T12:00:00Z")
    new = published_folder(home).resolve()
    assert new != old
    after = inodes(new, "rated_usage")
    touched = {p for p in before | after if f"usage_date={day}/" in p}
    assert touched
    assert {p: i for p, i in after.items() if p not in touched} == {p: i for p, i in before.items() if p not in touched}
    assert not {after[p] for p in touched & set(after)} & {before[p] for p in touched & set(before)}
    assert read(new, f"select count(*) from {parquet('rated_usage')} where source = 'corrections'") == [(1,)]
    # A reader in mid-scan of the folder before still finds its files.
    assert inodes(old, "rated_usage") == before


def test_amendment_on_another_day_leaves_one_row_and_its_money(copy_of_finished: Home) -> None:
    home = copy_of_finished
    land(home, "first.jsonl", occurred_at="2024-09-01T10:00:00Z")
    before = ask(home, "select sum(revenue_amount) from published.spend_daily")[0][0]
    first = Decimal("0.00045")  # 100 at 2.50 and 20 at 10.00 USD a million
    amendment = Decimal("0.00200")  # 400 and 100 of the same
    assert ask(home, "select revenue_amount from published.rated_usage where source = 'corrections'") == [(first,)]
    land(home, "amended.jsonl", occurred_at="2024-09-03T10:00:00Z", revision=1, input_tokens=400, output_tokens=100)
    assert read_manifest(home)[-1].files[0].amendments == 1
    folder = published_folder(home)
    for table, columns, expected in (
        ("usage_events", "usage_date::varchar, revision, input_tokens", ("2024-09-03", 1, 400)),
        ("rated_usage", "usage_date::varchar, output_tokens, revenue_amount", ("2024-09-03", 100, amendment)),
    ):
        query = f"select {columns} from {{}} where source = 'corrections'"
        assert read(folder, query.format(parquet(table))) == [expected], table
        assert ask(home, query.format(f"published.{table}")) == [expected], table
    spend = """select charge_date::varchar, requests::int, revenue_amount from {}
        where charge_date in ('2024-09-01', '2024-09-03') and organization_id = 'acme'"""
    assert read(folder, spend.format(parquet("spend_daily"))) == [("2024-09-03", 1, amendment)]
    assert ask(home, spend.format("published.spend_daily")) == [("2024-09-03", 1, amendment)]
    assert ask(home, "select sum(revenue_amount) from published.spend_daily") == [(before - first + amendment,)]


@pytest.mark.parametrize(
    "change",
    [
        "update marts.spend_daily set revenue_amount = revenue_amount + 0.000000000001 where rowid = {row}",
        "update marts.spend_daily set cost_amount = cost_amount * 2 where rowid = {row}",
        # Totals stay as they are: only the groups show it.
        "update marts.spend_daily set organization_id = 'someone-else' where rowid = {row}",
        "update marts.spend_daily set charge_date = charge_date + 1 where rowid = {row}",
    ],
)
@pytest.mark.parametrize("whole", [True, False], ids=["every day written", "no day written"])
def test_tampered_spend_fails_the_audit_and_keeps_what_was_published(
    copy_of_finished: Home, change: str, *, whole: bool
) -> None:
    home = copy_of_finished
    old = published_folder(home).resolve()
    before = inodes(old, "rated_usage")
    (row,) = ask(home, "select min(rowid) from marts.spend_daily where cost_amount > 0 and revenue_amount > 0")[0]
    plan = plan_build(home, load_settings(home))
    tamper(home, change.format(row=row))
    with pytest.raises(MeterhouseError, match="do not agree"):
        export_published(home, replace(plan, fingerprint="another") if whole else plan)
    assert published_folder(home).resolve() == old
    assert inodes(old, "rated_usage") == before


def test_tampered_spend_of_a_day_that_is_written_fails_the_audit(copy_of_finished: Home) -> None:
    home = copy_of_finished
    day = ask(home, "select max(usage_date)::varchar from published.rated_usage")[0][0]
    state = published_folder(home).resolve() / ".state.json"
    # As if the last commit had not been exported yet.
    state.write_text(json.dumps({**json.loads(state.read_text()), "commits": 0}))
    tamper(home, f"update marts.spend_daily set revenue_amount = revenue_amount + 1 where charge_date = '{day}'")
    with pytest.raises(MeterhouseError, match=day):
        export_published(home, plan_build(home, load_settings(home)))


def test_lost_rated_row_fails_the_audit(copy_of_finished: Home) -> None:
    tamper(
        copy_of_finished, "delete from marts.rated_amounts where rowid = (select min(rowid) from marts.rated_amounts)"
    )
    with pytest.raises(MeterhouseError, match="do not agree"):
        force_full(copy_of_finished)


def test_two_generations_are_kept_at_most(copy_of_finished: Home) -> None:
    home = copy_of_finished
    assert generations(home) == [".published-1"]
    (home.exports / ".published-0").mkdir()  # left by a run of long ago
    for number in (2, 3, 4):
        force_full(home)
        assert published_folder(home).resolve().name == f".published-{number}"
        assert generations(home) == [f".published-{number - 1}", f".published-{number}"]


def test_home_without_events_exports_empty_tables(tmp_path: Path) -> None:
    from pipelines.home import Home

    home = Home(tmp_path / "home")
    home.root.mkdir()
    run_all(home, load_settings(home))
    assert read(published_folder(home), f"select count(*) from {parquet('spend_daily')}") == [(0,)]

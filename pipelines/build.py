"""Brings the warehouse up to date with the manifest, the price book and the settings.

Decides which days to rebuild, tells the dbt models through the schema `run`, and remembers what
was built only after dbt has succeeded, so a run that was killed is simply done again. What the
tables mean belongs in dbt_project/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from pipelines import warehouse
from pipelines.damage import damaged_events
from pipelines.errors import MeterhouseError
from pipelines.landing.contract import COLUMNS
from pipelines.landing.manifest import Commit, FileEntry, current_files, read_manifest
from pipelines.machine import fault_in
from pipelines.pricing.book import load_book, write_home_tables
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.months import touched_months, with_whole_months
from pipelines.pricing.tables import EXCHANGE_RATES, TERMS, load
from pipelines.sql import identifier, literal

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
DBT_PROJECT = PROJECT / "dbt_project"
_PARSED = "partial_parse.msgpack"
_STATE_TABLE = """
    create table if not exists run.state (commits bigint, fingerprint varchar, labels varchar, building varchar)"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build has to do. `days` are UTC dates (ISO text); `full` rebuilds every table.

    `commits` is the number of manifest entries that the warehouse will hold afterwards,
    `fingerprint` the digest of everything else that decides amounts, `labels` that of what is only
    shown.
    """

    full: bool
    days: tuple[str, ...]
    months: tuple[str, ...]
    month_zone: str | None
    commits: int
    fingerprint: str
    labels: str
    book_digest: str
    needed: bool


@dataclass(frozen=True, slots=True)
class State:
    """What the warehouse was last built from. `building` is the fingerprint of a build that has not ended."""

    commits: int
    fingerprint: str
    labels: str
    building: str | None


def plan_build(home: Home, settings: Settings) -> Plan:
    """Compare the manifest, price book, settings and model code with what was last built."""
    commits = read_manifest(home)
    book = price_book_digest(home)
    _require_cards(home, settings)
    fingerprint = _digest(
        book,
        settings.pricing.model_dump_json(),
        settings.billing_time_zone,
        settings.reporting_currency,
        project_digest(),
    )
    labels = _digest(settings.site.title, str(settings.site.demo))
    built = _state(home)
    # A build that did not end has left tables of its own fingerprint behind: only the same may go on from there.
    full = (
        built is None
        or built.fingerprint != fingerprint
        or built.building not in {None, fingerprint}
        or built.commits > len(commits)
    )
    since = 0 if full or built is None else built.commits
    zone = settings.billing_time_zone
    month_zone = zone if counts_by_month(home) else None
    fresh = commits[since:]
    unfinished = built is not None and (built.building is not None or built.labels != labels)
    return Plan(
        full=full,
        days=tuple(sorted(changed_days(commits, since, month_zone))),
        months=tuple(sorted(touched_months({day for c in fresh for day in c.touched_days}, zone))),
        month_zone=month_zone,
        commits=len(commits),
        fingerprint=fingerprint,
        labels=labels,
        book_digest=book,
        needed=full or bool(fresh) or unfinished,
    )


def counts_by_month(home: Home) -> bool:
    """Whether the home has allowances or tariffs by quantity, which count over a billing month."""
    return not {"allowance", "graduated", "volume"}.isdisjoint(load(TERMS, home)["kind"].to_pylist())


def changed_days(commits: list[Commit], since: int, month_zone: str | None) -> set[str]:
    """UTC days (ISO text) that manifest entries from number `since` on change.

    Where terms count by month, a late request moves what comes after it: then whole months.
    """
    days = {day for c in commits[since:] for day in c.touched_days}
    if month_zone is None or not since:
        return days
    known = {day for c in commits for day in c.touched_days}
    return with_whole_months(days, touched_months(days, month_zone), known, month_zone)


def _require_cards(home: Home, settings: Settings) -> None:
    """Refuse a rate card that no price row has, or a currency of reports that no revenue can come to.

    A slip of the pen would leave everything unpriced or out of every total.
    """
    book = load_book(home).select(["card", "currency"]).to_pylist()
    known = {row["card"] for row in book}
    for side, card in (("revenue_card", settings.pricing.revenue_card), ("cost_card", settings.pricing.cost_card)):
        if card not in known:
            raise MeterhouseError(
                f"there is no rate card {card!r}; known: {', '.join(sorted(known))}.",
                file=home.config,
                field=f"pricing.{side}",
                way_out="Correct the name, or add the card's rows under prices/ of this home.",
            )
    rated_in = {row["currency"] for row in book if row["card"] == settings.pricing.revenue_card}
    exchanged = set(load(EXCHANGE_RATES, home)["to_currency"].to_pylist())
    if settings.reporting_currency not in rated_in | exchanged:
        raise MeterhouseError(
            f"no rate of card {settings.pricing.revenue_card!r} is in {settings.reporting_currency}, and no exchange "
            f"rate leads to it; the card has {', '.join(sorted(rated_in))}.",
            file=home.config,
            field="reporting_currency",
            way_out="Name a currency of the card, or add rates under prices/exchange_rates/ of this home.",
        )


def project_digest() -> str:
    """Digest of the dbt project's own files: changed model code rebuilds the tables."""
    files = sorted(
        p
        for p in DBT_PROJECT.rglob("*")
        if p.suffix in {".sql", ".yml", ".csv"} and not {"target", "logs"} & set(p.parts)
    )
    return _digest(*(f"{p.relative_to(DBT_PROJECT)}\n{p.read_text(encoding='utf-8')}" for p in files))


def prepare(home: Home, settings: Settings, plan: Plan) -> None:
    """Write the schema `run`: days, event files, settings, manifest and the operator's prices."""
    commits = read_manifest(home)
    home.make_work()
    with warehouse.connect(home) as con:
        con.execute("create schema if not exists run")
        _mark_building(con, plan)
        con.execute("create or replace table run.touched_days (usage_date date not null)")
        _insert(con, "run.touched_days", [[d] for d in plan.days])
        shifts = "(0)" if settings.billing_time_zone == "UTC" else "(-1), (0), (1)"
        con.execute(f"""
            create or replace table run.touched_charge_days as
            select distinct usage_date + shift as charge_date
            from run.touched_days cross join (values {shifts}) as shifts (shift)""")
        con.execute("create or replace table run.touched_months (charge_month date not null)")
        _insert(con, "run.touched_months", [[m] for m in plan.months])
        con.execute("create or replace table run.visible_files (usage_date date, path varchar)")
        wanted = set(plan.days)
        _insert(
            con,
            "run.visible_files",
            [[None, str(_no_events(con, home))]]
            + [[day, str(home.root / p)] for c in commits for day, p in sorted(c.events.items()) if day in wanted],
        )
        _write_superseded(con, home, commits)
        _write_files(con, commits)
        _write_quarantine(con, home, commits)
        write_home_tables(con, home)
        con.execute("""
            create or replace table run.settings (
                price_book_digest varchar, project_version varchar, billing_time_zone varchar,
                reporting_currency varchar, revenue_card varchar, cost_card varchar, known_at timestamp,
                demo boolean, site_title varchar)""")
        _insert(
            con,
            "run.settings",
            [
                [
                    plan.book_digest, version("meterhouse"), settings.billing_time_zone,
                    settings.reporting_currency, settings.pricing.revenue_card, settings.pricing.cost_card,
                    settings.pricing.known_at_utc(), settings.site.demo, settings.site.title,
                ]
            ],
        )  # fmt: skip


def _no_events(con: duckdb.DuckDBPyConnection, home: Home) -> Path:
    """An empty event file, so that the models have columns even before anything has landed."""
    path = home.work / "no-events.parquet"
    columns = ", ".join(f"null::{c.type} as {identifier(c.name)}" for c in COLUMNS)
    con.execute(f"copy (select {columns} where false) to {literal(path)} (format parquet)")
    return path


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[list[Any]]) -> None:
    """Append rows in one statement: by columns, since row by row costs a millisecond each."""
    if not rows:
        return
    columns = [pa.array(values) for values in zip(*rows, strict=True)]
    con.register("inserted", pa.table(columns, names=[f"c{n}" for n in range(len(columns))]))
    con.execute(f"insert into {table} select * from inserted")
    con.unregister("inserted")


def _write_superseded(con: duckdb.DuckDBPyConnection, home: Home, commits: list[Commit]) -> None:
    con.execute("""
        create or replace table run.superseded
            (source varchar, event_id varchar, revision integer, usage_date date)""")
    paths = [literal(home.root / c.superseded) for c in commits if c.superseded]
    if paths:
        con.execute(f"insert into run.superseded select distinct * from read_parquet([{', '.join(paths)}])")


def _write_files(con: duckdb.DuckDBPyConnection, commits: list[Commit]) -> None:
    con.execute("""
        create or replace table run.files (
            commit_id varchar, source varchar, file varchar, format varchar, file_digest varchar, bytes bigint,
            records_read bigint, accepted bigint, duplicates bigint, amendments bigint, quarantined bigint,
            dropped bigint, first_occurred_at timestamp, last_occurred_at timestamp, received_at timestamp)""")
    # A drop writes entries anew without reading the files.
    read_at = {(f.source, f.file_digest): c.received_at for c in commits if not c.drop for f in c.files}
    _insert(
        con,
        "run.files",
        [
            [
                c.commit_id, f.source, f.file, f.format, f.file_digest, f.bytes, f.records_read, f.accepted,
                f.duplicates, f.amendments, f.quarantined, f.dropped, f.first_occurred_at, f.last_occurred_at,
                read_at[f.source, f.file_digest],
            ]
            for f, c in sorted(current_files(commits).values(), key=_by_name)
        ],
    )  # fmt: skip


def _by_name(entry: tuple[FileEntry, Commit]) -> tuple[str, str, str]:
    return entry[0].source, entry[0].file, entry[0].file_digest


def _write_quarantine(con: duckdb.DuckDBPyConnection, home: Home, commits: list[Commit]) -> None:
    con.execute("""
        create or replace table run.quarantine
            (source varchar, file varchar, line bigint, field varchar, reason varchar, raw varchar)""")
    paths = [literal(home.root / c.quarantine) for c in commits if c.quarantine]
    if paths:
        con.execute(f"""
            insert into run.quarantine
            select source, file, line, field, reason, raw
            from read_parquet([{", ".join(paths)}], union_by_name = true) as q
            semi join run.files as f using (commit_id, source, file_digest)
            order by source, file, line""")


def dbt_environment(home: Home) -> dict[str, str]:
    """Environment of a dbt call on a home: where the warehouse lies, limits, and no telemetry."""
    return {
        **os.environ,
        "METERHOUSE_WAREHOUSE": str(home.warehouse),
        "METERHOUSE_SPILL": str(home.work / "spill"),
        "METERHOUSE_MEMORY_LIMIT": warehouse.memory_limit(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "DBT_TARGET_PATH": str(home.work / "dbt"),
        "DBT_LOG_PATH": str(home.work / "dbt" / "logs"),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_USE_COLORS": "false",
    }


def environment_at_home(home: Home) -> dict[str, str]:
    """`dbt_environment` of a dbt call that is started in the home's folder.

    The paths that dbt remembers its parsing by are the same in every home: a copy of a home need not parse anew.
    """
    within = {"METERHOUSE_WAREHOUSE": home.warehouse, "METERHOUSE_SPILL": home.work / "spill"}
    return dbt_environment(home) | {name: str(path.relative_to(home.root)) for name, path in within.items()}


def lend_parsing(lender: Path, borrower: Path) -> None:
    """Let dbt go on from what it made of the project in another target folder, if this one has nothing of its own.

    dbt itself sees whether that still holds. Taking the project apart takes seconds.
    """
    parsed, own = lender / _PARSED, borrower / _PARSED
    if parsed.exists() and not own.exists():
        borrower.mkdir(parents=True, exist_ok=True)
        shutil.copy2(parsed, own)


def dbt_arguments(plan: Plan) -> list[str]:
    """Arguments of the one dbt call of a run. An unchanged price book is not loaded again."""
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if plan.full:
        return [*arguments, "--full-refresh"]
    return [*arguments, "--exclude", "resource_type:seed", "price_rows", "price_rates", "price_rate_units"]


def dbt_executable() -> str:
    """The dbt beside this Python: cron has no PATH for it."""
    return str(Path(sys.executable).parent / "dbt")


def run_dbt(home: Home, plan: Plan) -> None:
    """Run dbt in a process of its own (in ours it would keep the warehouse locked)."""
    with warehouse.start_under_lock(
        home,
        [dbt_executable(), "--quiet", *dbt_arguments(plan), "--project-dir", str(DBT_PROJECT)],
        env=environment_at_home(home),
        cwd=home.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise _dbt_failure(home, output)


def _dbt_failure(home: Home, output: str) -> MeterhouseError:
    results = home.work / "dbt" / "run_results.json"
    told = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
    failed = [f"{r['unique_id'].split('.')[2]} ({_cause_of(r)})" for r in told if r["status"] in {"error", "fail"}]
    # dbt itself speaks of its log then, not of the cause.
    cause = fault_in(output) or "; ".join(failed) or " ".join(output.strip().splitlines()[-3:]) or "dbt gave no reason"
    # A test that fails is no fault of a file.
    if any(r["status"] == "error" for r in told) and (damage := damaged_events(home)):
        return damage
    return MeterhouseError(
        f"building the warehouse failed: {cause}.",
        file=home.warehouse,
        way_out=f"Nothing was published. The whole log is {home.work / 'dbt' / 'logs' / 'dbt.log'}; "
        "after mending the cause, run again.",
    )


def _cause_of(result: dict[str, Any]) -> str:
    """dbt's message on one line: its head says only where, the cause follows."""
    lines = [line.strip() for line in (result.get("message") or result["status"]).splitlines() if line.strip()]
    return " ".join(lines[:4])


def _mark_building(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Say that the tables are being changed, before the first of them is."""
    con.execute(_STATE_TABLE)
    con.execute("update run.state set building = ?", [plan.fingerprint])


def remember(home: Home, plan: Plan) -> None:
    """Record what was built. Call it only after dbt has succeeded."""
    with warehouse.connect(home) as con:
        con.execute("begin")
        con.execute(_STATE_TABLE)
        con.execute("delete from run.state")
        con.execute("insert into run.state values (?, ?, ?, null)", [plan.commits, plan.fingerprint, plan.labels])
        con.execute("commit")


def clear_warehouse(home: Home) -> None:
    """Remove the warehouse file; the next build makes it anew from events and price book."""
    for path in (home.warehouse, home.warehouse.with_name(home.warehouse.name + ".wal")):
        path.unlink(missing_ok=True)
    for folder in ("dbt", "dbt-job"):
        shutil.rmtree(home.work / folder, ignore_errors=True)


def _state(home: Home) -> State | None:
    if not home.warehouse.exists():
        return None
    with warehouse.connect(home, read_only=True) as con:
        try:
            row = con.execute("select commits, fingerprint, labels, building from run.state").fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            return None
    return State(*row) if row else None


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

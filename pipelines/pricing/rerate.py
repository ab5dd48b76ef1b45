"""Rates a home's events once more under other prices, in a warehouse of its own that is thrown away afterwards.

The same dbt models, on the event files of the chosen days alone. The home's warehouse is only read, its exports and
pages are not looked at. Which rates a model takes from another belongs in `replacement.py`, what is compared with what
in `what_if.py` and `break_even.py`.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import build, warehouse
from pipelines.errors import MeterhouseError
from pipelines.home import Home
from pipelines.landing.manifest import read_manifest, write_commit
from pipelines.pricing.book import SEED, load_book
from pipelines.pricing.check import require_valid_tables
from pipelines.pricing.digest import price_book_digest
from pipelines.pricing.months import touched_months, with_whole_months
from pipelines.pricing.replacement import RATES_MODEL, Replacement, replace_rates
from pipelines.pricing.tables import ALIASES, EXCHANGE_RATES, RATES, read_rows, write_typed
from pipelines.settings import load_settings
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import duckdb

    from pipelines.landing.manifest import Commit
    from pipelines.settings import Settings

# The tables that the price book of Meterhouse itself is read from, where dbt puts its seeds.
_SEEDS = ((RATES, "rating.price_book"), (ALIASES, "rating.model_aliases"), (EXCHANGE_RATES, "rating.exchange_rates"))
_MODELS = ("+spend_daily", "rated_usage", "spread_days", "spend_reported")
# Views that are looked at.
_VIEWS = ("marts.rated_usage", "published.spend_reported")


@dataclass(frozen=True, slots=True)
class Change:
    """What is otherwise. Nothing given: the price tables and settings as they lie there now."""

    book: Path | None = None
    known_at: datetime | None = None
    revenue_card: str | None = None
    cost_card: str | None = None
    replacements: tuple[Replacement, ...] = ()


@dataclass(frozen=True, slots=True)
class Days:
    """Billing days, both included."""

    first: date
    last: date


@contextmanager
def rated_again(home: Home, change: Change, days: Days) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the home's warehouse with the other rating attached as `scratch`, both read-only.

    `scratch` has `marts.spend_daily`, `marts.rated_usage`, `marts.spread_days`, `published.spend_reported` and what
    they are made from, complete for the billing days asked for and perhaps with more days around them.
    """
    settings = _changed_settings(home, change)
    home.make_work()
    with tempfile.TemporaryDirectory(prefix="what-if-", dir=home.work) as folder:
        scratch = Home(Path(folder))
        _link_inputs(home, scratch)
        plan = _lay_out(home, scratch, settings, change, days)
        build.prepare(scratch, settings, plan)
        with warehouse.connect(scratch) as con:
            con.execute("create schema if not exists rating")
            for table, target in _SEEDS:
                rows = load_book(seed=change.book or SEED) if table is RATES else read_rows(table, table.files())
                write_typed(con, table, rows, target)
        _build(scratch, home, change.replacements)
        _make_tables_of_views(scratch)
        with warehouse.connect(home, read_only=True) as con:
            con.execute(f"attach {literal(scratch.warehouse)} as scratch (read_only)")
            yield con


def _make_tables_of_views(scratch: Home) -> None:
    """A view names the catalog it was made in, which in a connection to the home's warehouse is the home's."""
    with warehouse.connect(scratch) as con:
        for view in _VIEWS:
            schema, _, name = view.partition(".")
            con.execute(f"""
                create table {schema}.kept as from {view};
                drop view {view};
                alter table {schema}.kept rename to {name}""")


def built_days(con: duckdb.DuckDBPyConnection) -> Days | None:
    """The first and the last billing day of the home's warehouse; None where it is empty."""
    first, last = con.execute("select min(charge_date), max(charge_date) from marts.spend_daily").fetchone() or (
        None,
        None,
    )
    return None if first is None else Days(first, last)


def _changed_settings(home: Home, change: Change) -> Settings:
    settings = load_settings(home)
    given = {
        name: value
        for name in ("revenue_card", "cost_card", "known_at")
        if (value := getattr(change, name)) is not None
    }
    if change.book is not None:
        require_valid_tables(home, seed=change.book)
    known = set(load_book(home, seed=change.book or SEED)["card"].to_pylist())
    pricing = settings.pricing.model_copy(update=given)
    for name in ("revenue_card", "cost_card"):
        if getattr(pricing, name) not in known:
            raise MeterhouseError(
                f"there is no rate card {getattr(pricing, name)!r}; known: {', '.join(sorted(known))}.",
                way_out=f"Correct --{name.replace('_', '-')}, or add the card's rows under prices/ of the home.",
            )
    return settings.model_copy(update={"pricing": pricing})


def _link_inputs(home: Home, scratch: Home) -> None:
    if home.prices.is_dir():
        scratch.prices.symlink_to(home.prices, target_is_directory=True)


def _lay_out(home: Home, scratch: Home, settings: Settings, change: Change, days: Days) -> build.Plan:
    """Write the scratch home's manifest, with the event files of the days alone, and say what to build."""
    commits = read_manifest(home)[: _built_commits(home)]
    zone = settings.billing_time_zone
    wanted = _usage_days(days, zone)
    known = {day for commit in commits for day in commit.events}
    months = touched_months(wanted, zone)
    if build.counts_by_month(home):
        wanted = with_whole_months(wanted, months, known, zone)
        months = touched_months(wanted & known, zone)
    wanted &= known
    scratch.events.mkdir(parents=True)
    for commit in commits:
        write_commit(scratch, _only(commit, home, wanted))
    return build.Plan(
        full=True,
        days=tuple(sorted(wanted)),
        months=tuple(sorted(months)),
        month_zone=None,
        commits=len(commits),
        fingerprint="what if",
        labels="",
        book_digest=price_book_digest(home, seed=change.book or SEED),
        needed=True,
    )


def _only(commit: Commit, home: Home, days: set[str]) -> Commit:
    """The entry with the files of these days, by their whole paths, and without what rating does not ask for."""
    return replace(
        commit,
        files=[],
        events={day: str(home.root / path) for day, path in commit.events.items() if day in days},
        keys=None,
        superseded=commit.superseded and str(home.root / commit.superseded),
        quarantine=None,
    )


def _built_commits(home: Home) -> int:
    """How many manifest entries the home's warehouse holds: what came later is on neither side."""
    with warehouse.connect(home, read_only=True) as con:
        (number,) = con.execute("select commits from run.state").fetchone() or (0,)
    return int(number)


def _usage_days(days: Days, zone: str) -> set[str]:
    """UTC days (ISO text) in which instants of the billing days lie."""
    reach = 0 if zone == "UTC" else 1
    first = days.first - timedelta(days=reach)
    return {(first + timedelta(days=n)).isoformat() for n in range((days.last - days.first).days + 1 + 2 * reach)}


def _build(scratch: Home, home: Home, replacements: tuple[Replacement, ...]) -> None:
    """Run the models on the scratch warehouse; those of rates first where rates are replaced before they are used."""
    build.lend_parsing(home.work / "dbt", scratch.work / "dbt")
    if not replacements:
        _run_dbt(scratch, home, "--select", *_MODELS)
        return
    _run_dbt(scratch, home, "--select", f"+{RATES_MODEL}")
    with warehouse.connect(scratch) as con:
        replace_rates(con, replacements)
    _run_dbt(scratch, home, "--select", *_MODELS, "--exclude", f"+{RATES_MODEL}")


def _run_dbt(scratch: Home, home: Home, *chosen: str) -> None:
    """Run the chosen models on the scratch warehouse, in a process of its own; no tests, no seeds."""
    done = subprocess.run(  # noqa: S603 - our own executable and arguments
        [
            build.dbt_executable(), "--quiet", "run", "--full-refresh", *chosen,
            "--project-dir", str(build.DBT_PROJECT),
        ],
        env=build.environment_at_home(scratch),
        cwd=scratch.root,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = " ".join((done.stdout + done.stderr).split()[-60:])
        raise MeterhouseError(
            f"rating under other prices failed: {last or 'dbt gave no reason'}.",
            file=home.root,
            way_out="Nothing of the home was changed. `meterhouse prices check` names errors of the price tables.",
        )

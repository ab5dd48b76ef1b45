"""A home that a scenario happens in: real landing step, real SQL of staging and rating, a clock that is set.

What the outcome must be belongs in `expectations.py`; that a rebuild of the touched days alone comes to
the same belongs in `partial.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines import build
from pipelines.landing import ingest
from pipelines.landing.manifest import read_manifest
from pipelines.pricing.months import touched_months
from pipelines.pricing.tables import RATES, load
from pipelines.settings import load_settings
from tests.landing.homes import drop, land, make_home
from tests.rating.case import Case
from tests.rating.models import sql_of
from tests.scenarios.scenario import TABLES, Row, Scenario, Step

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    import pytest

    from pipelines.home import Home
    from pipelines.landing.ingest import IngestSummary
    from pipelines.landing.manifest import Commit

MONTHLY = frozenset({"allowance", "graduated", "volume"})


@dataclass
class HomeCase(Case):
    """A case whose events are those of a home; `days` and `months` are what a build is asked to make."""

    home: Home | None = None
    commits: list[Commit] = field(default_factory=list)
    days: set[str] = field(default_factory=set)
    months: set[str] = field(default_factory=set)

    def _land(self) -> None:
        """What `pipelines.build.prepare` writes for the models, and staging by its own SQL."""
        con = self.con
        assert self.home is not None
        self.home.work.mkdir(parents=True, exist_ok=True)
        shifts = "(0)" if self.billing_time_zone == "UTC" else "(-1), (0), (1)"
        con.execute("create or replace table run.touched_days (usage_date date)")
        build._insert(con, "run.touched_days", [[day] for day in sorted(self.days)])
        con.execute(f"""
            create or replace table run.touched_charge_days as
            select distinct usage_date + shift as charge_date
            from run.touched_days cross join (values {shifts}) as s (shift)""")
        con.execute("create or replace table run.touched_months (charge_month date)")
        build._insert(con, "run.touched_months", [[month] for month in sorted(self.months)])
        build._write_superseded(con, self.home, self.commits)
        paths = [self.home.root / p for c in self.commits for day, p in c.events.items() if day in self.days]
        con.execute("set variable event_files = ?", [[str(build._no_events(con, self.home)), *map(str, sorted(paths))]])
        con.execute("drop table if exists stg_usage_events")
        con.execute(f"create table stg_usage_events as {sql_of('stg_usage_events')}")


class World:
    """What has been delivered and what the price book says, by the clock of the scenario."""

    def __init__(
        self, root: Path, scenario: Scenario, clock: pytest.MonkeyPatch, con: duckdb.DuckDBPyConnection
    ) -> None:
        self._clock = clock
        self._asked = {name for step in scenario.steps for name in step.expect}
        self._files = 0
        self.settings = dict(scenario.settings)
        self.prices = {table: list(rows) for table, rows in scenario.prices.items()}
        self.prices["rates"] += seed_rows(scenario.seed_models)
        self.home = make_home(root)
        self.case = HomeCase(home=self.home, con=con)

    def learn(self, step: Step) -> bool:
        """Append to the price book and change settings; whether there was anything to do."""
        for table in TABLES:
            self.prices[table] += step.prices[table]
        self.settings |= step.settings
        return any(step.prices.values()) or bool(step.settings)

    def deliver(self, at: datetime, files: list[list[Row]]) -> IngestSummary:
        """Drop files under landing/ and take them in, when the clock says `at`."""
        self.home.config.write_text(settings_text(self.settings), encoding="utf-8")
        for records in files:
            self._files += 1
            # A feed is a folder: the source is not said in the record.
            for source in dict.fromkeys(r.get("source", "gateway") for r in records):
                lines = [{k: v for k, v in r.items() if k != "source"} for r in records
                         if r.get("source", "gateway") == source]  # fmt: skip
                drop(self.home, f"{source}/{self._files:03}.jsonl", lines)

        class Stopped(datetime):
            @classmethod
            def now(cls, tz: object) -> datetime:  # noqa: ARG003 - callers ask for UTC
                return at

        with self._clock.context() as patch:
            patch.setattr(ingest, "datetime", Stopped)
            return land(self.home)

    def rate(self) -> HomeCase:
        """Build everything anew from what there is now."""
        self.home.config.write_text(settings_text(self.settings), encoding="utf-8")
        case, settings = self.case, load_settings(self.home)
        for table, rows in self.prices.items():
            setattr(case, table, rows)
        case.revenue_card, case.cost_card = settings.pricing.revenue_card, settings.pricing.cost_card
        case.known_at = str(settings.pricing.known_at_utc())
        case.reporting_currency, case.billing_time_zone = settings.reporting_currency, settings.billing_time_zone
        case.commits = read_manifest(self.home)
        case.days = build.changed_days(case.commits, 0, None)
        case.months = touched_months(case.days, case.billing_time_zone)
        # Every table is made that the scenario looks into: the others only take time.
        made = {"reported": ["spend_reported"], "spread": ["spread_days"], "serving": ["spread_days", "serving_days"]}
        more = dict.fromkeys(model for name, models in made.items() if name in self._asked for model in models)
        case.rate("rated_usage", "spend_daily", *more)
        return case

    @property
    def counts_by_month(self) -> bool:
        """Whether some term counts over a billing month."""
        return not MONTHLY.isdisjoint(row["kind"] for row in self.prices["terms"])

    @property
    def looks_beyond_a_request(self) -> bool:
        """Whether the amount of a request depends on other requests, of its month or day."""
        return self.counts_by_month or bool(self.prices["serving_hours"])


def seed_rows(models: list[str]) -> list[Row]:
    """The rows of the price book that comes with Meterhouse for these models of OpenAI."""
    if not models:
        return []
    rows = load(RATES).to_pylist()
    return [
        {name: row[name] for name in RATES.columns}
        for row in rows
        if row["provider"] == "openai" and row["model"] in models
    ]


def settings_text(settings: dict[str, str]) -> str:
    """A meterhouse.toml of a scenario's settings."""
    pricing = {"revenue_card", "cost_card", "known_at"}
    first = [f'{name} = "{value}"' for name, value in settings.items() if name not in pricing]
    then = [f'{name} = "{value}"' for name, value in settings.items() if name in pricing]
    source = '[[sources]]\nname = "gateway"\nformat = "canonical"\n'
    return "\n".join([*first, "[pricing]", *then, source])

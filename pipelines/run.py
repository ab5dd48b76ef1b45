"""The main job: landing → warehouse → watch → exports → pages, each step once, under one lock.

The CLI, the Dagster assets and the tests call the functions of the steps named here. What a step
does belongs in its own package; how progress is shown belongs in `progress.py`.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import duckdb

from pipelines import build, warehouse
from pipelines.cases.decisions import fingerprint, load_decisions
from pipelines.cases.states import AUDIT, BENIGN
from pipelines.landing.ingest import IngestSummary, ingest
from pipelines.organizations.facts import load_organizations, read_facts
from pipelines.organizations.place import facts_digest
from pipelines.organizations.unseen import unseen_organizations
from pipelines.publish.exports import export_published, follow_moved_home, published_folder
from pipelines.sql import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.home import Home
    from pipelines.settings import Settings


class Step(Protocol):
    """Shows one step as it goes on."""

    def update(self, done: int, total: int, label: str = "") -> None:
        """`done` of `total` units; `label` names the current one."""

    def finish(self, rows: int, unit: str) -> None:
        """Rows handled in all."""


class Reporter(Protocol):
    """Gives a step something to report to."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """A context for one step."""


class _Silent:
    def update(self, done: int, total: int, label: str = "") -> None:
        pass

    def finish(self, rows: int, unit: str) -> None:
        pass

    def step(self, name: str) -> AbstractContextManager[Step]:  # noqa: ARG002
        return nullcontext(self)


class _Timed:
    """Hands steps on to a reporter and keeps their wall seconds by name."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        began = time.monotonic()
        with self._reporter.step(name) as shown:
            yield shown
        self.seconds[name] = round(time.monotonic() - began, 3)


@dataclass(frozen=True, slots=True)
class Money:
    """Totals of everything published, in one currency; None where nothing is known.

    `idle` is the cost of hours of GPUs that served no request: it is in no cost and no margin. `foreign` is cost in
    other currencies, (currency, amount), of requests that are billed in this one.
    """

    currency: str
    revenue: Decimal | None
    cost: Decimal | None
    margin: Decimal | None
    idle: Decimal | None
    foreign: tuple[tuple[str, Decimal], ...] = ()
    has_requests: bool = True


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Usage that suspensions and licences do not allow, and what could not be told of it."""

    organizations: int = 0
    flags: int = 0
    flagged_organizations: int = 0
    unknown_region_requests: int = 0
    begun_hour_requests: int = 0


@dataclass(frozen=True, slots=True)
class FactsSummary:
    """The file of facts about organisations: its faults, a sentence each, and what else is to be told of it."""

    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Decisions about cases that count: how many, the digest of the last sealed one, and what does not verify."""

    decisions: int = 0
    head: str = ""
    unsealed: int = 0
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run took in and what stands published after it."""

    ingest: IngestSummary
    changed: bool
    requests: int
    unpriced_requests: int
    money: tuple[Money, ...]
    flags: int
    watch_note: str
    enforcement: Enforcement
    facts: FactsSummary
    pages: int
    seconds: float
    breaches: tuple[str, ...]
    steps: dict[str, float]
    unpriced_gpu_hours: Decimal | None = None
    flags_to_review: int = 0
    audit_cases: int = 0
    reviewed: Reviewed = field(default_factory=Reviewed)

    @property
    def priced_share(self) -> Decimal | None:
        """Share of requests with a revenue amount, 0 to 1; None without requests."""
        if not self.requests:
            return None
        return Decimal(self.requests - self.unpriced_requests) / self.requests


def run_all(home: Home, settings: Settings, reporter: Reporter | None = None) -> RunSummary:
    """The scheduled batch. A run with nothing new finds that out before it pays for dbt."""
    report = _Timed(reporter or _Silent())
    began = time.monotonic()
    with warehouse.writer_lock(home):
        with report.step("landing") as step:
            taken = ingest(home, settings, lambda name, done, total: step.update(done, total, name))
            step.finish(taken.records_read, "records")
        plan = build.plan_build(home, settings)
        changed = plan.needed or _finished(home) != _finish_line(home, plan, settings)
        if plan.needed:
            with report.step("warehouse") as step:
                build_warehouse(home, settings, plan)
                step.finish(len(plan.days), "days")
        if changed:
            with report.step("watch") as step:
                step.finish(run_watch(home, settings), "organisation-days")
            with report.step("exports") as step:
                step.finish(sum(export_published(home, plan).rows.values()), "rows")
            with report.step("pages") as step:
                step.finish(build_pages(home, settings), "pages")
            remember_finish(home, settings, plan)
        else:
            follow_moved_home(home)
        summary = _summary(
            home, settings, taken, changed=changed, seconds=time.monotonic() - began, steps=report.seconds
        )
        _log_run(home, summary)
    return summary


def build_warehouse(home: Home, settings: Settings, plan: build.Plan) -> None:
    """Rebuild the touched days with dbt, and remember it."""
    build.prepare(home, settings, plan)
    build.run_dbt(home, plan)
    build.remember(home, plan)


def run_watch(home: Home, settings: Settings) -> int:
    """Score organisation-days, write the flags and apply the decisions; returns the number of organisation-days.

    From here on flags, exports and pages may differ from each other, until the run is remembered as complete.
    """
    from pipelines.cases.apply import review_of
    from pipelines.watch.enforcement import find_enforcement_flags
    from pipelines.watch.run import watch

    _finish_file(home).unlink(missing_ok=True)
    with warehouse.connect(home) as con:
        facts = load_organizations(home, con)
        judged = watch(con, settings, review_of(home)).organization_days
        find_enforcement_flags(con, settings, faults=len(facts.faults))
        return judged


def build_pages(home: Home, settings: Settings) -> int:
    """Render the site from the published Parquet; returns the number of pages."""
    from pipelines.publish.site import build_site

    return build_site(published_folder(home), home, settings).pages


def _finish_line(home: Home, plan: build.Plan, settings: Settings) -> str:
    """Digest of everything that flags and pages are made from."""
    root = Path(__file__).parent
    code = hashlib.sha256()
    files = [root / "money.py", root / "landing" / "contract.py", root / "pricing" / "units.py"]
    ours = ("organizations", "cases", "watch", "publish")
    for folder in (*(root / name for name in ours), root.parent / "dashboards"):
        files += sorted(folder.rglob("*"))
    for path in files:
        # The watch's bench decides nothing.
        if path.is_file() and not {"__pycache__", "bench"} & set(path.relative_to(root.parent).parts):
            code.update(path.read_bytes())
    given = (settings.model_dump_json(), facts_digest(home), fingerprint(home))
    parts = (str(plan.commits), plan.fingerprint, code.hexdigest(), *given)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _finished(home: Home) -> str | None:
    """What the last complete run ended with; None when its pages or exports are gone."""
    file = _finish_file(home)
    if not (file.exists() and home.site.is_dir() and published_folder(home).exists()):
        return None
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["finish_line"])
    except (ValueError, KeyError):
        return None


def remember_finish(home: Home, settings: Settings, plan: build.Plan) -> None:
    """Record that flags, exports and pages are up to date with the plan's inputs."""
    _finish_file(home).write_text(json.dumps({"finish_line": _finish_line(home, plan, settings)}), encoding="utf-8")


def _finish_file(home: Home) -> Path:
    return home.work / "finished.json"


def _summary(
    home: Home, settings: Settings, taken: IngestSummary, *, changed: bool, seconds: float, steps: dict[str, float]
) -> RunSummary:
    folder = published_folder(home)
    with duckdb.connect() as con:
        spend = f"read_parquet({literal(folder / 'spend_daily.parquet')})"
        requests, unpriced = con.execute(
            f"select coalesce(sum(requests), 0)::bigint, coalesce(sum(unpriced_requests), 0)::bigint from {spend}"
        ).fetchone() or (0, 0)
        money = con.execute(f"""
            with spent as (
                select
                    billing_currency as currency, sum(revenue_amount) as revenue, sum(cost_amount) as cost,
                    sum(margin_amount) as margin, true as has_requests
                from {spend} where billing_currency is not null group by all
            ),
            abroad as (
                select currency, list((cost_currency, amount) order by cost_currency) as abroad
                from (
                    select billing_currency as currency, cost_currency, sum(foreign_cost_amount) as amount
                    from {spend} where foreign_cost_amount is not null group by all
                ) as amounts
                group by currency
            ),
            idle as (
                select cost_currency as currency, sum(idle_amount) as idle
                from read_parquet({literal(folder / "serving_days.parquet")}) where idle_amount > 0 group by all
            )
            from spent full join idle using (currency) left join abroad using (currency)
            select currency, revenue, cost, margin, idle, coalesce(abroad, []), coalesce(has_requests, false)
            order by currency""").fetchall()
        (hours,) = con.execute(f"""
            select sum(gpu_hours) from read_parquet({literal(folder / "serving_days.parquet")})
            where serving_amount is null""").fetchone() or (None,)
        (note,) = con.execute(
            f"select note from read_parquet({literal(folder / 'watch_summary.parquet')})"
        ).fetchone() or ("",)
        told = con.execute(f"""
            select organizations, flags, flagged_organizations, unknown_region_requests, begun_hour_requests
            from read_parquet({literal(folder / "enforcement_summary.parquet")})""").fetchall()
        facts = facts_summary(home, con)
        flags, to_review, audits = con.execute(
            f"""select
                count(*) filter (not audit), count(*) filter (not audit and waits), count(*) filter (audit)
            from (
                select
                    detector = $audit as audit,
                    -- A benign case that is in the queue is above what was allowed, or later.
                    state = 'new' or list_contains($benign, state)
                    or coalesce(until < (
                        select last_day from read_parquet({literal(folder / "watch_summary.parquet")})
                    ), false) as waits
                from read_parquet({literal(folder / "extraction_flags.parquet")})
            ) as cases""",
            {"audit": AUDIT, "benign": sorted(BENIGN)},
        ).fetchone() or (0, 0, 0)
    reviewed = load_decisions(home)
    return RunSummary(
        ingest=taken,
        changed=changed,
        requests=requests,
        unpriced_requests=unpriced,
        money=tuple(
            Money(currency, revenue, cost, margin, idle, tuple(foreign), has_requests)
            for currency, revenue, cost, margin, idle, foreign, has_requests in money
        ),
        flags=flags,
        watch_note=note,
        enforcement=Enforcement(*told[0]) if told else Enforcement(),
        facts=facts,
        pages=sum(1 for _ in home.site.rglob("*.html")),
        seconds=seconds,
        breaches=tuple(breaches(settings, taken, requests, unpriced)),
        steps=steps,
        unpriced_gpu_hours=hours and hours.normalize(),
        flags_to_review=to_review,
        audit_cases=audits,
        reviewed=Reviewed(
            len(reviewed.entries),
            reviewed.head.digest if reviewed.head.entries else "none",
            reviewed.unsealed,
            tuple(str(fault) for fault in reviewed.faults),
        ),
    )


def facts_summary(home: Home, con: duckdb.DuckDBPyConnection) -> FactsSummary:
    """What is to be told of the file of facts; `con` reads the exports."""
    facts = read_facts(home)
    activity = f"read_parquet({literal(published_folder(home) / 'activity_daily.parquet')})"
    notes = unseen_organizations(facts, con, activity) if facts.rows is not None else ()
    return FactsSummary(tuple(fault.paragraph() for fault in facts.faults), notes)


def breaches(settings: Settings, taken: IngestSummary, requests: int, unpriced: int) -> list[str]:
    """Limits of meterhouse.toml that this run passed."""
    limits, found = settings.limits, []
    most = limits.max_quarantined_records
    if most is not None and taken.quarantined > most:
        found.append(f"{taken.quarantined:,} records were quarantined; limits.max_quarantined_records is {most:,}")
    share = limits.max_quarantined_share
    if share is not None and taken.records_read and taken.quarantined > share * taken.records_read:
        found.append(
            f"{taken.quarantined:,} of {taken.records_read:,} records were quarantined; "
            f"limits.max_quarantined_share is {share:g}"
        )
    share = limits.max_unpriced_share
    if share is not None and requests and unpriced > share * requests:
        found.append(f"{unpriced:,} of {requests:,} requests are not priced; limits.max_unpriced_share is {share:g}")
    return found


def _log_run(home: Home, summary: RunSummary) -> None:
    """One line a run in runs.jsonl: what ran when, for people; nothing reads it back."""
    record = {"ended_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(summary)}
    with (home.root / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, default=str) + "\n")

"""The `meterhouse` command: thin, every command calls the functions the Dagster assets call."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.errors import MeterhouseError
from pipelines.home import Home, resolve_home
from pipelines.options import home_option

if TYPE_CHECKING:
    from decimal import Decimal

# Commands that live beside what they do: name → (module, attribute, line of help).
_ELSEWHERE = {
    "simulate": (
        "pipelines.simulate.commands",
        "simulate",
        "Write realistic logs with known truth.",
    ),
    "check": ("pipelines.landing.commands", "check", "Say what would become of a file's lines."),
    "formats": ("pipelines.landing.commands", "formats", "List the log formats that can be taken in."),
    "quarantine": (
        "pipelines.landing.quarantine.commands",
        "quarantine",
        "Work on records that were not accepted.",
    ),
    "cases": ("pipelines.cases.commands", "cases", "Review cases of the watch and decide about them."),
    "watch": ("pipelines.watch.commands", "watch", "Measure what the extraction watch is worth."),
    "prices": ("pipelines.pricing.commands", "prices", "List, check and import rates."),
    "explain": (
        "pipelines.pricing.explain_commands",
        "explain",
        "Show how one request got its amounts.",
    ),
    "unpriced": (
        "pipelines.pricing.explain_commands",
        "unpriced",
        "List what lacks a rate, with the rows that would help.",
    ),
    "what-if": (
        "pipelines.pricing.explain_commands",
        "what_if",
        "Rate the same tokens with other prices or models.",
    ),
    "break-even": (
        "pipelines.pricing.explain_commands",
        "break_even",
        "Tell whether tuned models have paid for themselves.",
    ),
}

_MOST_FAULTS = 20


class _Commands(click.Group):
    """Loads a command's module only when it is asked for: start-up stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _ELSEWHERE:
            module, attribute, _ = _ELSEWHERE[cmd_name]
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MeterhouseError as error:
            cause = error.paragraph()
        except Exception as error:
            # Nobody should have to read a traceback; who wants it sets METERHOUSE_TRACEBACK=1.
            # A reader that has gone (`… | head`) is no failure of ours: click ends quietly.
            own = click.exceptions.ClickException | click.exceptions.Exit | click.Abort | BrokenPipeError
            if isinstance(error, own):
                raise
            if os.environ.get("METERHOUSE_TRACEBACK"):
                raise
            from pipelines.machine import machine_error

            known = machine_error(error)
            cause = known.paragraph() if known else _unforeseen(error)
        click.echo(f"meterhouse: {cause}", err=True)
        sys.exit(1)


def _unforeseen(error: Exception) -> str:
    return (
        f"{type(error).__name__}: {' '.join(str(error).split())} This was not foreseen. Nothing of this step "
        "was published; run again, and if it stays, report it with METERHOUSE_TRACEBACK=1 set."
    )


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: meterhouse run --home data",
)
@click.version_option(package_name="meterhouse")
def main() -> None:
    """Usage metering, rating and margin for LLM APIs, with a watch for model extraction.

    Logs dropped under HOME/landing/ are taken in exactly once, priced with the rate in force at
    each request's own instant, summed by organisation and product, and published as static pages
    and Parquet files.
    """


@main.command(epilog="Example: meterhouse init --home data")
@home_option
def init(home: Path) -> None:
    """Make a home: its folders and a commented meterhouse.toml."""
    from pipelines.init import make_home

    made = make_home(resolve_home(home))
    click.echo(f"{'Made' if made else 'Found'} {resolve_home(home).config}")


@main.command(epilog="Example: meterhouse run --home data")
@home_option
@click.option("--or-demo", is_flag=True, help="Write a demo home first where there is no home yet.")
def run(home: Path, *, or_demo: bool) -> None:
    """Take in what has landed, price it, and publish tables and pages.

    Ends with 0, or with 1 and the cause. Bad records are quarantined and do not stop the run, nor do
    folders whose format is not recognised, or faulty rows of organizations.csv; these, limits of
    meterhouse.toml that are passed, and decisions about cases that do not verify end it with 1 when
    all else is done.
    """
    from pipelines.progress import TerminalReporter
    from pipelines.run import run_all
    from pipelines.settings import load_settings

    place = resolve_home(home)
    if or_demo and not place.config.exists() and not _has_landed(place):
        _write_demo(place)
    _require_home(place, home)
    summary = run_all(place, load_settings(place), TerminalReporter())
    _print_summary(place, summary)
    if summary.ingest.unclear:
        raise MeterhouseError(
            " ".join(summary.ingest.unclear),
            way_out="Nothing of this was read; everything else is taken in, and tables and pages are up to date.",
        )
    if summary.facts.faults:
        more = len(summary.facts.faults) - 1
        raise MeterhouseError(
            f"facts about organisations are faulty: {summary.facts.faults[0]}"
            + (f" (and {more:,} more, above.)" if more else ""),
            way_out="All sound rows count, and tables and pages are up to date; see docs/organizations.md.",
        )
    if summary.breaches:
        raise MeterhouseError(
            "; ".join(summary.breaches) + ".",
            file=place.config,
            way_out="Tables and pages are up to date. See the data quality page, mend the source or raise the limit.",
        )
    if summary.reviewed.faults:
        from pipelines.cases.decisions import broken

        raise broken(place, summary.reviewed.faults)


@main.command(epilog="Example: meterhouse ui --home data --port 3000")
@home_option
@click.option("--port", default=3000, show_default=True, help="Port on this machine.")
def ui(home: Path, port: int) -> None:
    """Open Dagster's web UI on the home: asset graph, checks, schedule and sensor."""
    from pipelines.build import PROJECT

    place = resolve_home(home)
    _require_home(place, home)
    dagster_home = place.root / ".dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    (dagster_home / "dagster.yaml").write_text(
        (PROJECT / ".dagster" / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    dagster = str(Path(sys.executable).parent / "dagster")
    os.environ |= {
        "METERHOUSE_HOME": str(place.root),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        # Dagster's hint at its other command line, printed before anything else.
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
    os.execv(  # noqa: S606 - hands this process over to dagster
        dagster, [dagster, "dev", "-w", str(PROJECT / "workspace.yaml"), "-p", str(port)]
    )


def _require_home(place: Home, given: Path) -> None:
    if not (place.config.exists() or place.landing.is_dir()):
        raise MeterhouseError(
            "there is no Meterhouse home here.",
            file=place.root,
            way_out=f"Make one with `meterhouse init --home {given}`, or correct --home.",
        )


def _has_landed(home: Home) -> bool:
    return home.landing.is_dir() and any(p.is_file() for p in home.landing.rglob("*"))


def _write_demo(home: Home) -> None:
    from pipelines.simulate.simulation import simulate

    click.echo(f"Nothing has landed in {home.landing} yet: writing demo logs (30 days, 200 organisations).")
    simulate(home, days=30, organizations=200, requests=300_000, seed=7, log_format="litellm")


def _print_summary(home: Home, summary: Any) -> None:
    """The closing table: counts, money and where the pages are."""
    taken = summary.ingest
    share = summary.priced_share
    rows = [
        ("records read", f"{taken.records_read:,} from {taken.files:,} new files"),
        ("accepted", f"{taken.accepted:,}"),
        ("duplicates", f"{taken.duplicates:,}"),
        ("amendments", f"{taken.amendments:,}"),
        ("quarantined", f"{taken.quarantined:,}"),
        ("requests in all", f"{summary.requests:,}"),
        (
            "priced",
            "no requests yet" if share is None else _percent(share, summary.unpriced_requests),
        ),
    ]
    for money in summary.money:
        rows += _money_rows(money)
    if summary.unpriced_gpu_hours:
        rows.append(("GPU hours", f"{summary.unpriced_gpu_hours:f} have no price on the cost card, and are in no cost"))
    rows += [
        ("flags", _flags(summary)),
        *_enforcement_rows(summary.enforcement, len(summary.facts.faults)),
        ("pages", f"{summary.pages:,}"),
        (
            "time",
            f"{summary.seconds:.1f} s{'' if summary.changed else ', nothing new: pages unchanged'}",
        ),
    ]
    if summary.reviewed.decisions or summary.reviewed.faults:
        rows.insert(-2, ("decisions", _decisions(summary.reviewed)))
    for name, value in rows:
        click.echo(f"  {name:<16} {value}")
    _print_notices(home, summary)
    for audience in ("finance", "platform", "trust-safety"):
        page = home.site / audience / "index.html"
        if page.exists():
            click.echo(f"  {audience:<16} {page}")


def _print_notices(home: Home, summary: Any) -> None:
    """What needs somebody: refused records, files that were left, faults of what people wrote into the home."""
    taken = summary.ingest
    for fault in summary.reviewed.faults:
        click.echo(f"  DECISIONS DO NOT VERIFY: {fault}")
    if taken.quarantined:
        click.echo(f"  quarantined records, by reason: {home.site / 'platform' / 'quality.html'}")
        click.echo("  what to do about them: meterhouse quarantine list")
    for name in taken.unasked_files:
        click.echo(f"  not read: {name} (its source's `files` pattern in meterhouse.toml leaves it out)")
    for name in taken.growing_files:
        click.echo(f"  being written: {name} (what is not there yet is read by a later run)")
    for told in summary.facts.notes:
        click.echo(f"  note: {told}")
    for fault in summary.facts.faults[:_MOST_FAULTS]:
        click.echo(f"  does not count: {fault}")


def _enforcement_rows(found: Any, faults: int) -> list[tuple[str, str]]:
    """Lines about facts of organisations, where the home has any."""
    if not (found.organizations or faults):
        return []
    on = f"{_counted(found.flags, 'flag')} on {_counted(found.flagged_organizations, 'organisation')}"
    flags = f"{on}: used after a suspension or outside a licence"
    if not found.flags:
        flags = "no usage after a suspension or outside a licence"
    if not found.organizations:
        flags = "no fact to hold usage against"
    unknown = [
        f"{found.unknown_region_requests:,} requests without a region, which a licence limits"
        if found.unknown_region_requests
        else "",
        f"{found.begun_hour_requests:,} in the hour in which a suspension began" if found.begun_hour_requests else "",
    ]
    told = "; ".join(filter(None, [flags, *unknown]))
    counted = f"of {_counted(found.organizations, 'organisation')}"
    rows = [("facts", counted + (f"; {_counted(faults, 'fault')}, see below" if faults else ""))]
    return [*rows, ("enforcement", told)]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _flags(summary: Any) -> str:
    """Cases within the alert budget, how many of them wait for a reviewer, and the audit sample beside them."""
    waiting = summary.flags_to_review
    text = f"{summary.flags:,} to review" if waiting == summary.flags else f"{summary.flags:,}, {waiting:,} to review"
    if summary.audit_cases:
        text += f", and {summary.audit_cases:,} drawn at random"
    return text + (f": {summary.watch_note}" if summary.watch_note else "")


def _decisions(reviewed: Any) -> str:
    """How many decisions about cases there are and the head of their chain, to be compared with what was noted."""
    text = f"{reviewed.decisions:,}, head {reviewed.head[:16]}"
    if reviewed.unsealed:
        text += f"; {reviewed.unsealed:,} not sealed: meterhouse cases seal"
    return text


def _money_rows(money: Any) -> list[tuple[str, str]]:
    """What is known in one currency; margin is of the requests of which both sides are."""
    rows = []
    if money.has_requests:
        rows.append((f"revenue {money.currency}", _amount(money.revenue)))
        if money.cost is not None or not money.foreign:
            rows.append((f"cost {money.currency}", _amount(money.cost)))
        for currency, cost in money.foreign:
            rows.append((f"cost {currency}", f"{_amount(cost)}, of requests billed in {money.currency}"))
        has_two = money.margin is None and money.foreign
        margin = "none: the cost is in another currency" if has_two else _amount(money.margin)
        if None not in (money.margin, money.revenue, money.cost) and money.margin != money.revenue - money.cost:
            margin += ", of the requests whose revenue and cost are both known"
        rows.append((f"margin {money.currency}", margin))
    if money.idle is not None:
        rows.append((f"idle GPUs {money.currency}", f"{_amount(money.idle)}, in no cost: hours without requests"))
    return rows


def _percent(share: Decimal, unpriced: int) -> str:
    # Never rounded up to 100 %: a single unpriced request must show.
    shown = f"{share * 100:.2f} %"
    if unpriced and shown.startswith("100"):
        shown = "> 99.99 %"
    return shown + (f" ({unpriced:,} not priced)" if unpriced else "")


def _amount(value: Decimal | None) -> str:
    from pipelines.money import shown

    return "unknown" if value is None else f"{shown(value, 2):,}"

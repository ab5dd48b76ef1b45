"""`meterhouse cases list|show|decide|seal|export`: thin, the work is done beside this module."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from pipelines.cases.export_command import export
from pipelines.cases.states import BENIGN, STATES
from pipelines.errors import MeterhouseError
from pipelines.home import Home, resolve_home
from pipelines.options import home_option

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from pipelines.cases.decisions import Decisions
    from pipelines.cases.listing import Listed


@click.group("cases", epilog="Example: meterhouse cases list --home data")
def cases() -> None:
    """Review the cases of the extraction watch and decide about them.

    Decisions are kept in cases/decisions.yaml of the home, and count from the next `meterhouse run`.
    """


cases.add_command(export)


@cases.command("list", epilog="Example: meterhouse cases list --state new --home data")
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help="Only those in this state.")
@click.option("--organization", help="Only those of this organisation, linked ones too.")
@click.option("--all", "everything", is_flag=True, help="Decided cases that left the queue too.")
@home_option
def list_cases(state: str | None, organization: str | None, home: Path, *, everything: bool) -> None:
    """List the cases of the queue: those to review first, then those in work, then those that are done.

    Ends with an estimate of the share that the watch finds, from decided cases of the audit sample.
    Ends with 1 where the decisions do not verify.
    """
    from pipelines.cases.listing import FINISHED, IN_WORK, TO_REVIEW
    from pipelines.cases.recall import estimate_recall
    from pipelines.cases.text import show_list, show_recall, show_record

    place, decisions, found = _opened(home)
    today = _today()
    chosen = [
        case
        for case in found
        if (everything or case.rank is not None)
        and state in {None, case.state}
        and (organization is None or organization in case.organization_ids)
    ]
    fresh = _queue_knows(place, decisions)
    order = [TO_REVIEW, IN_WORK, FINISHED]
    chosen.sort(key=lambda case: order.index(case.standing(today, fresh=fresh)))
    console = _console()
    show_list(console, chosen, today, fresh=fresh)
    show_record(console, decisions)
    show_recall(console, estimate_recall(decisions.latest().values()))
    _tell_faults(place, decisions)


@cases.command("show", epilog="Example: meterhouse cases show 3f2a9c --home data")
@click.argument("case")
@home_option
def show(case: str, home: Path) -> None:
    """Show a case: reasons, counter-evidence, output by day, and what was decided. CASE may be the id's beginning."""
    from pipelines.cases.listing import days_of, find_case
    from pipelines.cases.text import show_case

    place, decisions, found = _opened(home)
    chosen = find_case(found, case)
    show_case(_console(), chosen, days_of(place, chosen), _today())
    _tell_faults(place, decisions)


@cases.command(
    "decide",
    epilog='Example: meterhouse cases decide 3f2a9c --state benign_batch --reviewer ana --why "announced backfill"',
)
@click.argument("case")
@click.option("--state", type=click.Choice(STATES), required=True, metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--reviewer", required=True, metavar="NAME", help="Who decides.")
@click.option("--why", required=True, metavar="TEXT", help="The reason, for whoever reads it in a year.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="When it is due again; of a benign case in 90 days, else never.",
)
@click.option(
    "--cap", type=click.IntRange(min=1), metavar="N",
    help="Output tokens a day that a benign decision allows; else the highest day of the case.",
)  # fmt: skip
@home_option
def decide(case: str, state: str, reviewer: str, why: str, until: datetime | None, cap: int | None, home: Path) -> None:
    """Decide about a case, on record. A benign decision lets as much pass, until a date.

    What was decided is never changed: another decision corrects it.
    """
    from pipelines.cases.deciding import highest_days, make_decision, snapshots
    from pipelines.cases.decisions import broken
    from pipelines.cases.listing import find_case
    from pipelines.cases.store import add

    place, decisions, found = _opened(home)
    if decisions.faults:
        raise broken(place, decisions.faults)
    chosen = find_case(found, case)
    entry = make_decision(place, chosen, state=state, reviewer=reviewer, why=why, until=until and until.date(), cap=cap)
    head = add(place, entry, snapshots(found))
    click.echo(f"Case {chosen.case_id} is {state}" + (f" until {entry.until}" if entry.until else "") + ".")
    if entry.allow:
        _tell_allowed(entry.allow[0].cap_output_tokens_per_day, len(entry.allow), cap)
        most = max(highest_days(place, chosen).values(), default=0)
        if cap is not None and most > cap:
            click.echo(f"Its highest day has {most:,}: above that, so the case stays in the queue.")
    elif state in BENIGN:
        click.echo("It was drawn at random, so nothing needs to be allowed.")
    click.echo(f"Decision {head.entries}, head {head.digest}")
    click.echo(f"Next: `meterhouse run --home {home}` applies it.")


@cases.command("seal", epilog="Example: meterhouse cases seal --home data")
@home_option
def seal(home: Path) -> None:
    """Give decisions that were written into the file by hand their place in the chain of digests."""
    from pipelines.cases.deciding import snapshots
    from pipelines.cases.store import seal as seal_all

    place, _, found = _opened(home)
    sealed, head = seal_all(place, snapshots(found))
    click.echo(f"{sealed:,} sealed. Decision {head.entries}, head {head.digest}")


def _tell_allowed(cap: int, organizations: int, given: int | None) -> None:
    if organizations == 1 or given is not None:
        click.echo(f"It allows {cap:,} output tokens a day" + ("." if organizations == 1 else " to each organisation."))
    else:
        click.echo(f"It allows each of {organizations:,} organisations its highest day of the case.")


def _opened(given: Path) -> tuple[Home, Decisions, list[Listed]]:
    from pipelines.cases.decisions import load_decisions
    from pipelines.cases.listing import all_cases

    home = resolve_home(given)
    if not (home.config.exists() or home.landing.is_dir()):
        raise MeterhouseError(
            "there is no Meterhouse home here.",
            file=home.root,
            way_out="Correct --home, or make one with `meterhouse init`.",
        )
    decisions = load_decisions(home)
    return home, decisions, all_cases(home, decisions)


def _queue_knows(home: Home, decisions: Decisions) -> bool:
    """Whether the published queue was made with the decisions as they are now."""
    from pipelines.cases.listing import published_decisions

    return published_decisions(home) == len(decisions.entries)


def _tell_faults(home: Home, decisions: Decisions) -> None:
    from pipelines.cases.decisions import broken

    if decisions.faults:
        raise broken(home, decisions.faults)


def _today() -> date:
    return datetime.now(UTC).date()


def _console() -> Console:
    """A terminal's own width; what is piped is 100 wide."""
    from pipelines.console import make_console

    return make_console(piped_width=100)

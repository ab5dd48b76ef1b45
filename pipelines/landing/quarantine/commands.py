"""`meterhouse quarantine list|show|retry|drop`: thin, the work is done beside this module."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pipelines.errors import MeterhouseError
from pipelines.home import Home, resolve_home
from pipelines.landing.quarantine.held import Selection
from pipelines.options import home_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.console import Console


def _selects(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which records are meant."""
    for option in (
        click.option("--reason", metavar="TEXT", help="Only those whose reason has this text."),
        click.option("--source", help="Only those of this source."),
    ):
        command = option(command)
    return command


_place = click.argument("place", required=False, metavar="[FILE[:LINE]]")


@click.group("quarantine", epilog="Example: meterhouse quarantine list --home data")
def quarantine() -> None:
    """Work on records that were not accepted.

    Look at them, mend the settings or the format, and read them again; or drop them, on record.
    """


@quarantine.command("list", epilog="Example: meterhouse quarantine list --source gateway --home data")
@_selects
@click.option("--dropped", is_flag=True, help="What was dropped instead: when, by whom and why.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@home_option
def list_groups(source: str | None, reason: str | None, home: Path, *, dropped: bool, as_json: bool) -> None:
    """List what is in quarantine by source and reason: how much, what is at stake, and an example."""
    from pipelines.landing.quarantine import text
    from pipelines.landing.quarantine.drop import all_dropped
    from pipelines.landing.quarantine.groups import find_groups
    from pipelines.settings import load_settings

    place = _existing(home)
    if dropped and reason is not None:
        raise click.UsageError("--dropped takes --source, but not --reason.")
    drops = all_dropped(place, source) if dropped else []
    groups = [] if dropped else find_groups(place, load_settings(place), Selection(source, reason))
    if as_json:
        told = [d.as_json() for d in drops] + [g.as_json() for g in groups]
        click.echo(json.dumps(told, indent=2))
    elif dropped:
        text.show_dropped(_console(), drops)
    else:
        text.show_groups(_console(), groups)


@quarantine.command("show", epilog="Example: meterhouse quarantine show 2026-05-03.jsonl:12 --home data")
@_place
@_selects
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@home_option
def show(place: str | None, source: str | None, reason: str | None, limit: int, home: Path) -> None:
    """Show records with field, reason and what is kept of their text; of conflicts, what the two sides differ in.

    FILE is the name below the source's folder. Without anything else, the first records there are.
    """
    from pipelines.landing.quarantine.records import find_records
    from pipelines.landing.quarantine.text import show_records
    from pipelines.settings import load_settings

    where = _existing(home)
    show_records(_console(), *find_records(where, load_settings(where), Selection(source, reason, place), limit))


@quarantine.command("retry", epilog='Example: meterhouse quarantine retry --reason "is not a time" --home data')
@_place
@_selects
@home_option
def retry(place: str | None, source: str | None, reason: str | None, home: Path) -> None:
    """Read quarantined records again from their landed files, as the settings and formats are now.

    What is accepted leaves quarantine; `meterhouse run` then prices and publishes it. Without anything else all are
    tried. Ends with 1 where records could not be read again, as when their file is gone.
    """
    from pipelines.landing.quarantine.retry import retry as read_again
    from pipelines.landing.quarantine.text import show_retry
    from pipelines.settings import load_settings

    where = _existing(home)
    found = read_again(where, load_settings(where), Selection(source, reason, place))
    show_retry(_console(), found, str(home))
    if found.left:
        click.get_current_context().exit(1)


@quarantine.command("drop", epilog='Example: meterhouse quarantine drop a.jsonl --because "test traffic" --home data')
@_place
@_selects
@click.option("--because", required=True, metavar="TEXT", help="Why. Kept on record, with who and when.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
def drop(place: str | None, source: str | None, reason: str | None, because: str, home: Path, *, yes: bool) -> None:
    """Drop records that will never be taken in. `list --dropped` shows what was dropped.

    They stay counted, as dropped, in every file's account. Landing the same file again does not bring them back.
    """
    from pipelines.landing.quarantine.drop import drop as drop_records
    from pipelines.landing.quarantine.drop import to_drop
    from pipelines.landing.quarantine.text import show_dropped

    where = _existing(home)
    selection = Selection(source, reason, place)
    expected = to_drop(where, selection)
    if not yes:
        click.confirm(f"Drop {expected:,} record{'' if expected == 1 else 's'} for good?", abort=True)
    show_dropped(_console(), [drop_records(where, selection, because, expected=expected)])
    click.echo(f"\nNext: `meterhouse run --home {home}` shows it on the pages and in the tables.")


def _existing(given: Path) -> Home:
    home = resolve_home(given)
    if not (home.config.exists() or home.landing.is_dir()):
        raise MeterhouseError(
            "there is no Meterhouse home here.",
            file=home.root,
            way_out="Correct --home, or make one with `meterhouse init`.",
        )
    return home


def _console() -> Console:
    """A terminal's own width; what is piped is 100 wide."""
    from pipelines.console import make_console

    return make_console(piped_width=100)

"""How the commands of `meterhouse prices` show things: options they share, tables, percentages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from pipelines.console import make_console
from pipelines.errors import MeterhouseError
from pipelines.home import resolve_home
from pipelines.pricing.book import SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from rich.console import Console

    from pipelines.home import Home

INSTANT = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path),
    help="Home whose prices/ are read as well. Default: METERHOUSE_HOME, then ./data.",
)
book_option = click.option(
    "--book", type=FILE, default=SEED, help="The price book. Default: the one that comes with Meterhouse."
)
card_option = click.option("--card", help="Only this rate card.")
provider_option = click.option("--provider", help="Only this provider.")
model_option = click.option("--model", help="Only models whose id contains this text.")
at_option = click.option("--at", type=INSTANT, help="Only what is in force at this instant (UTC).")
known_at_option = click.option("--known-at", type=INSTANT, help="As the price tables were known at this instant (UTC).")


def priced_home(given: Path | None) -> Home:
    """The home whose price tables are read. None that was named has to be there; the book stands alone without one.

    Raises MeterhouseError where a home is named that is no folder: a slip of the pen would look like good tables.
    """
    place = resolve_home(given)
    if (given or os.environ.get("METERHOUSE_HOME")) and not place.root.is_dir():
        raise MeterhouseError(
            "there is no Meterhouse home here.",
            file=place.root,
            way_out="Correct --home, or make one with `meterhouse init`.",
        )
    return place


def console() -> Console:
    """A terminal's own width, else wide lines: what is piped is not cut."""
    return make_console(piped_width=240)


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Rows of plain text under their names; columns that are empty throughout are left out."""
    found = list(rows)
    if not found:
        return
    kept = [n for n in range(len(names)) if any(row[n] for row in found)]
    table = Table(*(names[n] for n in kept), title=title, title_justify="left")
    for row in found:
        table.add_row(*(row[n] for n in kept))
    console().print(table)


def say(text: str) -> None:
    """One line of plain text."""
    console().print(text, soft_wrap=True)


def signed_percent(value: Decimal | None) -> str:
    """+25.00 %, or nothing where there is no such figure."""
    return "" if value is None else f"{value:+} %"

"""`meterhouse explain|unpriced|what-if|break-even`: thin, the work is done beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.console import make_console
from pipelines.errors import MeterhouseError
from pipelines.home import resolve_home

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

INSTANTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]
_home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    help="Meterhouse home. Default: METERHOUSE_HOME, then ./data.",
)


@click.command("explain", epilog="Example: meterhouse explain chatcmpl-123 --home data")
@click.argument("event_id")
@click.option("--source", help="Feed the request came from, where several have that id.")
@_home
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, decimals as exact text.")
def explain(event_id: str, source: str | None, home: Path | None, *, as_json: bool) -> None:
    """Show how one request got its two amounts, price row by price row, or why it has none.

    Ends with 1 where the parts do not add up to the stored amount.
    """
    from pipelines.pricing.explain import explain as find
    from pipelines.pricing.explain_text import show

    place = resolve_home(home)
    found = find(place, event_id, source)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
    else:
        show(_console(), found)
    if not found.agrees:
        raise MeterhouseError(
            f"the parts of request {event_id!r} do not add up to its stored amount.",
            file=place.warehouse,
            way_out="The warehouse was changed from outside: delete it, and `meterhouse run` rebuilds it from events/.",
        )


@click.command("unpriced", epilog="Example: meterhouse unpriced --home data --side cost")
@_home
@click.option(
    "--side",
    type=click.Choice(["revenue", "cost"]),
    default="revenue",
    show_default=True,
    help="Amounts of which side.",
)
def unpriced(home: Path | None, side: str) -> None:
    """List what lacks a rate: by model and reason, with what is at stake, near rows and the lines that would fix it.

    As old as the last run. Figures that nobody has given stand as `?`.
    """
    from pipelines.pricing.unpriced import find_unpriced
    from pipelines.pricing.unpriced_text import show

    show(_console(), side, find_unpriced(resolve_home(home), side))


_day = click.DateTime(formats=["%Y-%m-%d"])


@click.command("what-if", epilog="Example: meterhouse what-if --model gpt-4o=gpt-4o-mini --from 2024-08-01 --home data")
@_home
@click.option(
    "--book",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Price book instead of the one that comes with Meterhouse; the home's own rows stay.",
)
@click.option("--known-at", type=click.DateTime(INSTANTS), help="Price book as it was known at this instant (UTC).")
@click.option("--revenue-card", help="Rate card of the revenue side.")
@click.option("--cost-card", help="Rate card of the cost side.")
@click.option(
    "--model", "models", multiple=True, metavar="A=B", help="Usage of A at the rates of B; ft:A is tuned. Repeatable."
)
@click.option("--from", "first", type=_day, help="First billing day. Default: the first there is.")
@click.option("--to", "last", type=_day, help="Last billing day. Default: the last there is.")
@click.option("--organization", help="Only this organisation.")
@click.option("--csv", type=click.Path(path_type=Path, dir_okay=False), help="Write every row that differs, exact.")
def what_if(
    home: Path | None,
    book: Path | None,
    known_at: datetime | None,
    revenue_card: str | None,
    cost_card: str | None,
    models: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    organization: str | None,
    csv: Path | None,
) -> None:
    """Rate the same tokens under other prices, cards or models, and compare with what is booked.

    Without a change it shows what the price tables, as they lie there now, would change in the next run. Nothing of
    the home is written.
    """
    from pipelines.pricing.rerate import Change
    from pipelines.pricing.what_if import what_if as compare
    from pipelines.pricing.what_if_text import show

    change = Change(book, known_at, revenue_card, cost_card)
    found = compare(
        resolve_home(home), change, models=models, first=first and first.date(), last=last and last.date(),
        organization=organization, csv=csv,
    )  # fmt: skip
    show(_console(), found)


@click.command("break-even", epilog="Example: meterhouse break-even --against gpt-4o-mini --home data")
@_home
@click.option("--against", metavar="MODEL", help="Another model to compare with, besides the base of each.")
@click.option("--organization", help="Only this organisation.")
def break_even(home: Path | None, against: str | None, organization: str | None) -> None:
    """Tell whether each tuned model has paid for itself, and if not, after how much use it will have.

    Compares what its tokens came to with what they would have come to at the base model's rate at the same instant,
    and sets training and hosting against the difference. As old as the last run.
    """
    from pipelines.pricing.break_even import break_even as find
    from pipelines.pricing.break_even_text import show

    show(_console(), find(resolve_home(home), against=against, organization=organization))


def _console() -> Console:
    """A terminal's own width; what is piped is 100 wide."""
    return make_console(piped_width=100)

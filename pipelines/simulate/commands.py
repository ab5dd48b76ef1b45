"""The command `meterhouse simulate`. The work belongs in `simulation.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from pipelines.home import resolve_home

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.simulate.delivery import LogFormat


@click.command(epilog="Example: meterhouse simulate --home demo --days 30 --requests 100000 --format litellm")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The home to write.")
@click.option("--days", type=click.IntRange(1, 3_650), default=30, show_default=True)
@click.option("--organizations", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Distinct requests.",
)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Same seed, same bytes.")
@click.option(
    "--format",
    "log_format",
    type=click.Choice(["litellm", "openai", "canonical"]),
    default="canonical",
    show_default=True,
)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2024-09-16",
    show_default=True,
    help="First day.",
)
@click.option("--no-campaigns", is_flag=True, help="Leave out the extraction campaigns, keep the look-alikes.")
@click.option(
    "--hostile-names",
    is_flag=True,
    help="Give one organisation a name that attacks pages and sheets.",
)
def simulate(
    home: Path | None,
    days: int,
    organizations: int,
    requests: int,
    seed: int,
    log_format: str,
    start: datetime,
    *,
    no_campaigns: bool,
    hostile_names: bool,
) -> None:
    """Write realistic LLM API logs whose truth is known.

    Logs go to landing/gateway, the truth about them (exact totals, campaigns, look-alikes) to
    truth/truth.json and truth/daily.parquet.
    """
    from pipelines.simulate.simulation import simulate as write

    target = resolve_home(home)
    truth = write(
        target,
        days=days,
        organizations=organizations,
        requests=requests,
        seed=seed,
        log_format=cast("LogFormat", log_format),
        start=start.date(),
        campaigns=not no_campaigns,
        hostile_names=hostile_names,
    )
    click.echo(
        f"{truth.records_written:,} records in {len(truth.files)} files under "
        f"{target.landing / truth.source}: "
        f"{truth.distinct_events:,} requests, {truth.duplicates:,} duplicates, "
        f"{truth.broken_lines['total']} broken lines; {len(truth.campaigns)} extraction campaigns. "
        f"Truth: {target.root / 'truth' / 'truth.json'}"
    )

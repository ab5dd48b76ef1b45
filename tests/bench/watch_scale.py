"""What a million organisation-days cost the watch: features and taught scores, as many copies of a bench population.

`python -m tests.bench.watch_scale [--days 1000000] [--memory 3GB]`: customers are simulated; copies have names of their
own for organisations, keys and templates, so that nothing is shared between them.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import time
from datetime import timedelta

import click
import duckdb

from pipelines.watch.bench.activity import FIRST_DAY, write_activity
from pipelines.watch.bench.customers import simulated_customers
from pipelines.watch.bench.fleet import split
from pipelines.watch.bench.population import populate
from pipelines.watch.bench.scene import HISTORY
from pipelines.watch.features import FILES, HISTORY_DAYS, MOST_SHARE, NEW_DAYS
from pipelines.watch.sql import run_sql
from pipelines.watch.taught.score import score
from pipelines.watch.taught.trees import load

TABLES = ("activity_daily", "activity_hourly", "activity_slices_daily", "activity_places_hourly")


@click.command()
@click.option("--days", default=1_000_000, show_default=True, help="Organisation-days to score.")
@click.option("--memory", default="3GB", show_default=True, help="DuckDB's limit.")
def main(days: int, memory: str) -> None:
    """Print the seconds of each step and the peak of memory."""
    customers, reasoning = simulated_customers(0)
    scene = populate(customers, reasoning, split(customers, 0)[1], 1, organizations=1_000, weeks=5, campaigns=1)
    folder = tempfile.mkdtemp()
    con = duckdb.connect(f"{folder}/scale.duckdb")
    con.execute(f"set memory_limit = '{memory}'; set preserve_insertion_order = false; set temp_directory = '{folder}'")
    write_activity(con, scene)
    [(one,)] = con.execute("select count(*) from marts.activity_daily").fetchall()
    copies = -(-days // one)
    for table in TABLES:
        own = "organization_id || '-' || copy as organization_id"
        named = ", case when slice = 'model' then named else named || '-' || copy end as named"
        con.execute(f"""
            create or replace table marts.{table} as
            select * replace ({own}{named if "slices" in table else ""})
            from marts.{table}, range({copies}) as copies (copy)""")
    con.execute("delete from watch.organizations")
    span = {
        "first_read": FIRST_DAY,
        "first_scored": FIRST_DAY + timedelta(days=HISTORY),
        "last_day": FIRST_DAY + timedelta(days=scene.days - 1),
        "history_days": HISTORY_DAYS,
        "new_days": NEW_DAYS,
        "most_share": MOST_SHARE,
    }
    began = time.monotonic()
    for name in FILES:
        step = time.monotonic()
        run_sql(con, f"features/{name}.sql", **span)
        click.echo(f"  {name:<14} {time.monotonic() - step:6.1f} s")
    step = time.monotonic()
    score(con, load()[1])
    click.echo(f"  {'scores':<14} {time.monotonic() - step:6.1f} s")
    seconds = time.monotonic() - began
    [(slices,)] = con.execute("select count(*) from watch_features").fetchall()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    click.echo(
        f"{one * copies:,} organisation-days ({slices:,} slices scored): {seconds:.1f} s, {peak:,.0f} MiB at peak "
        "(the copies included)"
    )
    con.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

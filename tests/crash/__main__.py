"""Kills whole runs at moments that a seed draws, and says of each what came of it.

Usage: python -m tests.crash [--kills 200] [--seed 7] [--only NUMBER] [--keep DIR]. The same seed and number die at the
same moment, except where the clock says when.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from tests.crash.runner import Runner
from tests.crash.whole import kill_runs


@click.command()
@click.option("--kills", default=200, show_default=True, help="How many runs to kill.")
@click.option("--seed", default=7, show_default=True, help="What the moments are drawn from.")
@click.option("--only", type=int, help="The one death of this number, to look at it again.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to work in that stays; else a temporary one.")
def main(kills: int, seed: int, only: int | None, keep: Path | None) -> None:
    """Kill runs, run again, compare with an undisturbed home; ends with 1 when one differs."""
    numbers = range(kills) if only is None else range(only, only + 1)
    dead = refused = wrong = 0
    with tempfile.TemporaryDirectory(prefix="crash-") as scratch, Runner() as runner:
        for one in kill_runs(keep or Path(scratch), runner, seed, numbers, as_installed=True):
            dead, refused, wrong = dead + one.killed, refused + one.refused, wrong + bool(one.faults)
            end = "killed" if one.killed else "ended before"
            waited = f", next run refused {one.refused} times" if one.refused else ""
            click.echo(f"{one.number:4} {one.kind:6} {end} at {one.where}{waited} ({one.seconds:.1f} s)")
            for fault in one.faults:
                click.echo(f"       FAULT {fault}")
            if one.faults:
                click.echo(f"       replay: python -m tests.crash --seed {seed} --only {one.number}")
    click.echo(f"{dead} of {len(numbers)} runs killed, {wrong} with faults, {refused} next runs refused; seed {seed}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

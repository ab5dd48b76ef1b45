"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

home_option = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="METERHOUSE_HOME",
    default="data",
    show_default=True,
    help="Meterhouse home; METERHOUSE_HOME sets it too.",
)
